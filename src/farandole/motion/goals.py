"""Hands and feet that must be somewhere: limbs brought to places in the world by inverse kinematics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from farandole.errors import MotionError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.ik import reach
from farandole.motion.joint_names import joint_called
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

LIMBS = {
    f"{side}{end}": (f"{side}{upper}", f"{side}{lower}", f"{side}{end}")
    for side in names.SIDES
    for upper, lower, end in (("Arm", "ForeArm", "Hand"), ("UpLeg", "Leg", "Foot"))
}
"""Role of a limb's end -> its three joints."""


@dataclass(frozen=True)
class Goal:
    """Where the end of a limb must be.

    Attributes:
        joint: A hand or foot, by its name or role.
        first, last: Frames, both included.
        place: World position, m; None: where the motion itself has it, turned as it is there.
    """

    joint: str
    first: int
    last: int
    place: tuple[float, float, float] | None = None


def meet_goals(made: Motion, given: Motion, kept: np.ndarray, goals: Sequence[Goal]) -> Motion:
    """A filled motion whose hands and feet are where goals want them; the limb follows, eased in from and out to kept frames.

    Args:
        made: Filled.
        given: What it was filled from; its hands and feet are what goals without a place mean.
        kept: [T] bool; these frames stay as they are, whatever a goal says.
        goals: Several for one limb may follow one another.

    Returns:
        The motion with other turns in the limbs' missing frames. What lies beyond a limb's reach is approached as far as it goes.

    Raises:
        MotionError: If a joint is no hand or foot of a human body, or a goal has no missing frame, or lies outside the motion.
    """
    for role, of_limb in _by_limb(made, goals).items():
        made = _meet(made, given, kept, role, of_limb)
    return made


def check_goals(motion: Motion, kept: np.ndarray, goals: Sequence[Goal]) -> None:
    """Raise MotionError where `meet_goals` would."""
    for of_limb in _by_limb(motion, goals).values():
        for goal in of_limb:
            _frames(motion, kept, goal)


def _by_limb(motion: Motion, goals: Sequence[Goal]) -> dict[str, list[Goal]]:
    """Goals by the role of the limb's end."""
    roles = names.find_roles(motion.skeleton)
    ends = {roles[role]: role for role in LIMBS if all(part in roles for part in LIMBS[role])}
    found: dict[str, list[Goal]] = {}
    for goal in goals:
        role = ends.get(joint_called(motion.skeleton, goal.joint))
        if role is None:
            there = ", ".join(motion.skeleton.names[j] for j in ends) or "none on this skeleton"
            raise MotionError(f"{goal.joint} is no hand or foot that can be led; there are: {there}")
        found.setdefault(role, []).append(goal)
    return found


def _meet(made: Motion, given: Motion, kept: np.ndarray, role: str, goals: Sequence[Goal]) -> Motion:
    roles = names.find_roles(made.skeleton)
    limb = tuple(roles[part] for part in LIMBS[role])
    end = limb[2]
    place, turn = np.full((len(made), 3), np.nan), np.full((len(made), 3), np.nan)
    turns_now = made.global_rotations[:, end]
    for goal in goals:
        frames = _frames(made, kept, goal)
        wish = given.positions[frames, end] if goal.place is None else np.asarray(goal.place, dtype=float)
        place[frames] = wish - made.positions[frames, end]
        turn[frames] = 0.0
        if goal.place is None:
            turn[frames] = rot.to_rotvec(
                rot.multiply(given.global_rotations[frames, end], rot.inverse(turns_now[frames]))
            )
    place[kept], turn[kept] = 0.0, 0.0
    place, turn = eased(place), eased(turn)
    target = made.positions[:, end] + place
    rotations = reach(
        made.skeleton,
        made.rotations,
        made.root_positions,
        (limb[0], limb[1], end),
        target,
        soft=0.999,
        translations=made.translations,
    )
    moved = replace(made, rotations=rotations)
    world = rot.multiply(rot.from_rotvec(turn), moved.global_rotations[:, end])
    parent = moved.global_rotations[:, made.skeleton.parents[end]]
    rotations = rotations.copy()
    rotations[:, end] = rot.multiply(rot.inverse(parent), world)
    still = kept | ((np.abs(place).max(axis=1) < 1e-9) & (np.abs(turn).max(axis=1) < 1e-9))
    return replace(made, rotations=np.where(still[:, None, None], made.rotations, rotations))


def _frames(motion: Motion, kept: np.ndarray, goal: Goal) -> np.ndarray:
    """Missing frames of a goal."""
    if not 0 <= goal.first <= goal.last < len(motion):
        raise MotionError(
            f"{goal.joint}@{goal.first}:{goal.last} lies outside {motion.name}, which has frames 0 to {len(motion) - 1}"
        )
    frames = np.arange(goal.first, goal.last + 1)
    frames = frames[~kept[frames]]
    if not len(frames):
        raise MotionError(
            f"{goal.joint}@{goal.first}:{goal.last}: every frame of that is kept as it is; goals hold in frames that are filled"
        )
    if goal.place is not None and not np.isfinite(goal.place).all():
        raise MotionError(f"{goal.joint}: {goal.place} is no place; need three numbers in metres")
    return frames


def eased(offset: Array) -> Array:
    """NaN rows of [T, 3] filled from the known row before to the one after, with no jump of speed (a quintic Hermite curve)."""
    frames = np.arange(len(offset))
    is_known = np.isfinite(offset[:, 0])
    known = np.flatnonzero(is_known)
    if not len(known):
        return np.zeros_like(offset)
    after = np.minimum(np.searchsorted(known, frames), len(known) - 1)
    before = np.maximum(np.searchsorted(known, frames, side="right") - 1, 0)
    low, high = known[before], known[after]
    span = np.maximum(high - low, 1).astype(float)[:, None]
    t = np.clip((frames - low)[:, None] / span, 0.0, 1.0)
    ease = t * t * t * (t * (6.0 * t - 15.0) + 10.0)
    # Speeds of known stretches where a gap leaves and meets them; single frames have none of their own.
    step = np.diff(offset, axis=0, append=offset[-1:])
    leave = np.nan_to_num(np.where(is_known[np.maximum(low - 1, 0)][:, None], step[np.maximum(low - 1, 0)], 0.0))
    arrive = np.nan_to_num(np.where(is_known[np.minimum(high + 1, len(offset) - 1)][:, None], step[high], 0.0))
    from_low = t - t**3 * (6.0 - 8.0 * t + 3.0 * t * t)
    into_high = t**3 * (-4.0 + 7.0 * t - 3.0 * t * t)
    filled = offset[low] * (1.0 - ease) + offset[high] * ease + span * (leave * from_low + arrive * into_high)
    return np.where(is_known[:, None], offset, filled)
