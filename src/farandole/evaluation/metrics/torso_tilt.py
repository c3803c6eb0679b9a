"""Is the torso one block? How much hips and shoulders tilt against each other."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array


def torso_tilt(body: HumanoidView) -> Array:
    """Tilt of the line between the hip joints against that between the shoulder joints, [T] degrees, left side up positive.

    Each tilt is against the horizontal; their difference does not change when the whole body leans. NaN without upper arms.
    """
    if not {"LeftArm", "RightArm"} <= set(body.roles):
        return np.full(len(body.positions), np.nan)
    return _tilt(body, "UpLeg") - _tilt(body, "Arm")


def torso_tilt_deviation(body: HumanoidView) -> float:
    """Standard deviation of `torso_tilt` over the dance, degrees."""
    return float(torso_tilt(body).std())


def _tilt(body: HumanoidView, part: str) -> Array:
    across = body.role(f"Left{part}") - body.role(f"Right{part}")
    return np.degrees(np.arctan2(across[:, 1], np.linalg.norm(across[:, (0, 2)], axis=-1)))
