"""Feet between kept frames: less slip, none of it paid for by a kept frame."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.motion import names
from farandole.motion.gap_feet import plant_between
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
