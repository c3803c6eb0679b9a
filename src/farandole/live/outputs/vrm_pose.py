"""A pose of the house skeleton as the bones of a VRM character: local rotations over its T-pose, and the place of its hips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import RetargetError
from farandole.motion import kinematics, names, retarget
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.vrma import BONES, t_pose
from farandole.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from farandole.motion.rotations import Array

_UPPER_CHEST = "UpperChest"
_ROLES = {bone: role for role, bone in BONES.items()} | {"upperChest": _UPPER_CHEST}


@dataclass(frozen=True, eq=False)
class VrmRig:
    """A character in its T-pose: arms along x, facing +z, left at +x.

    Attributes:
        body: Joints by the house's names, with their offsets to one another in the T-pose.
        bones: VRM 1.0 names of the joints.
        offsets: Position in the node above, as the character has it, [J, 3] m.
        local, world: Rotations of the nodes at rest, [J, 4]; identity in VRM 0.x, whose bones are normalised.
    """

    body: Skeleton
    bones: tuple[str, ...]
    offsets: Array
    local: Array
    world: Array


@dataclass(frozen=True, eq=False)
class VrmPose:
    """A pose of a character.

    Attributes:
        rotations: Normalised local rotations (identity is the T-pose), w x y z, [J, 4].
        hips: Position of the hips, [3] m.
    """

    rotations: Array
    hips: Array


def default_rig(skeleton: Skeleton) -> VrmRig:
    """A body of the dancer's size in an exact T-pose."""
    body = t_pose(skeleton)
    still = rot.identity(len(body))
    return VrmRig(body, tuple(BONES[n] for n in body.names), body.offsets, still, still)


def read_rig(path: Path) -> VrmRig:
    """The rig of a VRM file, 0.x or 1.0.

    Raises:
        FileFormatError: If it is damaged.
        RetargetError: If it says of no node which bone it is.
    """
    from farandole.motion.characters.nodes import RestTree, split_matrix
    from farandole.motion.characters.vrm import humanoid_bones
    from farandole.motion.files.gltf.container import Container

    file = Container.open(path)
    tree = RestTree(file)
    nodes = {b: n for b, n in humanoid_bones(file).items() if b in _ROLES}
    if "hips" not in nodes:
        raise RetargetError(f"{path} is no VRM character: it has no humanoid map with hips")
    order = sorted(nodes, key=lambda b: tree.order.index(nodes[b]))
    bone_of = {nodes[b]: n for n, b in enumerate(order)}
    raw = file.extension("VRMC_vrm") is not None
    flip = np.array([1.0, 1.0, 1.0] if raw else [-1.0, 1.0, -1.0])  # VRM 0.x faces -z
    place, turn, _ = split_matrix(tree.world)
    inner, local, _ = split_matrix(tree.local)
    own = np.array([nodes[b] for b in order])
    parents = [next((bone_of[a] for a in tree.ancestors(n) if a in bone_of), -1) for n in own]
    world = place * flip
    offsets = np.empty((len(order), 3))
    apart = np.empty((len(order), 3))
    for j, node in enumerate(own):
        above = int(tree.parents[node])
        apart[j] = world[node] - (world[own[parents[j]]] if parents[j] >= 0 else 0.0)
        offsets[j] = inner[node] if raw else world[node] - (world[above] if above >= 0 else 0.0)
    low = min(float(world[own, 1].min()), 0.0)
    apart[0, 1] -= low
    body = Skeleton([_ROLES[b] for b in order], parents, apart, {})
    still = rot.identity(len(order))
    return VrmRig(body, tuple(order), offsets, local[own] if raw else still, turn[own] if raw else still)


class VrmPoser:
    """Poses a character as the dancer is.

    Args:
        skeleton: The dancer's.
        avatar: VRM file of the character; None: a body of the dancer's own size.

    Raises:
        FileFormatError: If the file is damaged.
        RetargetError: If it is no human character.
    """

    def __init__(self, skeleton: Skeleton, avatar: Path | None = None) -> None:
        self.rig = default_rig(skeleton) if avatar is None else read_rig(avatar)
        self._skeleton = skeleton
        body = self.rig.body
        source, target = names.humanoid_roles(skeleton), {n: j for j, n in enumerate(body.names)}
        roles = names.require_roles(body, {n: j for n, j in target.items() if n != _UPPER_CHEST})
        frames, own = retarget.anatomy_frames(skeleton, source, None), retarget.anatomy_frames(body, roles, None)
        follow = [n if n != _UPPER_CHEST else "Spine1" for n in body.names]
        self._from = np.array([source[n] for n in follow])
        self._turn = np.stack([rot.multiply(frames[n], rot.inverse(own[n])) for n in follow])
        self._ratio = retarget.leg_length(body, roles) / retarget.leg_length(skeleton, source)
        self._ankles = [source["LeftFoot"], source["RightFoot"]]
        self._own_ankles = [roles["LeftFoot"], roles["RightFoot"]]
        ankle = retarget.ankle_height(skeleton, source, None) * self._ratio
        self._lift = retarget.ankle_height(body, roles, None) - ankle

    def pose(self, rotations: Array, root: Array) -> VrmPose:
        """The character's pose for local rotations [J, 4] and hips [3] of the dancer."""
        places, turns = kinematics.forward(self._skeleton, rotations, root)
        body = self.rig.body
        local = kinematics.to_local(body, rot.multiply(turns[self._from], self._turn))
        own, _ = kinematics.forward(body, local, np.zeros(3))
        hips = root * self._ratio
        hips[1] = places[self._ankles, 1].min() * self._ratio + self._lift - own[self._own_ankles, 1].min()
        return VrmPose(local, hips)

    def raw(self, pose: VrmPose) -> Array:
        """Local rotations of the file's nodes, [J, 4]: L W^-1 N W (VRMC_vrm_animation 1.0, how to transform human pose)."""
        rig = self.rig
        turned = rot.multiply(rot.inverse(rig.world), rot.multiply(pose.rotations, rig.world))
        return rot.multiply(rig.local, turned)
