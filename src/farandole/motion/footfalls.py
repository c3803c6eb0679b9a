"""When feet land."""

from __future__ import annotations

import numpy as np

from farandole.motion.filters import gaussian_filter1d
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_SLOW = 0.3
"""A foot lands where it falls under this share of its brisk speed (90th percentile)."""
_SLOWEST = 0.12  # m/s: of a foot that hardly moves
_STEP = 0.3  # s before a landing in which it was lifted


def smooth_speeds(motion: Motion) -> Array:
    """Speed of every joint, Gaussian average over 0.04 s, [T, J] m/s."""
    return smoothed(motion.speeds, motion.fps)


def smoothed(speed: Array, fps: float) -> Array:
    """Gaussian average over 0.04 s of speeds, [T, ...]."""
    return gaussian_filter1d(speed, 0.04 * fps, axis=0, mode="nearest")


def foot_speeds(motion: Motion) -> Array:
    """Smooth speed of both feet, the mean of ankle and toe joint, [T, 2] m/s.

    Args:
        motion: On a skeleton with LeftFoot, LeftToeBase and their mirror images.
    """
    return speeds_of_feet(motion, smooth_speeds(motion))


def speeds_of_feet(motion: Motion, speed: Array) -> Array:
    """The same where smooth speeds of all joints [T, J] are at hand."""
    feet = [[motion.skeleton.index(f"{side}{part}") for part in ("Foot", "ToeBase")] for side in ("Left", "Right")]
    return speed[:, feet].mean(axis=-1)


def landings(feet: Array, fps: float) -> tuple[Array, Array]:
    """Moments at which feet land, in order, [N] s; and how fast the foot was in the 0.3 s before, [N] m/s.

    A foot lands where its speed falls under 0.3 of its 90th percentile, at least 0.12 m/s.

    Args:
        feet: Smooth speed of both feet, [T, 2] m/s.
        fps: Frames per second.
    """
    times, strengths = [], []
    for foot in feet.T:
        limit = max(_SLOW * float(np.percentile(foot, 90)), _SLOWEST)
        falls = np.flatnonzero((foot[:-1] >= limit) & (foot[1:] < limit))
        share = (foot[falls] - limit) / np.maximum(foot[falls] - foot[falls + 1], 1e-9)
        times.append((falls + share) / fps)
        before = np.maximum(falls[:, None] - np.arange(max(1, round(_STEP * fps))), 0)
        strengths.append(foot[before].max(axis=1))
    at, strength = np.concatenate(times), np.concatenate(strengths)
    order = np.argsort(at, kind="stable")
    return at[order], strength[order]
