"""Confidence intervals by resampling, for figures that are means over clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from farandole.errors import DataError
from farandole.motion.rotations import Array

_BLOCK = 4_000_000  # resampled numbers in memory at a time


@dataclass(frozen=True)
class Interval:
    """An estimate with its percentile bootstrap interval (Efron, 1979).

    Attributes:
        value: Estimate from all clips.
        low: Lower end.
        high: Upper end.
        count: Number of clips.
        level: Probability that the interval aims at.
    """

    value: float
    low: float
    high: float
    count: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def mean_interval(
    values: Array, weights: Array | None = None, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean of `values` [N] over clips, weighted by `weights` [N]; NaN clips are left out. One clip has no width."""
    x = np.asarray(values, dtype=float)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    known = np.isfinite(x)
    x, w = x[known], w[known]
    if not len(x):
        return Interval(float("nan"), float("nan"), float("nan"), 0, level)
    rng = np.random.default_rng(seed)
    draws = []
    for size in _blocks(resamples, len(x)):
        take = rng.integers(len(x), size=(size, len(x)))
        draws.append((x[take] * w[take]).sum(axis=1) / w[take].sum(axis=1))
    return _interval(float(np.average(x, weights=w)), np.concatenate(draws), len(x), level)


def interval(
    features: Array, statistic: Callable[[Array], float], *, level: float = 0.95, resamples: int = 200, seed: int = 0
) -> Interval:
    """Any statistic of rows [N, D], resampled by rows.

    Distances between sets grow when rows repeat: read the width of the interval, not its ends.
    """
    x = np.asarray(features)
    if not len(x):
        raise DataError("cannot resample an empty set")
    rng = np.random.default_rng(seed)
    draws = np.array([statistic(x[rng.integers(len(x), size=len(x))]) for _ in range(resamples)])
    return _interval(float(statistic(x)), draws, len(x), level)


def difference_interval(a: Array, b: Array, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Difference of the means of two independent sets of clips, a - b, with its interval: excludes 0 when they differ."""
    x, y = (np.asarray(v, dtype=float)[np.isfinite(v)] for v in (a, b))
    if not len(x) or not len(y):
        return Interval(float("nan"), float("nan"), float("nan"), 0, level)
    rng = np.random.default_rng(seed)
    means = [
        np.concatenate(
            [v[rng.integers(len(v), size=(size, len(v)))].mean(axis=1) for size in _blocks(resamples, len(v))]
        )
        for v in (x, y)
    ]
    return _interval(float(x.mean() - y.mean()), means[0] - means[1], len(x) + len(y), level)


def _interval(value: float, draws: Array, count: int, level: float) -> Interval:
    low, high = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
    return Interval(value, float(low), float(high), count, level)


def _blocks(resamples: int, count: int) -> list[int]:
    """Sizes of the blocks in which `resamples` draws of `count` numbers are made."""
    size = max(1, _BLOCK // max(count, 1))
    return [min(size, resamples - done) for done in range(0, resamples, size)]
