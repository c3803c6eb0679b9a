"""Filters over time: Gaussian, smallest, largest neighbour. The numbers of scipy.ndimage without its slow import."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from farandole.motion.rotations import Array

_AT_ONCE = 1 << 14  # samples of each row that are worked on at a time
Edge = Literal["nearest", "reflect"]
_PAD: dict[str, Literal["edge", "symmetric"]] = {"nearest": "edge", "reflect": "symmetric"}


def gaussian_filter1d(
    x: Array, sigma: float, axis: int = -1, *, mode: Edge = "reflect", truncate: float = 4.0
) -> Array:
    """Weighted means with a Gaussian of deviation `sigma`, samples, [..., T, ...]; bit for bit `scipy.ndimage.gaussian_filter1d`.

    Args:
        x: Values.
        sigma: Deviation in samples.
        axis: Along which.
        mode: What lies beyond the ends: "nearest" the last value, "reflect" the values in reverse.
        truncate: Deviations at which the weights end.
    """
    radius = int(truncate * float(sigma) + 0.5)
    weight = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    weight = weight / weight.sum()
    values = np.moveaxis(np.asarray(x, dtype=float), axis, 0)
    result = values * weight[radius]
    for begin in range(0, len(values), _AT_ONCE):
        part = result[begin : begin + _AT_ONCE]
        count, end = len(part), begin + len(part)
        first, last = max(0, begin - radius), min(len(values), end + radius)
        padded = _padded(values[first:last], first - (begin - radius), end + radius - last, mode)
        for k in range(radius):  # pairs from the outermost inwards
            part += (padded[k : k + count] + padded[2 * radius - k : 2 * radius - k + count]) * weight[k]
    return np.moveaxis(result, 0, axis)


def minimum_filter1d(x: Array, size: int, *, mode: Edge = "reflect") -> Array:
    """Smallest of `size` neighbours of each value, [T]; as `scipy.ndimage.minimum_filter1d`."""
    return _windows(x, size, mode).min(axis=-1)


def maximum_filter1d(x: Array, size: int, *, mode: Edge = "reflect") -> Array:
    """Largest of `size` neighbours of each value, [T]; as `scipy.ndimage.maximum_filter1d`."""
    return _windows(x, size, mode).max(axis=-1)


def _windows(x: Array, size: int, mode: Edge) -> Array:
    before = size // 2
    return sliding_window_view(_padded(np.asarray(x), before, size - 1 - before, mode), size)


def _padded(x: Array, before: int, after: int, mode: Edge) -> Array:
    return np.pad(x, [(before, after)] + [(0, 0)] * (x.ndim - 1), mode=_PAD[mode])
