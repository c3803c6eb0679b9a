"""Does a dance repeat itself? How far each four-bar phrase is from the nearest other phrase of the same dance."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array

BARS = 4
"""Bars of a phrase."""

SAMPLES = 48
"""Poses of a phrase that are compared, evenly spaced in the count: phrases of different tempo compare."""

FREE_TEMPO = 120.0
"""Beats per minute that stand in where a dance has no beats: a phrase is then 8 s."""


def phrase_distances(
    body: HumanoidView, count: Array | None = None, *, beats_per_bar: int = 4, reach_s: float | None = None
) -> Array:
    """Distance of every phrase to the nearest other phrase of the dance that does not overlap it, [P] cm.

    A phrase begins on every bar and is `BARS` bars long. The distance is the mean over poses and joints of the distance
    between joints, each pose on its hips and facing +z.

    Args:
        body: The dancer, T frames.
        count: Continuous beat count per frame, [T], 0 on a downbeat; None for a steady count at `FREE_TEMPO`.
        beats_per_bar: Beats in a bar.
        reach_s: Only phrases that begin within so many seconds of each other are compared, so that dances of different
            length compare: the more phrases there are, the nearer the nearest. None compares all.

    Returns:
        Empty for dances in which no two phrases lie apart.
    """
    frames = np.arange(len(body.positions))
    if count is None:
        count = frames / body.fps * FREE_TEMPO / 60.0
    length = BARS * beats_per_bar
    first = int(np.ceil(count[0] / beats_per_bar - 1e-6)) * beats_per_bar
    starts = np.arange(first, count[-1] - length + 1e-6, beats_per_bar)
    if len(starts) < 2 or starts[-1] - starts[0] < length:
        return np.empty(0)
    at = np.interp(starts[:, None] + np.arange(SAMPLES) * length / SAMPLES, count, frames)
    poses = body.local[np.round(at).astype(int)].astype(np.float32)  # [P, SAMPLES, R, 3]
    gap_s = np.abs(at[:, :1] - at[:, 0]) / body.fps
    distances = np.full((len(starts), len(starts)), np.inf)
    for i in range(len(starts)):
        others = np.flatnonzero(starts >= starts[i] + length)
        if reach_s is not None:
            others = others[gap_s[i, others] <= reach_s]
        if len(others):
            gaps = 100.0 * np.linalg.norm(poses[others] - poses[i], axis=-1).mean(axis=(1, 2))
            distances[i, others] = distances[others, i] = gaps
    nearest = distances.min(axis=1)
    return nearest[np.isfinite(nearest)]


def phrase_variety(
    body: HumanoidView, count: Array | None = None, *, beats_per_bar: int = 4, reach_s: float | None = None
) -> float:
    """Mean of `phrase_distances`, cm; NaN where the dance is too short to have two phrases apart."""
    nearest = phrase_distances(body, count, beats_per_bar=beats_per_bar, reach_s=reach_s)
    return float(nearest.mean()) if len(nearest) else float("nan")
