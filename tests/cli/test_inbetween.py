"""`farandole inbetween`: files, exactness, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.data.starter.groove.dancer import groove
from farandole.motion.files import load_motion

FISH = (
    """HIERARCHY
ROOT Tail
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  End Site
  {
    OFFSET 0 30 0
  }
}
MOTION
Frames: 5
Frame Time: 0.0333333
"""
    + "0 90 0 1 2 3\n" * 5
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of dance at 60 fps."""
    take = groove(np.arange(360) / 60 * 110 / 60, seed=5, energy=0.5, fps=60.0).slice(60, 301)
    return take.save(tmp_path_factory.mktemp("clips") / "groove.bvh")


def test_kept_frames_are_exact_in_the_file_and_marked_in_the_page(farandole, clip: Path, tmp_path: Path) -> None:
    outcome = farandole("inbetween", clip, "--every", 30, "-o", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    page, bvh = (tmp_path / "out" / f"groove-inbetween.{kind}" for kind in ("html", "bvh"))
    assert outcome.out.splitlines() == [str(page), str(bvh)]
    assert "232 of 241 frames filled between 9 kept ones" in outcome.err
    given, made = load_motion(clip), load_motion(bvh)
    assert made.skeleton == given.skeleton
    kept = np.arange(241) % 30 == 0
    assert np.abs(made.positions - given.positions)[kept].max() < 1e-4
    assert np.abs(made.positions - given.positions)[~kept].max() > 0.05
    rows, own = (path.read_text().splitlines() for path in (bvh, clip))
    first = own.index("MOTION") + 3
    assert rows[:first] == own[:first]  # the same skeleton, channels, unit and frame time
    assert rows[first] == own[first]
    data = json.loads(re.search(r'id="farandole-data">(.*?)</script>', page.read_text(), re.DOTALL)[1])
    assert data["marks"] == pytest.approx([k / 2 for k in range(9)], abs=1e-3)
    assert len(data["ghosts"]) == 1
    assert data["ghosts"][0]["frames"] == 241
    assert "exists already" in farandole("inbetween", clip, "--every", 30, "-o", bvh).refused()


def test_gaps_lists_methods_and_json(farandole, clip: Path, tmp_path: Path) -> None:
    given = load_motion(clip)
    facts = json.loads(
        farandole(
            "inbetween", clip, "--gap", "20:59", "--gap", "100:101", "--method", "slerp", "--no-feet",
            "-o", tmp_path / "a.npz", "--json", "-q",
        ).out
    )  # fmt: skip
    assert (facts["kept"], facts["filled"], facts["method"]) == (199, 42, "slerp")
    assert facts["files"] == [str(tmp_path / "a.npz")]
    made = load_motion(tmp_path / "a.npz")
    inside = np.r_[20:60, 100:102]
    outside = np.setdiff1d(np.arange(241), inside)
    np.testing.assert_allclose(made.positions[outside], given.positions[outside], atol=1e-6)
    middle = 0.5 * (given.root_positions[99] + given.root_positions[102])
    np.testing.assert_allclose(made.root_positions[100:102].mean(axis=0), middle, atol=1e-5)
    assert farandole("inbetween", clip, "--keep", "0:10,60,100:240", "-o", tmp_path / "b.bvh", "-q").err == ""
    again = load_motion(tmp_path / "b.bvh")
    assert np.abs(again.positions - given.positions)[np.r_[0:11, 60, 100:241]].max() < 1e-4


def test_a_song_plays_with_it_if_it_is_long_enough(farandole, clip: Path, tmp_path: Path) -> None:
    for name, seconds in (("long", 5), ("short", 2)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(seconds * 8000), 8000)
    words = ("inbetween", clip, "--every", 20, "-o", tmp_path / "song.html", "-q", "--song")
    assert (
        "short.wav ends after 2.0 s, before the motion does (4.0 s)"
        in farandole(*words, tmp_path / "short.wav").refused()
    )
    assert farandole(*words, tmp_path / "long.wav").code == 0
    assert '"song":{' in (tmp_path / "song.html").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "say with one of --every, --keep and --gap"),
        (("--every", 15, "--gap", "40:80"), "--every and --gap: say with one of"),
        (("--every", 1), "need 2 or more"),
        (("--every", 500), "has only 241 frames"),
        (("--keep", ""), "'' is not a frame"),
        (("--keep", "0,x"), "'x' is not a frame"),
        (("--keep", "9:3"), "9:3 ends before it begins"),
        (("--keep", "0,241"), "cannot keep frame 241: groove.bvh has frames 0 to 240"),
        (("--keep", "12"), "need at least 2"),
        (("--gap", "40"), "like 40:80"),
        (("--gap", "200:300"), "gap 200:300 lies outside groove.bvh"),
        (("--gap", "0:240"), "leave no frame of groove.bvh"),
        (("--gap", "200:240"), "with extend"),
        (("--every", 15, "--method", "magic"), "no method 'magic': there are slerp, hermite, model, dance"),
        (("--every", 15, "--method", "hermite", "--model", "x"), "uses no model"),
        (("--every", 15, "--model", "nowhere"), "no model 'nowhere'"),
        (
            ("--every", 15, "--takes", 2),
            "2 takes: the model inbetween (inbetweener) lacks what that needs: draws at random",
        ),
        (("--every", 15, "--method", "slerp", "--takes", 2), "slerp gives the same motion every time"),
        (("--every", 15, "--formats", "fbx"), "no format 'fbx'"),
        (("--every", 15, "--song", "none.mp3"), "none.mp3"),
    ],
)
def test_what_does_not_work_is_said_in_one_line(
    farandole, clip: Path, tmp_path: Path, monkeypatch, words, says
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in farandole("inbetween", clip, *words).refused()
    assert list(tmp_path.iterdir()) == []


def test_short_clips_and_bodies_that_are_not_human(farandole, clip: Path, tmp_path: Path) -> None:
    load_motion(clip).slice(0, 2).save(tmp_path / "two.bvh")
    assert (
        "two.bvh has 2 frames: need at least 3"
        in farandole("inbetween", tmp_path / "two.bvh", "--every", 2, "-o", tmp_path / "o.bvh").refused()
    )
    fish = tmp_path / "fish.bvh"
    fish.write_text(FISH)
    words = ("inbetween", fish, "--every", 2, "-o", tmp_path / "o.bvh", "-q")
    assert farandole(*words, "--method", "hermite").code == 0


def test_the_dancer_fills_too_and_differently_each_take(farandole, clip: Path, tmp_path: Path) -> None:
    words = ("--gap", "80:160", "--model", "starter", "--takes", 2, "--formats", "npz", "-o", tmp_path / "out", "-q")
    outcome = farandole("inbetween", clip, *words)
    assert outcome.code == 0, outcome.err
    given = load_motion(clip)
    one, other = (load_motion(tmp_path / "out" / f"groove-inbetween-{n}.npz") for n in (1, 2))
    outside = np.r_[0:80, 161:241]
    for made in (one, other):
        np.testing.assert_allclose(made.positions[outside], given.positions[outside], atol=1e-6)
    assert np.linalg.norm(one.positions - other.positions, axis=-1)[90:150].mean() > 0.02
