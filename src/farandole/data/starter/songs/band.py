"""The players of a synthesised song: what they draw at the start, and how they play a section."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from farandole.data.starter.songs.genres import Genre
from farandole.data.starter.songs.instruments import drum, tone
from farandole.data.starter.songs.mix import Mix

BEATS_PER_BAR = 4
STEPS = 16  # sixteenths of a bar
STRENGTH = MappingProxyType({"X": 1.0, "x": 0.7, "o": 0.38})
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


@dataclass(frozen=True)
class Section:
    """A stretch of bars of one loudness: intro, verse, chorus, break or build."""

    first_bar: int
    bars: int
    energy: float
    kind: str


class Band:
    """The players of one song: what they drew at the start, and how they play a section."""

    def __init__(
        self, genre: Genre, first_bar: int, times: np.ndarray, counts: np.ndarray, rng: np.random.Generator, mix: Mix
    ) -> None:
        self.genre, self.first_bar, self.times, self.counts, self.rng, self.mix = (
            genre,
            first_bar,
            times,
            counts,
            rng,
            mix,
        )
        rate = mix.sample_rate
        pick = lambda options: options[int(rng.integers(len(options)))]  # noqa: E731
        self.layers = []
        for layer in genre.layers:  # every draw happens whether or not the layer is used: songs of one seed stay alike
            hit, pattern, gain = (
                drum(layer.drum, rng, rate),
                pick(layer.patterns),
                layer.gain * float(np.exp(rng.uniform(-0.35, 0.35))),
            )
            if rng.random() < layer.chance:
                self.layers.append((layer, pattern, hit, gain))
        self.crash, self.fill = drum("crash", rng, rate), drum("tom", rng, rate)
        self.scale = _MINOR if rng.random() < genre.minor else _MAJOR
        self.tonic = int(rng.integers(12))
        self.progression = pick(genre.progressions)
        self.bass, self.bass_timbre = pick(genre.bass), pick(genre.bass_timbres)
        self.rhythm, self.chord_timbre = pick(genre.chords), pick(genre.chord_timbres)
        self.lead_timbre = pick(genre.lead_timbres)
        self.swing = float(rng.uniform(*genre.swing))
        self.loose = float(rng.uniform(0.0, 0.004))
        self.bass_gain, self.chord_gain, self.lead_gain = rng.uniform((0.45, 0.18, 0.12), (0.75, 0.34, 0.3))
        self.motif = self._draw_motif()
        self.lead_from = float(rng.uniform(0.4, 0.8))

    def _draw_motif(self) -> list[tuple[int, int, int]]:
        """Two bars of melody as (step, scale step, length in steps): a random walk on a syncopated rhythm."""
        motif, step, height = [], 0, int(self.rng.integers(7, 12))
        while step < 2 * STEPS:
            length = int(self.rng.choice([2, 2, 3, 4, 4, 6, 8]))
            if self.rng.random() < 0.75:
                motif.append((step, height, length))
            step += length
            height = int(np.clip(height + self.rng.integers(-2, 3), 5, 14))
        return motif

    def play(self, section: Section, following: Section | None) -> None:
        """Add a section to the mix; a fill leads into a louder one that follows."""
        level = 0.5 + 0.5 * section.energy
        layers = [item for item in self.layers if item[0].joins <= section.energy]
        if not any(item[0].gain > 0.15 for item in layers):
            layers = self.layers[:2]  # someone always keeps time
        for bar in range(section.first_bar, section.first_bar + section.bars):
            last = bar == section.first_bar + section.bars - 1
            build = 0.6 + 0.4 * (bar - section.first_bar) / section.bars if section.kind == "build" else 1.0
            if bar == section.first_bar and section.energy > 0.6:
                self.mix.add("drums", self.crash, self._time(bar, 0), 0.35 * level)
            for layer, pattern, hit, gain in layers:
                for step, mark in self._bar_of(pattern, bar):
                    at = self._time(bar, step, self.loose * (layer.drum != "kick"))
                    self.mix.add("drums", hit, at, gain * STRENGTH[mark] * level * build * self._humanise())
                    if layer.drum == "kick":
                        self.mix.duck(at, self.genre.duck)
            if last and following is not None and following.energy > section.energy:
                for step in (12, 13, 14, 15)[int(self.rng.integers(3)) :]:
                    self.mix.add("drums", self.fill, self._time(bar, step), 0.45 * level)
            self._play_bass(bar, level * build, sparse=section.energy < 0.4)
            self._play_chords(bar, level * build)
            if section.energy >= self.lead_from:
                self._play_lead(bar, level)

    def _bar_of(self, pattern: str, bar: int) -> list[tuple[int, str]]:
        start = (bar + self.first_bar) % (len(pattern) // STEPS) * STEPS
        return [(step, mark) for step, mark in enumerate(pattern[start : start + STEPS]) if mark != "."]

    def _humanise(self) -> float:
        return float(self.rng.uniform(0.85, 1.0))

    def _time(self, bar: int, step: float, loose: float = 0.0) -> float:
        """Seconds of a sixteenth; whole beats exact, off-beat sixteenths swung, off-beat steps loose."""
        beat, part = divmod(step, STEPS // BEATS_PER_BAR)
        if part % 2:
            part += self.swing
        count = (bar + self.first_bar) * BEATS_PER_BAR + beat + part * BEATS_PER_BAR / STEPS
        seconds = float(np.interp(count, self.counts, self.times, left=-1.0, right=np.inf))
        return seconds + (float(self.rng.normal(0, loose)) if loose and part else 0.0)

    def _pitch(self, degree: int, low: int) -> int:
        """MIDI number of a scale degree (any integer), tonic placed in the octave above `low`."""
        octave, step = divmod(degree, 7)
        return low + (self.tonic - low) % 12 + 12 * octave + self.scale[step]

    def _degree(self, bar: int) -> int:
        return self.progression[(bar + self.first_bar) % len(self.progression)]

    def _play_bass(self, bar: int, level: float, sparse: bool) -> None:
        marks = [(0, "1")] if sparse else self._bar_of(self.bass, bar)
        for index, (step, mark) in enumerate(marks):
            degree = (
                self._degree(bar + 1)
                if mark == "a"
                else self._degree(bar) + {"1": 0, "a": 0, "3": 2, "5": 4, "8": 7}[mark]
            )
            until = marks[index + 1][0] if index + 1 < len(marks) else STEPS
            begin = self._time(bar, step)
            length = min(0.9 * (self._time(bar, until) - begin), 1.2)
            if np.isfinite(length):
                note = tone(self.bass_timbre, self._pitch(degree, 28), _milliseconds(length), self.mix.sample_rate)
                self.mix.add("music", note, begin, self.bass_gain * level * self._humanise())

    def _play_chords(self, bar: int, level: float) -> None:
        root = self._degree(bar)
        marks = [(0, "X")] if self.rhythm == "=" else self._bar_of(self.rhythm, bar)
        for index, (step, mark) in enumerate(marks):
            until = marks[index + 1][0] if index + 1 < len(marks) else STEPS
            begin = self._time(bar, step)
            length = self._time(bar, until) - begin
            length = min(length, 4.0) if self.rhythm == "=" else min(0.85 * length, 0.6)
            if np.isfinite(length):
                gain = self.chord_gain * STRENGTH[mark] * level * self._humanise()
                for degree in (root, root + 2, root + 4):
                    note = tone(
                        self.chord_timbre,
                        55 + (self._pitch(degree, 55) - 55) % 12,
                        _milliseconds(length),
                        self.mix.sample_rate,
                    )
                    self.mix.add("music", note, begin, gain)

    def _play_lead(self, bar: int, level: float) -> None:
        half = (bar + self.first_bar) % 2 * STEPS
        for step, height, length in self.motif:
            if half <= step < half + STEPS:
                begin = self._time(bar, step - half)
                end = self._time(bar, min(step - half + length, STEPS))
                if np.isfinite(end - begin):
                    note = tone(
                        self.lead_timbre,
                        self._pitch(height, 57),
                        _milliseconds(min(0.9 * (end - begin), 1.5)),
                        self.mix.sample_rate,
                    )
                    self.mix.add("music", note, begin, self.lead_gain * level * self._humanise())


def _milliseconds(seconds: float) -> int:
    """Length of a note, rounded to 20 ms so that notes are shared."""
    return max(40, 20 * round(seconds * 50))
