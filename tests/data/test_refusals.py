"""What `prepare` and `info` refuse, told in one line each, through the command line."""

import json
import os
import pickle
import re

import numpy as np
import pytest
import soundfile
from recordings import aistpp, beeps, dancer, lafan1, pairs

from farandole.cli.app import run


@pytest.fixture
def command(capfd, monkeypatch):
    """Runs farandole; gives exit code, stdout and the lines of stderr."""
    monkeypatch.delenv("FARANDOLE_DEBUG", raising=False)

    def call(*words):
        capfd.readouterr()
        code = run([str(w) for w in words])
        said = capfd.readouterr()
        return code, said.out, said.err.splitlines()

    return call


@pytest.fixture
def prepare(command, tmp_path):
    """`prepare folder` of tmp_path/src; the one line of its error, or of its one warning if the others could be made."""

    def call(*words, importer="folder"):
        code, _, lines = command("prepare", importer, tmp_path / "src", "-o", tmp_path / "data", "--workers", 1, *words)
        made = (tmp_path / "data" / "corpus.json").exists()
        assert made == (code == 0), lines
        told = [line for line in lines if line.startswith(("error: ", "warning: "))]
        assert len(told) == 1, lines
        assert told[0].startswith("error: " if code else "warning: ")
        return code, told[0]

    return call


class Command:
    """Makes a folder when it is unpickled."""

    def __init__(self, made):
        self.made = made

    def __reduce__(self):
        return os.mkdir, (str(self.made),)


def evil(path, made):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({"smpl_poses": Command(made)}))


def test_a_pickle_that_runs_code(prepare, tmp_path):
    evil(tmp_path / "src" / "evil.pkl", tmp_path / "made")
    code, line = prepare()
    assert code == 2
    assert re.search(r"evil\.pkl is not a pickle of plain arrays: it asks for (posix|nt)\.mkdir", line)
    pairs(tmp_path / "src", ["good"])
    beeps(tmp_path / "src" / "evil.wav", 2.0)
    assert prepare()[0] == 0  # the others are made all the same
    assert not (tmp_path / "made").exists()


def test_a_pickle_that_runs_code_among_aistpp(prepare, tmp_path):
    aistpp(tmp_path / "src", {"gBR_sBM_cAll_d04_mBR0_ch01": "train"})
    evil(tmp_path / "src" / "motions" / "gBR_sBM_cAll_d04_mBR0_ch02.pkl", tmp_path / "made")
    code, line = prepare("--music", "", "--motion", "rotmat", importer="aistpp")
    assert code == 0
    assert "gBR_sBM_cAll_d04_mBR0_ch02: " in line
    assert "is not a pickle of plain arrays" in line
    assert not (tmp_path / "made").exists()


def test_an_archive_with_pickled_poses(prepare, tmp_path):
    (tmp_path / "src").mkdir()
    np.savez(tmp_path / "src" / "evil.npz", poses=np.array([Command(tmp_path / "made")], dtype=object))
    code, line = prepare()
    assert code == 2
    assert "evil.npz holds pickled Python objects, which are not read" in line
    assert not (tmp_path / "made").exists()


def test_mismatched_frame_rates(prepare, tmp_path):
    (tmp_path / "src").mkdir()
    for name, fps in (("a", 30.0), ("b", 30.0), ("c", 60.0)):
        dancer(2.0, fps=fps).save(tmp_path / "src" / f"{name}.bvh")
    code, line = prepare()
    assert code == 0
    assert (
        "c.bvh has 60 fps, but all of this corpus must have 30: convert it (farandole convert IN OUT --fps 30) or"
        in line
    )


def test_a_corpus_at_another_frame_rate_than_published(prepare, tmp_path):
    lafan1(tmp_path / "src", ["dance1_subject1"])
    path = next((tmp_path / "src").glob("*.bvh"))
    path.write_text(re.sub(r"Frame Time: *\S+", "Frame Time: 0.01", path.read_text()))
    code, line = prepare(importer="lafan1")
    assert code == 2
    assert "dance1_subject1.bvh has 100 fps, but all of this corpus must have 30" in line


