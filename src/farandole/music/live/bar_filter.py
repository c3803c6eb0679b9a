"""Where in the bar the beat is, and how many beats a bar has: forward filtering over (beats per bar, place)."""

from __future__ import annotations

import numpy as np

METERS = (2, 3, 4, 5, 6, 7)
PRIOR = (0.06, 0.22, 0.6, 0.04, 0.04, 0.04)
_SLIP = 0.004  # chance of a beat that the place does not advance as it should
_NEW = 0.004  # chance of a beat that the bar has another length from now on
_LEAST, _MOST = 0.03, 0.97


class BarFilter:
    """Fed with P(downbeat | beat) once a beat."""

    def __init__(self) -> None:
        self.meter = np.concatenate([np.full(m, m) for m in METERS])
        self.place = np.concatenate([np.arange(m) for m in METERS])
        start = np.concatenate([[0], np.cumsum(METERS)[:-1]])
        self._first = np.repeat(start, METERS)
        self._prior = np.repeat(np.array(PRIOR) / METERS, METERS)
        count = len(self.meter)
        self._move = np.zeros((count, count))
        for state in range(count):
            same = self.meter == self.meter[state]
            self._move[state, same] += _SLIP / self.meter[state]
            self._move[state, self._first[state] + (self.place[state] + 1) % self.meter[state]] += 1 - _SLIP - _NEW
            self._move[state] += _NEW * self._prior
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.belief = self._prior.copy()

    def step(self, downbeat: float) -> None:
        """Take in the next beat."""
        p = min(max(downbeat, _LEAST), _MOST)
        belief = (self.belief @ self._move) * np.where(self.place == 0, p, 1 - p)
        self.belief = belief / belief.sum()

    def estimate(self) -> tuple[int, int, float]:
        """Beats per bar, place of the last beat in 0..meter - 1, and how sure, 0 to 1."""
        best = int(self.belief.argmax())
        return int(self.meter[best]), int(self.place[best]), float(self.belief[best])
