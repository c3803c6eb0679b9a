"""Joints that are known in frames whose other joints are not, as a dancer is shown them: whole groups of joints, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.bodies import kept_at
from farandole.motion.dance_codec import GROUPS, DanceCodec
from farandole.motion.names import find_roles
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.generation.partial import PartialMotion


def known_groups(partial: PartialMotion, groups: Sequence[str], fps: float, frames: int) -> np.ndarray:
    """Which groups of joints are known in which frames at another frame rate, [frames, G] bool.

    A group is known where all of its joints are that the skeleton has.
    """
    result = np.zeros((frames, len(groups)), bool)
    if not partial.by_joint:
        return result
    roles = find_roles(partial.motion.skeleton)
    for number, group in enumerate(groups):
        joints = [roles[role] for role in GROUPS[group] if role in roles]
        if joints:
            result[:, number] = kept_at(
                np.asarray(partial.known[:, joints].all(axis=1)), partial.motion.fps, fps, frames
            )
    return result


def pinned_features(
    codec: DanceCodec, features: Array, known: np.ndarray, groups: Sequence[str], by: np.ndarray
) -> Array:
    """What a dancer is shown, [T, D + G]: features where they are known, zero elsewhere, and a flag per group.

    Args:
        codec: Of the features.
        features: Scaled, [T, D].
        known: Frames that are known whole, [T] bool.
        groups: Names, G of them.
        by: Groups that are known in other frames, [T, G] bool.
    """
    columns = np.zeros((len(groups), features.shape[1]), bool)
    for number, group in enumerate(groups):
        columns[number, codec.group_columns[group]] = True
    flags = by | known[:, None]
    shown = known[:, None] | (by.astype(int) @ columns.astype(int) > 0)
    return np.concatenate((np.where(shown, features, 0.0), flags), axis=1).astype(np.float32)
