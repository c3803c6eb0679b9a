"""Easing curves of the groove style: pure functions of the beat count, twice continuously differentiable."""

from __future__ import annotations

import numpy as np

from farandole.motion.rotations import Array


def ease(u: Array) -> Array:
    """Minimum-jerk rise from 0 (u <= 0) to 1 (u >= 1) (Flash & Hogan, 1985, eq. 3): how people move between two rests."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


def arch(u: Array) -> Array:
    """A bump: 0 outside (0, 1), 1 at u = 1/2, with zero slope and curvature at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return 64.0 * (u * (1.0 - u)) ** 3


def swing(c: Array, period: float = 2.0, peak: float = 0.0) -> Array:
    """Cosine of the count: 1 at `peak`, -1 half a `period` later."""
    return np.cos((c - peak) * (2.0 * np.pi / period))


def hit(c: Array, period: float = 2.0, peak: float = 0.0, sharp: float = 0.6) -> Array:
    """Like `swing`, but it dwells at the extremes: a pose is hit on the beat and held. `sharp` in [0, 1]."""
    x = swing(c, period, peak)
    return (1.0 - sharp) * x + sharp * np.sin(0.5 * np.pi * x)


def pulse(c: Array, period: float = 1.0, peak: float = 0.0, power: float = 1.5) -> Array:
    """An accent: 1 at `peak` and every `period` after it, 0 halfway between."""
    return (0.5 + 0.5 * swing(c, period, peak)) ** power


def wander(t: Array, rng: np.random.Generator, shortest: float = 2.0, longest: float = 9.0, terms: int = 5) -> Array:
    """Slow noise of unit variance: sines of random phase, periods between `shortest` and `longest` seconds; t [T] s."""
    periods = np.exp(rng.uniform(np.log(shortest), np.log(longest), terms))
    phases = rng.uniform(0.0, 2.0 * np.pi, terms)
    return np.sin(t[:, None] * (2.0 * np.pi / periods) + phases).sum(1) * np.sqrt(2.0 / terms)


def smooth(x: Array, sigma: float) -> Array:
    """Gaussian smoothing over time (axis 0) of an array [T, ...]; `sigma` in frames."""
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(x, sigma, axis=0, mode="nearest")
