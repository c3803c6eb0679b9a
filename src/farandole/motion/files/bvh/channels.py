"""Channel columns of a BVH motion block: local rotations, root path and bone translations out of it, and back into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from farandole.motion import rotations as rot
from farandole.motion.files.bvh.hierarchy import Hierarchy
from farandole.motion.layout import POSITION, ROTATION
from farandole.motion.rotations import Array

_CONSTANT = 1e-6
"""Share of the body's size by which a bone's position channels may wander and still count as a fixed offset."""
_CACHED = 3000  # rotations converted at a time


def _columns(tree: Hierarchy) -> tuple[list[tuple[str, list[int]]], list[list[tuple[int, int]]]]:
    """Per joint: rotation order with its columns, and (axis, column) of its position channels."""
    turns: list[tuple[str, list[int]]] = []
    moves: list[list[tuple[int, int]]] = []
    column = 0
    for names in tree.channels:
        pairs = list(enumerate(names, column))
        turns.append(("".join(ROTATION[c] for _, c in pairs if c in ROTATION), [i for i, c in pairs if c in ROTATION]))
        moves.append([(POSITION[c], i) for i, c in pairs if c in POSITION])
        column += len(names)
    return turns, moves


def read_rotations(tree: Hierarchy, block: NDArray[np.float64]) -> Array:
    """Local quaternions [T, J, 4] of all joints, one vectorised step per Euler order and some thousand rotations at a time.

    So many stay in the processor's cache, which is twice as fast as a whole clip at once.
    """
    turns, _ = _columns(tree)
    result = np.empty((len(block), len(turns), 4))
    for order in dict.fromkeys(order for order, _ in turns):
        joints = [j for j, (o, _) in enumerate(turns) if o == order]
        columns = np.array([turns[j][1] for j in joints], dtype=np.int64)
        where = slice(None) if len(joints) == len(turns) else joints
        step = max(1, _CACHED // len(joints))
        for start in range(0, len(block), step):
            part = _take_columns(block[start : start + step], columns)
            result[start : start + step, where] = rot.from_euler(np.deg2rad(part), order)
    return result


def _take_columns(block: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Columns [A, B] of a block [T, C] as [T, A, B]; a view where they are neighbours."""
    flat = columns.ravel()
    if len(flat) and flat[-1] - flat[0] == len(flat) - 1 and (np.diff(flat) == 1).all():
        return block[:, flat[0] : flat[-1] + 1].reshape(len(block), *columns.shape)
    return block[:, columns]


def read_translations(tree: Hierarchy, block: NDArray[np.float64], offsets: Array) -> tuple[Array, Array | None, Array]:
    """Root positions [T, 3], bone translations [T, J, 3] or None if they stay at the rest pose, and the rest pose, [J, 3].

    The rest pose is that of the OFFSETs, whatever the position channels say. Only a joint whose OFFSET is zero takes the place
    that its position channels have in the first frame.
    """
    _, moves = _columns(tree)
    root = np.repeat(offsets[None, 0], len(block), axis=0)
    for axis, column in moves[0]:
        root[:, axis] = block[:, column]
    moving = [(joint, axis, column) for joint, pairs in enumerate(moves) if joint for axis, column in pairs]
    if not moving:
        return root, None, offsets
    joints, axes, columns = (np.array(v) for v in zip(*moving, strict=True))
    values = block[:, columns]
    unplaced = ~offsets[joints].any(axis=1)
    offsets = offsets.copy()
    offsets[joints[unplaced], axes[unplaced]] = values[0, unplaced]
    size = max(float(np.abs(offsets[1:]).max()), 1e-9)
    if np.abs(values - offsets[joints, axes]).max() <= _CONSTANT * size:
        return root, None, offsets
    translations = np.repeat(offsets[None], len(block), axis=0)
    translations[:, joints, axes] = values
    return root, translations, offsets


