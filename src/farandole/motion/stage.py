"""Where a dancer may go: drawn back, slowly, to where the dance began."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from farandole.motion.motion import Motion

EDGE_SECONDS = 1.5


def stay_near(motion: Motion, radius: float, pull: float, edge: float = 1.5) -> Motion:
    """Draw the dancer back, slowly, to where the motion begins: the nearer to `radius` and beyond, the faster.

    Args:
        radius: Distance at which the pull is about half its greatest, m.
        pull: Greatest speed of the pull within the edge, m/s.
        edge: Distance beyond which the excess is taken back within about EDGE_SECONDS, m.
    """
    from farandole.motion.filters import gaussian_filter1d

    path = np.asarray(motion.root_positions[:, [0, 2]], dtype=float)
    slow = gaussian_filter1d(path, 1.5 * motion.fps, axis=0, mode="nearest")
    steps = np.diff(slow, axis=0, prepend=slow[:1]).tolist()
    x = z = 0.0
    offset = np.empty_like(slow)
    back_x = back_z = 0.0
    for frame, (dx, dz) in enumerate(steps):  # plain floats: an hour has a hundred thousand frames
        x, z = x + dx, z + dz
        distance = math.hypot(x, z)
        if distance > 1e-6:
            speed = pull * (1.0 - math.exp(-((distance / radius) ** 2))) + max(distance - edge, 0.0) / EDGE_SECONDS
            share = min(speed / motion.fps / distance, 1.0)
            back_x, back_z = back_x - share * x, back_z - share * z
            x, z = x - share * x, z - share * z
        offset[frame] = back_x, back_z
    path = motion.root_positions.copy()
    path[:, [0, 2]] += offset
    return replace(motion, root_positions=path)
