"""Feet between kept frames: less slip, none of it paid for by a kept frame."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.motion import names
from farandole.motion.gap_feet import POP, plant_between
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion


@pytest.fixture(scope="module")
def take() -> Motion:
    return steady_groove(120.0, 12.0, seed=3).slice(60, 360)


def balls(motion: Motion) -> np.ndarray:
    roles = names.humanoid_roles(motion.skeleton)
    return motion.positions[:, [roles[f"{side}ToeBase"] for side in names.SIDES]]


def slip(motion: Motion, take: Motion, missing: np.ndarray) -> float:
    """Mean speed of feet in missing frames in which the real ones stand, m/s."""
    real = balls(take)
    speed = lambda p: np.linalg.norm(np.gradient(p, axis=0), axis=-1) * take.fps  # noqa: E731
    stands = (speed(real) < 0.2) & (real[..., 1] < np.quantile(real[..., 1], 0.3)) & missing[:, None]
    return float(speed(balls(motion))[stands].mean())


@pytest.mark.parametrize("every", [8, 15])
def test_feet_slip_less_and_kept_frames_stay(take: Motion, every: int) -> None:
    kept = np.arange(len(take)) % every == 0
    kept[100:140] = True
    filled = hermite_between(take, kept)
    planted = plant_between(filled, kept)
    np.testing.assert_array_equal(planted.rotations[kept], take.rotations[kept])
    np.testing.assert_array_equal(planted.root_positions, filled.root_positions)
    last = np.flatnonzero(kept)[-1]
    missing = ~kept & (np.arange(len(take)) < last)
    assert slip(planted, take, missing) < 0.9 * slip(filled, take, missing)
    error = lambda m: np.linalg.norm(m.positions - take.positions, axis=-1)[missing].mean()  # noqa: E731
    assert error(planted) < error(filled)
    legs = {take.skeleton.index(f"{s}{p}") for s in names.SIDES for p in ("UpLeg", "Leg", "Foot")}
    others = [j for j in range(len(take.skeleton)) if j not in legs]
    np.testing.assert_array_equal(planted.rotations[:, others], filled.rotations[:, others])


def test_feet_stay_out_of_the_floor(take: Motion) -> None:
    kept = np.arange(len(take)) % 15 == 0
    sinking = hermite_between(take, kept)
    lower = 0.08 * np.sin(np.pi * (np.arange(len(take)) % 15) / 15)
    sinking = replace(sinking, root_positions=sinking.root_positions - lower[:, None] * np.array([0.0, 1.0, 0.0]))
    floor = balls(take)[kept][..., 1].min()
    deepest = lambda m: floor - balls(m)[: len(take) - 15, :, 1].min()  # noqa: E731
    assert deepest(sinking) > 0.04
    assert deepest(plant_between(sinking, kept)) < 0.35 * deepest(sinking)


def test_a_foot_that_both_ends_have_standing_stays_where_it_is(take: Motion) -> None:
    """Curves through a body that sways let its feet drift: planting keeps them."""
    still = take.slice(0, 60)
    pose = np.repeat(still.rotations[:1], 60, axis=0)
    sway = np.stack((0.03 * np.sin(np.pi * np.arange(60) / 59), np.zeros(60), np.zeros(60)), axis=-1)
    swaying = replace(still, rotations=pose, root_positions=still.root_positions[:1] + sway)
    kept = np.zeros(60, bool)
    kept[[0, 59]] = True
    ball = [swaying.skeleton.index(f"{side}ToeBase") for side in ("Left", "Right")]
    away = lambda m: np.linalg.norm(m.positions[:, ball] - m.positions[:1, ball], axis=-1).max()  # noqa: E731
    assert away(swaying) > 0.025
    assert away(plant_between(swaying, kept)) < 0.006


def test_knees_do_not_snap(take: Motion) -> None:
    for every in (10, 15, 20):
        kept = np.arange(len(take)) % every == 0
        kept[-1] = True
        curves = hermite_between(take, kept)
        legs = [take.skeleton.index(f"{side}{part}") for side in ("Left", "Right") for part in ("Leg", "Foot")]
        peak = lambda m: np.linalg.norm(np.diff(m.positions[:, legs], n=2, axis=0), axis=-1).max() * m.fps**2  # noqa: B023, E731
        assert peak(plant_between(curves, kept)) <= max(1.5 * peak(curves), POP) + 1e-6
