"""Batches of short windows filled by an in-between model, for measuring it: on its own skeleton at once, on others one by one."""

from __future__ import annotations

import numpy as np

from farandole.generation.gap_fill import fill_with, same_body
from farandole.generation.inbetween_net import InbetweenNet
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

BATCH = 128


def fill_windows(
    net: InbetweenNet, skeleton: Skeleton, fps: float, rotations: Array, root_positions: Array, given: np.ndarray
) -> tuple[Array, Array]:
    """Windows with the frames that are not given filled.

    Args:
        net: The model.
        skeleton: Body of the windows; where it is not the model's, motion is retargeted there and back as in `farandole inbetween`.
        fps: Frame rate of the windows.
        rotations: Local quaternions, [B, T, J, 4].
        root_positions: [B, T, 3] m.
        given: The same frames of every window, [T] bool.

    Returns:
        Both arrays, filled.

    Raises:
        MotionError: If a gap is longer than the model's window.
        RetargetError: If the bodies cannot be mapped.
    """
    if same_body(skeleton, net.skeleton) and np.isclose(fps, net.fps):
        flags = np.tile(given, (len(rotations), 1))
        parts = [
            net.fill(rotations[i : i + BATCH], root_positions[i : i + BATCH], flags[i : i + BATCH])
            for i in range(0, len(rotations), BATCH)
        ]
        return np.concatenate([q for q, _ in parts]), np.concatenate([p for _, p in parts])
    motions = [Motion(skeleton, q, p, fps, name="window") for q, p in zip(rotations, root_positions, strict=True)]
    made = [fill_with(net, hermite_between(m, given), given) for m in motions]
    return np.stack([m.rotations for m in made]), np.stack([m.root_positions for m in made])
