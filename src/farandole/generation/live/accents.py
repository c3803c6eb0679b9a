"""Onsets that are still to come, as the last bars had them."""

from __future__ import annotations

import numpy as np

from farandole.motion.rotations import Array

_COUNTS, _PARTS = 8, 4
_SHARE = 0.35


class AccentMemory:
    """Onset strength in four bands by place in a phrase of eight counts, forgetting with each turn."""

    def __init__(self) -> None:
        self._bands = np.zeros((_COUNTS * _PARTS, 4))

    def take(self, count: float, bands: Array) -> None:
        """Remember onsets [4] at a count."""
        place = round(count * _PARTS) % len(self._bands)
        self._bands[place] += _SHARE * (bands - self._bands[place])

    def at(self, count: Array) -> Array:
        """Onsets to be expected at counts [T], [T, 4]."""
        return self._bands[np.rint(np.asarray(count) * _PARTS).astype(int) % len(self._bands)]
