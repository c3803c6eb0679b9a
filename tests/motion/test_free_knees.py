"""Knees of free motions: what bends backward bends forward afterwards, hips and feet stay, what is right stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.knees import knee_bends
from farandole.motion.free_knees import bend_knees
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

BODY = house_skeleton()
FEET = [BODY.index(f"{side}{part}") for side in ("Left", "Right") for part in ("Foot", "ToeBase")]


def bent(degrees: np.ndarray, foot: float = 0.0) -> Motion:
    """Both knees bent by so many degrees in each frame, negative ones forward; feet turned against the shank by `foot`."""
    turns = np.tile([1.0, 0, 0, 0], (len(degrees), len(BODY), 1))
    half = np.radians(degrees) / 2
    for side in ("Left", "Right"):
        for joint, angle in (
            (f"{side}UpLeg", -half),
            (f"{side}Leg", 2 * half),
            (f"{side}Foot", np.radians(foot) - half),
        ):
            turns[:, BODY.index(joint)] = np.stack(
                (np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle), axis=-1
            )
    return Motion(BODY, turns, np.tile([0.0, 1.0, 0.0], (len(degrees), 1)), 25.0)


@pytest.mark.parametrize("foot", [-20.0, 0.0, 30.0])
def test_a_knee_that_bends_backward_is_mirrored(foot: float) -> None:
    wrong = bent(np.linspace(-60, -20, 50), foot)
    right = bend_knees(wrong)
    np.testing.assert_allclose(right.positions[:, FEET], wrong.positions[:, FEET], atol=1e-3)
    before, after = (np.degrees(knee_bends(view_humanoid(m))) for m in (wrong, right))
    assert before.max() < -4
    np.testing.assert_allclose(after, -before, atol=1.5)
    np.testing.assert_allclose(right.global_rotations[:, FEET], wrong.global_rotations[:, FEET], atol=1e-9)


def test_a_knee_that_is_right_stays() -> None:
    right = bent(np.linspace(10, 90, 50))
    np.testing.assert_allclose(bend_knees(right).positions, right.positions, atol=1e-3)


def test_a_leg_that_is_stretched_through_comes_back_without_a_jump() -> None:
    swing = bend_knees(bent(12.0 * np.sin(np.linspace(0, 4 * np.pi, 200))))
    steps = np.linalg.norm(np.diff(swing.positions, axis=0), axis=-1)
    assert steps.max() < 0.005
    assert knee_bends(view_humanoid(swing)).min() > 0


def test_a_body_without_toes_stays_as_it_is() -> None:
    names = tuple(name.replace("ToeBase", "Stump") for name in BODY.names)
    ends = {name.replace("ToeBase", "Stump"): tip for name, tip in BODY.end_sites.items()}
    wrong = bent(np.full(9, -30.0))
    stumps = replace(wrong, skeleton=replace(BODY, names=names, end_sites=ends))
    np.testing.assert_allclose(bend_knees(stumps).rotations, stumps.rotations, atol=1e-12)
