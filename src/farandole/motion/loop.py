"""Loops: a part of a motion that can be played again and again, the last frame running into the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from farandole.errors import MotionError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.edit import fade, heading
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_BLEND = 0.5
"""Seconds over which the beginning is bent to what the end runs into."""
_SHORTEST = 1.0
_FACING = 0.35
"""Weight of a turn between beginning and end against joints that are elsewhere, m per rad."""


def loop(
    motion: Motion, *, seconds: float | None = None, bars: Sequence[float] | None = None, whole: bool = False
) -> Motion:
    """The part of a motion that is the best loop, made seamless in pose and velocity.

    Ends are tried where bars begin (`bars`, by default the motion's markers), so that a whole number of them is left; without bars,
    everywhere. The chosen part begins and ends most alike, longer ones being preferred. The way that the hips travel and turn from
    end to end is taken out evenly, and the beginning is bent over half a second to what the end runs into.

    Args:
        motion: Any motion.
        seconds: About how long the loop shall be; by default as long as it can be.
        bars: Times at which bars begin, s.
        whole: Use all of the motion.

    Returns:
        A motion whose frames 0 ... T-1 are followed by frame 0 again.

    Raises:
        MotionError: If it is too short for a loop, or lasts less than one bar.
    """
    if bars is None:
        bars = motion.markers.bars if motion.markers is not None else ()
    if whole:
        if len(motion) < 3:
            raise MotionError(f"{motion.name} lasts {motion.seconds:.2f} s: too short for a loop")
        return _seamless(motion, 0, len(motion))
    frames = [round(t * motion.fps) for t in bars]
    first, last = _ends(motion, [f for f in frames if 0 <= f <= len(motion)], bool(frames), seconds)
    return _seamless(motion, first, last)


def in_place(motion: Motion) -> Motion:
    """The motion without its travel along the floor: the hips stay over the spot where they begin; heights are kept."""
    hips = names.find_roles(motion.skeleton).get("Hips", 0)
    away = motion.positions[:, hips] - motion.positions[:1, hips]
    return replace(motion, root_positions=motion.root_positions - away * np.array([1.0, 0.0, 1.0]))


def _ends(motion: Motion, bars: list[int], on_bars: bool, seconds: float | None) -> tuple[int, int]:
    """First frame, and the one after the last, of the best loop."""
    count, shortest = len(motion), round(_SHORTEST * motion.fps)
    if count < shortest + 2:
        raise MotionError(f"{motion.name} lasts {motion.seconds:.2f} s: too short for a loop")
    if on_bars:
        places = np.array([b for b in sorted(set(bars)) if b <= count - 1], dtype=int)
        starts, stops = places, np.array([b for b in sorted(set(bars)) if b <= count], dtype=int)
        if len(stops) < 2:
            raise MotionError(f"{motion.name} holds no whole bar: a loop needs one")
    else:
        step = max(1, round(motion.fps / 10))
        starts, stops = np.arange(0, max(count // 4, 1), step), np.arange(count - 1, shortest, -step)
    pairs = [(int(a), int(b)) for a in starts for b in stops if b - a >= shortest]
    if not pairs:
        raise MotionError(f"{motion.name} holds no loop of at least {_SHORTEST:g} s")
    facing, body = heading(motion), _shape(motion)
    speed = np.gradient(body, axis=0) * motion.fps if count > 1 else np.zeros_like(body)

    def cost(pair: tuple[int, int]) -> float:
        a, b = pair[0], min(pair[1], count - 1)
        apart = (
            np.linalg.norm(body[a] - body[b], axis=-1).mean()
            + 0.15 * np.linalg.norm(speed[a] - speed[b], axis=-1).mean()
        )
        length = (pair[1] - pair[0]) / motion.fps
        wanted = abs(np.log(length / seconds)) if seconds is not None else 2.0 * (1.0 - length / motion.seconds)
        return float(apart + _FACING * abs(facing[b] - facing[a]) + 0.2 * wanted)

    return min(pairs, key=cost)


def _shape(motion: Motion) -> Array:
    """Joint positions against the root, turned to face +z, [T, J, 3] m."""
    turned = rot.from_yaw(-heading(motion))
    return rot.rotate(turned[:, None], motion.positions - motion.positions[:, :1])


def _seamless(motion: Motion, first: int, last: int) -> Motion:
    """Frames first ... last - 1 as a loop."""
    part = motion.slice(first, last)
    count = len(part)
    # What the end runs into: the frame that follows it, or where its last speed leads.
    if last < len(motion):
        after = motion.slice(last, last + 1)
        end_turns, end_root = after.rotations[0], after.root_positions[0]
    else:
        step = rot.multiply(rot.inverse(part.rotations[-2]), part.rotations[-1])
        end_turns = rot.multiply(part.rotations[-1], step)
        end_root = 2.0 * part.root_positions[-1] - part.root_positions[-2]
    following = Motion(part.skeleton, end_turns[None], end_root[None], part.fps)
    # Take out turn and travel, evenly over time: about the vertical through where the hips began.
    turn = float((heading(following)[0] - heading(part)[0] + np.pi) % (2.0 * np.pi) - np.pi)
    share = np.arange(count) / count
    back = rot.from_yaw(-turn * share)
    rotations, path = part.rotations.copy(), part.root_positions.copy()
    rotations[:, 0] = rot.multiply(back, rotations[:, 0])
    centre = path[0] * np.array([1.0, 0.0, 1.0])
    path = rot.rotate(back, path - centre)
    end_turns = end_turns.copy()
    end_turns[0] = rot.multiply(rot.from_yaw(-turn), end_turns[0])
    end_root = rot.rotate(rot.from_yaw(-turn), end_root - centre)
    drift = (end_root - path[0]) * np.array([1.0, 0.0, 1.0])
    path, end_root = path - share[:, None] * drift + centre, end_root - drift + centre
    # Bend the beginning: at frame 0 all of the gap, after half a second nothing; speeds run on.
    blend = min(round(_BLEND * part.fps), max(count // 2, 2))
    time = np.arange(blend, dtype=float)
    gap = rot.to_rotvec(rot.multiply(rot.inverse(rotations[0]), end_turns))
    coming = rot.to_rotvec(rot.multiply(rot.inverse(rotations[-1]), end_turns))
    going = rot.to_rotvec(rot.multiply(rot.inverse(rotations[0]), rotations[1]))
    bent = fade(gap, coming - going, blend)(time)
    rotations[:blend] = rot.multiply(rotations[:blend], rot.from_rotvec(bent))
    speed = (end_root - path[-1]) - (path[1] - path[0])
    path[:blend] += fade(end_root - path[0], speed, blend)(time)
    translations = part.translations
    if translations is not None:
        translations = translations.copy()
        end = 2.0 * translations[-1] - translations[-2]
        translations[:blend] += fade(end - translations[0], np.zeros_like(end), blend)(time)
    return replace(part, rotations=rot.normalize(rotations), root_positions=path, translations=translations)
