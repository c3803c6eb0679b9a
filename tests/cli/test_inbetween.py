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
        ((), "say with one of --every, --keep, --gap and --at"),
        (("--every", 15, "--gap", "40:80"), "--every and --gap: say with one of"),
        (("--every", 1), "need 2 or more"),
        (("--every", 500), "has only 241 frames"),
        (("--keep", ""), "'' is no moment; accepted are frames"),
        (("--keep", "0,x"), "'x' is no moment"),
        (("--every", "0.01s"), "every 0.01s: need two frames"),
        (("--every", "1bar"), "beats and bars are those of a song"),
        (("--gap", "1.5:2"), "frames are whole numbers; write 1.5s"),
        (("--at", "0,1"), "groove.bvh has 241 poses, but 2 times are given"),
        (("--at", "0,x"), "'x' is no time in seconds"),
        (("--at", "0,1", "--begin", "1"), "leave out --begin and --end"),
        (("--every", 15, "--begin", "9"), "nothing is left between --begin 9 and --end"),
        (("--every", 15, "--fps", 30), "a frame rate belongs to poses"),
        (("--gap", "40:80", "--joints", "Wing+"), "no joint 'Wing'; there are: Hips"),
        (("--gap", "40:80", "--pin", "LeftFoot"), "like LeftFoot@280:320"),
        (("--gap", "40:80", "--pin", "Head@50:60"), "Head is no hand or foot that can be led; there are: "),
        (("--gap", "40:80", "--pin", "LeftFoot@90:95"), "every frame of that is kept as it is"),
        (("--gap", "40:80", "--goal", "LeftHand@50=1,2"), "where in metres: RightHand@100=0.3,1.2,0.4"),
        (("--gap", "40:80", "--method", "slerp", "--strength", 0.5), "strength and blend are of models"),
        (("--keep", "9:3"), "9:3 ends before it begins"),
        (("--keep", "0,241"), "cannot keep frame 241: groove.bvh has frames 0 to 240"),
        (("--keep", "12"), "need at least 2"),
        (("--gap", "200:300"), "gap 200:300 lies outside groove.bvh"),
        (("--gap", "0:240"), "leave no frame of groove.bvh"),
        (("--gap", "200:240"), "with extend"),
        (("--every", 15, "--method", "magic"), "no method 'magic': there are slerp, hermite, model, dance"),
        (("--every", 15, "--method", "hermite", "--model", "x"), "uses no model"),
        (("--every", 15, "--model", "nowhere"), "no model 'nowhere'"),
        (
            ("--every", 15, "--takes", 2, "--method", "model"),
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


def test_one_arm_alone_and_a_hand_that_is_led(farandole, clip: Path, tmp_path: Path) -> None:
    given = load_motion(clip)
    words = ("inbetween", clip, "--gap", "1s:2s", "--joints", "RightArm+", "-q", "-o")
    assert farandole(*words, tmp_path / "arm.npz").code == 0
    made = load_motion(tmp_path / "arm.npz")
    arm = [given.skeleton.index(f"Right{part}") for part in ("Arm", "ForeArm", "Hand")]
    others = np.setdiff1d(np.arange(len(given.skeleton)), arm)
    np.testing.assert_array_equal(made.rotations[:, others], given.rotations[:, others])
    np.testing.assert_array_equal(made.root_positions, given.root_positions)
    assert np.abs(made.rotations - given.rotations)[60:121, arm].max() > 0.05
    place = given.positions[90, given.skeleton.index("RightArm")] + np.array([0.1, -0.1, 0.25])
    goal = "RightHand@90=" + ",".join(f"{x:.4f}" for x in place)
    assert farandole(*words, tmp_path / "led.npz", "--goal", goal).code == 0
    led = load_motion(tmp_path / "led.npz")
    np.testing.assert_allclose(led.positions[90, given.skeleton.index("RightHand")], place, atol=2e-3)
    np.testing.assert_array_equal(led.rotations[:, others], given.rotations[:, others])


def test_a_part_between_two_moments(farandole, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.bvh"
    outcome = farandole("inbetween", clip, "--begin", "0.5", "--end", "2.5s", "--gap", "0.5s:1s", "-o", out)
    assert outcome.code == 0, outcome.err
    part, filled = load_motion(clip).slice(30, 150), load_motion(out)
    kept = np.r_[0:30, 61:120]  # of the part, whose first frame is 0
    np.testing.assert_array_equal(filled.rotations[kept], part.rotations[kept])
    assert len(filled) == 120
    assert np.abs(filled.rotations[45] - part.rotations[45]).max() > 1e-4


def test_poses_at_times(farandole, clip: Path, tmp_path: Path) -> None:
    poses = load_motion(clip).resample(1.0).slice(0, 3)
    poses.save(tmp_path / "poses.bvh")
    words = ("inbetween", tmp_path / "poses.bvh", "--at", "0,0.6:1.0,1.6", "--fps", 25, "--json", "-q")
    facts = json.loads(farandole(*words, "-o", tmp_path / "laid.npz").out)
    assert (facts["frames"], facts["fps"], facts["kept"]) == (41, 25.0, 1 + 11 + 1)
    made = load_motion(tmp_path / "laid.npz")
    np.testing.assert_allclose(made.positions[[0, 15, 20, 25, 40]], poses.positions[[0, 1, 1, 1, 2]], atol=1e-5)


def test_several_takes_dance_and_a_span_is_rerolled(farandole, clip: Path, tmp_path: Path) -> None:
    from farandole.data.starter.songs import compose

    song = compose(120.0, 5.0, genre="house", seed=1)
    soundfile.write(tmp_path / "song.wav", song.samples, song.sample_rate)
    given = load_motion(clip)
    words = (clip, tmp_path / "song.wav", "--span", "1s:3s", "--formats", "npz", "-q", "-o", tmp_path / "out")
    assert farandole("reroll", *words, "--takes", 2, "--keep-joints", "legs").code == 0
    one, other = (load_motion(tmp_path / "out" / f"groove-rerolled-{n}.npz") for n in (1, 2))
    legs = [given.skeleton.index(f"{s}{p}") for s in ("Left", "Right") for p in ("UpLeg", "Leg", "Foot", "ToeBase")]
    for made in (one, other):
        np.testing.assert_array_equal(made.rotations[np.r_[0:60, 181:241]], given.rotations[np.r_[0:60, 181:241]])
        np.testing.assert_array_equal(made.rotations[:, legs], given.rotations[:, legs])
        np.testing.assert_array_equal(made.root_positions, given.root_positions)
    assert np.abs(one.positions - other.positions)[90:150].max() > 0.1
    assert "bars and span given" in farandole("reroll", *words, "--bars", "1:2").refused()
    assert "there is no bar 99" in farandole("reroll", *words[:2], "--bars", "99", "-o", tmp_path / "no.bvh").refused()
