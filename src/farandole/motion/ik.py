"""Analytic inverse kinematics of two bones (a leg, an arm), all frames at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_TINY = 1e-9


def two_bone(
    root: ArrayLike,
    mid: ArrayLike,
    end: ArrayLike,
    target: ArrayLike,
    *,
    soft: float = 0.97,
    pole: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Turns that bring the end of a bent chain of two bones to a target, bones keeping their length.

    The bend keeps its side: the plane of the chain turns by the shortest arc from the old to the new direction of the end, and the
    middle joint moves within it. A target nearer than `soft` of the full reach (or than the chain is stretched already) is met
    exactly; beyond, the chain stretches ever more slowly and never quite to the full, so knees do not pop.

    Args:
        root, mid, end: World positions of e.g. hip, knee and ankle, [..., 3] m.
        target: Where the end shall go, [..., 3] m.
        soft: Share of the full reach where stretching begins to slow down, in (0, 1].
        pole: World direction in which to bend where the chain is straight (for a knee: forward), [..., 3]; by default any.

    Returns:
        World rotations to be applied on the left of the global rotations of the upper and of the lower bone's joint, [..., 4] each.
        Both are identity where the target is the end's own place.
    """
    root, mid, end, target = (np.asarray(v, dtype=float) for v in (root, mid, end, target))
    upper, lower, across, wish = mid - root, end - mid, end - root, target - root
    a, b, now, wished = (np.linalg.norm(v, axis=-1) for v in (upper, lower, across, wish))
    along = _direction(across, now, upper)
    toward = _direction(wish, wished, along)
    # The bend direction, square to the line from root to end; where the chain is straight, the pole's or any.
    side = upper - (upper * along).sum(-1, keepdims=True) * along
    bend = np.linalg.norm(side, axis=-1)
    spare = np.array([0.0, 0.0, 1.0]) if pole is None else np.asarray(pole, dtype=float)
    spare = _square_to(along, np.broadcast_to(spare, along.shape))
    side = np.where((bend > 1e-6 * (a + b + _TINY))[..., None], side / np.maximum(bend, _TINY)[..., None], spare)

    distance = _soften(wished, a, b, now, soft)
    swing = rot.between(along, toward)
    normal = rot.cross(toward, rot.rotate(swing, side))
    x0, x1 = _foot_of_height(a, b, now), _foot_of_height(a, b, distance)
    h0, h1 = np.sqrt(np.maximum(a * a - x0 * x0, 0.0)), np.sqrt(np.maximum(a * a - x1 * x1, 0.0))
    upper_bend = np.arctan2(h1, x1) - np.arctan2(h0, x0)
    lower_bend = np.arctan2(-h1, distance - x1) - np.arctan2(-h0, now - x0)
    turn = lambda angle: rot.multiply(rot.from_axis_angle(normal, angle), swing)  # noqa: E731
    return turn(upper_bend), turn(lower_bend)


def reach(
    skeleton: Skeleton,
    rotations: Array,
    root_positions: Array,
    joints: tuple[int, int, int],
    target: Array,
    *,
    soft: float = 0.97,
    pole: ArrayLike | None = None,
    translations: Array | None = None,
) -> Array:
    """Local rotations with one limb brought to a target; its end joint keeps its world rotation.

    Args:
        rotations: Local quaternions, [T, J, 4].
        root_positions: [T, 3] m.
        joints: Indices of e.g. hip, knee and ankle; each below the one before.
        target: World positions for the last of them, [T, 3] m.
        soft, pole: As in `two_bone`.
        translations: As in `kinematics.forward`.

    Returns:
        New local quaternions, [T, J, 4].
    """
    upper, lower, end = joints
    positions, turns = kinematics.forward(skeleton, rotations, root_positions, translations)
    first, second = two_bone(
        positions[..., upper, :], positions[..., lower, :], positions[..., end, :], target, soft=soft, pole=pole
    )
    result = rotations.copy()
    # A parent between two of the joints has turned with the upper one of them.
    steps = ((upper, rot.identity(), first), (lower, first, second), (end, second, rot.identity()))
    for joint, parent_turn, joint_turn in steps:
        own = rot.multiply(np.broadcast_to(joint_turn, turns[..., joint, :].shape), turns[..., joint, :])
        if joint == 0:
            result[..., joint, :] = own
            continue
        above = turns[..., skeleton.parents[joint], :]
        above = rot.multiply(np.broadcast_to(parent_turn, above.shape), above)
        result[..., joint, :] = rot.multiply(rot.inverse(above), own)
    return result


def _soften(wished: Array, a: Array, b: Array, now: Array, soft: float) -> Array:
    """Distance from root to end that is really gone to, [...] m."""
    full = np.maximum(a + b, _TINY)
    start = np.maximum(soft, np.minimum(now / full, 1.0))
    room = np.maximum(1.0 - start, _TINY)
    beyond = np.maximum(wished / full - start, 0.0)
    slowed = full * (start + (1.0 - start) * -np.expm1(-beyond / room))
    # Folded: no nearer than the difference of the bones, unless it is folded further already (rounding).
    return np.maximum(np.where(beyond > 0, slowed, wished), np.minimum(np.abs(a - b), now) + _TINY)


def _foot_of_height(a: Array, b: Array, distance: Array) -> Array:
    """How far along the line root-end the middle joint stands (law of cosines), [...] m."""
    return np.clip((a * a - b * b + distance * distance) / (2.0 * np.maximum(distance, _TINY)), -a, a)


def _direction(v: Array, length: Array, otherwise: Array) -> Array:
    """v as a unit vector, or `otherwise` as one where v has no length."""
    return rot.normalize(np.where((length > _TINY)[..., None], v, otherwise))


def _square_to(axis: Array, v: Array) -> Array:
    """Unit vectors square to `axis`, as near to v as can be; any where v lies along the axis."""
    part = v - (v * axis).sum(-1, keepdims=True) * axis
    other = np.where(np.abs(axis[..., :1]) < 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    good = np.linalg.norm(part, axis=-1, keepdims=True) > 1e-3
    return rot.normalize(np.where(good, part, rot.cross(axis, other)))
