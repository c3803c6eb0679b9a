"""Feet of free motions: a standing foot stands, a floating or sinking body has its feet on the floor, a good one stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import RetargetError
from farandole.motion.free_feet import plant, put_on_feet, stand
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

FPS = 25.0
BODY = house_skeleton()
TOES = [BODY.index("LeftToeBase"), BODY.index("RightToeBase")]


def standing(frames: int = 200) -> Motion:
    """A body at rest on the floor, its arms swinging."""
    turns = np.tile([1.0, 0, 0, 0], (frames, len(BODY), 1))
    swing = 0.4 * np.sin(np.arange(frames) / 5)
    turns[:, BODY.index("LeftArm")] = np.stack((np.cos(swing), 0 * swing, 0 * swing, np.sin(swing)), axis=-1)
    tips = [BODY.rest_positions[BODY.index(n), 1] + o[1] for n, o in BODY.end_sites.items()]
    height = BODY.rest_positions[0, 1] - min([BODY.rest_positions[:, 1].min(), *tips])
    return Motion(BODY, turns, np.tile([0.0, height, 0.0], (frames, 1)), FPS)


def shifted(path: np.ndarray) -> Motion:
    still = standing(len(path))
    return replace(still, root_positions=still.root_positions + path)


def test_a_body_that_stands_stays_where_it_is() -> None:
    still = standing()
    np.testing.assert_allclose(stand(still).root_positions, still.root_positions, atol=1e-9)


def test_a_standing_foot_does_not_slip() -> None:
    t = np.arange(200)[:, None] / FPS
    sliding = shifted(t * [0.3, 0.0, -0.2])
    speed = np.linalg.norm(np.diff(stand(sliding).positions[:, TOES], axis=0), axis=-1) * FPS
    assert speed.max() < 0.02
    np.testing.assert_array_equal(stand(sliding).rotations, sliding.rotations)


def test_a_slip_is_the_roots_however_fast() -> None:
    t = np.arange(200)[:, None] / FPS
    speed = np.linalg.norm(np.diff(stand(shifted(t * [1.2, 0.0, 0.0])).positions[:, TOES], axis=0), axis=-1) * FPS
    assert speed.max() < 0.1


def test_legs_reach_for_where_a_foot_stands() -> None:
    """One foot wobbles by a few centimetres while the other one stands: the root cannot take that."""
    still = standing()
    turns = still.rotations.copy()
    wobble = 0.02 * np.sin(np.arange(200) / 6)
    turns[:, BODY.index("LeftUpLeg")] = np.stack((np.cos(wobble), np.sin(wobble), 0 * wobble, 0 * wobble), axis=-1)
    wobbling = replace(still, rotations=turns)
    planted = plant(wobbling)
    path = lambda m: m.positions[:, BODY.index("LeftToeBase")]  # noqa: E731
    assert np.ptp(path(wobbling)[20:-20, 2]) > 0.02
    assert np.ptp(path(planted)[20:-20, 2]) < 0.002
    hips = [BODY.index("Hips"), BODY.index("LeftUpLeg"), BODY.index("RightToeBase")]
    np.testing.assert_allclose(planted.positions[:, hips], wobbling.positions[:, hips], atol=1e-6)
    np.testing.assert_allclose(put_on_feet(still).positions, still.positions, atol=1e-3)


@pytest.mark.parametrize("height", [0.8, 0.1, -0.15])
def test_a_body_off_the_floor_is_put_on_it(height: float) -> None:
    drift = np.linspace(0, height, 500)[:, None] * [0.0, 1.0, 0.0]
    feet = stand(shifted(drift)).positions[:, TOES, 1] - standing(500).positions[:, TOES, 1]
    assert np.abs(feet[50:-50]).max() < 0.06 * abs(height) / 0.15 + 0.01


def test_a_jump_remains_a_jump() -> None:
    path = np.zeros((200, 3))
    path[90:105, 1] = 0.4 * np.sin(np.linspace(0, np.pi, 15))
    jumped = stand(shifted(path)).root_positions[:, 1] - standing().root_positions[:, 1]
    assert jumped.max() == pytest.approx(0.4, abs=0.02)


def test_what_has_no_feet_is_refused() -> None:
    stick = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1.0, 0]]))
    with pytest.raises(RetargetError):
        stand(Motion(stick, np.tile([1.0, 0, 0, 0], (9, 2, 1)), np.zeros((9, 3)), FPS))
