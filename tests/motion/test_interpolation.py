"""Filling by formula: what lies on a line stays on it, kept frames stay, speeds go on."""

import numpy as np
import pytest

from farandole.errors import MotionError
from farandole.motion import rotations as rot
from farandole.motion.interpolation import (
    METHODS,
    REACH,
    Gaps,
    hermite_between,
    hermite_line,
    inverse_right_jacobian,
    resample_smoothly,
    slerp_between,
)
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

BODY = Skeleton(["hips", "leg", "foot"], [-1, 0, 1], [[0, 1, 0], [0, -0.5, 0], [0, -0.5, 0]])


def steady(frames: int = 41, fps: float = 30.0) -> Motion:
    """Every joint turns evenly about its own axis, the root goes straight on."""
    t = np.arange(frames)[:, None, None]
    axes = np.array([[0.02, 0.05, 0.0], [0.03, 0.0, -0.01], [0.0, 0.01, 0.04]])
    return Motion(BODY, rot.from_rotvec(t * axes), t[:, 0] * np.array([0.01, 0.0, -0.02]), fps)


def wavy(frames: int = 91, fps: float = 30.0) -> Motion:
    """Smooth motion with every derivative."""
    t = np.arange(frames)[:, None] / fps
    turns = 0.5 * np.sin(2 * np.pi * t[:, :, None] * np.array([0.25, 0.4, 0.15]) + np.array([[0.0], [1.0], [2.0]]))
    path = np.concatenate((np.sin(2 * t), 0.05 * np.cos(5 * t), t), axis=1)
    return Motion(BODY, rot.from_rotvec(turns), path, fps)


def pattern(frames: int, *kept: int) -> np.ndarray:
    mask = np.zeros(frames, bool)
    mask[list(kept)] = True
    return mask


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kept", [(0, 7, 8, 30, 40), (0, 40), (5, 21, 22, 23)])
def test_steady_motion_is_found_again_and_what_is_missing_is_not_looked_at(method: str, kept: tuple[int, ...]) -> None:
    truth = steady()
    mask = pattern(41, *kept)
    hidden = np.flatnonzero(~mask & (np.arange(41) > kept[0]) & (np.arange(41) < kept[-1]))
    spoilt = Motion(BODY, truth.rotations.copy(), truth.root_positions.copy(), 30)
    for values in (spoilt.rotations, spoilt.root_positions):
        values.setflags(write=True)
        values[hidden] = values[0]
    made = METHODS[method](spoilt, mask)
    np.testing.assert_allclose(made.positions, truth.positions, atol=1e-9)
    np.testing.assert_array_equal(made.rotations[mask], truth.rotations[mask])


def test_curves_keep_the_speed_at_kept_frames_where_lines_have_corners() -> None:
    truth = wavy()
    mask = np.arange(91) % 15 == 0
    mask[30:46] = True
    bend, error = {}, {}
    for name, method in METHODS.items():
        made = method(truth, mask)
        np.testing.assert_array_equal(made.rotations[mask], truth.rotations[mask])
        jumps = np.linalg.norm(np.diff(made.positions, n=2, axis=0), axis=-1).max(axis=1)
        bend[name] = jumps[np.flatnonzero(mask)[1:-1] - 1].max()
        error[name] = np.linalg.norm(made.positions - truth.positions, axis=-1).max()
    assert error["hermite"] < 0.5 * error["slerp"]
    own = np.linalg.norm(np.diff(truth.positions, n=2, axis=0), axis=-1).max()
    assert bend["hermite"] < 1.5 * own < bend["slerp"]


def test_curves_do_not_overshoot_where_a_motion_stops() -> None:
    x = np.zeros((61, 1, 3))
    x[20:, 0, 0] = 1.0
    gaps = Gaps.of(pattern(61, 0, 10, 20, 30, 40, 60))
    made = hermite_line(x, gaps)[:, 0, 0]
    assert made.min() > -1e-9
    assert made.max() < 1 + 1e-9


def test_in_long_gaps_speeds_at_the_ends_fade_away() -> None:
    fast = steady(400)
    held = Motion(BODY, fast.rotations.copy(), fast.root_positions.copy(), 30)
    held.root_positions.setflags(write=True)
    held.root_positions[10:] = held.root_positions[10]  # walks for ten frames, then stands
    mask = np.ones(400, bool)
    mask[11:300] = False
    path = hermite_between(held, mask).root_positions
    speed = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert speed[10] == pytest.approx(speed[9], rel=0.2)
    beyond = 10 + round(REACH * 30)
    assert np.abs(path[beyond:] - path[300]).max() < 1e-9


def test_rate_of_a_rotation_vector_is_that_of_a_turning_body() -> None:
    rng = np.random.default_rng(0)
    for size in (1e-5, 0.3, 2.0, 3.0):
        v = size * rot.normalize(rng.normal(size=(20, 3)))
        w = rng.normal(size=(20, 3))
        step = 1e-6
        moved = rot.to_rotvec(rot.multiply(rot.from_rotvec(v), rot.from_rotvec(step * w)))
        np.testing.assert_allclose(inverse_right_jacobian(v, w), (moved - v) / step, atol=2e-4)


def test_bones_that_change_length_are_filled_too() -> None:
    truth = steady()
    stretch = np.repeat(BODY.offsets[None], 41, axis=0)
    stretch[:, 1, 1] += 0.01 * np.arange(41)
    long = Motion(BODY, truth.rotations, truth.root_positions, 30, translations=stretch)
    for method in METHODS.values():
        made = method(long, pattern(41, 0, 20, 40))
        assert made.translations is not None
        np.testing.assert_allclose(made.translations, stretch, atol=1e-9)


def test_one_frame_is_not_enough() -> None:
    with pytest.raises(MotionError, match="1 of 41 frames kept"):
        slerp_between(steady(), pattern(41, 3))


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 72.0, 120.0])
def test_frames_at_another_rate_lie_on_curves(fps: float) -> None:
    coarse, fine = wavy(), wavy(361, 120.0)
    made, straight = resample_smoothly(coarse, fps), coarse.resample(fps)
    assert (len(made), made.fps) == (len(straight), straight.fps)
    truth = fine.resample(fps).positions[: len(made)]
    error = lambda m: np.linalg.norm(m.positions - truth, axis=-1).max()  # noqa: E731
    bend = lambda p: np.linalg.norm(np.diff(p, n=2, axis=0), axis=-1).max()  # noqa: E731
    if fps > 30:
        assert error(made) < 0.5 * error(straight)
        assert bend(made.positions) < min(1.7 * bend(truth), 0.8 * bend(straight.positions))
    elif fps < 30:
        assert error(made) < 0.5 * error(straight)
    else:
        np.testing.assert_array_equal(made.positions, straight.positions)
    np.testing.assert_allclose(resample_smoothly(made, fps).positions, made.positions, atol=1e-12)
