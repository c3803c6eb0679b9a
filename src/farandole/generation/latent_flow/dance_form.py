"""The form of a song as a dance follows it: how lively each section is, where phrases begin, and which sections repeat."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from farandole.motion.rotations import Array
from farandole.music.dynamics import COUNTS, planned_dynamics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farandole.music.sections import Section

_LOUDER, _SOFTER = 0.1, 0.3
"""How much livelier a standard deviation of a section's energy makes a dance, and how much calmer."""
_LEAST = 0.3
"""Dynamics of the quietest section against those of a middling one."""
_OWN = 0.5
"""Share of what the energy does within a section that is followed besides: builds rise, fades fall."""
_BUILD = 0.4
"""Share of a section's length over which the dance rises to a livelier section that follows."""
_VARIED = 0.3
"""Share of the phrases of a repeated section that are others than the first time."""


@dataclass(frozen=True, eq=False)
class DanceForm:
    """Sections of a song at the frames of a dance.

    Attributes:
        starts: First frame of each section, and the number of frames, increasing, [S + 1].
        labels: Number of what each section sounds like: repeated sections have one number, [S].
        level: Energy that the form asks for, standard deviations, [T].
    """

    starts: np.ndarray
    labels: tuple[int, ...]
    level: Array

    @classmethod
    def of(cls, sections: Sequence[Section], energy: Array, fps: float) -> DanceForm:
        """The form of a song with these sections, whose energy at the frames is known, [T] standard deviations."""
        frames = len(energy)
        sections = [s for s in sections if 0 <= round(s.begin * fps) < frames]
        names = list(dict.fromkeys(s.label for s in sections))
        starts = np.array([round(s.begin * fps) for s in sections] + [frames])
        whole = np.diff(starts, append=frames) > 0
        whole[-1] = True
        labels = tuple(names.index(s.label) for s, kept in zip(sections, whole, strict=False) if kept)
        starts = starts[whole]
        return cls(starts, labels, _level(starts, energy))

    @property
    def gain(self) -> Array:
        """What the level makes of dynamics, [T]: 1 in a middling section."""
        return np.maximum(1.0 + np.where(self.level > 0, _LOUDER, _SOFTER) * self.level, _LEAST)

    def phrase_shift(self, count: Array) -> float:
        """What to add to a count [T], 0 or half a phrase, so that most of the song lies in sections that begin with a phrase."""
        begins = np.round(count[self.starts[:-1]])
        lengths = np.diff(self.starts)
        half = COUNTS // 2
        on, off = (float(lengths[begins % COUNTS == place].sum()) for place in (0, half))
        return float(half) if off > on else 0.0

    def echoes(self, count: Array) -> np.ndarray:
        """How many frames before each frame the like moment of the first section of its kind lies, int [T]; 0: it is the first.

        Moments are alike that are as many counts [T] from the begin of their section.
        """
        result = np.zeros(len(count), int)
        for number, label in enumerate(self.labels):
            first = self.labels.index(label)
            if first == number:
                continue
            begin, end = self.starts[number], self.starts[number + 1]
            source, stop = self.starts[first], self.starts[first + 1]
            wanted = count[source] + count[begin:end] - count[begin]
            places = np.round(np.interp(wanted, count[source:stop], np.arange(source, stop))).astype(int)
            inside = wanted <= count[stop - 1]
            result[begin:end] = np.where(inside, np.arange(begin, end) - places, 0)
        return result

    def dynamics(self, phrases: Sequence[Sequence[float]], count: Array, energy: Array, seed: int) -> Array | None:
        """Dynamics of a dance [T] (see `planned_dynamics`): phrases begin with sections, and repeat where these do.

        Args:
            phrases: Of the style.
            count: Continuous beat count, [T].
            energy: Of the music, standard deviations, [T].
            seed: Of the choice.
        """
        parts = []
        for number, label in enumerate(self.labels):
            here = slice(self.starts[number], self.starts[number + 1])
            begin = round(float(count[here.start]))
            options = {"key": label, "variation": self.labels[:number].count(label), "varied": _VARIED}
            parts.append(planned_dynamics(phrases, count[here] - begin, energy[here], seed, **options))
        if any(part is None for part in parts):
            return None
        return np.concatenate(parts) * self.gain


def _level(starts: np.ndarray, energy: Array) -> Array:
    """Mean energy of each section, rising towards a livelier one, and part of what the energy does within, [T]."""
    means = [float(energy[a:b].mean()) for a, b in pairwise(starts)]
    level = np.repeat(means, np.diff(starts))
    for number in range(len(means) - 1):
        rise = means[number + 1] - means[number]
        begin, end = int(starts[number]), int(starts[number + 1])
        build = round(_BUILD * (end - begin))
        if rise > 0 and build:
            level[end - build : end] += rise * np.linspace(0.0, 1.0, build, endpoint=False) ** 2
    return (1.0 - _OWN) * level + _OWN * energy
