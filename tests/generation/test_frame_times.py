"""Frames, seconds, beats and bars, as people say them."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.generation.frame_times import FrameTimes
from farandole.generation.patterns import laid_out
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.music import Beats
from farandole.music.song import Song

SONG = Song.from_samples(np.zeros(22050 * 8, np.float32), 22050).with_beats(
    Beats(0.25 + 0.5 * np.arange(15), first_count=3)
)
"""Beats at 0.25, 0.75 ... s; bars of four begin with the second of them."""
TIMES = FrameTimes(240, 30.0, SONG, "clip")


@pytest.mark.parametrize(
    ("words", "frame"),
    [(30, 30), ("30", 30), ("1.2s", 36), ("0 s", 0), ("1beat", 8), ("2beat", 22), ("1bar", 22), ("2bar", 82)],
)
def test_moments(words: str | int, frame: int) -> None:
    assert TIMES.frame(words) == frame


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ("40:80", (40, 80)),
        ("40", (40, 40)),
        ("1s:2s", (30, 60)),
        ("1:2s", (30, 60)),
        ("20:2s", None),
        ("1:2bars", (22, 141)),  # up to the frame before bar 3
        ("2bar", (82, 141)),
        ("4bars", (202, 239)),  # the last one ends with the motion
    ],
)
def test_stretches(words: str, span: tuple[int, int] | None) -> None:
    if span is None:
        with pytest.raises(MotionError, match="ends before it begins"):
            TIMES.span(words)  # 20 s, as the end says
    else:
        assert TIMES.span(words) == span


def test_lists_and_distances() -> None:
    assert TIMES.listed("0,1s,75:77,2bar") == [0, 30, 75, 76, 77, 82]
    assert TIMES.every(15) == TIMES.every("15") == 15
    assert TIMES.every("1.5s") == [0, 45, 90, 135, 180, 225, 239]
    assert TIMES.every("2bars") == [0, 22, 142, 239]
    assert FrameTimes(60, 25.0).every("0.5s") == [0, 12, 25, 38, 50, 59]  # of 12.5 frames, without drift


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: TIMES.frame("soon"), "'soon' is no moment; accepted are frames"),
        (lambda: TIMES.frame("1.5"), "write 1.5s for seconds"),
        (lambda: TIMES.frame("99bar"), "no bar 99 within clip: it has bars 1 to 4"),
        (lambda: TIMES.frame("0beat"), "no beat 0"),
        (lambda: TIMES.span("80:40"), "80:40 ends before it begins"),
        (lambda: TIMES.every("0.05s"), "need two frames"),
        (lambda: TIMES.every("0.5bars"), "whole number of bars"),
        (lambda: TIMES.every("20s"), "nothing but its two ends"),
        (lambda: FrameTimes(100, 30.0).frame("1bar"), "beats and bars are those of a song"),
    ],
)
def test_what_is_no_moment(ask, says: str) -> None:
    with pytest.raises(MotionError, match=says):
        ask()


def test_poses_laid_out_in_time() -> None:
    body = house_skeleton()
    roots = np.arange(9.0).reshape(3, 3)
    poses = Motion(body, np.tile([1.0, 0, 0, 0], (3, len(body), 1)), roots, 30.0, name="poses")
    laid, kept = laid_out(poses, [0.2, (0.5, 0.8), 1.0], 10.0)
    assert np.flatnonzero(kept).tolist() == [0, 1, 2, 5, 6, 7, 8, 10]
    np.testing.assert_array_equal(laid.root_positions[kept], roots[[0, 0, 0, 1, 1, 1, 1, 2]])
    for times, says in (
        ([0, 1], "3 poses, but 2 times"),
        ([0, 1, 0.5], "each later"),
        ([-1, 0, 1], "must not be negative"),
        ([0, 0.01, 1], "two poses fall on frame 0"),
        ([0, 0.1, 0.2], "nothing to fill"),
    ):
        with pytest.raises(MotionError, match=says):
            laid_out(poses, times, 10.0)
