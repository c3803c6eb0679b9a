"""Copies made by `prepare`: mirrored, turned, faster and slower; motion and music stay together."""

import json
import math

import numpy as np
import pytest
from recordings import dancer, pairs

from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolder
from farandole.data.variants import Variant, at_tempo, variants, vary
from farandole.errors import DataError
from farandole.motion.edit import mirror, turn


def test_names_and_combinations():
    made = variants(True, (90.0, 450.0, 0.0), (1.1, 1.0, 0.925))
    assert len(made) == 2 * 2 * 3
    assert made[0].suffix == ""
    assert {v.suffix for v in made} >= {
        "_mirrored",
        "_turned90",
        "_tempo110",
        "_tempo92p5",
        "_mirrored_turned90_tempo110",
    }
    assert len({v.suffix for v in made}) == 12
    assert variants() == (Variant(),)
    with pytest.raises(DataError, match=r"tempo factor 3: accepted is 0\.5 \(half as fast\) to 2"):
        variants(tempi=(3.0,))
    with pytest.raises(DataError, match="a turn by nan degrees is none"):
        variants(turns=(math.nan,))


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.1, 2.0])
def test_motion_and_music_meet_at_the_same_instants(factor):
    """A body and a song that both tell the time: what was simultaneous stays so."""
    motion = dancer(10.0)
    count = len(motion)
    t = np.arange(count) / 30
    music = {"clock": np.stack((t, np.full(count, 0.5)), axis=1)}
    body, rows = vary(Variant(tempo=factor), motion, music, {"clock": ("time", "tempo")})
    assert len(body) == len(rows["clock"]) == math.floor((count - 1) / factor + 1e-6) + 1
    heard = np.rint(rows["clock"][:, 0] * 30).astype(int)
    exact = np.abs(rows["clock"][:, 0] * 30 - heard) < 1e-6
    np.testing.assert_allclose(body.root_positions[exact], motion.root_positions[heard[exact]], atol=1e-9)
    np.testing.assert_allclose(rows["clock"][:, 0], np.arange(len(body)) * factor / 30, atol=1e-9)
    np.testing.assert_allclose(rows["clock"][:, 1], 0.5 + math.log2(factor))  # log2 of the tempo
    assert body.fps == 30


def prepare(*words):
    return run(["prepare", "folder", *(str(w) for w in words), "--workers", "1", "-q"])


def test_copies_through_the_command(tmp_path, capsys):
    source = pairs(tmp_path / "src", [f"d{k}" for k in range(5)])
    wanted = ["--motion", "position", "--music", "bands,beats", "--fps", "20"]
    assert prepare(source, "-o", tmp_path / "a", *wanted, "--mirror", "--turn", "90", "--tempo", "0.8,1.25") == 0
    folder = FeatureFolder(tmp_path / "a")
    assert len(folder.sequences) == 5 * 2 * 2 * 3
    assert folder.problems == []
    codec = folder.codec("position")
    motion = dancer(3.0, seed=0).resample(20.0)
    both = at_tempo(turn(mirror(motion), np.pi / 2), 1.25)
    name = "d0_mirrored_turned90_tempo125"
    np.testing.assert_allclose(folder.load(name, "position"), codec.encode(both), atol=2e-3)  # BVH rounds
    assert folder.sequences[name]["frames"] == len(both) == len(folder.load(name, "bands"))
    slow, plain = folder.load("d0_tempo80", "beats"), folder.load("d0", "beats")
    k = folder.features["beats"].index("tempo")
    np.testing.assert_allclose(slow[::5, k], plain[: len(slow[::5]) * 4 : 4, k] + np.log2(0.8), atol=1e-5)

    held_out = set(folder.split("test")) | set(folder.split("val"))
    assert held_out == {n for n in held_out if "copy_of" not in folder.sequences[n]}
    train = folder.split("train")
    assert len(train) == 12 * (5 - len(held_out))
    assert {folder.sequences[n].get("copy_of", n) for n in train}.isdisjoint(held_out)
    capsys.readouterr()
    assert run(["info", str(tmp_path / "a")]) == 0
    table = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert table["train"][1:3] == [str(len(train)), str(len(train) * 11 // 12)]
    assert table["(none)"][1:3] == [str(11 * len(held_out))] * 2


def test_what_cannot_be_copied_is_one_line(tmp_path, capsys):
    source = pairs(tmp_path / "src", ["a", "a_mirrored"], seconds=1.5)
    for words, told in (
        (["--tempo", "fast"], "--tempo fast: needed are numbers with commas between"),
        (["--tempo", "9"], "tempo factor 9: accepted is 0.5"),
        (["--mirror"], "would both make a_mirrored: give one another name"),
    ):
        capsys.readouterr()
        assert prepare(source, "-o", tmp_path / "x", "--music", "", *words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ")
        assert told in line
    assert not (tmp_path / "x" / "corpus.json").exists()


def test_settings_without_copies_stay_the_same_settings(tmp_path):
    """So that folders made before copies could be asked for are completed and not made anew."""
    source = pairs(tmp_path / "src", ["a", "b", "c"], seconds=1.5)
    assert prepare(source, "-o", tmp_path / "d", "--music", "") == 0
    first = json.loads((tmp_path / "d" / "corpus.json").read_text())["recipe"]
    assert prepare(source, "-o", tmp_path / "d", "--music", "", "--tempo", "", "--turn", "") == 0
    assert json.loads((tmp_path / "d" / "corpus.json").read_text())["recipe"] == first
    assert prepare(source, "-o", tmp_path / "d", "--music", "", "--tempo", "1.1") == 2
