"""Does the dance breathe? How unevenly its energy is spent: accents, quiet spells, holds.

All from v(t), the mean over joints of their speed in the world. A dance of one energy throughout has a small deviation at both
window lengths, hardly any quiet or bursting window, and no holds.
"""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array

SHORT, LONG = 0.25, 2.0
"""Windows over which speed is averaged, s: an accent, and half a phrase."""

QUIET, BURST = 0.5, 1.8
"""Shares of the mean speed below and above which a short window counts as quiet or as a burst."""

HOLD_SPEED, HOLD_SECONDS = 0.4, 0.2
"""A hold is a run of frames this long, s, in which the speed stays below this share of the mean."""


def window_speeds(body: HumanoidView, seconds: float) -> Array:
    """Mean joint speed in consecutive windows, [W] m/s; a rest shorter than a window is left out unless it is all there is."""
    speed = body.speeds.mean(axis=1)
    length = min(max(1, round(seconds * body.fps)), len(speed))
    count = len(speed) // length
    return speed[: count * length].reshape(count, length).mean(axis=1)


def speed_deviation(body: HumanoidView, seconds: float) -> float:
    """Deviation / mean of the speed in windows of `seconds`; 0 for a body that does not move."""
    speed = window_speeds(body, seconds)
    return float(speed.std() / max(speed.mean(), 1e-9))


def quiet_share(body: HumanoidView) -> float:
    """Share of windows of `SHORT` s slower than `QUIET` times the mean."""
    speed = window_speeds(body, SHORT)
    return float((speed < QUIET * speed.mean()).mean())


def burst_share(body: HumanoidView) -> float:
    """Share of windows of `SHORT` s faster than `BURST` times the mean."""
    speed = window_speeds(body, SHORT)
    return float((speed > BURST * speed.mean()).mean())


def holds_per_minute(body: HumanoidView) -> float:
    """How often a minute the body arrives and holds: runs of at least `HOLD_SECONDS` under `HOLD_SPEED` of the mean speed."""
    speed = body.speeds.mean(axis=1)
    slow = np.concatenate(([False], speed < HOLD_SPEED * speed.mean(), [False])).astype(int)
    edges = np.diff(slow)
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return float((lengths >= HOLD_SECONDS * body.fps - 1e-9).sum() / (len(speed) / body.fps / 60.0))
