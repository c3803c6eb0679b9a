"""Feet that land on the beat: a dance is a little slower here and faster there, so that its steps meet the music's.

Dancers learn from takes without music how people move, not when; only takes with a beat taught them to follow one. What they
make is therefore re-timed: source times at beats and half beats are chosen by dynamic programming (as Ellis, 2007, lays beats
through a song, with the roles exchanged), so that feet land and the body comes to rest on them, and no part is hurried or held back
noticeably.
"""

from __future__ import annotations

import numpy as np

from farandole.motion.filters import gaussian_filter1d
from farandole.motion.footfalls import landings, smooth_speeds, speeds_of_feet
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.time_warp import monotone_cubic, warped

REACH = 0.3
"""Greatest shift of a moment, s."""
STRETCH = 0.2
"""Greatest change of speed between two half beats, as a share."""
STOPPING = 1.0
"""Seconds over which a dance comes to rest with its song."""
_HALF = 0.15  # what a landing on a half beat is worth; 1 on a beat
_CHANGE, _SHIFT = 2.0, 2.0  # costs of a squared change of speed, and of a squared shift (s)
_REST = 0.6  # what a rest of the body is worth; 1: a landing
_RATE = 60.0  # Hz of the curve of events
_WIDTH = 0.03  # s, deviation of an event's bump


def on_the_beat(motion: Motion, count: Array, *, held: int = 0) -> Motion:
    """The dance re-timed so that feet land, and the body comes to rest, on beats.

    Args:
        motion: A dance on the house skeleton, feet cleaned: planted feet stay where they are.
        count: Beat count per frame, [T], rising.
        held: So many frames at the beginning stay as they are.
    """
    shift = shifts(motion, count, held=held)
    return warped(motion, np.arange(len(motion)) + shift * motion.fps) if shift.any() else motion


def shifts(motion: Motion, count: Array, *, held: int = 0) -> Array:
    """How much later in the dance each frame's movement is taken from, [T] s; nothing at both ends."""
    seconds = np.arange(len(motion)) / motion.fps
    half = np.arange(np.ceil(2 * count[min(held, len(count) - 1)]) + 1, np.floor(2 * count[-1]))
    if len(motion) < 4 or not len(half):
        return np.zeros(len(motion))
    inner = np.interp(half / 2, count, seconds)
    first = min(held, len(motion) - 2) / motion.fps
    knots = np.concatenate(([first], inner, seconds[-1:]))
    gain = np.concatenate(([0.0], np.where(half % 2 == 0, 1.0, _HALF), [0.0]))
    keep = np.concatenate(([True], np.diff(knots) > 2.0 / motion.fps))
    keep[-1] = True
    knots, gain = knots[keep], gain[keep]
    chosen = _choose(_events(motion), knots, gain)
    shift = monotone_cubic(np.maximum(seconds, first), knots, chosen)
    return np.where(seconds <= first, 0.0, shift)


def to_a_stop(motion: Motion, end: int, *, held: int = 0) -> Motion:
    """The motion slower and slower in its last second before the frame `end`, where it stands; the first `held` frames stay."""
    last = end - 1
    whole = min(STOPPING * motion.fps, last - held)
    if whole < 2:
        return motion
    gone = np.clip(np.arange(len(motion)) - (last - whole), 0.0, whole)
    place = np.minimum(np.arange(len(motion)), last - whole) + gone - gone**2 / (2.0 * whole)
    return warped(motion, place)


def _events(motion: Motion) -> Array:
    """Bumps where feet land and where the body comes to rest, up to 1.5 high, [F] at 60 Hz.

    A landing counts less where the foot was slower than the median; a rest the more, the slower the body is.
    """
    speeds = smooth_speeds(motion)
    times, strengths = landings(speeds_of_feet(motion, speeds), motion.fps)
    body = gaussian_filter1d(speeds.mean(axis=1), 0.05 * motion.fps)
    lows = 1 + np.flatnonzero((body[1:-1] < body[:-2]) & (body[1:-1] <= body[2:]))
    depth = np.clip(1.3 - body[lows] / max(float(body.mean()), 1e-9), 0.0, 1.0)
    marks = np.zeros(int(motion.seconds * _RATE) + 2)
    if len(times):
        worth = np.minimum(strengths / max(float(np.median(strengths)), 1e-9), 1.0)
        np.add.at(marks, np.rint(times * _RATE).astype(int), worth)
    np.add.at(marks, np.rint(lows / motion.fps * _RATE).astype(int), _REST * depth)
    sigma = _WIDTH * _RATE
    return np.minimum(gaussian_filter1d(marks, sigma) * sigma * np.sqrt(2 * np.pi), 1.5)


def _choose(events: Array, knots: Array, gain: Array) -> Array:
    """Shift at every knot, [K] s: the most events for the least change; nothing at the first and the last."""
    steps = np.arange(-round(REACH * _RATE), round(REACH * _RATE) + 1)
    moved = steps / _RATE
    total = np.where(steps == 0, 0.0, -np.inf)
    back = []
    for before, now, worth in zip(knots, knots[1:], gain[1:], strict=False):
        slope = (moved[:, None] - moved) / (now - before)
        score = total - np.where(np.abs(slope) > STRETCH, np.inf, _CHANGE * slope**2)
        best = score.argmax(axis=1)
        at = np.clip(np.rint(now * _RATE).astype(int) + steps, 0, len(events) - 1)
        total = score[np.arange(len(steps)), best] + worth * events[at] - _SHIFT * moved**2
        back.append(best)
    at = int(np.flatnonzero(steps == 0)[0])
    chosen = [0.0]
    for best in back[::-1]:
        at = int(best[at])
        chosen.append(moved[at])
    return np.array(chosen[::-1])
