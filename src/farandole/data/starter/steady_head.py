"""A neck and a head for bodies that have none (a robot's): held upright and looking where the dancer faces, as people do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.motion import Motion

UPRIGHT = 0.6
"""Share of the chest's leaning and twisting that neck and head take back."""
LOOK_SECONDS = 0.25
"""Standard deviation of the smoothing of where the dancer looks, s."""


def with_steady_head(motion: Motion, unknown: Sequence[str]) -> Motion:
    """The motion with neck and head turned against the chest, half each, where both are unknown; else as it is.

    Dancers steady their heads in space (Pozzo, Berthoz and Lefort, 1990, doi:10.1007/BF00230842): a head that is rigid on the chest
    is what tells a robot's recording at first sight.

    Args:
        motion: On the house skeleton.
        unknown: Joints that the recording does not tell.
    """
    if not {"Neck", "Head"} <= set(unknown):
        return motion
    from scipy.ndimage import gaussian_filter1d

    body = motion.skeleton
    neck, head = body.index("Neck"), body.index("Head")
    chest = motion.global_rotations[:, body.parents[neck]]
    facing = np.unwrap(rot.yaw(chest))
    ahead = rot.from_yaw(gaussian_filter1d(facing, LOOK_SECONDS * motion.fps, mode="nearest"))
    share = np.full(len(motion), 0.5 * UPRIGHT)
    half = rot.slerp(rot.identity(len(motion)), rot.multiply(rot.inverse(chest), ahead), share)
    rotations = motion.rotations.copy()
    rotations[:, neck] = rotations[:, head] = half
    return replace(motion, rotations=rotations)
