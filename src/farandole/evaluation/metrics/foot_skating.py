"""Foot-skating ratios, as published: how often a foot slides while it touches the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.motion.rotations import Array

SkatingVariant = Literal["lodge", "norm", "height"]


@dataclass(frozen=True)
class FootJoints:
    """Which joints of a position array are the feet. The defaults are SMPL's."""

    root: int = 0
    left_ankle: int = 7
    right_ankle: int = 8
    left_toes: int = 10
    right_toes: int = 11


def skating_ratio(
    positions: Array, fps: float = 30.0, *, variant: SkatingVariant = "lodge", joints: FootJoints = FootJoints()
) -> float:
    """Share of foot-contact frames in which the foot slides, for one clip.

    Args:
        positions: World joint positions, [T, J, 3] m, y up; T >= 2.
        fps: Frame rate.
        variant: "lodge" (Li et al., 2024, arXiv:2403.10518): ground is the toes' height in frame 0 (mean of both sides if
            within 2 cm, else the lower); contact when ankle <= 8 cm and toes <= 5 cm above it; sliding when |(vx + vz) / 2|
            of ankle or toes exceeds 0.3 m/s. That mean of components lets a diagonal slide cancel; "norm" takes the
            horizontal speed instead. "height": every frame with the toes lower than 5 cm above the lowest point is contact,
            sliding is faster than 2.5 cm per frame at 20 fps (0.5 m/s), as reports on HumanML3D count.
        joints: Which joints are ankles and toes.

    Returns:
        Mean of the two feet, within [0, 1]; a foot without contact is left out, NaN if neither has any.
    """
    p = np.asarray(positions, dtype=float)
    if p.ndim != 3 or len(p) < 2:
        raise MotionError(f"the skating ratio needs positions [T >= 2, J, 3], got shape {p.shape}")
    ankles = p[:, (joints.left_ankle, joints.right_ankle)]
    toes = p[:, (joints.left_toes, joints.right_toes)]
    left, right = toes[0, :, 1]
    ground = (left + right) / 2 if abs(left - right) < 0.02 else min(left, right)
    if variant == "height":
        ground = min(float(toes[..., 1].min()), float(ankles[..., 1].min()))
        contact = toes[:-1, :, 1] - ground < 0.05
        slides = _horizontal(toes, fps) > 0.5
    elif variant in ("lodge", "norm"):
        contact = (ankles[:-1, :, 1] - ground <= 0.08) & (toes[:-1, :, 1] - ground <= 0.05)
        speed = _mean_component if variant == "lodge" else _horizontal
        slides = (speed(ankles, fps) > 0.3) | (speed(toes, fps) > 0.3)
    else:
        raise ValueError(f"unknown skating variant {variant!r}: need 'lodge', 'norm' or 'height'")
    touching = contact.sum(axis=0)
    known = touching > 0
    if not known.any():
        return float("nan")
    return float(((contact & slides).sum(axis=0)[known] / touching[known]).mean())


def _horizontal(points: Array, fps: float) -> Array:
    """Horizontal speed of points [T, P, 3] between frames, [T-1, P] m/s."""
    return np.linalg.norm(np.diff(points[..., (0, 2)], axis=0), axis=-1) * fps


def _mean_component(points: Array, fps: float) -> Array:
    return np.abs(np.diff(points[..., (0, 2)], axis=0).mean(axis=-1)) * fps


def step_contacts(points: Array, threshold: float = 0.02e-4) -> NDArray[np.bool_]:
    """The contact rule of LAFAN1: a point is in contact while its squared step to the next frame is below `threshold`.

    Args:
        points: World positions, [T, P, 3]; the default threshold (0.02 cm^2) is for metres at 30 fps.
        threshold: Squared length per frame.

    Returns:
        Booleans [T, P]; the last frame repeats the one before it.
    """
    steps = (np.diff(np.asarray(points, dtype=float), axis=0) ** 2).sum(axis=-1)
    return np.concatenate((steps, steps[-1:])) < threshold
