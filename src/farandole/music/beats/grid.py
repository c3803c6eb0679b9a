"""The beat grid of a song: times, counts, bars, and the same grid at other octaves of its tempo."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        beats_per_bar: 2 to 12.
        confidence: How likely tempo and phase are those that a listener would tap, 0 to 1; below 0.5 another octave or
            the off-beat is as likely. A pulse may be clear and its level doubtful.
        steps: Counts from each beat to the next, int [K - 1]; 1, except where a bar of another length is passed over.
    """

    times: np.ndarray
    first_count: int = 0
    clarity: float = 1.0
    support: np.ndarray | None = None
    beats_per_bar: int = 4
    confidence: float = 1.0
    steps: np.ndarray | None = None

    def __post_init__(self) -> None:
        times = np.array(self.times, dtype=float)
        if times.ndim != 1 or len(times) < 2 or not (np.diff(times) > 0).all():
            raise AudioError(f"beat times of shape {times.shape}: at least two, ascending, are needed")
        support = np.zeros(len(times)) if self.support is None else np.array(self.support, dtype=float)
        if support.shape != times.shape:
            raise AudioError(f"{len(times)} beat times, but support of shape {support.shape}")
        steps = np.ones(len(times) - 1, int) if self.steps is None else np.array(self.steps, dtype=int)
        if steps.shape != (len(times) - 1,) or not (steps >= 1).all():
            raise AudioError(
                f"{len(times)} beat times, but steps of shape {steps.shape}: one less is needed, each at least 1"
            )
        if not 2 <= self.beats_per_bar <= 12:
            raise AudioError(f"bars of {self.beats_per_bar} beats: accepted is 2 to 12")
        times.flags.writeable = support.flags.writeable = steps.flags.writeable = False
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "support", support)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def counts(self) -> np.ndarray:
        """Count of each beat, int [K]."""
        assert self.steps is not None  # given or made at the start
        return self.first_count + np.concatenate([[0], np.cumsum(self.steps)])

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
        plain = self if (self.steps == 1).all() else replace(self, steps=None)
        count = plain.count_at(times)
        return 60.0 * 4.0 / (plain.time_of(count + 2) - plain.time_of(count - 2))

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
        before, after = self.times[0] - self._end_periods[0] / 2, self.times[-1] + self._end_periods[1] / 2
        middles = np.concatenate([[before], (self.times[1:] + self.times[:-1]) / 2, [after]])
        times = np.append(np.stack([middles[:-1], self.times], axis=1).ravel(), middles[-1])
        support = np.zeros(len(times))
        support[1::2] = self.support
        steps = np.ones(len(times) - 1, int)
        steps[2:-1:2] = 2 * np.diff(self.counts) - 1
        return replace(self, times=times, first_count=2 * self.first_count - 1, support=support, steps=steps)

    def _halved(self) -> Beats:
        support = np.zeros(len(self)) if self.support is None else self.support
        even = self.counts % 2 == 0
        mean = lambda chosen: float(support[chosen].mean()) if chosen.any() else 0.0  # noqa: E731
        spread = float(support.std()) + 1e-9
        keep_odd = self.beats_per_bar % 2 == 0 and mean(~even) - mean(even) > 0.25 * spread
        phase = int(keep_odd)
        chosen = self.counts % 2 == phase
        if chosen.sum() < 2:
            counts = np.array([self.counts[0] - (self.counts[0] - phase) % 2 + 2 * k for k in range(2)])
            return replace(
                self, times=self.time_of(counts), first_count=int(counts[0] - phase) // 2, support=None, steps=None
            )
        counts = (self.counts[chosen] - phase) // 2
        return replace(
            self, times=self.times[chosen], first_count=int(counts[0]), support=support[chosen], steps=np.diff(counts)
        )

    @classmethod
    def steady(cls, bpm: float, seconds: float, *, clarity: float = 0.0) -> Beats:
        """A grid at one tempo from t = 0 to the first beat at or after `seconds`."""
        count = max(2, int(np.ceil(seconds * bpm / 60)) + 1)
        return cls(np.arange(count) * 60.0 / bpm, 0, clarity, confidence=0.0)

    @classmethod
    def told(cls, bpm: float, seconds: float, *, offset: float = 0.0, beats_per_bar: int = 4) -> Beats:
        """The grid that a person tells: a tempo and the time of a downbeat, over a whole song.

        Args:
            bpm: 20 to 400 beats per minute.
            seconds: Length of the song.
            offset: Time of any first beat of a bar, s.
            beats_per_bar: 2 to 12.

        Raises:
            AudioError: If a number is out of range.
        """
        if not 20 <= bpm <= 400:
            raise AudioError(f"a tempo of {bpm:g} beats per minute: accepted is 20 to 400")
        if not np.isfinite(offset):
            raise AudioError(f"a first beat at {offset:g} s: needed is a time within the song")
        period = 60.0 / bpm
        first = int(np.ceil(-offset / period - 1e-9))
        last = max(first + 1, int(np.floor((seconds - offset) / period + 1e-9)))
        return cls(offset + np.arange(first, last + 1) * period, first, beats_per_bar=beats_per_bar)