def test_empty_motions(prepare, tmp_path):
    (tmp_path / "src").mkdir()
    dancer(1.0).save(tmp_path / "src" / "empty.bvh")
    text = (tmp_path / "src" / "empty.bvh").read_text()
    head, _ = re.split(r"Frames: *\d+", text)
    (tmp_path / "src" / "empty.bvh").write_text(f"{head}Frames: 0\nFrame Time: 0.0333333\n")
    code, line = prepare()
    assert code == 2
    assert "empty.bvh" in line
    assert "frames" in line.lower()
    dancer(1.0).slice(0, 1).save(tmp_path / "src" / "one.npz")
    code, line = prepare("--music", "")
    assert "one has 1 frame" in line or "empty.bvh" in line


def test_numbers_that_are_none(prepare, tmp_path):
    (tmp_path / "src").mkdir()
    dancer(1.0).save(tmp_path / "src" / "a.npz")
    with np.load(tmp_path / "src" / "a.npz") as archive:
        arrays = dict(archive)
    arrays["rotations"] = arrays["rotations"].copy()
    arrays["rotations"][3, 2] = np.nan
    np.savez(tmp_path / "src" / "a.npz", **arrays)
    code, line = prepare()
    assert code == 2
    assert "a.npz" in line
    assert "NaN" in line


def test_sound_with_numbers_that_are_none(prepare, tmp_path):
    pairs(tmp_path / "src", ["a", "b"])
    sound = np.zeros(24000, np.float32)
    sound[9000] = np.nan
    soundfile.write(tmp_path / "src" / "b.wav", sound, 8000, subtype="FLOAT")
    code, line = prepare("--music", "bands")
    assert code == 0
    assert "b.wav: holds samples that are NaN or infinite" in line


def test_a_split_that_names_what_is_not_there(prepare, command, tmp_path):
    pairs(tmp_path / "src", ["a", "b"])
    (tmp_path / "src" / "splits").mkdir()
    (tmp_path / "src" / "splits" / "train.txt").write_text("a\nghost\n")
    code, line = prepare("--music", "")
    assert code == 2
    assert "names sequence 'ghost', for which there is no recording" in line
    (tmp_path / "src" / "splits" / "train.txt").write_text("a\n")
    assert (
        command("prepare", "folder", tmp_path / "src", "-o", tmp_path / "data", "--music", "", "--workers", 1)[0] == 0
    )
    (tmp_path / "data" / "splits" / "train.txt").write_text("a\nghost\n")
    code, out, _ = command("info", tmp_path / "data")
    assert "train.txt names sequence 'ghost', which is not in the corpus" in out


def test_motion_without_sound(prepare, tmp_path):
    pairs(tmp_path / "src", ["a", "b"])
    dancer(seed=3).save(tmp_path / "src" / "silent.bvh")
    code, line = prepare("--music", "bands")
    assert code == 0
    assert re.search(r"silent: .*silent\.bvh has no sound file of the same name", line)


def test_folders_of_another_codec_version(command, tmp_path):
    pairs(tmp_path / "src", ["a", "b"], seconds=1.5)
    words = ("prepare", "folder", tmp_path / "src", "-o", tmp_path / "data", "--music", "", "--workers", 1)
    assert command(*words)[0] == 0
    path = tmp_path / "data" / "corpus.json"
    corpus = json.loads(path.read_text())
    corpus["codecs"]["rot6d"]["version"] += 1
    path.write_text(json.dumps(corpus))
    for again in (("info", tmp_path / "data"), ("info", tmp_path / "data", "--json")):
        code, out, lines = command(*again)
        assert (code, out, len(lines)) == (2, "", 1)
        assert re.search(
            r"corpus\.json: codecs\.rot6d: features 'rot6d' were written by version \d+ of that codec", lines[0]
        )


def test_glb_and_npz_go_through_folder(command, tmp_path):
    (tmp_path / "src").mkdir()
    for seed, suffix in enumerate(("bvh", "glb", "npz")):
        dancer(2.0, seed=seed).save(tmp_path / "src" / f"{suffix}.{suffix}")
    words = (
        "prepare",
        "folder",
        tmp_path / "src",
        "-o",
        tmp_path / "data",
        "--motion",
        "rot6d,expmap_cr",
        "--workers",
        1,
        "--json",
    )
    code, out, lines = command(*words)
    assert (code, [line for line in lines if "%" not in line]) == (0, [])
    facts = json.loads(out)
    assert (facts["sequences"], facts["problems"]) == (3, [])
    assert {told["source"] for told in facts["each"].values()} == {"bvh.bvh", "glb.glb", "npz.npz"}
