"""Elbows bent the wrong way."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.evaluation.metrics.knees import WRONG_WAY
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array


def elbow_bends(body: HumanoidView) -> Array:
    """Signed bend of the left and right elbow, [T, 2] rad; positive bends the human way.

    Measured in the upper arm's own frame, where a T-pose that faces +z bends the forearm towards +z; NaN for other rest poses.
    """
    return np.stack([_bend(body, side) for side in ("Left", "Right")], axis=1)


def wrong_elbows(body: HumanoidView) -> float:
    """Share of frames and sides in which an elbow bends backward by more than `WRONG_WAY`; NaN where the rest pose is no T-pose.

    Rigs that twist the upper arm read high for real motion too, so compare with the reference.
    """
    bends = elbow_bends(body)
    return float((bends < -WRONG_WAY).mean()) if np.isfinite(bends).all() else float("nan")


def _bend(body: HumanoidView, side: str) -> Array:
    """Signed bend of one elbow [T] rad; NaN if the rest pose is no T-pose facing +z."""
    arm, motion = body.index.get(f"{side}Arm"), body.motion
    rest = motion.skeleton.rest_positions
    elbow, wrist = body.index[f"{side}ForeArm"], body.index[f"{side}Hand"]
    if arm is None:
        return np.full(len(motion), np.nan)
    bone = rest[elbow] - rest[arm]
    sideways = bone[0] * (1 if side == "Left" else -1) / max(float(np.linalg.norm(bone)), 1e-9)
    if sideways < 0.9:
        return np.full(len(motion), np.nan)
    forearm = rot.rotate(
        rot.inverse(motion.global_rotations[:, arm]), motion.positions[:, wrist] - motion.positions[:, elbow]
    )
    along = forearm @ (bone / np.linalg.norm(bone))
    return np.arctan2(forearm[:, 2], along) - np.arctan2(*(rest[wrist] - rest[elbow])[[2, 0]] * (1, np.sign(bone[0])))
