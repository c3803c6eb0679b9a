"""Kinds of songs drawn by rule, so that a network hears far more rhythms than a list of kinds can hold. For training only.

A rule never copies a pattern of kinds.yaml. What makes the beat is kept as listeners have it: backbeats lie on beats, half-time
has its snare on the third of four quick beats, quick breaks have it on the second and fourth, triplets and dotted figures
divide a beat and are not it.
"""

from __future__ import annotations

import numpy as np
from band import Kind

_METERS, _METER_SHARE = (4, 3, 2, 5, 6, 7), (0.58, 0.18, 0.11, 0.05, 0.03, 0.05)
_MOODS = {"drums": 0.37, "half": 0.06, "break": 0.07, "latin": 0.2, "light": 0.14, "bare": 0.16}
_BACKBEATS = {
    2: [(1,)], 3: [(1, 2), (2,), (1,)], 4: [(1, 3)], 5: [(2,), (1, 3), (1, 4), (2, 4)], 6: [(1, 3, 5), (3,), (2, 5)],
    7: [(1, 3, 5), (2, 4, 6), (1, 4, 6)],
}  # fmt: skip
_BASS = {
    "one": 0.14, "two": 0.16, "each": 0.11, "all": 0.1, "walk": 0.11, "sync": 0.17, "ahead": 0.07, "off": 0.06, "cross": 0.08,
}  # fmt: skip
_CHORDS = {"=": 0.26, "h": 0.06, "each": 0.16, "off": 0.14, "after": 0.1, "cross": 0.12, "sync": 0.08, "even": 0.08}
_CLICKS = ("clave", "rim", "cowbell", "bongo", "conga", "tambourine", "shaker", "guiro")


def invented_kind(index: int, seed: int = 41) -> Kind:
    """One of endlessly many kinds."""
    return _Inventor(np.random.default_rng([seed, index]), f"invented{index}").kind()


