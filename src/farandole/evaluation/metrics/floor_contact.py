"""Do the feet keep to the floor at y = 0?"""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array


def lowest_foot_point(body: HumanoidView) -> Array:
    """Height of the lowest point of either foot, [T] m."""
    return body.feet[..., 1].min(axis=(1, 2))


def penetration(body: HumanoidView) -> float:
    """99th percentile of the depth of the lowest foot point under the floor, cm."""
    return 100 * float(np.percentile(np.maximum(-lowest_foot_point(body), 0), 99))


def hover(body: HumanoidView) -> float:
    """Median height of the lowest foot point above the floor, cm."""
    return 100 * float(np.median(lowest_foot_point(body)))
