"""Physical Foot Contact score: does the body accelerate only while a foot stands?"""

from __future__ import annotations

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.metrics.foot_skating import FootJoints
from farandole.motion.rotations import Array

PFC_FPS = 30.0
"""Frame rate of the published PFC; its value falls with the square of the frame rate."""


def physical_foot_contact(positions: Array, fps: float = PFC_FPS, joints: FootJoints | None = None) -> Array:
    """PFC of each clip (Tseng et al., 2022, arXiv:2211.10658, section 4): 10^4 mean_t a_t l_t r_t.

    a_t is the root's acceleration (upward part only) divided by its maximum in the clip; l_t and r_t are the smaller horizontal
    steps of ankle and toes of each side, in metres per frame. Lower is better, but standing still scores 0, the value scales
    with the square of body size and frame rate, and one outlier lowers the whole clip: read it next to the real set's.

    Args:
        positions: World joint positions, [..., T, J, 3] m, y up; T >= 3.
        fps: Frame rate; bring clips to 30 to compare with published values.
        joints: Which joints are root, ankles and toes; SMPL's by default.

    Returns:
        One score per clip, [...]; 0 for a clip whose root never accelerates (the published script divides 0 by 0 there).
    """
    joints = joints or FootJoints()
    p = np.asarray(positions, dtype=float)
    if p.ndim < 3 or p.shape[-3] < 3:
        raise MotionError(f"the foot contact score needs positions [..., T >= 3, J, 3], got shape {p.shape}")
    acceleration = np.diff(p[..., joints.root, :], n=2, axis=-2) * fps**2
    acceleration[..., 1] = np.maximum(acceleration[..., 1], 0.0)
    size = np.linalg.norm(acceleration, axis=-1)
    peak = size.max(axis=-1, keepdims=True)
    size = np.where(peak > 0, size / np.where(peak > 0, peak, 1.0), 0.0)

    def step(*feet: int) -> Array:
        move = np.diff(p[..., 1:, feet, :][..., (0, 2)], axis=-3)
        return np.linalg.norm(move, axis=-1).min(axis=-1)

    left, right = step(joints.left_ankle, joints.left_toes), step(joints.right_ankle, joints.right_toes)
    return 1e4 * (size * left * right).mean(axis=-1)