def writable_channels(
    channels: tuple[tuple[str, ...], ...], local: Array, root: Array, offsets: Array, translations: Array | None
) -> list[tuple[str, ...]]:
    """The layout's channels, widened where they cannot hold the motion: a turn about a missing axis, a move along one."""
    result: list[tuple[str, ...]] = []
    for joint, names in enumerate(channels):
        positions = [c for c in names if c in POSITION]
        turns = [c for c in names if c in ROTATION]
        order = "".join(ROTATION[c] for c in turns)
        if len(set(order)) < len(order) or (len(order) < 3 and not _holds(local[:, joint], order)):
            turns = ["Zrotation", "Xrotation", "Yrotation"]
        path = root if joint == 0 else None if translations is None else translations[:, joint]
        absent = [axis for channel, axis in POSITION.items() if channel not in positions]
        if path is not None and absent and np.abs(path[:, absent] - offsets[joint, absent]).max() > 1e-6:
            positions = list(POSITION)
        same = len(turns) + len(positions) == len(names) and set(turns) | set(positions) == set(names)
        result.append(names if same else (*positions, *turns))
    return result


def _holds(q: Array, order: str) -> bool:
    """Whether rotations [T, 4] about these axes alone can be written with them (to 1e-6 rad)."""
    return bool(np.abs(_few_angles(q, order)[:, len(order) :]).max() < 1e-6)


def _few_angles(q: Array, order: str) -> Array:
    """Euler angles [..., 3] in rad, of the two equal sets that which turns less about the axes that `order` lacks."""
    angles = rot.to_euler(q, _full_order(order))
    other = _other_angles(angles)
    wrap = lambda d: (d + np.pi) % (2.0 * np.pi) - np.pi  # noqa: E731
    angles[..., len(order) :], other[..., len(order) :] = (
        wrap(angles[..., len(order) :]),
        wrap(other[..., len(order) :]),
    )
    size = lambda a: np.abs(a[..., len(order) :]).sum(-1, keepdims=True)  # noqa: E731
    return np.where(size(other) < size(angles), other, angles)


def _full_order(order: str) -> str:
    return order + "".join(a for a in "ZXY" if a not in order)


def to_block(
    tree: Hierarchy,
    offsets: Array,
    local: Array,
    root: Array,
    translations: Array | None,
    before: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """All channel values, [T, C]: the inverse of `read_rotations` and `read_translations`.

    Joints with three rotation channels go on without a jump from the values `before`, [C], if there are any.
    """
    turns, moves = _columns(tree)
    block = np.empty((len(local), sum(map(len, tree.channels))))
    for order in dict.fromkeys(order for order, _ in turns if order):
        joints = [j for j, (o, _) in enumerate(turns) if o == order]
        columns = np.array([turns[j][1] for j in joints], dtype=np.int64)
        step = max(1, _CACHED // len(block))
        for start in range(0, len(joints), step):
            some = local[:, joints[start : start + step]]
            angles = (
                _continuous(
                    rot.to_euler(some, order),
                    None if before is None else np.deg2rad(before[columns[start : start + step]]),
                )
                if len(order) == 3
                else np.unwrap(_few_angles(some, order), axis=0)
            )
            block[:, columns[start : start + step]] = np.rad2deg(angles[..., : len(order)])
    for joint, pairs in enumerate(moves):
        for axis, column in pairs:
            if joint == 0:
                block[:, column] = root[:, axis]
            else:
                block[:, column] = offsets[joint, axis] if translations is None else translations[:, joint, axis]
    return block


def _continuous(angles: Array, before: Array | None = None) -> Array:
    """Euler angles [T, J, 3] in rad of the same rotations without jumps over time, nor from those `before`, [J, 3].

    (a, b, c) and (a + pi, pi - b, c + pi) are one rotation. The distance between neighbouring frames is the same when both change
    sides, so each frame's side is the running count of the frames where changing sides is nearer.
    """
    if before is not None:
        return _continuous(np.concatenate((before[None], angles)))[1:]
    other = _other_angles(angles)
    wrap = lambda d: np.abs((d + np.pi) % (2.0 * np.pi) - np.pi).sum(-1)  # noqa: E731
    change = wrap(other[1:] - angles[:-1]) < wrap(angles[1:] - angles[:-1]) - 1e-9
    side = np.zeros(angles.shape[:-1], dtype=bool)
    side[1:] = np.cumsum(change, axis=0) % 2 == 1
    return np.unwrap(np.where(side[..., None], other, angles), axis=0)


def _other_angles(angles: Array) -> Array:
    """The other three Euler angles about the same axes that make the same rotation."""
    other = angles + np.pi
    other[..., 1] = np.pi - angles[..., 1]
    return other
