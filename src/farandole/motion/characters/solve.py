"""Rotations in the world -> what each node of a character's file does, through whatever lies above and between its joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.characters.nodes import RestTree, nearest_rotation, split_matrix
from farandole.motion.characters.pose import anatomical_parents
from farandole.motion.humanoid import tree
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class NodePose:
    """What a node does.

    Attributes:
        rotation: Its local rotation as matrices, [T, 3, 3].
        translation: Its local translation, [T, 3], where it moves; [3] where it stays.
        moves: Whether it moves on its own.
        linear, position: The linear part and the translation of its world matrices, [T, 3, 3] and [T, 3].
    """

    rotation: Array
    translation: Array
    linear: Array
    position: Array
    moves: bool = True


class Solver:
    """The joints of one body with their bind pose, prepared for `solve`.

    Attributes:
        even: Whether no joint is scaled differently by axis.
    """

    def __init__(self, body: Body, nodes: RestTree) -> None:
        self.body = body
        count = len(body.skeleton)
        self.bind = np.tile(np.eye(4), (count, 1, 1))
        self.bind[1:] = body.world[list(body.nodes[1:])]
        self.scale = np.ones((count, 3))
        self.scale[1:] = split_matrix(nodes.local[list(body.nodes[1:])])[2]
        parents = body.skeleton.parents
        self.local = self.bind.copy()
        self.local[1:] = np.linalg.inv(self.bind[parents[1:]]) @ self.bind[1:]
        lengths = np.linalg.norm(self.bind[:, :3, :3], axis=1)
        self.even = bool((np.ptp(lengths, axis=1) < 1e-3 * lengths.max(axis=1)).all())
        above = anatomical_parents(body.roles)
        self.ends: dict[int, int] = {}  # the joint that each bone leads to
        self.apart: dict[int, int] = {}  # joints that do not hang on the part before them in the tree
        for role, joint in body.roles.items():
            if role in above:
                upper = body.roles[above[role]]
                if role.removeprefix("Left").removeprefix("Right") not in ("Shoulder", "UpLeg", "ToeBase"):
                    self.ends.setdefault(upper, joint)
                if not tree.is_below(body.skeleton, joint, upper):
                    self.apart[joint] = upper

    def solve(self, turns: dict[int, Array], places: dict[int, Array]) -> dict[int, NodePose]:
        """Poses of all moving joints and of those above them.

        Args:
            turns: By joint, rotations in the world from the bind pose, [T, 4].
            places: By joint, world positions [T, 3] of those that are put somewhere (hips, a root bone).
        """
        body, parents = self.body, self.body.skeleton.parents
        moving = set(turns) | set(places)
        needed = moving | {a for j in moving for a in tree.path(body.skeleton, 0, j)}
        result: dict[int, NodePose] = {}
        waiting = sorted(needed - {0})
        eye = np.eye(3)[None]
        result[0] = NodePose(eye, np.zeros(3), eye, np.zeros((1, 3)), moves=False)
        while waiting:
            later = []
            for joint in waiting:
                up = result.get(int(parents[joint]))
                if up is None or (joint in self.apart and self.apart[joint] not in result):
                    later.append(joint)
                    continue
                result[joint] = self._node(joint, up, result, turns, places)
            if len(later) == len(waiting):  # parts that wait for each other: take them as they hang
                self.apart.pop(later[0])
            waiting = later
        return result

    def _node(
        self, joint: int, up: NodePose, done: dict[int, NodePose], turns: dict[int, Array], places: dict[int, Array]
    ) -> NodePose:
        local, scale = self.local[joint], self.scale[joint]
        if joint in turns:
            rotation = self._rotation(joint, up.linear, rot.to_matrix(turns[joint]))
        else:
            rotation = nearest_rotation(local[:3, :3] / _safe(scale))[None]
        translation = local[:3, 3]
        place = places.get(joint)
        if place is None and joint in self.apart and self.apart[joint] in turns:
            over = self.apart[joint]
            place = done[over].position + rot.rotate(turns[over], self.bind[joint, :3, 3] - self.bind[over, :3, 3])
        if place is not None:
            translation = np.einsum("tij,tj->ti", np.linalg.inv(up.linear), place - up.position)
            position = np.array(place)
        else:
            position = up.position + up.linear @ translation
        moves = joint in turns or place is not None
        return NodePose(rotation, translation, up.linear @ (rotation * scale), position, moves)

    def _rotation(self, joint: int, above: Array, turn: Array) -> Array:
        """Local rotation [T, 3, 3] that gives a node the world rotation `turn` from its bind pose.

        Under scales that differ by axis no rotation does so exactly: then the bone's direction is kept, and its roll nearly.
        """
        end = self.ends.get(joint)
        bone = self.bind[end, :3, 3] - self.bind[joint, :3, 3] if end is not None else self.bind[joint, :3, 1]
        if np.linalg.norm(bone) < 1e-12:
            bone = self.bind[joint, :3, 1]
        bone = rot.normalize(bone)
        pole = rot.normalize(rot.cross(bone, np.eye(3)[int(np.argmin(np.abs(bone)))]))
        inside = np.linalg.inv(self.bind[joint, :3, :3])
        own = _basis(self.scale[joint] * (inside @ bone), self.scale[joint] * (inside @ pole))
        down = np.linalg.inv(above) @ turn
        return _basis(down @ bone, down @ pole) @ np.swapaxes(own, -1, -2)


def _basis(first: Array, second: Array) -> Array:
    """Orthonormal bases [..., 3, 3] whose first column lies along `first`, the second in its plane with `second`."""
    a = rot.normalize(first)
    b = rot.normalize(second - (a * second).sum(-1, keepdims=True) * a)
    return np.stack((a, b, rot.cross(a, b)), axis=-1)


def _safe(scale: Array) -> Array:
    return np.where(np.abs(scale) > 1e-12, scale, 1.0)
