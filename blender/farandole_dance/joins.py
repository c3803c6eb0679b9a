"""Frames that were made, brought to where the kept ones are, and led into them without a jump. Plain numpy, no Blender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .body import Body, pose_from_local
from .glb_file import Skin, Take
from .rotations import from_quaternion, orthonormal, to_quaternion

_BLEND = 0.4
"""Seconds over which a difference at a kept frame dies away."""
_BOB = 0.05
"""Seconds over which a body is raised or lowered."""
_FALL = 0.06
"""Distance, as a share of the body, by which it is raised or lowered at most: leaps stay leaps."""
_SOLE, _MOST = 0.06, 600
"""Height, as a share of the body, up to which vertices at rest are of the shoes; how many of them are looked at."""


def planted(body: Body, made: Take, standing: Take, kept: Sequence[int]) -> Take:
    """What was made on the bare bones, with the feet as they stand on the character with its skin.

    Args:
        body: The bones.
        made: As `extend` or `inbetween` gave it.
        standing: The same motion as `convert --character` gave it: soles on the floor, but elsewhere and looking elsewhere.
        kept: Frames by which to find the place and the direction.
    """
    pose = aligned(body, standing.pose, made.pose, kept)
    own, local = local_pose(body, pose), local_pose(body, made.pose)
    for j in sorted((standing.turned | standing.placed) - standing.still):
        local[:, j] = own[:, j]
    return Take(pose_from_local(body, local), made.turned, made.placed | (standing.placed - standing.still))


def aligned(body: Body, pose: np.ndarray, target: np.ndarray, frames: Sequence[int]) -> np.ndarray:
    """Poses [T, J, 4, 4] moved along the floor and turned about the vertical to lie on others at some frames."""
    where = list(frames)
    flat = lambda p: (p[where][..., :3, 3] @ body.to_world[:3, :3].T + body.to_world[:3, 3])[..., [0, 2]].reshape(-1, 2)  # noqa: E731
    here, there = flat(pose), flat(target)
    a, b = here.mean(axis=0), there.mean(axis=0)
    x, y = here - a, there - b
    # z points to the front: a turn by `angle` about y takes (x, z) to (c x + s z, c z - s x).
    angle = np.arctan2((x[:, 1] * y[:, 0] - x[:, 0] * y[:, 1]).sum(), (x * y).sum())
    c, s = np.cos(angle), np.sin(angle)
    move = np.eye(4)
    move[:3, :3] = [[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]
    move[:3, 3] = np.array([b[0], 0.0, b[1]]) - move[:3, :3] @ np.array([a[0], 0.0, a[1]])
    return np.linalg.inv(body.to_world) @ move @ body.to_world @ pose


def grounded(body: Body, skin: Skin | None, pose: np.ndarray, kept: np.ndarray, fps: float) -> np.ndarray:
    """Poses [T, J, 4, 4] raised and lowered smoothly so that the lower sole is where it mostly is in kept ones [K, J, 4, 4].

    Without a skin they stay as they are.
    """
    low, usual = lowest_sole(body, skin, pose), lowest_sole(body, skin, kept)
    if low is None or usual is None:
        return pose
    height = float(np.ptp(body.rest[:, :3, 3] @ body.to_world[1, :3]))
    floor = float(np.median(usual))
    lift = np.clip(_smooth(floor - low, _BOB * fps), -_FALL * height, _FALL * height)
    sunk = np.maximum(floor - low - lift, 0.0)
    lift = lift + _smooth(np.max([np.roll(sunk, k) for k in (-2, -1, 0, 1, 2)], axis=0), 0.5 * _BOB * fps)
    up = np.linalg.inv(body.to_world[:3, :3]) @ np.array([0.0, 1.0, 0.0])
    result = pose.copy()
    result[..., :3, 3] += lift[:, None, None] * up
    return result


def lowest_sole(body: Body, skin: Skin | None, pose: np.ndarray) -> np.ndarray | None:
    """Heights [T] m of the lowest vertex of the shoes above the floor of the rest pose; None without a skin."""
    if skin is None or not len(skin.points):
        return None
    heights = skin.points @ body.to_world[1, :3] + body.to_world[1, 3]
    near = np.flatnonzero(heights < _SOLE * float(np.ptp(body.rest[:, :3, 3] @ body.to_world[1, :3])))
    near = near[:: max(1, len(near) // _MOST)]
    if not len(near):
        return None
    back = np.linalg.inv(body.rest)
    low = np.zeros((len(pose), len(near)))
    for k in range(skin.joints.shape[1]):
        joints, shares = skin.joints[near, k], skin.weights[near, k]
        own = np.einsum("vij,vj->vi", back[joints, :3, :3], skin.points[near]) + back[joints, :3, 3]
        row = np.einsum("i,tvij->tvj", body.to_world[1, :3], pose[:, joints, :3, :3])
        places = np.einsum("tvj,vj->tv", row, own) + pose[:, joints][..., :3, 3] @ body.to_world[1, :3]
        low += shares * (places + body.to_world[1, 3])
    return low.min(axis=1)


def _smooth(values: np.ndarray, width: float) -> np.ndarray:
    """A Gaussian mean [T] whose ends lean on the first and last value."""
    reach = max(1, int(3.0 * width))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 1e-6)) ** 2)
    padded = np.concatenate((np.full(reach, values[0]), values, np.full(reach, values[-1])))
    return np.convolve(padded, weights / weights.sum(), mode="valid")


def led_in(body: Body, pose: np.ndarray, made: np.ndarray, gap: tuple[int, int], fps: float) -> np.ndarray:
    """Frames of a gap that begin and end as the kept ones around it ask for, [b - a + 1, J, 4, 4].

    Args:
        body: The bones.
        pose: The kept frames, [T, J, 4, 4]; what lies in the gap does not matter.
        made: What was made, [T', J, 4, 4]; the gap's neighbours in it, too.
        gap: First and last frame of the gap; after the last one nothing needs to be kept.
        fps: Frames per second.
    """
    first, last = gap
    local, wanted = local_pose(body, made), local_pose(body, pose)
    result = local[first : last + 1].copy()
    width = min(_BLEND * fps, 0.5 * (last - first + 2) if last + 1 < len(pose) else np.inf)
    for edge in (first - 1, last + 1):
        if not 0 <= edge < min(len(pose), len(made)):
            continue
        away = np.abs(np.arange(first, last + 1) - edge) / width
        share = np.where(away < 1.0, 1.0 - away**3 * (10.0 - 15.0 * away + 6.0 * away**2), 0.0)
        turn = wanted[edge, :, :3, :3] @ np.swapaxes(orthonormal(local[edge, :, :3, :3]), -1, -2)
        result[..., :3, :3] = _part(turn, share) @ result[..., :3, :3]
        result[..., :3, 3] += share[:, None, None] * (wanted[edge, :, :3, 3] - local[edge, :, :3, 3])
    return pose_from_local(body, result)


def local_pose(body: Body, pose: np.ndarray) -> np.ndarray:
    """Poses [T, J, 4, 4] in the armature's space -> against the parents."""
    local = np.array(pose, dtype=float)
    for j, parent in enumerate(body.parents):
        if parent >= 0:
            local[:, j] = np.linalg.inv(pose[:, parent]) @ pose[:, j]
    return local


def _part(turn: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Shares [T] of rotations [J, 3, 3], as matrices [T, J, 3, 3]."""
    q = to_quaternion(orthonormal(turn))
    length = np.linalg.norm(q[:, 1:], axis=-1, keepdims=True)
    axis = q[:, 1:] / np.maximum(length, 1e-12)
    half = share[:, None, None] * np.arctan2(length, q[:, :1])
    return from_quaternion(np.concatenate((np.cos(half), np.sin(half) * axis), axis=-1))
