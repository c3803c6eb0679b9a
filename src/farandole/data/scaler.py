"""Statistics of features over a training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from farandole._io import read_json
from farandole.errors import DataError
from farandole.motion.rotations import Array

CONSTANT = 1e-4
"""Range (maximum - minimum) below which a column counts as constant and is scaled by 1. Above what the rounding of text files
makes of a joint that cannot turn (4e-5 rad), far below any movement."""
_FIELDS = ("mean", "std", "minimum", "maximum")


@dataclass(frozen=True, eq=False)
class Scaler:
    """Statistics of the columns of a feature over the training split, each [D]."""

    mean: Array
    std: Array
    minimum: Array
    maximum: Array

    @classmethod
    def fit(cls, arrays: Sequence[Array]) -> Scaler:
        """Statistics over all frames of arrays [T, D]; constant columns get a deviation of 1."""
        count = sum(len(a) for a in arrays)
        mean = cast("Array", sum(a.sum(axis=0, dtype=np.float64) for a in arrays)) / count
        variance = cast("Array", sum(((a - mean) ** 2).sum(axis=0) for a in arrays)) / count
        lowest, highest = (np.array([f(a, axis=0) for a in arrays], dtype=float) for f in (np.min, np.max))
        minimum, maximum = lowest.min(axis=0), highest.max(axis=0)
        return cls(mean, np.where(maximum - minimum < CONSTANT, 1.0, np.sqrt(variance)), minimum, maximum)

    @classmethod
    def joined(cls, scalers: Sequence[Scaler], counts: Sequence[int]) -> Scaler:
        """Statistics over the frames of several scalers together; `counts` says of how many frames each was made."""
        weights = np.array(counts, dtype=float)[:, None] / sum(counts)
        means = np.array([s.mean for s in scalers])
        # A constant column's deviation stands as 1 and was 0.
        moving = [np.where(s.maximum - s.minimum < CONSTANT, 0.0, s.std) for s in scalers]
        mean = (weights * means).sum(axis=0)
        variance = (weights * (np.square(moving) + (means - mean) ** 2)).sum(axis=0)
        minimum, maximum = np.min([s.minimum for s in scalers], axis=0), np.max([s.maximum for s in scalers], axis=0)
        return cls(mean, np.where(maximum - minimum < CONSTANT, 1.0, np.sqrt(variance)), minimum, maximum)

    def to_json(self) -> dict[str, list[float]]:
        """Plain lists by name."""
        return {k: np.asarray(v, dtype=float).tolist() for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[float]]) -> Scaler:
        """The inverse of `to_json`."""
        return cls(*(np.array(data[k], dtype=float) for k in _FIELDS))


def read_scaler(path: Path, width: int) -> Scaler:
    """The scaler of a feature with `width` columns.

    Raises:
        DataError: If the file is missing or damaged, or a value is missing, no number or not of that width; names file and key.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: is there a training split?")
    data = read_json(path)
    if not isinstance(data, dict):
        raise DataError(f"{path} is damaged: it holds no object")
    for key in _FIELDS:
        _check(path, key, data.get(key), width)
    if min(data["std"], default=1.0) <= 0:
        raise DataError(f"{path}: std: deviations must be positive")
    return Scaler.from_json(data)


def _check(path: Path, key: str, values: Any, width: int) -> None:
    numbers = isinstance(values, list) and all(type(v) in (int, float) and np.isfinite(v) for v in values)
    if not numbers:
        raise DataError(f"{path}: {key}: needed is a list of {width} numbers")
    if len(values) != width:
        raise DataError(f"{path}: {key}: holds {len(values)} numbers, but the feature has {width} columns")
