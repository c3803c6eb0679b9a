"""`farandole dance` for a part of a song, as a loop, around joints that are kept, on a stage; `extend` of a part of a motion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from farandole.generation.dance import dance
from farandole.motion.files import load_motion

SECONDS = 14.0


@pytest.fixture(scope="module")
def song(house_song, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house_song(tmp_path_factory.mktemp("songs") / "song.wav", SECONDS)


@pytest.fixture(scope="module")
def clip(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.npz"
    dance(song, seconds=5.0).save(path)
    return path


def test_a_part_of_a_song_in_seconds_bars_and_beats(farandole, song: Path, tmp_path: Path) -> None:
    for words, seconds in (
        (("--begin", "4", "--end", "7.5s"), 3.5),
        (("--begin", "bar3", "--end", "5bar"), 4.0),
        (("--begin", "beat9", "--end", "beat15"), 3.0),
        (("--begin", "bar6"), None),
    ):
        made = tmp_path / "part.npz"
        assert farandole("dance", song, *words, "-o", made, "--force", "-q").code == 0
        found = load_motion(made).seconds
        assert found == pytest.approx(seconds, abs=0.1) if seconds else found < 5.0
    for words, says in (
        (("--begin", "bar99"), "song has bars 1 to"),
        (("--begin", "noon"), "give seconds (12.5), a bar (bar5) or a beat (beat17)"),
        (("--begin", "9", "--end", "3"), "nothing is left between 9.00 and 3.00 s"),
        (("--begin", "13.9"), "an excerpt from 13.90 s on needs"),
    ):
        assert says in farandole("dance", song, *words, "-o", tmp_path / "x.npz", "-q").refused()


def test_a_loop_runs_on_from_its_end(farandole, song: Path, tmp_path: Path) -> None:
    words = ("--loop", "--begin", "bar2", "--seconds", 8, "--animation-name", "round", "--formats", "html")
    facts = json.loads(farandole("dance", song, *words, "-o", tmp_path / "loop.glb", "--json").out)
    assert facts["takes"][0]["seconds"] == pytest.approx(8.0, abs=0.04)
    made = load_motion(tmp_path / "loop.glb")
    assert made.name == "round"
    places = made.positions
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1).mean(axis=1)
    seam = np.linalg.norm(places[0] - places[-1], axis=-1).mean()
    assert seam < np.quantile(steps, 0.98)
    speeds = np.diff(places, axis=0)
    jump = np.linalg.norm((places[0] - places[-1]) - speeds[-1], axis=-1).mean()
    assert jump < 1.5 * np.quantile(np.linalg.norm(np.diff(speeds, axis=0), axis=-1).mean(axis=1), 0.98)
    for words, says in (
        (("--loop", "--end", "3"), "needs 5.9 s or more"),
        (("--loop", "--start", tmp_path / "loop.glb"), "leave --start and --keep-joints out"),
    ):
        assert says in farandole("dance", song, *words, "-o", tmp_path / "x.npz", "-q").refused()


def test_legs_stay_and_the_rest_dances_anew(farandole, song: Path, clip: Path, tmp_path: Path) -> None:
    words = ("--start", clip, "--keep-joints", "legs", "--takes", 2, "--seed", 5, "--formats", "npz", "-q")
    assert farandole("dance", song, *words, "-o", tmp_path).code == 0
    given, one, two = (load_motion(p) for p in (clip, tmp_path / "song-1.npz", tmp_path / "song-2.npz"))
    legs = [k for k, name in enumerate(given.skeleton.names) if name == "Hips" or "Leg" in name or "Foot" in name]
    arms = [k for k, name in enumerate(given.skeleton.names) if "Hand" in name]
    for made in (one, two):
        np.testing.assert_array_equal(made.rotations[:, legs], given.rotations[:, legs])
        np.testing.assert_array_equal(made.root_positions, given.root_positions)
        assert np.linalg.norm(made.positions[:, arms] - given.positions[:, arms], axis=-1).mean() > 0.1
    assert np.linalg.norm(one.positions[:, arms] - two.positions[:, arms], axis=-1).mean() > 0.1
    for words, says in (
        (("--keep-joints", "legs"), "add --start MOTION"),
        (("--keep-joints", "wings", "--start", clip), "no joint 'wings'"),
        (("--keep-joints", "Hips+", "--start", clip), "leaves no joint of"),
    ):
        assert says in farandole("dance", song, *words, "-o", tmp_path / "x.npz", "-q").refused()


def test_stages(farandole, song: Path, tmp_path: Path) -> None:
    made = []
    for stage in ("1x1", "free"):
        words = ("--stage", stage, "--style", "salsa", "-o", tmp_path / f"{stage}.npz", "-q")
        assert farandole("dance", song, *words).code == 0
        made.append(load_motion(tmp_path / f"{stage}.npz").root_positions)
    assert np.abs(made[0] - made[0][0])[:, [0, 2]].max() <= 0.5
    assert not np.allclose(made[0], made[1])
    assert "stage 'big': write width and depth" in farandole("dance", song, "--stage", "big", "-q").refused()


def test_options_of_one_song_are_refused_for_a_folder(farandole, song: Path, tmp_path: Path) -> None:
    for option in (("--loop",), ("--begin", "3"), ("--end", "bar3"), ("--animation-name", "x")):
        told = farandole("dance", song.parent, "-o", tmp_path, *option, "-q").refused()
        assert f"{option[0]} is for one song" in told


def test_a_part_of_a_motion_is_extended_with_its_part_of_the_song(
    farandole, song: Path, clip: Path, tmp_path: Path
) -> None:
    words = ("--begin", "1", "--end", "bar3", "--seconds", 3, "--animation-name", "on", "-o", tmp_path / "long.glb")
    assert farandole("extend", clip, song, *words, "-q").code == 0
    made, given = load_motion(tmp_path / "long.glb"), load_motion(clip)
    assert made.name == "on"
    assert made.seconds == pytest.approx(3.0 + 3.0, abs=0.1)
    np.testing.assert_allclose(made.positions[:80], given.positions[30:110], atol=1e-4)
    assert "add --song" in farandole("extend", clip, "--end", "bar2", "-o", tmp_path / "x.bvh", "-q").refused()
