"""Does the foot that stands slide?"""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.kinematics import velocity
from farandole.motion.rotations import Array

TIE = 0.015
"""Two feet whose lowest points differ by less than this both stand, m; the slower one then counts as the supporting foot."""


def support_speed(body: HumanoidView) -> Array:
    """Horizontal speed of the foot that stands, [T] m/s.

    Of each foot the lowest of its points (ankle, toe joint, tip) is where it touches; its horizontal velocity by central
    differences is the foot's slip. The supporting foot is the one whose touching point is lower; when the two differ by less
    than `TIE`, both stand, and the slower one carries.
    """
    height = body.feet[..., 1]  # [T, 2, P]
    touching = height.argmin(axis=2)[..., None]
    slip = np.linalg.norm(velocity(body.feet, body.fps)[..., (0, 2)], axis=-1)
    slip = np.take_along_axis(slip, touching, axis=2)[..., 0]  # [T, 2]
    low = np.take_along_axis(height, touching, axis=2)[..., 0]
    tie = np.abs(low[:, 0] - low[:, 1]) < TIE
    return np.where(tie, slip.min(axis=1), np.where(low[:, 0] < low[:, 1], slip[:, 0], slip[:, 1]))
