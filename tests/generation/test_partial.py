"""Motions with holes: what is known of them, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farandole.errors import AbilityError, MotionError
from farandole.generation.completion import complete, completions, keep_known
from farandole.generation.partial import PartialMotion
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

BODY = Skeleton(("hips", "spine"), (-1, 0), ((0, 1, 0), (0, 0.3, 0)))


def motion(frames: int, seed: int = 0) -> Motion:
    random = np.random.default_rng(seed)
    turns = rot.from_rotvec(random.normal(size=(frames, 2, 3)))
    return Motion(BODY, turns, random.normal(size=(frames, 3)), 30.0, name="clip")


@pytest.mark.parametrize(
    ("known", "pattern"),
    [
        ("000000", "nothing"),
        ("110000", "past"),
        ("111110", "past"),
        ("101111", "gaps"),
        ("001100", "gaps"),
        ("011111", "gaps"),
        ("110100", "gaps"),
    ],
)
def test_where_the_unknown_lies(known: str, pattern: str) -> None:
    flags = np.array([k == "1" for k in known])
    for given_as in (flags, np.repeat(flags[:, None], 2, axis=1), flags.astype(int)):
        partial = PartialMotion(motion(6), given_as)
        assert (partial.pattern, partial.by_joint) == (pattern, False)
        np.testing.assert_array_equal(partial.frames, flags)
        np.testing.assert_array_equal(partial.known, flags)  # of whole frames, however it was said


def test_joints_of_frames() -> None:
    known = np.ones((6, 2), bool)
    known[2:4, 1] = False
    partial = PartialMotion(motion(6), known)
    assert partial.by_joint
    assert partial.frames.tolist() == [True, True, False, False, True, True]
    assert partial.pattern == "gaps"
    np.testing.assert_array_equal(partial.known, known)


@pytest.mark.parametrize("shape", [(5,), (7,), (6, 3), (6, 1), (6, 2, 1), ()])
def test_a_pattern_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionError, match=r"known has shape .*; accepted are \(6,\) and \(6, 2\)"):
        PartialMotion(motion(6), np.zeros(shape, bool))


@pytest.mark.parametrize("shape", [(6,), (6, 2)])
def test_where_everything_is_known_nothing_is_left_to_do(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionError, match="clip: everything is known, there is nothing to complete"):
        PartialMotion(motion(6), np.ones(shape, bool))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": -0.1}, "temperature -0.1: need 0 or more"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"temperature": float("inf")}, "temperature inf"),
        ({"energy": float("nan")}, "energy nan: need a number"),
        ({"energy": float("-inf")}, "energy -inf"),
        ({"song_begin": float("nan")}, "song_begin nan: need a time in seconds"),
    ],
)
def test_numbers_out_of_range_are_refused(options: dict, says: str) -> None:
    with pytest.raises(MotionError, match=says):
        PartialMotion(motion(6), np.zeros(6, bool), **options)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_lengths_are_positive_numbers(seconds: float) -> None:
    for make in (
        lambda: PartialMotion.unknown(seconds, 30.0),
        lambda: PartialMotion.unknown(1.0, seconds),
        lambda: PartialMotion.after(motion(6), seconds),
    ):
        with pytest.raises(MotionError, match="need a positive"):
            make()


def test_nothing_known_is_a_length_on_a_body() -> None:
    partial = PartialMotion.unknown(2.0, 24.0, energy=0.5)
    assert (len(partial.motion), partial.motion.fps, partial.energy) == (48, 24.0, 0.5)
    assert partial.motion.skeleton == house_skeleton()
    assert not partial.known.any()
    assert PartialMotion.unknown(1.0, 30.0, BODY).motion.skeleton == BODY


def test_what_comes_after_a_motion() -> None:
    clip = motion(6)
    clip = replace(clip, translations=np.random.default_rng(1).normal(size=(6, 2, 3)))
    partial = PartialMotion.after(clip, 0.5, seed=9)
    assert (len(partial.motion), partial.pattern, partial.seed) == (6 + 15, "past", 9)
    assert partial.frames.sum() == 6
    for name in ("rotations", "root_positions", "translations"):
        np.testing.assert_array_equal(getattr(partial.past, name), getattr(clip, name))
        np.testing.assert_array_equal(
            getattr(partial.motion, name)[6:], np.repeat(getattr(clip, name)[-1:], 15, axis=0)
        )


@given(flags=st.lists(st.booleans(), min_size=3, max_size=40).filter(lambda f: any(f) and not all(f)))
@settings(max_examples=60)
def test_known_frames_and_those_beyond_the_outermost_stay_bit_for_bit(flags: list[bool]) -> None:
    known = np.array(flags)
    clip, made = motion(len(known)), motion(len(known), seed=1)
    result = keep_known(PartialMotion(clip, known), made)
    places = np.flatnonzero(known)
    free = ~known
    free[: places[0]] = free[places[-1] :] = False
    for name in ("rotations", "root_positions"):
        np.testing.assert_array_equal(getattr(result, name)[~free], getattr(clip, name)[~free])
        np.testing.assert_array_equal(getattr(result, name)[free], getattr(made, name)[free])


def test_curves_fill_gaps_and_nothing_else() -> None:
    clip = motion(9)
    known = np.arange(9) % 4 == 0
    made = complete(PartialMotion(clip, known), "slerp", feet=False)
    np.testing.assert_array_equal(made.rotations[known], clip.rotations[known])
    np.testing.assert_allclose(made.root_positions[2], clip.root_positions[[0, 4]].mean(axis=0))
    joints = np.ones((9, 2), bool)
    joints[3:5, 1] = False
    for partial, takes in (
        (PartialMotion(clip, known), 2), (PartialMotion(clip, joints), 2), (PartialMotion.after(clip, 1.0), 1),
        (PartialMotion.unknown(1.0, 30.0), 1),
    ):  # fmt: skip
        with pytest.raises(AbilityError, match="hermite curves fill gaps between known frames, in one take"):
            completions(partial, "hermite", takes=takes)
    with pytest.raises(MotionError, match="0 takes: need at least 1"):
        completions(PartialMotion(clip, known), "slerp", takes=0)
