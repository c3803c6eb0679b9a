"""Bodies whose hips move against a joint above them: a scene root on the floor, or bones that change length.

Joining and continuing motions works with a root that carries the body. These functions bring a motion into that form, and what was
made in that form back to the way in which the body's own motion travels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.edit import heading
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

_TRAVELS = 0.05
"""Path along the floor from which on a root counts as travelling with the body, m."""
_TURNS = 0.1
"""Turn from which on it does, rad."""


def carried_by_root(motion: Motion) -> Motion:
    """The same path and rotation of the hips in the world, all of it on the root; bones have their rest lengths."""
    chain = _chain(motion.skeleton)
    hips = chain[-1]
    turns, places = motion.global_rotations[:, hips], motion.positions[:, hips]
    local = motion.rotations.copy()
    local[:, chain] = rot.identity()
    local[:, 0] = turns
    reach = motion.skeleton.offsets[chain[1:]].sum(axis=0)
    return replace(motion, rotations=local, root_positions=places - rot.rotate(turns, reach), translations=None)


def travelling_like(motion: Motion, before: Motion) -> Motion:
    """A motion as of `carried_by_root` with the travel where `before`, which it continues, has it.

    A root that stands still in `before` goes on standing where it is and the hips move against it; one that travels keeps its place
    and turn relative to the hips along the floor. All other bones keep the lengths of the last frame.

    Args:
        motion: The continuation, [T] frames.
        before: A motion of the same skeleton with translations.
    """
    if before.translations is None:
        return motion
    chain = _chain(motion.skeleton)
    hips, above = chain[-1], chain[:-1]
    translations = np.repeat(before.translations[-1:], len(motion), axis=0)
    if not above:
        return replace(motion, translations=translations)
    turns, places = motion.global_rotations[:, hips], motion.positions[:, hips]
    local = motion.rotations.copy()
    local[:, above] = before.rotations[-1, above]
    root = np.repeat(before.root_positions[-1:], len(motion), axis=0)
    if _root_travels(before):
        yaw = rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), heading(motion) - heading(before)[-1])
        local[:, 0] = rot.multiply(yaw, local[:, 0])
        beside = rot.rotate(yaw, before.root_positions[-1] - before.positions[-1, hips])
        root[:, [0, 2]] = (places + beside)[:, [0, 2]]
    positions, world = kinematics.forward(motion.skeleton, local, root, translations)
    back = rot.inverse(world[:, above[-1]])
    local[:, hips] = rot.multiply(back, turns)
    translations[:, hips] = rot.rotate(back, places - positions[:, above[-1]])
    return replace(motion, rotations=rot.normalize(local), root_positions=root, translations=translations)


def _chain(skeleton: Skeleton) -> list[int]:
    """Joints from the root to the hips, both included."""
    return names.path(skeleton, 0, names.find_roles(skeleton).get("Hips", 0))


def _root_travels(motion: Motion) -> bool:
    way = np.ptp(motion.root_positions[:, [0, 2]], axis=0).max()
    turned = rot.angle_between(motion.rotations[:, 0], motion.rotations[:1, 0]).max()
    return bool(way > _TRAVELS or turned > _TURNS)
