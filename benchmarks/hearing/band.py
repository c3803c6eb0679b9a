"""Renders the kinds of kinds.yaml on any grid of beats: sections that layers join and leave, fills, chords, a loose lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

from farandole.data.starter.songs.instruments import drum, tone

RATE = 22050
STRENGTH = {"X": 1.0, "x": 0.65, "o": 0.35}
GAINS = {
    "kick": 0.95, "snare": 0.65, "clap": 0.5, "rim": 0.4, "hat": 0.2, "open_hat": 0.28, "ride": 0.2, "shaker": 0.16, "guiro": 0.22,
    "crash": 0.3, "clave": 0.45, "conga": 0.6, "conga_slap": 0.4, "bongo": 0.3, "cowbell": 0.35, "tambourine": 0.2, "timbale": 0.35,
}  # fmt: skip
STAND_INS = {"ride": "open_hat", "timbale": "bongo"}
CHORD_TIMBRES = ("epiano", "piano", "organ", "strings", "pluck", "brass", "saw", "picked", "square")
LEAD_TIMBRES = ("flute", "square", "saw", "brass", "pluck", "strings", "piano")
BASS_TIMBRES = ("sub", "picked", "saw", "pluck")
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10))


@dataclass(frozen=True)
class Kind:
    """A kind of song: what each instrument may play; see kinds.yaml."""

    name: str
    meter: int
    steps: int
    bpm: tuple[float, float]
    drums: dict[str, list[str]]
    bass: list[str]
    chords: list[str]
    arp: list[str] = field(default_factory=list)
    swing: tuple[float, float] = (0.0, 0.0)
    held: bool = False

    @property
    def bar(self) -> int:
        """Steps in a bar."""
        return self.meter * self.steps


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    told = yaml.safe_load((Path(__file__).parent / "kinds.yaml").read_text())
    return {name: Kind(name=name, **values) for name, values in told.items()}


class Band:
    """The players of one song."""

    def __init__(self, kind: Kind, times: np.ndarray, counts: np.ndarray, rng: np.random.Generator, seconds: float):
        self.kind, self.times, self.counts, self.rng = kind, times, counts, rng
        self.out = np.zeros(round(seconds * RATE), np.float32)
        self.loose = float(rng.choice([0.0, 0.003, 0.006, 0.012]))
        self.swing = float(rng.uniform(*kind.swing))
        pick = self._pick
        self.drums = []
        for name, patterns in kind.drums.items():
            hit = _retuned(drum(STAND_INS.get(name, name), rng, RATE), float(np.exp(rng.uniform(-0.25, 0.25))))
            self.drums.append((name, pick(patterns).replace(" ", ""), hit, GAINS[name] * self._spread(0.4)))
        self.bass, self.chords = pick(kind.bass), pick(kind.chords)
        self.arp = pick(kind.arp) if kind.arp else ""
        tonal = any(c not in ".x" for c in self.bass + self.chords + self.arp)
        self.timbres = pick(BASS_TIMBRES), pick(CHORD_TIMBRES), pick(CHORD_TIMBRES), pick(LEAD_TIMBRES)
        self.bass_gain, self.chord_gain = 0.6 * self._spread(0.35), (0.26 if kind.drums else 0.4) * self._spread(0.35)
        self.arp_gain, self.lead_gain = 0.3 * self._spread(0.3), 0.25 * self._spread(0.6)
        self.lead = self._motif() if tonal and rng.random() < 0.75 else []
        self.lead_loose = float(rng.choice([0.0, 0.01, 0.03]))
        self.scale, self.tonic = SCALES[int(rng.integers(3))], int(rng.integers(12))
        length = int(rng.choice([2, 4, 4, 8]))
        self.progression = [0, *rng.choice([0, 1, 3, 4, 5, 6], length - 1).tolist()]
        self.harmony_bars = int(rng.choice([1, 1, 1, 2])) if kind.meter > 2 else int(rng.choice([1, 2, 2, 4]))
        self.fill, self.crash = drum("tom", rng, RATE), drum("crash", rng, RATE)
        self.fills = bool(kind.drums) and rng.random() < 0.6 and "rim" not in list(kind.drums)[:1]

    def _pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def _spread(self, width: float) -> float:
        return float(np.exp(self.rng.uniform(-width, width)))

    def _motif(self) -> list[tuple[int, int, int]]:
        bar, step, height, motif = self.kind.bar, 0, int(self.rng.integers(7, 12)), []
        while step < 2 * bar:
            length = int(self.rng.choice([1, 2, 2, 3, 4, 4, 6]))
            if self.rng.random() < 0.7:
                motif.append((step, height, length))
            step += length
            height = int(np.clip(height + self.rng.integers(-2, 3), 4, 15))
        return motif

    def play(self) -> np.ndarray:
        """The song, float32 [N], not yet mastered."""
        meter = self.kind.meter
        first, last = int(np.floor(self.counts[0] / meter)) + 1, int(self.counts[-1] // meter)
        bar, everyone = first, self.rng.random() < 0.35
        while bar < last:
            size = int(self.rng.choice([4, 4, 8])) if meter > 2 else int(self.rng.choice([4, 8, 8]))
            size = min(size - bar % size if size > 2 else size, last - bar)
            chance = 1.0 if everyone else float(self.rng.choice([0.3, 0.7, 0.9, 1.0]))
            drums = [d for d in self.drums if self.rng.random() < chance or d is self._keeper(chance)]
            level = float(self.rng.uniform(0.6, 1.0))
            tonal = self.rng.random(4) < (1.0 if everyone or not self.drums else 0.8)
            tonal[0] |= not drums
            tonal[1] |= not drums
            if not self.drums and self.arp and "." not in self.arp[:1]:
                tonal[2] = True
            for b in range(bar, bar + size):
                self._bar(b, drums, tonal, level, begins=b == bar, ends=b == bar + size - 1)
            bar += size
        return self.out

    def _keeper(self, chance: float):
        return self.drums[0] if self.drums and chance > 0.5 else None

    def _bar(self, bar: int, drums: list, tonal: np.ndarray, level: float, *, begins: bool, ends: bool) -> None:
        size = self.kind.bar
        fill = size - int(self.rng.choice([2, 3, 4, size // 2])) if ends and self.fills else size
        if begins and self.fills and drums and self.rng.random() < 0.6:
            self._add(self.crash, self._time(bar, 0), 0.35 * level)
        for name, pattern, hit, gain in drums:
            for step, mark in self._of(pattern, bar):
                if step >= fill and name in ("snare", "clap", "hat"):
                    continue
                self._add(hit, self._time(bar, step, True), gain * STRENGTH[mark] * level * self._human())
        if fill < size and drums:
            for step in range(fill, size):
                if self.rng.random() < 0.75:
                    self._add(self.fill, self._time(bar, step, True), 0.5 * level * self._human())
        if tonal[0]:
            self._melodic(bar, self._of(self.bass, bar), self.timbres[0], 28, self.bass_gain * level)
        if tonal[1]:
            self._chords(bar, level)
        if tonal[2] and self.arp:
            marks = self._of(self.arp, bar)
            root = self._degree(bar)
            for step, mark in marks:
                accent = 1.0 if step == 0 else 0.8 if step % self.kind.steps == 0 else 0.65
                degree = root + (0, 2, 4, 7)[int(mark)]
                self._note(self.timbres[2], degree, 52, bar, step, 3, self.arp_gain * level * accent)
        if tonal[3] and self.lead:
            half = bar % 2 * size
            for step, height, length in self.lead:
                if half <= step < half + size:
                    self._note(
                        self.timbres[3], height, 57, bar, step - half, length, self.lead_gain * level, self.lead_loose
                    )

    def _chords(self, bar: int, level: float) -> None:
        size, accent_gain = self.kind.bar, self.chord_gain * level
        if self.chords in ("=", "h"):
            marks = [(0, "X", 0)] if self.chords == "=" else [(0, "X", 0), (size // 2, "X", 3)]
            lengths = [size if self.chords == "=" else size // 2] * 2
        else:
            marks = [(s, m, 0) for s, m in self._of(self.chords, bar)]
            ends = [*(step for step, _, _ in marks[1:]), size]
            lengths = [max(1, min(4, end - mark[0])) for mark, end in zip(marks, ends, strict=False)]
        for (step, mark, shift), length in zip(marks, lengths, strict=False):
            for third in (0, 2, 4):
                degree = self._degree(bar) + shift + third
                self._note(self.timbres[1], degree, 52, bar, step, length, accent_gain * STRENGTH[mark], fold=True)

    def _melodic(self, bar: int, marks: list[tuple[int, str]], timbre: str, low: int, gain: float) -> None:
        offset = {"1": 0, "a": 0, "3": 2, "5": 4, "6": 5, "8": 7}
        for index, (step, mark) in enumerate(marks):
            until = marks[index + 1][0] if index + 1 < len(marks) else self.kind.bar
            degree = self._degree(bar + (mark == "a")) + offset[mark]
            self._note(timbre, degree, low, bar, step, until - step, gain)

    def _note(
        self, timbre: str, degree: int, low: int, bar: int, step: int, length: int, gain: float, loose: float = 0.0,
        *, fold: bool = False
    ) -> None:  # fmt: skip
        begin, end = self._time(bar, step, True), self._time(bar, step + length)
        if not np.isfinite(begin + end):
            return
        octave, place = divmod(degree, 7)
        pitch = low + (self.tonic - low) % 12 + 12 * octave + self.scale[place]
        pitch = low + (pitch - low) % 12 if fold else pitch
        milliseconds = max(60, 40 * round(min(0.9 * (end - begin), 2.0) * 25))
        late = abs(self.rng.normal(0, loose)) if loose else 0.0
        self._add(tone(timbre, int(pitch), milliseconds, RATE), begin + late, gain * self._human())

    def _of(self, pattern: str, bar: int) -> list[tuple[int, str]]:
        pattern = pattern.replace(" ", "")
        size = self.kind.bar
        start = bar % (len(pattern) // size) * size
        return [(step, mark) for step, mark in enumerate(pattern[start : start + size]) if mark != "."]

    def _degree(self, bar: int) -> int:
        return self.progression[bar // self.harmony_bars % len(self.progression)]

    def _human(self) -> float:
        return float(self.rng.uniform(0.8, 1.0))

    def _time(self, bar: int, step: float, loose: bool = False) -> float:
        if step % 2 and self.swing:
            step = step + self.swing
        count = bar * self.kind.meter + step / self.kind.steps
        seconds = float(np.interp(count, self.counts, self.times, left=np.inf, right=np.inf))
        return seconds + (float(self.rng.normal(0, self.loose)) if loose and self.loose else 0.0)

    def _add(self, sound: np.ndarray, seconds: float, gain: float) -> None:
        if not np.isfinite(seconds):
            return
        at = max(0, round(seconds * RATE)) if seconds > -0.03 else -1
        end = min(at + len(sound), len(self.out))
        if 0 <= at < end:
            self.out[at:end] += np.float32(gain) * sound[: end - at]


def _retuned(sound: np.ndarray, factor: float) -> np.ndarray:
    grid = np.arange(0, len(sound) - 1, factor)
    return np.interp(grid, np.arange(len(sound)), sound).astype(np.float32)
