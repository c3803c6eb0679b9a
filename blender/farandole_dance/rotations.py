"""Rotations as Blender keys them: matrices, quaternions (w x y z), Euler angles of any order, axis and angle. Plain numpy."""

from __future__ import annotations

import math

import numpy as np

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""Blender's world (z up, looking along -y) -> that of glTF and BVH (y up, looking along +z)."""

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
"""Blender's Euler orders: XYZ turns about X first, then Y, then Z, all about fixed axes."""


def orthonormal(matrix: np.ndarray) -> np.ndarray:
    """The rotation nearest to the linear part of matrices [..., 3, 3]."""
    u, _, v = np.linalg.svd(matrix)
    sign = np.linalg.det(u @ v)
    u = u.copy()
    u[..., :, 2] *= sign[..., None]
    return u @ v


def to_quaternion(matrix: np.ndarray) -> np.ndarray:
    """Rotation matrices [..., 3, 3] -> unit quaternions [..., 4], w >= 0."""
    m = np.asarray(matrix, dtype=float)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Four times the products of the components; the row of the largest one is the most exact.
    table = np.empty((*m.shape[:-2], 4, 4))
    table[..., 0, 0] = 1 + xx + yy + zz
    table[..., 1, 1] = 1 + xx - yy - zz
    table[..., 2, 2] = 1 - xx + yy - zz
    table[..., 3, 3] = 1 - xx - yy + zz
    for a, b, value in (
        (0, 1, m[..., 2, 1] - m[..., 1, 2]), (0, 2, m[..., 0, 2] - m[..., 2, 0]), (0, 3, m[..., 1, 0] - m[..., 0, 1]),
        (1, 2, m[..., 1, 0] + m[..., 0, 1]), (1, 3, m[..., 0, 2] + m[..., 2, 0]), (2, 3, m[..., 2, 1] + m[..., 1, 2]),
    ):  # fmt: skip
        table[..., a, b] = table[..., b, a] = value
    best = np.argmax(np.diagonal(table, axis1=-2, axis2=-1), axis=-1)
    q = np.take_along_axis(table, best[..., None, None], axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def from_quaternion(q: np.ndarray) -> np.ndarray:
    """Unit quaternions [..., 4] -> matrices [..., 3, 3]."""
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=float), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def unrolled(q: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """The same rotations [T, 4] without jumps of sign, nearest to `before` [4] in the first frame."""
    q = np.array(q, dtype=float)
    if before is not None and len(q) and q[0] @ before < 0:
        q[0] = -q[0]
    if len(q) > 1:
        flips = np.cumprod(np.where((q[1:] * q[:-1]).sum(-1) < 0, -1.0, 1.0))
        q[1:] *= flips[:, None]
    return q


def to_euler(matrix: np.ndarray, order: str, before: np.ndarray | None = None) -> np.ndarray:
    """Rotation matrices [T, 3, 3] -> angles about X, Y, Z [T, 3] rad, each frame nearest to the one before it.

    Args:
        matrix: The rotations.
        order: One of `ORDERS`.
        before: Angles [3] that the first frame shall be nearest to; by default none.
    """
    m = np.asarray(matrix, dtype=float)
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    middle = np.arctan2(-sign * m[:, k, i], np.hypot(m[:, i, i], m[:, j, i]))
    locked = np.hypot(m[:, i, i], m[:, j, i]) < 1e-7
    first = np.where(locked, np.arctan2(-sign * m[:, j, k], m[:, j, j]), np.arctan2(sign * m[:, k, j], m[:, k, k]))
    last = np.where(locked, 0.0, np.arctan2(sign * m[:, j, i], m[:, i, i]))
    result = np.empty((len(m), 3))
    near = None if before is None else [float(before[n]) for n in (i, j, k)]
    for t, angles in enumerate(zip(first.tolist(), middle.tolist(), last.tolist(), strict=True)):
        a, b, c = angles
        if near is not None:
            one, other = _near((a, b, c), near), _near((a + math.pi, math.pi - b, c + math.pi), near)
            a, b, c = one if math.dist(one, near) <= math.dist(other, near) else other
        near = [a, b, c]
        result[t, i], result[t, j], result[t, k] = a, b, c
    return result


def _near(angles: tuple[float, float, float], near: list[float]) -> list[float]:
    full = 2.0 * math.pi
    return [x - full * round((x - y) / full) for x, y in zip(angles, near, strict=True)]


def from_euler(angles: np.ndarray, order: str) -> np.ndarray:
    """Angles about X, Y, Z [..., 3] rad -> matrices [..., 3, 3]."""
    angles = np.asarray(angles, dtype=float)
    result = np.eye(3)
    for axis in order:
        n = "XYZ".index(axis)
        a, b = (n + 1) % 3, (n + 2) % 3
        turn = np.zeros((*angles.shape[:-1], 3, 3))
        c, s = np.cos(angles[..., n]), np.sin(angles[..., n])
        turn[..., n, n] = 1.0
        turn[..., a, a] = turn[..., b, b] = c
        turn[..., a, b], turn[..., b, a] = -s, s
        result = turn @ result
    return result


def to_axis_angle(q: np.ndarray) -> np.ndarray:
    """Unrolled quaternions [T, 4] -> angle (rad) and axis [T, 4], as Blender keys them.

    An unturned frame has the axis of the one before it.
    """
    q = np.asarray(q, dtype=float)
    length = np.linalg.norm(q[:, 1:], axis=-1)
    result = np.empty_like(q)
    axis = np.array([0.0, 1.0, 0.0])
    turned = np.flatnonzero(length > 1e-9)
    if len(turned):
        axis = q[turned[0], 1:] / length[turned[0]]
    for t in range(len(q)):
        side = 1.0
        if length[t] > 1e-9:
            new = q[t, 1:] / length[t]
            side = 1.0 if new @ axis >= 0 else -1.0
            axis = side * new
        result[t, 0], result[t, 1:] = 2.0 * math.atan2(side * length[t], q[t, 0]), axis
    result[:, 0] = np.unwrap(result[:, 0])
    return result


def keyed(rotation: np.ndarray, mode: str, before: np.ndarray | None = None) -> tuple[str, np.ndarray]:
    """Rotation matrices [T, 3, 3] as values of a bone's rotation channels.

    Args:
        rotation: The rotations.
        mode: A pose bone's rotation mode: QUATERNION, AXIS_ANGLE or one of `ORDERS`.
        before: Values of those channels just before the first frame; keys continue from them without a spin.

    Returns:
        The name of the property, and its values [T, 4] or [T, 3].
    """
    if mode in ORDERS:
        return "rotation_euler", to_euler(rotation, mode, before)
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", to_axis_angle(unrolled(to_quaternion(rotation)))
    return "rotation_quaternion", unrolled(to_quaternion(rotation), before)
