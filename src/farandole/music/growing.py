"""Rows that come piece by piece and are held once: joining all pieces at the end would hold them twice."""

from __future__ import annotations

import numpy as np


class GrowingRows:
    """An array [T, ...] to which rows are added; its memory grows in place where the system can do that."""

    def __init__(self) -> None:
        self._rows, self._count = np.zeros(0, np.float32), 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: np.ndarray) -> None:
        """Add rows [K, ...]; all have one shape and type."""
        stop = self._count + len(rows)
        if not self._count:
            self._rows = np.empty((2 * len(rows), *rows.shape[1:]), rows.dtype)
        if stop > len(self._rows):
            self._rows.resize((stop + stop // 4, *rows.shape[1:]), refcheck=False)
        self._rows[self._count : stop] = rows
        self._count = stop

    def joined(self) -> np.ndarray:
        """All rows, [T, ...]; nothing can be added any more."""
        rows, self._rows = self._rows, self._rows[:0]
        rows.resize((self._count, *rows.shape[1:]), refcheck=False)
        return rows
