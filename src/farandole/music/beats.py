"""The beat grid of a song: times, counts, bars, and the same grid at other octaves of its tempo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from farandole.errors import AudioError


@dataclass(frozen=True, eq=False)
class Beats:
    """Beat times and what follows from them.

    Attributes:
        times: Beat times, ascending, [K >= 2] s.
        first_count: Count of times[0]; `(first_count + k) % beats_per_bar == 0` where a bar begins.
        clarity: How clear the pulse is, 0 (silence, noise: the grid is a guess) to 1 (a drum machine).
        support: Onset strength at each beat relative to its surroundings, [K].
        beats_per_bar: 4, or 3.
    """

    times: np.ndarray
    first_count: int = 0
    clarity: float = 1.0
    support: np.ndarray | None = None
    beats_per_bar: int = 4

    def __post_init__(self) -> None:
        times = np.array(self.times, dtype=float)
        if times.ndim != 1 or len(times) < 2 or not (np.diff(times) > 0).all():
            raise AudioError(f"beat times of shape {times.shape}: at least two, ascending, are needed")
        support = np.zeros(len(times)) if self.support is None else np.array(self.support, dtype=float)
        if support.shape != times.shape:
            raise AudioError(f"{len(times)} beat times, but support of shape {support.shape}")
        times.flags.writeable = support.flags.writeable = False
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "support", support)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def counts(self) -> np.ndarray:
        """Count of each beat, int [K]."""
        return self.first_count + np.arange(len(self.times))

    @cached_property
    def downbeats(self) -> np.ndarray:
        """Which beats begin a bar, bool [K]."""
        return self.counts % self.beats_per_bar == 0

    @cached_property
    def tempo(self) -> float:
        """Beats per minute: from the median distance of beats, averaged over the distances near it."""
        gaps = np.diff(self.times)
        near = np.abs(gaps / np.median(gaps) - 1) < 0.1
        return float(60.0 / gaps[near].mean())

    def count_at(self, times: ArrayLike) -> np.ndarray:
        """Continuous beat count: an integer on each beat, linear between, going on at the ends' tempo beyond them.

        Args:
            times: [T] s (any shape).

        Returns:
            Strictly increasing in time; same shape as `times`.
        """
        t = np.asarray(times, dtype=float)
        count = np.interp(t, self.times, self.counts)
        first, last = self._end_periods
        count = np.where(t < self.times[0], self.counts[0] + (t - self.times[0]) / first, count)
        return np.where(t > self.times[-1], self.counts[-1] + (t - self.times[-1]) / last, count)

    def time_of(self, counts: ArrayLike) -> np.ndarray:
        """Inverse of `count_at`: time of a (fractional) count, s."""
        c = np.asarray(counts, dtype=float)
        time = np.interp(c, self.counts, self.times)
        first, last = self._end_periods
        time = np.where(c < self.counts[0], self.times[0] + (c - self.counts[0]) * first, time)
        return np.where(c > self.counts[-1], self.times[-1] + (c - self.counts[-1]) * last, time)

    def tempo_at(self, times: ArrayLike) -> np.ndarray:
        """Tempo around a time, beats per minute: beats counted over the four beats about it."""
        count = self.count_at(times)
        return 60.0 * 4.0 / (self.time_of(count + 2) - self.time_of(count - 2))

    @cached_property
    def _end_periods(self) -> tuple[float, float]:
        near = min(8, len(self.times) - 1)
        return float(np.median(np.diff(self.times[: near + 1]))), float(np.median(np.diff(self.times[-near - 1 :])))

    def folded(self, low: float, high: float) -> Beats:
        """The grid at double or half tempo (again and again), so that the tempo lies in a dance style's range.

        Doubling puts beats half-way and keeps downbeats; halving keeps every second beat, those with more onset
        strength (in doubt those that hold the downbeats). If no power of two reaches the range, the one nearest to its
        (geometric) middle is taken.

        Args:
            low, high: Range, beats per minute.

        Raises:
            AudioError: If the range is empty or not positive.
        """
        if not 0 < low < high:
            raise AudioError(f"tempo range {low:g} to {high:g}: needs 0 < low < high")
        octaves = np.arange(-4, 5)
        tempi = self.tempo * 2.0**octaves
        inside = (tempi >= low) & (tempi <= high)
        distance = np.abs(np.log2(tempi / np.sqrt(low * high)))
        if inside.any():  # as it is where possible, else the nearest fold
            distance = np.where(inside, np.abs(octaves), np.inf)
        folds = int(octaves[np.argmin(distance)])
        beats = self
        for _ in range(abs(folds)):
            beats = beats._doubled() if folds > 0 else beats._halved()
        return beats

    def _doubled(self) -> Beats:
        counts = np.arange(2 * self.counts[0] - 1, 2 * self.counts[-1] + 2)
        times = self.time_of(counts / 2)
        support = np.zeros(len(times))
        if self.support is not None:
            support[1::2] = self.support
        return Beats(times, int(counts[0]), self.clarity, support, self.beats_per_bar)

    def _halved(self) -> Beats:
        support = np.zeros(len(self)) if self.support is None else self.support
        even = self.counts % 2 == 0
        mean = lambda chosen: float(support[chosen].mean()) if chosen.any() else 0.0  # noqa: E731
        spread = float(support.std()) + 1e-9
        keep_odd = self.beats_per_bar % 2 == 0 and mean(~even) - mean(even) > 0.25 * spread
        phase = int(keep_odd)
        chosen = self.counts % 2 == phase
        if chosen.sum() < 2:
            chosen_counts = np.array([self.counts[0] - (self.counts[0] - phase) % 2 + 2 * k for k in range(2)])
            return Beats(
                self.time_of(chosen_counts), int(chosen_counts[0] - phase) // 2, self.clarity, None, self.beats_per_bar
            )
        return Beats(
            self.times[chosen],
            int(self.counts[chosen][0] - phase) // 2,
            self.clarity,
            support[chosen],
            self.beats_per_bar,
        )

    @classmethod
    def steady(cls, bpm: float, seconds: float, *, clarity: float = 0.0) -> Beats:
        """A grid at one tempo from t = 0 to the first beat at or after `seconds`."""
        count = max(2, int(np.ceil(seconds * bpm / 60)) + 1)
        return cls(np.arange(count) * 60.0 / bpm, 0, clarity)
