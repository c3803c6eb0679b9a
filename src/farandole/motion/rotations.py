"""Rotations as arrays: unit quaternions (w, x, y, z), matrices, Euler angles, rotation vectors, 6D.

Every function takes any leading shape `...` and is pure. Angles are radians. A quaternion q rotates a column vector v as
q v q*; `multiply(a, b)` applies b first. Euler orders are upper-case strings read left to right as intrinsic rotations,
as in BVH: "ZXY" means R = Rz Rx Ry.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

_AXES = {"X": 0, "Y": 1, "Z": 2}


def identity(*shape: int) -> Array:
    """Identity quaternions, [*shape, 4]."""
    q = np.zeros((*shape, 4))
    q[..., 0] = 1.0
    return q


def normalize(v: ArrayLike, eps: float = 1e-12) -> Array:
    """Vectors of length one along the last axis; vectors shorter than `eps` come back as zeros."""
    v = np.asarray(v, dtype=np.result_type(np.asarray(v).dtype, np.float32))
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.where(length > eps, v / np.maximum(length, eps), 0.0)


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product, [..., 4] x [..., 4] -> [..., 4]: the rotation b followed by a."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b), -1, 0)
    return np.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def inverse(q: Array) -> Array:
    """Conjugate of unit quaternions, [..., 4]."""
    return np.asarray(q) * np.array([1.0, -1.0, -1.0, -1.0], dtype=np.asarray(q).dtype)


def rotate(q: Array, v: Array) -> Array:
    """Vectors [..., 3] turned by unit quaternions [..., 4]."""
    q, v = np.asarray(q), np.asarray(v)
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * cross(u, v)
    return v + w * t + cross(u, t)


def cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis (np.cross without its overhead), [..., 3]."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)


def from_axis_angle(axis: ArrayLike, angle: ArrayLike) -> Array:
    """Quaternions from unit axes [..., 3] and angles [...] in rad."""
    half = 0.5 * np.asarray(angle, dtype=float)[..., None]
    xyz = np.sin(half) * np.asarray(axis, dtype=float)
    return np.concatenate((np.broadcast_to(np.cos(half), (*xyz.shape[:-1], 1)), xyz), axis=-1)


def from_rotvec(v: ArrayLike) -> Array:
    """Exponential map: rotation vectors [..., 3] in rad -> quaternions [..., 4]."""
    v = np.asarray(v, dtype=float)
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    # sin(a/2)/a by its Taylor series near zero, where the quotient loses digits.
    small = angle < 1e-4
    scale = np.where(small, 0.5 - angle**2 / 48.0, np.sin(0.5 * angle) / np.where(small, 1.0, angle))
    return np.concatenate((np.cos(0.5 * angle), scale * v), axis=-1)


def to_rotvec(q: Array) -> Array:
    """Logarithm: quaternions [..., 4] -> rotation vectors [..., 3] in rad, length within [0, pi]."""
    q = np.asarray(q, dtype=float)
    q = np.where(q[..., :1] < 0, -q, q)
    sin_half = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sin_half, q[..., :1])
    small = sin_half < 1e-8
    scale = np.where(small, 2.0, angle / np.where(small, 1.0, sin_half))
    return scale * q[..., 1:]


def from_euler(angles: ArrayLike, order: str) -> Array:
    """Intrinsic Euler angles [..., len(order)] in rad -> quaternions [..., 4]. Order "ZXY" means Rz Rx Ry.

    Any number of axes, repeated ones too; three different ones take the product written out.
    """
    angles = np.asarray(angles, dtype=float)
    # Axis by axis in memory, and both functions of the half angle from the tangent of its half: NumPy's fastest ways.
    tangent = np.tan(np.multiply(np.moveaxis(angles, -1, 0), 0.25, order="C"))
    scale = 2.0 / (1.0 + tangent * tangent)
    cos, sin = scale - 1.0, scale * tangent
    if len(order) == 3 and len(set(order)) == 3:
        (ca, cb, cc), (sa, sb, sc) = cos, sin
        i, j, k = (_AXES[letter] for letter in order)
        sign = 1.0 if (j - i) % 3 == 1 else -1.0  # XYZ and its rotations, or the reverse
        cbcc, sbsc, cbsc, sbcc = cb * cc, sb * sc, cb * sc, sb * cc
        signed = sign * sa
        q = np.empty((*angles.shape[:-1], 4))
        q[..., 0] = ca * cbcc - signed * sbsc
        q[..., 1 + i] = sa * cbcc + sign * ca * sbsc
        q[..., 1 + j] = ca * sbcc - signed * cbsc
        q[..., 1 + k] = ca * cbsc + signed * sbcc
        return q
    result: Array | None = None
    for n, letter in enumerate(order):
        q = np.zeros((*angles.shape[:-1], 4))
        q[..., 0] = cos[n]
        q[..., 1 + _AXES[letter]] = sin[n]
        result = q if result is None else multiply(result, q)
    return identity(*angles.shape[:-1]) if result is None else result


def to_euler(q: Array, order: str) -> Array:
    """Quaternions [..., 4] -> intrinsic Euler angles [..., 3] in rad for three different axes.

    At gimbal lock (middle angle +-pi/2) the third angle is set to zero; the rotation is still exact.
    """
    i, j, k = (_AXES[letter] for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    q = np.asarray(q, dtype=float)
    w, x, y, z = q[..., 0] * sign, q[..., 1 + i], q[..., 1 + j], q[..., 1 + k]
    # Entries of the rotation matrix, rows and columns in the order of the axes.
    m00, m01, m02 = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)
    m12, m22 = 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)
    sin_b = sign * m02
    # hypot keeps full precision near +-pi/2, where arcsin would not.
    cos_b = np.hypot(m00, m01)
    b = np.arctan2(sin_b, cos_b)
    a = np.arctan2(-sign * m12, m22)
    c = np.arctan2(-sign * m01, m00)
    locked = cos_b < 1e-9
    if locked.any():
        a = np.where(locked, np.arctan2(sign * 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + z * z)), a)
        c = np.where(locked, 0.0, c)
    return np.stack((a, b, c), axis=-1)


def to_matrix(q: Array) -> Array:
    """Unit quaternions [..., 4] -> rotation matrices [..., 3, 3]."""
    w, x, y, z = np.moveaxis(np.asarray(q), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(m: ArrayLike) -> Array:
    """Rotation matrices [..., 3, 3] -> unit quaternions [..., 4] (Shepperd's method: divides by the largest term)."""
    m = np.asarray(m, dtype=float)
    d = np.stack((m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]), axis=-1)
    trace = d.sum(-1)
    choice = np.argmax(np.concatenate((trace[..., None], d), axis=-1), axis=-1)
    q = np.empty((*m.shape[:-2], 4))
    r = lambda i, j: m[..., i, j]  # noqa: E731
    candidates = (
        (1 + trace, r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1)),
        (r(2, 1) - r(1, 2), 1 + 2 * d[..., 0] - trace, r(0, 1) + r(1, 0), r(0, 2) + r(2, 0)),
        (r(0, 2) - r(2, 0), r(0, 1) + r(1, 0), 1 + 2 * d[..., 1] - trace, r(1, 2) + r(2, 1)),
        (r(1, 0) - r(0, 1), r(0, 2) + r(2, 0), r(1, 2) + r(2, 1), 1 + 2 * d[..., 2] - trace),
    )
    for n, parts in enumerate(candidates):
        here = choice == n
        q[here] = np.stack(parts, axis=-1)[here]
    return normalize(q)


