"""The same movement over another rest pose: arms straight out, legs straight down, as tools expect of a body at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.retarget import rests_standing
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_NEAR = np.cos(np.deg2rad(30.0))
"""Bones further than this from where a T-pose has them belong to another rest pose, which is left as it is."""


def in_t_pose(motion: Motion) -> Motion:
    """The motion of a body that rests in an exact T-pose; every joint is where it was in every frame.

    Bodies that are no human, or rest otherwise (in an A-pose, lying), come back as they are.
    """
    turns = _turns(motion.skeleton)
    return motion if turns is None else _turned(motion, turns)


def rest_like(motion: Motion, skeleton: Skeleton) -> Motion:
    """The motion over the rest pose of `skeleton`, where that is the same body, one of them in a T-pose and the other nearly.

    Files made here rest in a T-pose, the body in memory nearly so: both may come together. Other motions come back as they are.
    """
    if motion.skeleton.names != skeleton.names or _alike(motion.skeleton, skeleton):
        return motion
    mine, theirs = _turns(motion.skeleton), _turns(skeleton)
    if mine is None or theirs is None:
        return motion
    turned = _turned(motion, rot.multiply(rot.inverse(theirs), mine))
    return turned if _alike(turned.skeleton, skeleton) else motion


def _alike(a: Skeleton, b: Skeleton) -> bool:
    """Whether two bodies have the same joints and bones at rest; where the root rests does not matter."""
    same_tree = a.names == b.names and np.array_equal(a.parents, b.parents)
    return same_tree and np.allclose(a.offsets[1:], b.offsets[1:], atol=1e-6)


def _turns(skeleton: Skeleton) -> Array | None:
    """Rotation of each joint's bones at rest that makes an exact T-pose, [J, 4]; None for other bodies and rest poses."""
    roles = names.find_roles(skeleton)
    if not names.is_humanoid(skeleton) or not rests_standing(skeleton, roles):
        return None
    straight = _straight_bones(skeleton, roles)
    if any(bone @ line < _NEAR for bone, line in straight.values()):
        return None
    turns = rot.identity(len(skeleton))
    flat = {roles[side + "Foot"] for side in names.SIDES}
    for joint in range(1, len(skeleton)):
        if joint in straight:
            turns[joint] = _shortest_turn(*straight[joint])
        elif joint not in flat:
            turns[joint] = turns[skeleton.parents[joint]]
    return turns


def _turned(motion: Motion, turns: Array) -> Motion:
    """The same movement with the bones below each joint turned at rest by `turns` [J, 4]."""
    skeleton = motion.skeleton
    above = turns[np.maximum(skeleton.parents, 0)]
    above[0] = rot.identity()
    offsets = rot.rotate(above, skeleton.offsets).round(12) + 0.0
    tips = {name: rot.rotate(turns[skeleton.index(name)], tip).round(12) for name, tip in skeleton.end_sites.items()}
    posed = Skeleton(skeleton.names, skeleton.parents, offsets, tips)
    rotations = np.empty_like(motion.rotations)
    for frames, part in motion.in_parts():
        world = rot.multiply(part.global_rotations, rot.inverse(turns))
        rotations[frames] = rot.normalize(kinematics.to_local(posed, world))
    return replace(
        motion,
        skeleton=posed,
        rotations=rotations,
        translations=None if motion.translations is None else rot.rotate(above, motion.translations),
    )


def _straight_bones(skeleton: Skeleton, roles: dict[str, int]) -> dict[int, tuple[Array, Array]]:
    """By joint: direction of its bone at rest and in a T-pose, unit vectors."""
    result = {}
    for side, left in (("Left", 1.0), ("Right", -1.0)):
        for part, end, line in (
            ("Arm", "ForeArm", (left, 0.0, 0.0)),
            ("ForeArm", "Hand", (left, 0.0, 0.0)),
            ("Hand", "", (left, 0.0, 0.0)),
            ("UpLeg", "Leg", (0.0, -1.0, 0.0)),
            ("Leg", "Foot", (0.0, -1.0, 0.0)),
        ):
            joint = roles.get(side + part)
            if joint is None:
                continue
            if end:
                last = roles.get(side + end)
                bone = None if last is None else skeleton.rest_positions[last] - skeleton.rest_positions[joint]
            else:
                bone = skeleton.end_sites.get(skeleton.names[joint])
            if bone is not None and np.linalg.norm(bone) > 1e-6:
                result[joint] = rot.normalize(bone), np.array(line)
    return result


def _shortest_turn(start: Array, end: Array) -> Array:
    """Rotation [4] by the smallest angle from one unit vector to another."""
    axis = rot.cross(start, end)
    size = float(np.linalg.norm(axis))
    angle = float(np.arctan2(size, start @ end))
    return rot.identity() if size < 1e-12 else rot.from_axis_angle(axis / size, angle)
