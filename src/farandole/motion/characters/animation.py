"""The channels of a glTF animation from what the nodes do."""

from __future__ import annotations

from typing import Any

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.characters.addition import Addition
from farandole.motion.characters.body import Body
from farandole.motion.characters.nodes import RestTree, nearest_rotation, split_matrix
from farandole.motion.characters.solve import NodePose, Solver
from farandole.motion.rotations import Array

_STILL = 1e-4  # rad, or share of the leg, by which bind and node pose may differ without a channel


class Track:
    """Keys of one node."""

    def __init__(self, node: int, path: str, values: Array) -> None:
        self.node, self.path, self.values = node, path, values


def tracks(
    body: Body, solver: Solver, nodes: RestTree, poses: dict[int, NodePose], fingers: dict[int, Array]
) -> list[Track]:
    """Rotations of all moving joints, translations of those that travel, and the bind pose where the nodes do not rest in it."""
    result = []
    moving = {j: p for j, p in poses.items() if p.moves}
    size = body.leg_length
    for joint in range(1, len(body.skeleton)):
        node = body.nodes[joint]
        if node in body.owned:
            continue
        rest_place, rest_turn, scale = split_matrix(nodes.local[node])
        if joint in moving:
            pose = moving[joint]
            result.append(Track(node, "rotation", rot.unroll(rot.from_matrix(pose.rotation))))
            if pose.translation.ndim == 2:
                result.append(Track(node, "translation", pose.translation))
                continue
        elif joint in fingers:
            result.append(Track(node, "rotation", _bent(solver, body, joint, fingers)[None]))
        elif joint in body.skin_joints:
            turn = rot.from_matrix(nearest_rotation(solver.local[joint][:3, :3] / np.where(scale == 0, 1.0, scale)))
            if rot.angle_between(turn, rest_turn) > _STILL:
                result.append(Track(node, "rotation", turn[None]))
        if joint in body.skin_joints:
            place = solver.local[joint][:3, 3]
            above = solver.bind[body.skeleton.parents[joint], :3, :3]
            if np.linalg.norm(above @ (place - rest_place)) > 10 * _STILL * size:
                result.append(Track(node, "translation", place[None]))
    return result


def _bent(solver: Solver, body: Body, joint: int, fingers: dict[int, Array]) -> Array:
    """Local rotation [4] of a finger joint that is turned in the bind pose's world, under one that may be turned too."""
    parent = int(body.skeleton.parents[joint])
    up = rot.to_matrix(fingers[parent]) if parent in fingers else np.eye(3)
    above = up @ solver.bind[parent, :3, :3]
    own = rot.to_matrix(fingers[joint]) @ solver.bind[joint, :3, :3]
    return rot.from_matrix(nearest_rotation(np.linalg.inv(above) @ own))


def add_animation(addition: Addition, name: str, fps: float, all_tracks: list[Track], extras: dict[str, Any]) -> None:
    """Append an animation; nodes that it moves and that are written as a matrix are written as translation, rotation, scale."""
    count = max((len(t.values) for t in all_tracks), default=1)
    times = addition.add((np.arange(count) / fps)[:, None], "SCALAR", bounds=True)
    still = any(len(t.values) < count for t in all_tracks)
    first = addition.add(np.zeros((1, 1)), "SCALAR", bounds=True) if still else times
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    for track in all_tracks:
        turning = track.path == "rotation"
        values = track.values[:, [1, 2, 3, 0]] if turning else track.values
        output = addition.add(values, "VEC4" if turning else "VEC3")
        samplers.append(
            {"input": times if len(values) == count else first, "output": output, "interpolation": "LINEAR"}
        )
        channels.append({"sampler": len(samplers) - 1, "target": {"node": track.node, "path": track.path}})
        _unmatrix(addition.document["nodes"][track.node])
    addition.document.setdefault("animations", []).append(
        {"name": name, "samplers": samplers, "channels": channels, "extras": extras}
    )


def _unmatrix(node: dict[str, Any]) -> None:
    """Only translation, rotation and scale can be animated (glTF 2.0, section 3.11)."""
    if "matrix" not in node:
        return
    place, turn, scale = split_matrix(np.array(node.pop("matrix"), dtype=float).reshape(4, 4).T)
    node["translation"], node["scale"] = place.tolist(), scale.tolist()
    node["rotation"] = turn[[1, 2, 3, 0]].tolist()
