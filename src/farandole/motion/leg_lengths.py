"""Hips as high as the standing leg means them: planting a foot does not bend the knee over it, and nearly straight knees lock.

A knee shows much of what the hips' height hides: one centimetre less bends a straight leg to 160 degrees. So a foot that is brought
to the floor would soften the leg over it; the hips give way instead. And a model errs by about a centimetre, always to one
side, for no leg is longer than itself: people lock the standing leg, their models hardly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion.filters import gaussian_filter1d
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_SOFT = 0.02  # shortening, m, at which a leg counts e times less than a straight one where both stand
_SECONDS = 0.05  # deviation of the Gaussian over time of what the hips are moved
_MOST = 0.06  # m that the hips are moved at most


def with_leg_lengths(
    motion: Motion, hips: Array, before: Array, ankles: Array, full: Array, bearing: Array, locking: Array | float = 0.0
) -> Motion:
    """The motion with hips so high that a standing leg stays as long, from hip to ankle, as it was: the straighter leg first.

    Args:
        motion: Before its legs reach for the floor.
        hips: Where the hip joints are, [T, 2, 3] m.
        before: Where the ankles are, [T, 2, 3] m.
        ankles: Where they are to be, [T, 2, 3] m.
        full: Lengths of the stretched legs, [2] m.
        bearing: How much each foot stands, [T, 2] from 0 to 1.
        locking: A leg that is short of straight by this much is stretched by a third of it, a shorter one hardly, a straighter
            one nearly to the full; m, [T] or one for all.
    """
    length = np.linalg.norm(before - hips, axis=-1)
    short = np.maximum(full - length, 0.0)
    scale = np.maximum(np.reshape(locking, (-1, 1)), 1e-9)
    length = length + short * np.exp(-np.minimum((short / scale) ** 2, 50.0))
    away = ankles - hips
    wanted = away[..., 1] + np.sqrt(np.maximum(length**2 - away[..., 0] ** 2 - away[..., 2] ** 2, 0.0))
    weight = bearing * np.exp(-np.maximum(full - length, 0.0) / _SOFT)
    width = _SECONDS * motion.fps
    smooth = lambda x: gaussian_filter1d(x, width, axis=0, mode="nearest")  # noqa: E731
    total = smooth(weight.sum(axis=1))
    rise = (
        smooth((weight * wanted).sum(axis=1)) / np.maximum(total, 1e-6) * np.clip(smooth(bearing.max(axis=1)), 0.0, 1.0)
    )
    root = motion.root_positions.copy()
    root[:, 1] += _MOST * np.tanh(rise / _MOST)
    return replace(motion, root_positions=root)
