"""Corpora to feature folders: everything told, nothing lost, nothing made twice."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from recordings import aistpp, amass, beeps, dancer, lafan1, pairs

import farandole
from farandole.cli.app import run
from farandole.data import importers, sequences
from farandole.data.corpus import JOURNAL, CorpusSettings, prepare_corpus
from farandole.data.feature_folder import FeatureFolder
from farandole.data.report import describe
from farandole.data.windows import STYLE_LABELS, Stream, Windows
from farandole.errors import DataError, OutputError
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.music import dance_features, features

BOTH = CorpusSettings(motion=("rot6d", "expmap_cr"), music=("bands",))


def prepare(source, target, wanted=BOTH, **options):
    found = importers.find_pairs(source)
    return prepare_corpus(found.sources, target, wanted, problems=found.problems, **options)


def test_pairs_become_a_feature_folder(tmp_path):
    source = pairs(tmp_path / "src", [f"dance{k}" for k in range(5)])
    done = prepare(source, tmp_path / "data", workers=2)
    assert (done.made, done.kept, done.problems) == (5, 0, [])
    folder = FeatureFolder(tmp_path / "data")
    assert folder.fps == 30
    assert sorted(folder.split("train") + folder.split("test")) == [f"dance{k}" for k in range(5)]
    assert len(folder.split("test")) == 1
    motion = load_motion(source / "dance3.bvh")
    features = folder.load("dance3", "rot6d")
    assert features.dtype == np.float32
    assert features.shape == (90, len(folder.features["rot6d"]))
    back = folder.codec("rot6d").decode(features)
    assert rot.angle_between(back.rotations[:, 1:], motion.rotations[:, 1:]).max() < 1e-3
    assert folder.load("dance3", "bands").shape == (90, 4)
    scaler = folder.scaler("rot6d")
    stacked = np.concatenate([folder.load(n, "rot6d") for n in folder.split("train")])
    np.testing.assert_allclose(scaler.maximum, stacked.max(axis=0), rtol=1e-6)
    assert (scaler.std > 0).all()
    assert not (tmp_path / "data" / JOURNAL).exists()
    corpus = json.loads((tmp_path / "data" / "corpus.json").read_text())
    assert len(corpus["records"]["dance0"]["sources"]["dance0.bvh"]) == 64
    assert corpus["codecs"]["expmap_cr"]["version"] == 1


def test_only_what_changed_is_made_again(tmp_path):
    source = pairs(tmp_path / "src", ["a", "b", "c"])
    prepare(source, tmp_path / "data")
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "data").glob("*.npy")}
    assert prepare(source, tmp_path / "data").made == 0
    (tmp_path / "data" / "c.rot6d.npy").write_bytes(b"damaged")
    dancer(3.0, seed=9).save(source / "b.bvh", force=True)
    pairs(source, ["a", "new"])  # a's files are written again with the same content
    done = prepare(source, tmp_path / "data")
    assert (done.made, done.kept) == (3, 1)
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "data").glob("*.npy")}
    assert {n.split(".")[0] for n in after if before.get(n) != after[n]} == {"b", "c", "new"}
    for path in source.glob("c.*"):
        path.unlink()
    prepare(source, tmp_path / "data")
    assert not list((tmp_path / "data").glob("c.*"))
    assert describe(FeatureFolder(tmp_path / "data"))["problems"] == []


KILLED_WHILE_WRITING = """
import os, signal, sys
import numpy as np
from farandole.cli.app import main

save, calls = np.save, 0

def dying(file, array):
    global calls
    calls += 1
    if calls == 6:
        file.write(b"half an array")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    save(file, array)

