"""A planned dance bent in time by fractions of a beat, so that its feet land and its body arrives on the beat.

People, and models that learn from them, land about as often between beats as on them. Bending time is what an editor does by hand:
the moves stay, their moments move.
"""

from __future__ import annotations

import numpy as np

from farandole.motion import kinematics
from farandole.motion.filters import gaussian_filter1d
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

REACH = 8
"""Frames by which a moment may be moved, at most."""
_GRID = 0.5  # frames between two amounts that are tried
_SLOPE = 2  # steps of the grid by which the amount may change per two frames: half as fast again at most
_STRIDE = 2  # frames between two decisions
_BEND = 0.01  # what a change of speed costs
_FAR = 0.003  # what a great shift costs
_FAST, _SLOW = 0.5, 0.25  # m/s: a foot swings above the first and has landed below the second
_WIDTH = 0.035  # s by which a moment may miss the beat and still count most
_HALF = 0.55  # worth of half a count against a whole one ...
_HALVES_BELOW = 140.0  # ... where counts are slower than so many per minute
_ARRIVAL = 0.5  # worth of a body that comes to rest against a foot that lands
_SMOOTH = 1.5  # frames


def shift_to_beats(motion: Motion, balls: Array, count: Array, begin: float) -> Array:
    """By how many frames each moment of a plan is to be moved, [T]; see `motion.time_warp`. It begins with 0.

    The moments are those at which a foot lands and at which the body moves least. Among all ways to bend time by half at most
    and `REACH` frames in all, the one is taken that brings most of them to counts for the least bending (Viterbi).

    Args:
        motion: T frames, as planned.
        balls: Where the balls of the feet are, [T, 2, 3] m.
        count: Beat count of the frames, [T].
        begin: Frames by which the plan is moved already as a whole.
    """
    frames = len(motion)
    worth, beats = _moments(motion, balls), _beat_worth(count, motion.fps)
    amounts = np.arange(-2.0 * REACH, 2.0 * REACH + _GRID / 2, _GRID)
    places = np.arange(0, frames, _STRIDE)
    source = places[:, None] + amounts
    value = np.interp(source, np.arange(frames), worth) * beats[places, None]
    value -= _FAR * ((amounts + begin) / REACH) ** 2
    value[source > frames - 1 - max(begin, 0.0)] = -1e3  # nothing was planned there
    value[:, np.abs(amounts + begin) > REACH + _GRID] -= 1e3
    step = np.abs(amounts[:, None] - amounts)  # [to, from]
    change = np.where(step <= _SLOPE * _GRID + 1e-9, -_BEND * (step / _GRID) ** 2, -np.inf)
    best = np.where(amounts == 0.0, 0.0, -1e9)
    came = np.zeros((len(places), len(amounts)), int)
    for n in range(1, len(places)):
        total = change + best
        came[n] = total.argmax(axis=1)
        best = total[np.arange(len(amounts)), came[n]] + value[n]
    chosen = np.zeros(len(places), int)
    chosen[-1] = int(best.argmax())
    for n in range(len(places) - 1, 0, -1):
        chosen[n - 1] = came[n, chosen[n]]
    shift = np.interp(np.arange(frames), places, amounts[chosen])
    smooth = gaussian_filter1d(shift, _SMOOTH, axis=0, mode="nearest")
    return smooth - smooth[0] * np.exp(-np.arange(frames) / 4.0)  # it leaves without a jump


def landings(balls: Array, fps: float) -> list[float]:
    """Frame numbers, with their fractions, at which a foot that swung comes to rest.

    Args:
        balls: Where the balls of the feet are, [T, 2, 3] m.
        fps: Frames per second.
    """
    found = []
    for speed in np.linalg.norm(kinematics.velocity(balls, fps), axis=-1).T.tolist():
        swings = False
        for t, now in enumerate(speed):
            swings = swings or now > _FAST
            if swings and now < _SLOW:
                found.append(t - (_SLOW - now) / (speed[t - 1] - now))
                swings = False
    return sorted(found)


def _moments(motion: Motion, balls: Array) -> Array:
    """How much each frame is a moment that should be on the beat, [T]."""
    worth = np.zeros(len(motion))
    for at in landings(balls, motion.fps):
        low = int(at)
        worth[low] += low + 1 - at
        worth[low + 1] += at - low
    speed = np.linalg.norm(kinematics.velocity(motion.positions, motion.fps), axis=-1).mean(axis=1)
    speed = gaussian_filter1d(speed, 0.06 * motion.fps, axis=0, mode="nearest")
    low = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1
    worth[low] += _ARRIVAL * np.clip(1.3 - speed[low] / max(float(speed.mean()), 1e-6), 0.0, 1.0)
    return gaussian_filter1d(worth, 0.8, axis=0, mode="nearest")


def _beat_worth(count: Array, fps: float) -> Array:
    """How good each frame is for a moment, [T]: 1 on counts, less on half ones, 0 in between."""
    per_second = max(float(np.median(np.diff(count))) * fps, 1e-3)
    width = _WIDTH * per_second
    near = lambda c: np.exp(-0.5 * ((c - np.round(c)) / width) ** 2)  # noqa: E731
    halves = _HALF * near(count + 0.5) if 60.0 * per_second < _HALVES_BELOW else 0.0
    return np.maximum(near(count), halves)
