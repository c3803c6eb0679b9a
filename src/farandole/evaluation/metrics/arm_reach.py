"""Long arms: lines that a dancer finishes."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array

LONG = 0.92
"""Share of the arm's length from which an arm counts as long."""


def arm_reach(body: HumanoidView) -> Array:
    """Distance of the left and right wrist from the shoulder joint, as a share of upper arm + forearm, [T, 2] within [0, 1].

    NaN for skeletons without upper arms.
    """
    reach = []
    for side in ("Left", "Right"):
        if f"{side}Arm" not in body.index:
            reach.append(np.full(len(body.positions), np.nan))
            continue
        shoulder, elbow, wrist = (body.role(side + part) for part in ("Arm", "ForeArm", "Hand"))
        length = np.linalg.norm(elbow - shoulder, axis=-1) + np.linalg.norm(wrist - elbow, axis=-1)
        reach.append(np.linalg.norm(wrist - shoulder, axis=-1) / np.maximum(length, 1e-9))
    return np.stack(reach, axis=1)


def long_arm_share(body: HumanoidView) -> float:
    """Share of frames and sides in which the hand is farther from the shoulder than `LONG` of the arm's length."""
    reach = arm_reach(body)
    return float((reach > LONG).mean()) if np.isfinite(reach).all() else float("nan")
