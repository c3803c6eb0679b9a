"""Where the hips go: their height, and how far they travel."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.humanoid import house_skeleton

STANDING = float(house_skeleton().offsets[0, 1])
"""Height of the hips of the house body that stands upright, m. Bodies are measured at its leg length."""


def hip_height_deviation(body: HumanoidView) -> float:
    """Standard deviation of the height of the hips, cm: small where a dancer never sinks or rises."""
    return 100 * float(body.role("Hips")[:, 1].std())


def hip_rise(body: HumanoidView) -> float:
    """Greatest height of the hips over `STANDING`, m; negative where the knees are never straight, large in the air."""
    return float(body.role("Hips")[:, 1].max()) - STANDING


def hip_drift(body: HumanoidView) -> float:
    """Greatest horizontal distance of the hips from their start, m."""
    hips = body.role("Hips")[:, (0, 2)]
    return float(np.linalg.norm(hips - hips[0], axis=-1).max())
