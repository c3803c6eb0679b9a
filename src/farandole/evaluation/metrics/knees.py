"""Knees: bent the wrong way, or straight."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView, facing_direction
from farandole.motion.rotations import Array

WRONG_WAY = np.radians(10.0)
"""Knees and elbows bent the wrong way by more than this are wrong, rad; a few degrees are within the capture's error."""

STRAIGHT = 165.0
"""Angle between thigh and shank from which a leg counts as straight, degrees; 180 is fully stretched."""


def knee_bends(body: HumanoidView) -> Array:
    """Signed bend of the left and right knee, [T, 2] rad; positive bends the human way.

    Measured in the plane of shank and foot: a knee points where the toes point. Frames in which the foot is stretched out along
    the shank (under 17 degrees) leave the plane undefined and count as straight.
    """
    bends = []
    for side in ("Left", "Right"):
        hip, knee, ankle = (body.role(side + part) for part in ("UpLeg", "Leg", "Foot"))
        toe = f"{side}ToeBase"
        thigh, shank = knee - hip, _unit(ankle - knee)
        pointing = _unit(body.role(toe) - ankle if toe in body.index else facing_direction(body))
        ahead = pointing - _dot(pointing, shank) * shank
        clear = np.linalg.norm(ahead, axis=-1) > 0.3
        bend = np.arctan2(_dot(thigh, _unit(ahead))[:, 0], _dot(thigh, shank)[:, 0])
        bends.append(np.where(clear, bend, 0.0))
    return np.stack(bends, axis=1)


def wrong_knees(body: HumanoidView) -> float:
    """Share of frames and sides in which a knee bends forward by more than `WRONG_WAY`."""
    return float((knee_bends(body) < -WRONG_WAY).mean())


def straighter_knee(body: HumanoidView) -> Array:
    """Angle between thigh and shank of the leg that is straighter, [T] degrees; 180 is fully stretched."""
    angles = []
    for side in ("Left", "Right"):
        hip, knee, ankle = (body.role(side + part) for part in ("UpLeg", "Leg", "Foot"))
        cosine = _dot(_unit(hip - knee), _unit(ankle - knee))[:, 0]
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.maximum(*angles)


def straight_knee_share(body: HumanoidView) -> float:
    """Share of frames in which at least one knee is straighter than `STRAIGHT`: the weight is over a leg."""
    return float((straighter_knee(body) > STRAIGHT).mean())


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-1, keepdims=True)


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)
