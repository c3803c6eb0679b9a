"""Where in the beat the music is, and how fast: exact forward filtering over (time of the last beat, period).

The state space of F. Krebs, S. Böck, G. Widmer (An efficient state-space model for joint tempo and meter tracking, ISMIR
2015), held as one number for each pair of last beat and period. All states see the same sound, so an observation only
touches those within a beat; what lies between the beats speaks against a period that passes it over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.music.activation import TEMPI, level_votes

SHORTEST, LONGEST = 23, 129
"""Periods in frames of 11.6 ms: 225 to 40 beats per minute."""
_ODDS = 24.0  # a beat is as likely as not where the network says 1 / (this + 1)
_WEIGHTS = (0.6, 1.0, 0.6)  # exponents of the odds in the frames of a beat; its time is the middle one
_CHANGE = 70.0  # cost of a change of period, per unit of log period
_JUMP = 2e-4  # share of each beat's mass that may take any period
_LEAK = 1e-6  # share of each frame's mass that starts afresh: another song, a slip
_PRIOR_BPM, _PRIOR_OCTAVES = 118.0, 0.9
_LEAST, _MOST = 0.004, 0.8
_TEMPO = 0.8  # exponent, per half second of a beat, of the network's share of its tempo against an even share


@dataclass(frozen=True)
class BeatEstimate:
    """The filter's best guess.

    Attributes:
        beat: Frame of the last beat, with its fraction.
        period: Frames per beat.
        sure: Share of the belief that lies with this beat and period, 0 to 1.
    """

    beat: float
    period: float
    sure: float


class BeatFilter:
    """Fed with P(beat) frame by frame.

    Args:
        fps: Frames per second.
    """

    def __init__(self, fps: float) -> None:
        self.periods = np.arange(SHORTEST, LONGEST + 1)
        logs = np.log(self.periods)
        change = np.exp(-_CHANGE * np.abs(logs[:, None] - logs[None]))
        change /= change.sum(axis=1, keepdims=True)
        octaves = np.log2(60 * fps / self.periods / _PRIOR_BPM) / _PRIOR_OCTAVES
        prior = np.exp(-0.5 * octaves**2) / self.periods  # even in log tempo
        self._prior = prior / prior.sum()
        self._change = (1 - _JUMP) * change + _JUMP * self._prior
        place = np.log2(60 * fps / self.periods / TEMPI[0]) / np.log2(TEMPI[1] / TEMPI[0])
        self._lower = np.clip(place.astype(int), 0, len(TEMPI) - 2)
        self._part = np.clip(place - self._lower, 0, 1)
        self._exponent = _TEMPO * self.periods / (0.5 * fps)
        self._rows = LONGEST + 1
        self._columns = np.arange(len(self.periods))
        self.reset()

    def reset(self) -> None:
        """Forget everything: any beat, any period."""
        self.frame = -1
        ages = np.arange(self._rows)[:, None]  # row -age holds the beat at that many frames before
        even = np.where(ages < self.periods, self._prior / self.periods, 0.0)  # by age at frame -1
        self._mass = even[(-1 - np.arange(self._rows)) % self._rows]
        self._mass /= self._mass.sum()

    def step(self, probability: float, shares: np.ndarray | None = None) -> None:
        """Take in the next frame.

        Args:
            probability: P(beat).
            shares: What the network says of the tempi `TEMPI`, of sum 1; None if nothing.
        """
        self.frame = t = self.frame + 1
        rows, mass = self._rows, self._mass
        leaving = (t - self.periods) % rows
        ended = mass[leaving, self._columns]
        mass[leaving, self._columns] = 0.0
        begun = ended @ self._change + _LEAK * self._prior
        mass[t % rows] = begun if shares is None else begun * self._support(shares)
        p = min(max(probability, _LEAST), _MOST)
        odds = _ODDS * p / (1 - p)
        for age, weight in enumerate(_WEIGHTS):
            mass[(t - age) % rows] *= odds**weight
        mass /= mass.sum()

    def _support(self, shares: np.ndarray) -> np.ndarray:
        """How far the shares of the tempi speak for each period, [N]; said once for each beat, so long beats count for more."""
        logs = level_votes(shares)
        values = (1 - self._part) * logs[self._lower] + self._part * logs[self._lower + 1]
        return np.exp(self._exponent * values)

    def estimate(self) -> BeatEstimate:
        """The most believed last beat and period, averaged over their neighbours."""
        mass, rows, t = self._mass, self._rows, self.frame
        flat = int(mass.argmax())
        row, column = divmod(flat, mass.shape[1])
        age = (t - row) % rows
        near = max(1, round(0.04 * self.periods[column]))
        left, right = max(0, column - near), min(len(self.periods), column + near + 1)
        ages = np.arange(max(0, age - near), min(rows, age + near + 1))
        part = mass[(t - ages) % rows, left:right]
        total = part.sum() + 1e-300
        beat = float(part.sum(axis=1) @ (t - ages)) / total + 1.0
        return BeatEstimate(beat, float(part.sum(axis=0) @ self.periods[left:right]) / total, float(total))
