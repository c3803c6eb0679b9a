"""Poses of a body as BVH text and back, so that what `extend` and `inbetween` keep comes back equal. Plain numpy, no Blender."""

from __future__ import annotations

import re

import numpy as np

from .body import Body
from .glb_file import Take
from .rotations import from_euler, orthonormal, to_euler

_SPACE = re.compile(r"\s+")
_ORDER = "YXZ"
"""Blender's name of the order that BVH calls Zrotation Xrotation Yrotation."""
_NEAR_FLOOR = 0.06
"""Height, as a share of the body, up to which the end of a last bone is taken for the tip of a foot."""


def write_clip(body: Body, pose: np.ndarray, fps: float) -> str:
    """BVH text, in metres, y up, joints in the body's order.

    Args:
        body: The bones.
        pose: Poses in the armature's space, [T, J, 4, 4].
        fps: Frames per second.
    """
    turns, places = _to_world(body, pose)
    heads, tips = _world_rest(body)
    # Soles lie below the bones of the feet; the tips tell where.
    tips[tips[:, 1] < _NEAR_FLOOR * heads[:, 1].max(), 1] = 0.0
    placed = placed_bones(body, pose)
    children: list[list[int]] = [[] for _ in body.names]
    for j, parent in enumerate(body.parents):
        if parent >= 0:
            children[parent].append(j)
    lines = ["HIERARCHY"]
    number = lambda v: " ".join(f"{x:.7f}" for x in v)  # noqa: E731

    def write(j: int, depth: int) -> None:
        tab = "\t" * depth
        parent = body.parents[j]
        offset = heads[j] - heads[parent] if parent >= 0 else np.zeros(3)
        six = "6 Xposition Yposition Zposition" if j in placed else "3"
        lines.extend((
            f"{tab}{'JOINT' if depth else 'ROOT'} {_SPACE.sub('_', body.names[j])}", f"{tab}{{",
            f"{tab}\tOFFSET {number(offset)}", f"{tab}\tCHANNELS {six} Zrotation Xrotation Yrotation",
        ))  # fmt: skip
        for child in children[j]:
            write(child, depth + 1)
        if not children[j]:
            tip = f"{tab}\t\tOFFSET {number(tips[j] - heads[j])}"
            lines.extend((f"{tab}\tEnd Site", f"{tab}\t{{", tip, f"{tab}\t}}"))
        lines.append(f"{tab}}}")

    write(0, 0)
    columns = []
    for j in _file_order(body):
        parent = body.parents[j]
        turn = turns[:, j] if parent < 0 else _back(turns[:, parent]) @ turns[:, j]
        if j in placed:
            away = places[:, j] - places[:, parent] if parent >= 0 else places[:, j]
            columns.append(away if parent < 0 else np.einsum("tij,tj->ti", _back(turns[:, parent]), away))
        columns.append(np.degrees(to_euler(turn, _ORDER))[:, [2, 0, 1]])
    lines += ["MOTION", f"Frames: {len(pose)}", f"Frame Time: {1.0 / fps:.10g}"]
    lines += [" ".join(f"{value:.7f}" for value in row) for row in np.concatenate(columns, axis=1).tolist()]
    return "\n".join(lines) + "\n"


def read_clip(text: str, body: Body) -> Take:
    """Poses of the body from BVH text with the hierarchy of `write_clip`.

    Raises:
        ValueError: If the file has another hierarchy.
    """
    head, mark, motion = text.partition("MOTION")
    placed_in_file = [line.split()[1] == "6" for line in head.splitlines() if line.strip().startswith("CHANNELS")]
    order = _file_order(body)
    if not mark or len(placed_in_file) != len(order):
        raise ValueError(f"the motion that came back has {len(placed_in_file)} joints, not {len(order)}")
    rows = motion.split("\n", 3)[3].split()
    width = sum(6 if placed else 3 for placed in placed_in_file)
    table = np.array(rows, dtype=float).reshape(-1, width)
    heads, _ = _world_rest(body)
    turns = np.empty((len(table), len(order), 3, 3))
    places = np.empty((len(table), len(order), 3))
    column = 0
    for j, six in zip(order, placed_in_file, strict=True):
        parent = body.parents[j]
        away = heads[j] - heads[parent] if parent >= 0 else np.zeros(3)
        if six:
            away = table[:, column : column + 3]
            column += 3
        z, x, y = np.radians(table[:, column : column + 3]).T
        column += 3
        turn = from_euler(np.stack((x, y, z), axis=-1), _ORDER)
        if parent < 0:
            turns[:, j], places[:, j] = turn, away
        else:
            turns[:, j] = turns[:, parent] @ turn
            places[:, j] = places[:, parent] + np.einsum(
                "tij,tj->ti", turns[:, parent], np.broadcast_to(away, (len(table), 3))
            )
    pose = _from_world(body, turns, places)
    placed = frozenset(j for j, six in zip(order, placed_in_file, strict=True) if six)
    return Take(pose, frozenset(range(len(order))), placed)


def placed_bones(body: Body, pose: np.ndarray) -> set[int]:
    """Bones whose place against their parent is not that at rest, and the first one."""
    size = max(float(np.ptp(body.rest[:, :3, 3], axis=0).max()), 1e-9)
    rest = body.local_rest
    result = {0}
    for j, parent in enumerate(body.parents):
        if parent >= 0:
            local = np.linalg.inv(pose[:, parent]) @ pose[:, j]
            if np.abs(local[:, :3, 3] - rest[j, :3, 3]).max() > 1e-5 * size:
                result.add(j)
    return result


def _file_order(body: Body) -> list[int]:
    """Bones in the order of the file: each followed by all below it."""
    children: dict[int, list[int]] = {}
    for j, parent in enumerate(body.parents):
        children.setdefault(parent, []).append(j)
    order: list[int] = []
    waiting = [0]
    while waiting:
        j = waiting.pop()
        order.append(j)
        waiting.extend(reversed(children.get(j, [])))
    return order


def _axes(body: Body) -> tuple[np.ndarray, float]:
    """Rotation and scale between the armature's space and the world's."""
    linear = body.to_world[:3, :3]
    return orthonormal(linear), float(np.cbrt(abs(np.linalg.det(linear))))


def _world_rest(body: Body) -> tuple[np.ndarray, np.ndarray]:
    turn, scale = _axes(body)
    world = lambda p: scale * p @ turn.T + body.to_world[:3, 3]  # noqa: E731
    return world(body.rest[:, :3, 3]), world(body.tails)


def _to_world(body: Body, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """World rotations from the rest pose [T, J, 3, 3] and positions [T, J, 3] m."""
    turn, scale = _axes(body)
    rest = orthonormal(body.rest[:, :3, :3])
    turns = turn @ orthonormal(pose[..., :3, :3]) @ np.swapaxes(rest, -1, -2) @ turn.T
    return turns, scale * pose[..., :3, 3] @ turn.T + body.to_world[:3, 3]


def _from_world(body: Body, turns: np.ndarray, places: np.ndarray) -> np.ndarray:
    turn, scale = _axes(body)
    pose = np.tile(np.eye(4), (*turns.shape[:2], 1, 1))
    pose[..., :3, :3] = turn.T @ turns @ turn @ orthonormal(body.rest[:, :3, :3])
    pose[..., :3, 3] = (places - body.to_world[:3, 3]) @ turn / scale
    return pose


def _back(turns: np.ndarray) -> np.ndarray:
    return np.swapaxes(turns, -1, -2)
