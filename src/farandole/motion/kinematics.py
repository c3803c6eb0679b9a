"""Where joints are and how fast they go: forward kinematics, velocities, contacts. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

PART = 4096
"""Frames worked on at a time, where each is worked on alone."""


def forward(
    skeleton: Skeleton, local: Array, root_positions: Array, translations: Array | None = None
) -> tuple[Array, Array]:
    """Global positions and rotations of all joints.

    Args:
        local: Parent-relative unit quaternions, [..., J, 4].
        root_positions: World position of the root, [..., 3] m.
        translations: Parent-relative joint positions where they are not the skeleton's offsets, [..., J, 3] m (root ignored).

    Returns:
        Positions [..., J, 3] m and global quaternions [..., J, 4].
    """
    dtype = np.result_type(local, root_positions)
    positions = np.empty((*local.shape[:-1], 3), dtype)
    turns = np.empty(local.shape, dtype)
    if local.ndim == 2:
        _follow(skeleton, local, root_positions, translations, positions, turns)
    for part in parts(len(local) if local.ndim > 2 else 0):
        moved = None if translations is None else translations[part]
        _follow(skeleton, local[part], root_positions[part], moved, positions[part], turns[part])
    return positions, turns


def parts(frames: int) -> Iterator[slice]:
    """Some thousand frames at a time, so that what is needed on the way does not grow with a motion's length."""
    return (slice(at, at + PART) for at in range(0, frames, PART))


def _follow(
    skeleton: Skeleton,
    local: Array,
    root_positions: Array,
    translations: Array | None,
    positions: Array,
    turns: Array,
) -> None:
    """Fill in what `forward` returns."""
    positions[..., 0, :] = root_positions
    turns[..., 0, :] = local[..., 0, :]
    for joints in skeleton.levels:
        parents = skeleton.parents[joints]
        base = turns[..., parents, :]
        offsets = skeleton.offsets[joints] if translations is None else translations[..., joints, :]
        positions[..., joints, :] = positions[..., parents, :] + rot.rotate(base, offsets)
        turns[..., joints, :] = rot.multiply(base, local[..., joints, :])


def to_local(skeleton: Skeleton, turns: Array) -> Array:
    """Global quaternions [..., J, 4] -> parent-relative ones, the inverse of `forward`'s second result."""
    local = turns.copy()
    local[..., 1:, :] = rot.multiply(rot.inverse(turns[..., skeleton.parents[1:], :]), turns[..., 1:, :])
    return local


def velocity(x: Array, fps: float) -> Array:
    """Rate of change over time by central differences (one-sided at the ends), [T, ...] -> [T, ...] per second."""
    if len(x) < 2:
        return np.zeros_like(x)
    v = np.empty_like(x, dtype=float)
    v[1:-1] = (x[2:] - x[:-2]) * (0.5 * fps)
    v[0], v[-1] = (x[1] - x[0]) * fps, (x[-1] - x[-2]) * fps
    return v


def contacts(positions: Array, fps: float, *, max_height: float = 0.08, max_speed: float = 0.4) -> Array:
    """Which points rest on the floor: low and slow.

    Args:
        positions: World positions, [T, P, 3] m, floor at y = 0.
        max_height: Greatest height above the floor, m.
        max_speed: Greatest speed, m/s.

    Returns:
        Booleans, [T, P].
    """
    speed = np.linalg.norm(velocity(positions, fps), axis=-1)
    return (positions[..., 1] < max_height) & (speed < max_speed)