def from_6d(x: ArrayLike) -> Array:
    """First two matrix columns [..., 6], orthonormalised, -> quaternions [..., 4] (Zhou et al., 2019, eq. 15)."""
    x = np.asarray(x, dtype=float)
    a = normalize(x[..., :3])
    b = normalize(x[..., 3:] - (a * x[..., 3:]).sum(-1, keepdims=True) * a)
    return from_matrix(np.stack((a, b, cross(a, b)), axis=-1))


def to_6d(q: Array) -> Array:
    """Quaternions [..., 4] -> first two matrix columns [..., 6] (Zhou et al., 2019, arXiv:1812.07035)."""
    m = to_matrix(q)
    return np.concatenate((m[..., 0], m[..., 1]), axis=-1)


def slerp(a: Array, b: Array, t: ArrayLike) -> Array:
    """Spherical interpolation along the shorter arc; a, b [..., 4], t [...] in [0, 1]."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    t = np.asarray(t, dtype=float)[..., None]
    dot = (a * b).sum(-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sin = np.sin(angle)
    near = sin < 1e-6
    safe = np.where(near, 1.0, sin)
    wa = np.where(near, 1.0 - t, np.sin((1.0 - t) * angle) / safe)
    wb = np.where(near, t, np.sin(t * angle) / safe)
    return normalize(wa * a + wb * b)


def unroll(q: Array, axis: int = 0) -> Array:
    """Signs chosen so that neighbours along `axis` (time) lie in the same hemisphere, [..., 4]."""
    q = np.moveaxis(np.asarray(q), axis, 0)
    flips = (q[1:] * q[:-1]).sum(-1) < 0
    sign = np.ones(q.shape[:-1])
    sign[1:] = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0)
    return np.moveaxis(q * sign[..., None], 0, axis)


def between(u: ArrayLike, v: ArrayLike) -> Array:
    """Shortest rotations that take directions u [..., 3] to v [..., 3], as quaternions [..., 4]."""
    u, v = normalize(u), normalize(v)
    w = 1.0 + (u * v).sum(-1, keepdims=True)
    xyz = cross(u, v)
    # Opposite directions: turn half a circle about any axis square to u.
    other = np.where(np.abs(u[..., :1]) < 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    opposite = np.concatenate((np.zeros_like(w), cross(u, other)), axis=-1)
    return normalize(np.where(w < 1e-9, opposite, np.concatenate((w, xyz), axis=-1)))


def yaw(q: Array) -> Array:
    """Heading of quaternions [..., 4]: angle in rad about +y of the turned +z axis, 0 when it points along +z."""
    forward = rotate(q, np.array([0.0, 0.0, 1.0]))
    return np.arctan2(forward[..., 0], forward[..., 2])


def from_yaw(angle: ArrayLike) -> Array:
    """Rotations about +y by angles [...] in rad, as quaternions [..., 4]."""
    return from_axis_angle(np.array([0.0, 1.0, 0.0]), angle)


def angle_between(a: Array, b: Array) -> Array:
    """Geodesic distance of unit quaternions [..., 4], in rad within [0, pi]."""
    d = multiply(inverse(a), b)
    return 2.0 * np.arctan2(np.linalg.norm(d[..., 1:], axis=-1), np.abs(d[..., 0]))