np.save = dying
main(sys.argv[1:])
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    source = pairs(tmp_path / "src", [f"s{k:02}" for k in range(8)], seconds=1.0)
    arguments = ["prepare", "folder", str(source), "-o", str(tmp_path / "data"), "--music", "", "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(Path(farandole.__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, *arguments], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "data").glob("s*.npy"))) == 5
    assert list((tmp_path / "data").glob(".*.part.npy"))
    finished = 5
    with pytest.raises(DataError, match=r"no corpus\.json"):
        FeatureFolder(tmp_path / "data")
    done = prepare(source, tmp_path / "data", CorpusSettings(music=()))
    assert (done.made, done.kept) == (8 - finished, finished)
    prepare(source, tmp_path / "whole", CorpusSettings(music=()))
    for path in (tmp_path / "whole").iterdir():
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "data" / path.name).read_bytes(), path.name


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="the dying worker is made by forking")
def test_a_dead_worker_is_replaced_and_nothing_is_lost(tmp_path):
    source = pairs(tmp_path / "src", [f"s{k:02}" for k in range(16)], seconds=1.0)
    arguments = ["prepare", "folder", str(source), "-o", str(tmp_path / "data"), "--music", "", "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path(farandole.__file__).parents[1])}
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, *arguments]
    died = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert died.returncode == 0, died.stderr
    assert "16 recordings made, 0 there already, 0 problems" in died.stderr
    prepare(source, tmp_path / "whole", CorpusSettings(music=()))
    whole = sorted(p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*") if p.is_file())
    for path in whole:
        assert (tmp_path / "whole" / path).read_bytes() == (tmp_path / "data" / path).read_bytes(), path
    assert len([p for p in (tmp_path / "data").rglob("*") if p.is_file()]) == len(whole)


def test_bad_recordings_are_told_and_the_others_made(tmp_path):
    source = pairs(tmp_path / "src", ["good", "short"])
    beeps(source / "short.wav", 2.0)
    (source / "broken.bvh").write_text("HIERARCHY\n")
    beeps(source / "broken.wav", 2.0)
    dancer(seed=4).save(source / "silent.bvh")
    beeps(source / "lonely.wav", 2.0)
    (source / "noise.wav").write_bytes(b"RIFF")
    dancer(seed=5).save(source / "noise.bvh")
    done = prepare(source, tmp_path / "data")
    problems = {p["name"]: p["problem"] for p in done.problems}
    assert "not a BVH file" in problems["broken"]
    assert "no sound file of the same name" in problems["silent"]
    assert "no motion of the same name" in problems["lonely"]
    assert "cannot be read as sound" in problems["noise"]
    assert problems["short"] == "motion lasts 3.00 s, sound 2.00 s: cut to the shorter"
    folder = FeatureFolder(tmp_path / "data")
    assert sorted(folder.sequences) == ["good", "short"]
    assert folder.sequences["short"]["frames"] == 60
    assert len(describe(folder)["problems"]) == 5


def test_all_formats_go_together(tmp_path):
    import soundfile

    source = tmp_path / "src"
    source.mkdir()
    t = np.arange(16000 * 3) / 16000
    for seed, (motion, sound) in enumerate((("a.bvh", "a.flac"), ("b.glb", "b.ogg"), ("c.npz", "c.mp3"))):
        dancer(3.0, seed=seed).save(source / motion)
        soundfile.write(source / sound, 0.3 * np.sin(2 * np.pi * 220 * t) * (t % 0.5 < 0.1), 16000)
    assert prepare(source, tmp_path / "data").problems == []
    folder = FeatureFolder(tmp_path / "data")
    for seed, name in enumerate("abc"):
        assert folder.sequences[name]["frames"] in (89, 90)  # mp3 may lose some samples at its end
        back = folder.codec("rot6d").decode(folder.load(name, "rot6d"))
        # Rotations depend on the rest pose, which a BVH made here has otherwise than the body in memory: places do not.
        wanted = dancer(3.0, seed=seed).positions[: len(back)]
        from_hips = lambda p: np.linalg.norm(p - p[:, :1], axis=-1)  # noqa: E731
        np.testing.assert_allclose(from_hips(back.positions), from_hips(wanted), atol=2e-3)


def test_amass_goes_through_folder_turned_upright(tmp_path):
    takes = ["CMU/60/60_01", "CMU/61/61_01", "DanceDB/Andria/Salsa_01"]
    written = amass(tmp_path / "src", takes)
    done = prepare(tmp_path / "src", tmp_path / "data", CorpusSettings(("rotmat", "position"), ("bands",), fps=60.0))
    assert done.problems == []  # the files of body shapes are no motions
    folder = FeatureFolder(tmp_path / "data")
    assert set(folder.features) == {"rotmat", "position"}
    assert set(folder.sequences) == {"60_01_poses", "61_01_poses", "Salsa_01_poses"}
    data = written["Salsa_01_poses.npz"]
    pose, place = folder.load("Salsa_01_poses", "rotmat"), folder.load("Salsa_01_poses", "position")
    assert pose.shape == (120, 219)
    y_up = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    local = rot.to_matrix(rot.from_rotvec(data["poses"][::2, :66].reshape(-1, 22, 3)))
    local[:, 0] = y_up @ local[:, 0]
    matrices = pose[:, :216].reshape(-1, 24, 3, 3)
    np.testing.assert_allclose(matrices[:, :22], local, atol=1e-5)
    np.testing.assert_allclose(
        matrices[:, 22:], np.broadcast_to(np.eye(3), (120, 2, 3, 3)), atol=1e-6
    )  # hands: no fingers
    np.testing.assert_allclose(np.diff(pose[:, 216:], axis=0), np.diff(data["trans"][::2], axis=0) @ y_up.T, atol=1e-5)
    joints = place.reshape(120, -1, 3)
    names = list(folder.skeleton.names)
    head, ankle = joints[:, names.index("head")], joints[:, names.index("left_ankle")]
    assert (head[:, 1] - ankle[:, 1]).min() > 1.0  # upright


def test_columns_with_nan_are_refused(tmp_path):
    array = np.zeros((4, 3))
    array[2, 1] = np.nan
    with pytest.raises(DataError, match=r"a\.mel\.npy: column 1 of mel holds NaN"):
        sequences._save(tmp_path / "a.mel.npy", array, "mel")
    assert list(tmp_path.iterdir()) == []


def test_other_skeletons_are_refused_or_retargeted(tmp_path):
    source = tmp_path / "src"
    lafan1(source, ["dance1_subject1"])
    dancer(2.0).save(source / "house.bvh")
    done = prepare(source, tmp_path / "a", CorpusSettings())
    assert "add --retarget" in done.problems[0]["problem"]
    done = prepare(source, tmp_path / "b", CorpusSettings(motion=("dance129",), retarget=True))
    assert done.problems == []
    assert FeatureFolder(tmp_path / "b").skeleton.names[1] == "Spine"


def test_mirrored_copies_share_the_music(tmp_path):
    source = pairs(tmp_path / "src", [f"d{k}" for k in range(4)])
    prepare(source, tmp_path / "data", CorpusSettings(("position",), ("bands",), fps=20.0, mirror=True))
    folder = FeatureFolder(tmp_path / "data")
    name = folder.split("train")[0]
    np.testing.assert_array_equal(folder.load(name, "bands"), folder.load(f"{name}_mirrored", "bands"))
    plain, mirrored = (np.reshape(folder.load(n, "position"), (60, -1, 3)) for n in (name, f"{name}_mirrored"))
    left, right = (folder.skeleton.index(n) for n in ("LeftHand", "RightHand"))
    np.testing.assert_allclose(plain[:, left] * [-1, 1, 1], mirrored[:, right], atol=2e-3)
    held_out = folder.split("test")
    assert not any(n.endswith("_mirrored") for n in held_out)


@pytest.mark.parametrize("place", ["splits/{}.txt", "base_filenames_{}.txt"])
def test_splits_are_read(tmp_path, place):
    source = pairs(tmp_path / "src", ["a", "b", "c"])
    (source / "splits").mkdir()
    (source / place.format("train")).write_text("a\r\nb")  # no newline at the end, and Windows ones
    (source / place.format("test")).write_text("c\n\n")
    prepare(source, tmp_path / "data")
    folder = FeatureFolder(tmp_path / "data")
    assert (folder.split("train"), folder.split("test"), folder.split("val")) == (["a", "b"], ["c"], [])
    (source / place.format("val")).write_text("ghost\n")
    with pytest.raises(DataError, match="names sequence 'ghost', for which there is no recording"):
        prepare(source, tmp_path / "other")
    shutil.rmtree(tmp_path / "data" / "splits")
    (tmp_path / "data" / "base_filenames_train.txt").write_text("b")
    assert folder.split("train") == ["b"]


def test_other_settings_and_other_folders_are_not_overwritten(tmp_path):
    source = pairs(tmp_path / "src", ["a"])
    prepare(source, tmp_path / "data")
    with pytest.raises(OutputError, match="prepared with other settings"):
        prepare(source, tmp_path / "data", CorpusSettings(motion=("rotmat",), mirror=True))
    prepare(source, tmp_path / "data", CorpusSettings(motion=("rotmat",), music=()), force=True)
    assert not (tmp_path / "data" / "a.rot6d.npy").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        prepare(source, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_a_feature_is_added_to_a_prepared_folder_without_making_the_others_again(tmp_path):
    source = pairs(tmp_path / "src", ["a", "b"])
    target = tmp_path / "data"
    settings = CorpusSettings(("rot6d",), ("bands",), tempi=(1.1,))
    prepare(source, target, settings)
    before = {p.name: p.read_bytes() for p in target.glob("*.npy")}
    times = {p.name: p.stat().st_mtime_ns for p in target.glob("*.npy")}
    done = prepare(source, target, replace(settings, motion=("expmap_cr", "position"), music=("mel",)))
    assert (done.made, done.problems) == (2, [])
    folder = FeatureFolder(target)
    assert set(folder.features) == {"rot6d", "expmap_cr", "position", "bands", "mel"}
    assert {name: (target / name).stat().st_mtime_ns for name in times} == times
    whole = tmp_path / "whole"
    prepare(source, whole, replace(settings, motion=("rot6d", "expmap_cr", "position"), music=("bands", "mel")))
    for path in sorted(whole.glob("*.npy")):
        assert (
            path.read_bytes()
            == before.get(path.name, (target / path.name).read_bytes())
            == (target / path.name).read_bytes()
        )
    assert prepare(source, target, settings).made == 0  # those that are not asked for stay, and nothing is made
    dancer(2.0, seed=7).save(source / "a.bvh", force=True)
    assert prepare(source, target, settings).made == 1  # a new recording gets all of them
    assert len(FeatureFolder(target).load("a", "position")) == 60


def test_force_makes_everything_anew(tmp_path):
    source = pairs(tmp_path / "src", ["a"])
    prepare(source, tmp_path / "data")
    (tmp_path / "data" / "stray.txt").write_text("")
    assert prepare(source, tmp_path / "data", force=True).made == 1
    assert not (tmp_path / "data" / "stray.txt").exists()


def test_features_of_another_codec_version_are_refused(tmp_path):
    prepare(pairs(tmp_path / "src", ["a"]), tmp_path / "data")
    path = tmp_path / "data" / "corpus.json"
    with pytest.raises(DataError, match="no motion feature 'bands': there are rot6d, expmap_cr"):
        FeatureFolder(tmp_path / "data").codec("bands")
    corpus = json.loads(path.read_text())
    corpus["codecs"]["rot6d"]["version"] = 0
    path.write_text(json.dumps(corpus))
    with pytest.raises(
        DataError, match=r"corpus\.json: codecs\.rot6d: features 'rot6d' were written by version 0 of that codec"
    ):
        FeatureFolder(tmp_path / "data")


SEQUENCES = {
    "gBR_sBM_cAll_d04_mBR0_ch01": "train",
    "gBR_sBM_cAll_d04_mBR0_ch02": "train",
    "gHO_sBM_cAll_d19_mHO5_ch02": "test",
    "gJB_sBM_cAll_d07_mJB3_ch05": "val",
    "gPO_sFM_cAll_d10_mPO1_ch08": "",
}


@pytest.mark.filterwarnings("ignore")
def test_aistpp(tmp_path):
    pytest.importorskip("librosa", reason="aistpp35 needs the [train] extra")
    source = aistpp(tmp_path / "aist", SEQUENCES, ignored=["gBR_sBM_cAll_d04_mBR0_ch02"])
    (source / "motions" / "gWA_sBM_cAll_d25_mWA0_ch01.pkl").write_bytes(pickle.dumps(_Evil()))
    beeps(source / "wav" / "mWA0.wav", 4.0)
    (source / "splits" / "crossmodal_val.txt").write_text("gJB_sBM_cAll_d07_mJB3_ch05\ngKR_sBM_cAll_d30_mKR2_ch09\n")
    assert run(["prepare", "aistpp", str(source), "-o", str(tmp_path / "data"), "--workers", "1", "-q"]) == 0
    folder = FeatureFolder(tmp_path / "data")
    assert folder.fps == 60
    assert folder.split("train") == ["gBR_sBM_cAll_d04_mBR0_ch01"]
    assert folder.split("test") == ["gHO_sBM_cAll_d19_mHO5_ch02"]
    assert folder.sequences["gPO_sFM_cAll_d10_mPO1_ch08"]["split"] == ""
    assert folder.sequences["gHO_sBM_cAll_d19_mHO5_ch02"]["style"] == "HO"
    assert folder.load("gJB_sBM_cAll_d07_mJB3_ch05", "rotmat").shape == (120, 219)
    assert folder.load("gJB_sBM_cAll_d07_mJB3_ch05", "aistpp35").shape == (120, 35)
    problems = {p["name"]: p["problem"] for p in folder.problems}
    assert "it asks for" in problems["gWA_sBM_cAll_d25_mWA0_ch01"]
    assert not (tmp_path / "owned").exists()
    assert "listed in split val" in problems["gKR_sBM_cAll_d30_mKR2_ch09"]
    assert len(problems) == 2


class _Evil:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_lafan1(tmp_path):
    source = lafan1(tmp_path / "lafan1", ["dance1_subject1", "walk3_subject2", "dance2_subject5"])
    lafan1(source, ["run1_subject2"], fps=60.0)
    (source / "readme.bvh").write_text("")
    assert run(["prepare", "lafan1", str(source), "-o", str(tmp_path / "data"), "--workers", "1", "-q"]) == 0
    folder = FeatureFolder(tmp_path / "data")
    assert folder.split("test") == ["dance2_subject5"]
    assert folder.split("train") == ["dance1_subject1", "walk3_subject2"]
    features = folder.load("dance2_subject5", "rotmat")
    assert features.shape == (60, 201)
    motion = load_motion(source / "dance2_subject5.bvh")
    back = folder.codec("rotmat").decode(features)
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-3)
    problems = {p["name"]: p["problem"] for p in folder.problems}
    assert "60 fps, but all of this corpus must have 30" in problems["run1_subject2"]
    assert "is not called" in problems["readme"]
    assert "CC BY-NC-ND" in folder.licence


def test_aistpp_gives_the_features_and_labels_of_transflower(tmp_path):
    pytest.importorskip("librosa", reason="transflower's features need the [train] extra")
    source = aistpp(tmp_path / "aist", SEQUENCES)
    words = ["prepare", "aistpp", str(source), "--workers", "1", "-q", "--fps", "20"]
    older = [*words, "-o", str(tmp_path / "older"), "--motion", "expmap_spine2", "--music", "transflower23"]
    assert run(older) == 0
    folder = FeatureFolder(tmp_path / "older")
    name = folder.split("train")[0]
    assert (folder.fps, folder.load(name, "expmap_spine2").shape) == (20, (40, 72))
    assert folder.load(name, "transflower23").shape == (40, 23)
    house = [
        *words,
        "-o",
        str(tmp_path / "house"),
        "--retarget",
        "--motion",
        "expmap,expmap_cr",
        "--music",
        "transflower",
    ]
    assert run(house) == 0
    folder = FeatureFolder(tmp_path / "house")
    assert {f: len(c) for f, c in folder.features.items()} == {"expmap": 69, "expmap_cr": 67, "transflower": 85}
    assert len(folder.skeleton) == 21
    label = Stream("dance_style", kind="discrete", fix="single", tokens=16)
    windows = Windows.of(folder, "train", [label, Stream("expmap_cr", 10), Stream("transflower", 12)], [])
    styles = {
        windows.names[windows.locate(k)[0]].split("_")[0]: int(windows[k]["in_dance_style"][0])
        for k in range(len(windows))
    }
    assert {folder.styles[n] for n in styles.values()} == {g.removeprefix("g") for g in styles}


@pytest.mark.parametrize(
    "recipe", sorted((Path(__file__).parents[2] / "recipes").rglob("*.yaml")), ids=lambda path: path.stem
)
def test_every_recipe_asks_for_features_that_can_be_prepared(recipe):
    asked = (yaml.safe_load(recipe.read_text()).get("features") or {}).values()
    for feature in asked:
        known = (
            *codecs.names(),
            *features.names(),
            *STYLE_LABELS,
            dance_features.NAME,
        )  # the last one by prepare starter
        assert feature in known, f"{recipe.name}: {feature}"


def test_info_shows_a_table(tmp_path, capsys):
    source = pairs(tmp_path / "src", [f"d{k}" for k in range(4)])
    (source / "LICENSE").write_text("For this test only.\nMore.")
    arguments = ["prepare", "folder", str(source), "-o", str(tmp_path / "data"), "--music", "bands", "--workers", "1"]
    assert run(arguments) == 0
    (tmp_path / "data" / "d1.rot6d.npy").unlink()
    capsys.readouterr()
    assert run(["info", str(tmp_path / "data")]) == 0
    told = capsys.readouterr().out
    for part in (
        "4 sequences, 0.2 min",
        "30 fps, 21 joints",
        "train",
        "bands    music         4",
        "For this test only.",
    ):
        assert part in told
    assert f"problems  1\n    {tmp_path / 'data' / 'd1.rot6d.npy'} is missing" in told
    assert run(["info", str(tmp_path / "data"), "--sequences"]) == 0
    assert "d2 " in (told := capsys.readouterr().out)
    assert "3.0  d2.bvh + d2.wav" in told
    assert run(["info", str(tmp_path / "data"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"]["rot6d"]["columns"] == 134
    assert run(["info", str(source)]) == 2


def test_nothing_to_prepare_is_said(tmp_path):
    with pytest.raises(DataError, match="holds no motions"):
        importers.find_pairs(tmp_path)
    with pytest.raises(DataError, match=r"needed is motions/<sequence>\.pkl"):
        importers.find_aistpp(tmp_path)
    with pytest.raises(DataError, match="holds no LAFAN1"):
        importers.find_lafan1(tmp_path)
    (tmp_path / "x.bvh").write_text("nonsense")
    with pytest.raises(DataError, match="none of 1 motions can be read"):
        prepare(tmp_path, tmp_path / "data")
