"""The arms of the groove style: where the wrists are, relative to the shoulders, over the count.

A pattern returns wrists [T, 2, 3] in m (lead side first; x outwards on either side, y up, z forward, in the frame of the chest)
and how far the elbows flare outwards [2]. Arms measure 0.58 m, so every resting place keeps the elbows bent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from farandole.data.starter.groove.ease import hit, pulse, swing
from farandole.motion.rotations import Array

Arms = tuple[Array, tuple[float, float]]


def _stack(lead: tuple, other: tuple) -> Array:
    return np.stack([np.stack(np.broadcast_arrays(*side), axis=-1) for side in (lead, other)], axis=1)


def _both(side: Callable[[int], tuple]) -> Array:
    return _stack(side(1), side(-1))


def _swing(c: Array, v: float) -> Arms:
    """Loose boxer-like swing from the shoulders, against the hips."""

    def side(s: int) -> tuple:
        w = hit(c, 2.0 if v < 0.6 else 4.0, 0.15, 0.3) * s
        return 0.09 - 0.05 * w, -0.30 + 0.11 * w + 0.05 * swing(c, 1.0), 0.20 + 0.21 * w

    return _both(side), (0.15, 0.15)


def _pump(c: Array, v: float) -> Arms:
    """Fists by the ribs, pushed down in turn."""

    def side(s: int) -> tuple:
        w = hit(c, 2.0, 0.0, 0.5) * s
        return 0.11 + 0.02 * w, -0.22 - 0.19 * w, 0.26 - 0.06 * w

    return _both(side), (0.25, 0.25)


def _snaps(c: Array, v: float) -> Arms:
    """Hands drift apart and snap on the even counts."""
    peak = 1.0
    w = hit(c, 2.0, peak, 0.6)

    def side(s: int) -> tuple:
        lift = 0.10 * swing(c, 4.0, peak) * s
        return 0.10 + 0.13 * w, -0.22 + 0.06 * w + lift, 0.27 - 0.06 * w

    return _both(side), (0.1, 0.1)


def _float(c: Array, v: float) -> Arms:
    """Soft figure of eight at waist height, wrists after elbows."""

    def side(s: int) -> tuple:
        a = swing(c, 4.0, 0.4) * s
        b = np.sin(np.pi * (c - 0.4)) * (0.8 + 0.2 * s)
        return 0.20 + 0.14 * a, -0.24 + 0.10 * b + 0.06 * a, 0.22 - 0.12 * a

    return _both(side), (0.2, 0.2)


def _cross_open(c: Array, v: float) -> Arms:
    w = hit(c, 2.0, 1.0, 0.5)  # open on the even counts

    def side(s: int) -> tuple:
        return 0.06 + 0.27 * w, -0.22 + 0.05 * w + 0.03 * s, 0.27 - 0.09 * w

    return _both(side), (0.25, 0.25)


def _clap(c: Array, v: float) -> Arms:
    w = pulse(c, 2.0, 1.0, 2.0)
    high = 0.16 * v

    def side(s: int) -> tuple:
        return 0.16 - 0.26 * w, -0.24 + (0.12 + high) * w, 0.24 + 0.10 * w

    return _both(side), (0.25, 0.25)


def _raise_roof(c: Array, v: float) -> Arms:
    w = hit(c, 1.0 if v < 0.5 else 2.0, 0.0, 0.3)

    def side(s: int) -> tuple:
        return 0.16 + 0.01 * w, 0.27 + 0.11 * w, 0.15 - 0.03 * w

    return _both(side), (0.3, 0.3)


def _overhead(c: Array, v: float) -> Arms:
    """Both hands up, swaying like grass."""

    def side(s: int) -> tuple:
        a = swing(c, 4.0, 0.6 - 0.15 * s)
        return 0.10 + 0.14 * a * s, 0.39 - 0.05 * swing(c, 2.0, 0.6) + 0.05 * a * s, 0.10 + 0.04 * a

    return _both(side), (0.2, 0.2)


def _point(c: Array, v: float) -> Arms:
    """The lead arm from the opposite hip to the sky on alternate counts; the other keeps time low."""
    w = hit(c, 2.0 if v < 0.4 else 4.0, 0.0, 0.5 if v < 0.4 else 0.8)
    lead = (0.07 + 0.13 * w, 0.06 + 0.27 * w, 0.27 - 0.05 * w)
    other = (0.12 - 0.02 * w, -0.30 + 0.08 * swing(c, 1.0), 0.18 + 0.06 * swing(c, 2.0, 0.2))
    return _stack(lead, other), (0.2, 0.1)


def _wave(c: Array, v: float) -> Arms:
    """A wave through both arms held out to the sides, from lead to other hand in four counts."""

    def side(s: int) -> tuple:
        w = swing(c, 4.0, 1.0 - 0.9 * s)
        return 0.43 - 0.05 * w, -0.04 + 0.19 * w, 0.13 + 0.08 * swing(c, 4.0, 2.0 - 0.9 * s)

    return _both(side), (0.0, 0.0)


def _cabbage_patch(c: Array, v: float) -> Arms:
    """Both fists stir one big bowl in front of the chest, once in two counts (four when calm)."""
    period = 2.0 if v < 0.6 else 4.0
    a, b = swing(c, period, 0.0), swing(c, period, 0.25 * period)

    def side(s: int) -> tuple:
        return -0.01 + 0.13 * a * s, -0.16 + 0.03 * b, 0.30 + 0.11 * b

    return _both(side), (0.5, 0.5)


def _roll(c: Array, v: float) -> Arms:
    """Forearms roll about each other."""
    height = -0.18 + 0.10 * hit(c, 4.0, 0.0, 0.5)

    def side(s: int) -> tuple:
        return -0.06 + 0.0 * c, height + 0.09 * s * swing(c, 1.0), 0.28 + 0.09 * s * swing(c, 1.0, 0.25)

    return _both(side), (0.5, 0.5)


def _one_hip(c: Array, v: float) -> Arms:
    """One hand on the hip, the other talks."""
    lead = (0.18 + 0.13 * swing(c, 4.0, 0.6), -0.10 + 0.14 * hit(c, 2.0, 0.1, 0.4), 0.25 - 0.07 * swing(c, 4.0, 0.6))
    other = (0.11 + 0.0 * c, -0.40 + 0.012 * swing(c, 1.0), 0.03 + 0.012 * swing(c, 2.0))
    return _stack(lead, other), (0.15, 0.65)


def _twist_arms(c: Array, v: float) -> Arms:
    def side(s: int) -> tuple:
        w = hit(c, 2.0, 0.0, 0.3) * s
        return 0.10 - 0.17 * w, -0.19 + 0.05 * swing(c, 1.0), 0.28 + 0.08 * w

    return _both(side), (0.3, 0.3)


def _pull_down(c: Array, v: float) -> Arms:
    """Both hands reach up and pull down to the lifted knee."""
    w = hit(c, 2.0, 0.0, 0.4)  # up on the odd counts, down when the knee comes up

    def side(s: int) -> tuple:
        return 0.08 + 0.03 * w, 0.06 + 0.27 * w, 0.26 - 0.03 * w + 0.04 * s

    return _both(side), (0.3, 0.3)


def _thighs(c: Array, v: float) -> Arms:
    """Hands glide along the thighs and up the sides."""

    def side(s: int) -> tuple:
        w = swing(c, 4.0, 1.6)
        return 0.13 + 0.07 * swing(c, 4.0, 2.6), -0.33 + 0.11 * w, 0.14 + 0.08 * swing(c, 4.0, 0.8) + 0.02 * s

    return _both(side), (0.35, 0.35)


def _shimmy_arms(c: Array, v: float) -> Arms:
    def side(s: int) -> tuple:
        return 0.24 + 0.03 * swing(c, 8.0), -0.27 + 0.04 * swing(c, 4.0, 1.0) * s, 0.20 + 0.05 * swing(c, 8.0, 3.0)

    return _both(side), (0.3, 0.3)


ARMS: dict[str, Callable[[Array, float], Arms]] = {
    "swing": _swing,
    "pump": _pump,
    "snaps": _snaps,
    "float": _float,
    "cross_open": _cross_open,
    "clap": _clap,
    "raise_roof": _raise_roof,
    "overhead": _overhead,
    "point": _point,
    "wave": _wave,
    "cabbage_patch": _cabbage_patch,
    "roll": _roll,
    "one_hip": _one_hip,
    "twist": _twist_arms,
    "pull_down": _pull_down,
    "thighs": _thighs,
    "shimmy": _shimmy_arms,
}
"""Arm patterns by name: (local count [T], variation in [0, 1]) -> wrists [T, 2, 3] m, elbow flare [2]."""