class _Inventor:
    def __init__(self, rng: np.random.Generator, name: str) -> None:
        self.rng, self.name = rng, name
        self.mood = str(rng.choice(list(_MOODS), p=list(_MOODS.values())))
        quick = self.mood in ("half", "break")
        self.meter = 4 if quick else int(rng.choice(_METERS, p=_METER_SHARE))
        self.steps = 4 if quick else int(rng.choice([4, 2, 3], p=[0.45, 0.3, 0.25]))
        self.bar = self.meter * self.steps

    def kind(self) -> Kind:
        low, high = {4: (56, 140), 2: (86, 214), 3: (46, 128) if self.meter == 2 else (62, 208)}[self.steps]
        if self.mood == "half":
            low, high = 116, 172
        if self.mood == "break":
            low, high = 132, 178
        middle = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        swing = (0.0, 0.33) if self.steps != 3 and self.rng.random() < 0.25 else (0.0, 0.0)
        drums = {} if self.mood == "bare" else self._latin() if self.mood == "latin" else self._kit()
        bass, chords, arp = self._two(self._bass), self._two(self._chords), []
        if self.mood == "bare" or self.rng.random() < 0.2:
            arp = self._two(self._arp)
        if self.mood == "bare" and self.rng.random() < 0.5:
            chords = [self._on_beats("X", "x")] if self.rng.random() < 0.5 else chords
        bpm = (max(42.0, middle * 0.86), min(218.0, middle * 1.16))
        return Kind(self.name, self.meter, self.steps, bpm, drums, bass, chords, arp, swing)

    def _two(self, draw) -> list[str]:
        return [draw(), draw()]

    def _marks(self, marks: dict[int, str]) -> str:
        return "".join(marks.get(step, ".") for step in range(self.bar))

    def _on_beats(self, first: str, other: str) -> str:
        return self._marks({beat * self.steps: first if beat == 0 else other for beat in range(self.meter)})

    def _with(self, pattern: str, count: int, mark: str) -> str:
        """Some rests filled, off the beat."""
        out = list(pattern)
        for step in self.rng.permutation(self.bar):
            if count > 0 and out[step] == "." and step % self.steps:
                out[step], count = mark, count - 1
        return "".join(out)

    def _even(self, hits: int, size: int, turn: int, mark: str) -> str:
        """Hits spread as evenly as steps allow (Toussaint: The Euclidean algorithm generates traditional rhythms, 2005)."""
        cell = ["."] * size
        for k in range(hits):
            cell[(k * size // hits + turn) % size] = mark
        return ("".join(cell) * (self.bar // size + 1))[: self.bar]

    def _kit(self) -> dict[str, list[str]]:
        rng, drums = self.rng, {}
        if self.mood != "light" or rng.random() < 0.4:
            drums["kick"] = self._two(self._kick)
            if self.mood == "half" or rng.random() < 0.9:
                drums[str(rng.choice(["snare", "snare", "clap", "rim"]))] = self._two(self._snare)
        if rng.random() < 0.9 or not drums:
            drums[str(rng.choice(["hat", "hat", "hat", "ride", "shaker", "open_hat", "tambourine"]))] = self._two(
                self._hats
            )
        if rng.random() < 0.25:
            drums[str(rng.choice(_CLICKS))] = self._two(self._click)
        return drums

    def _latin(self) -> dict[str, list[str]]:
        rng = self.rng
        drums = {
            str(name): self._two(self._click) for name in rng.choice(_CLICKS, int(rng.integers(2, 5)), replace=False)
        }
        if rng.random() < 0.6:
            drums[str(rng.choice(["shaker", "hat", "guiro", "cowbell"]))] = self._two(self._hats)
        if rng.random() < 0.5:
            drums["kick"] = self._two(self._kick)
        return drums

    def _kick(self) -> str:
        rng, half = self.rng, self.meter // 2 * self.steps
        style = str(rng.choice(["each", "ones", "first", "late", "second"], p=[0.22, 0.36, 0.2, 0.17, 0.05]))
        if self.mood == "break":
            return self._with(self._marks({0: "X"}), int(rng.integers(1, 4)), str(rng.choice(["X", "x"])))
        if self.mood == "half":
            return self._with(self._marks({0: "X"}), int(rng.integers(0, 3)), "x")
        if style == "each":
            return self._with(self._on_beats("X", "X"), int(rng.integers(0, 2)), "x")
        if style == "ones" and self.meter != 3:
            return self._with(self._marks({0: "X", half: "X"}), int(rng.integers(0, 3)), "x")
        if style == "late":
            return self._with(self._marks({0: "X"}), int(rng.integers(1, 4)), "X")
        if style == "second":
            return self._with(
                self._marks({half: "X", 0: "x" if rng.random() < 0.5 else "."}), int(rng.integers(0, 2)), "x"
            )
        return self._with(self._marks({0: "X"}), int(rng.integers(0, 2)), "x")

    def _snare(self) -> str:
        rng = self.rng
        if self.mood == "half":
            return self._with(self._marks({2 * self.steps: "X"}), int(rng.integers(0, 2)), "o")
        style = str(rng.choice(["back", "each", "cross", "ghosts"], p=[0.55, 0.05, 0.15, 0.25]))
        if self.mood == "break":
            style = "ghosts" if rng.random() < 0.6 else "back"
        if style == "each":
            return self._on_beats("x", "X")
        if style == "cross":
            size = self.bar if rng.random() < 0.5 else 2 * self.steps
            return self._even(int(rng.integers(2, max(3, size // 2))), size, 0, "X").replace("X", ".", 1)
        beats = _BACKBEATS[self.meter][int(rng.integers(len(_BACKBEATS[self.meter])))]
        pattern = self._marks({beat * self.steps: "X" for beat in beats})
        return (
            self._with(pattern, int(rng.integers(1, 4)), "o" if rng.random() < 0.7 else "x")
            if style == "ghosts"
            else pattern
        )

    def _hats(self) -> str:
        rng, steps = self.rng, self.steps
        if steps == 3:
            cell = str(rng.choice(["X.x", "x.x", "xxx", "Xoo", "X..", "..x"]))
            if rng.random() < 0.3 and self.meter % 2 == 0:
                return ("X.." + cell) * (self.meter // 2)
            return cell * self.meter
        cells = ["xx", "xo", "x.", ".x", "ox", "X."] if steps == 2 else [
            "x.x.", "x.o.", "xxxx", "xoxo", "x...", "..x.", "x.xx", "xxx.", "Xoxo", "o.x.", "x..x",
        ]  # fmt: skip
        cell = str(rng.choice(cells))
        if rng.random() < 0.15 and self.meter % 2 == 0:
            return (cell + str(rng.choice(cells))) * (self.meter // 2)
        return cell * self.meter

    def _click(self) -> str:
        """A cross rhythm over one bar, or over two."""
        rng = self.rng
        size = int(rng.choice([2 * self.steps, self.bar])) if self.meter % 2 == 0 else self.bar
        hits = int(rng.integers(2, max(3, size * 5 // 8)))
        turn = 0 if rng.random() < 0.6 else int(rng.integers(size))
        pattern = self._even(hits, size, turn, "X" if rng.random() < 0.5 else "x")
        if rng.random() < 0.3:
            pattern += self._even(max(2, hits - 1), size, int(rng.integers(size)), "x")
        return pattern

    def _bass(self) -> str:
        rng, steps, middle = self.rng, self.steps, self.meter // 2 * self.steps
        style = str(rng.choice(list(_BASS), p=list(_BASS.values())))
        if style == "two":
            return self._marks({0: "1", (middle if self.meter != 3 else 2 * steps): "5"})
        if style in ("each", "walk"):
            notes = "1155" if style == "each" else str(rng.choice(["1356", "1358", "135a"]))
            return self._marks({beat * steps: notes[beat % 4] for beat in range(self.meter)})
        if style == "all":
            size = 2 if steps == 4 else 1
            return self._marks(dict.fromkeys(range(0, self.bar, size), "1"))
        if style == "off":
            return self._marks({beat * steps + (steps + 1) // 2: "1" for beat in range(self.meter)})
        if style == "sync":
            return self._with(self._marks({0: "1"}), int(rng.integers(1, 4)), str(rng.choice(["1", "5", "8"])))
        if style == "cross":
            size = self.bar if rng.random() < 0.5 or self.meter % 2 else 2 * steps
            return self._even(int(rng.integers(2, max(3, size // 2))), size, 0, str(rng.choice(["1", "5", "8"])))
        if style == "ahead":
            last = self.bar - (1 if steps == 2 else 2)
            return self._with(self._marks({last: "a", 0: "1" if rng.random() < 0.4 else "."}), 1, "5")
        return self._marks({0: "1"})

    def _chords(self) -> str:
        rng, steps = self.rng, self.steps
        style = str(rng.choice(list(_CHORDS), p=list(_CHORDS.values())))
        if style == "h" and self.meter % 2 == 0:
            return "h"
        if style == "each":
            return self._on_beats("X", str(rng.choice(["X", "x"])))
        if style == "off":
            return self._marks({beat * steps + (steps + 1) // 2: "X" for beat in range(self.meter)})
        if style == "after":
            return self._marks({beat * steps: "X" for beat in _BACKBEATS[self.meter][0]})
        if style == "cross":
            return self._even(int(rng.integers(2, max(3, self.bar // 2))), self.bar, int(rng.integers(2)), "X")
        if style == "sync":
            return self._with(self._marks({0: "X"}), int(rng.integers(1, 4)), "x")
        if style == "even":
            return "".join(
                "X" if s % steps == 0 else "x" if s * 2 % steps == 0 or steps == 3 else "." for s in range(self.bar)
            )
        return "="

    def _arp(self) -> str:
        rng = self.rng
        stride = 1 if self.steps != 4 or rng.random() < 0.35 else 2
        digits, at = [], 0
        for step in range(self.bar):
            if step % stride or (step and rng.random() < 0.08):
                digits.append(".")
                continue
            digits.append(str(at))
            at = (at + int(rng.choice([1, 1, 2, 3]))) % 4
        size = self.steps * 2 if self.meter % 2 == 0 and rng.random() < 0.5 else self.bar
        return "".join(digits[:size]) * (self.bar // size)
