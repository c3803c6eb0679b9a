"""Pose features of the flow paper's Frechet pose and movement distances, for any skeleton."""

from __future__ import annotations

import numpy as np

from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array

POSE_FPS = 20.0
"""Frame rate of the pose features (that of the flow paper)."""


def pose_features(motion: Motion) -> Array:
    """Features of the flow paper's Frechet distances for any skeleton of J joints, [N, 3 J + 2] float32 at 20 fps.

    Rotation vectors of all joints in rad, continuous over time, the root's without its heading and its vertical component; then the
    root's velocity to the side and forward in the frame of its heading, cm per frame, and its turn, rad per frame (Valle-Perez et
    al., 2021: 65 numbers for 21 joints, without the height).
    """
    motion = motion.resample(POSE_FPS)
    heading = np.unwrap(rot.yaw(motion.rotations[:, 0]))
    local = rot.unroll(motion.rotations)
    local = local.copy()
    local[:, 0] = rot.multiply(rot.from_yaw(-heading), local[:, 0])
    vectors = rot.to_rotvec(local).reshape(len(motion), -1)
    vectors = np.delete(vectors, 1, axis=1)
    step = np.diff(motion.root_positions, axis=0, prepend=motion.root_positions[:1])
    ground = rot.rotate(rot.from_yaw(-heading), step)[:, (0, 2)] * 100.0
    turn = np.diff(heading, prepend=heading[:1])[:, None]
    table = np.concatenate((vectors, ground, turn), axis=1).astype(np.float32)
    if len(table) > 1:
        table[0, -3:] = table[1, -3:]
    return table
