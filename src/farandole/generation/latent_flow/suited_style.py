"""Which style suits a song: by its tempo, how hard it strikes, its meter, and what sounds between its beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.models.abilities import LatentFlow

if TYPE_CHECKING:
    from farandole.music.sections import Section
    from farandole.music.song import Song

_TEMPO_WIDTH, _PUNCH_WIDTH = 0.4, 0.8
"""Octaves of tempo and of punch that weigh alike."""
_ODD_BARS = 2.0
"""What it counts against a style of even bars that the bars are of three, five, six or seven, in the same measure."""
_FAST_WALTZ = 140.0
"""Beats per minute from which on bars of three or six are counted in halves too."""
_BUSY = 0.5
"""Onsets a quarter of a beat off the beats, against those on it, from which on a song may as well be counted twice as fast."""
_QUARTER = 0.06
"""Share of a beat within which an onset belongs to a place."""
CLEARLY = 0.35
"""How much nearer another style must be to a section than the song's own."""
LONG = 8.0
"""Seconds of a section that may have a style of its own."""


@dataclass(frozen=True)
class SongCharacter:
    """What of a song decides how one dances to it.

    Attributes:
        tempo: Beats per minute, as heard.
        punch: How hard it strikes, see `music.onsets.FrameFeatures.punch`; None: unknown.
        meter: Beats of a bar.
        busy: Strength of onsets at the quarters of beats against those on beats.
    """

    tempo: float
    punch: float | None = None
    meter: int = 4
    busy: float = 0.0

    @classmethod
    def of(cls, song: Song) -> SongCharacter:
        """The character of a whole song."""
        return cls(song.tempo, song.frames.punch, song.beats.beats_per_bar, _busy(song))

    def within(self, song: Song, section: Section) -> SongCharacter:
        """That of a section: its punch is its own."""
        frames = song.frames
        inside = (frames.times >= section.begin) & (frames.times < section.end)
        punch = float(np.percentile(frames.onsets[inside], 98, axis=0).sum()) if inside.any() else self.punch
        return SongCharacter(self.tempo, punch, self.meter, self.busy)

    def words(self) -> str:
        """In words: "120 bpm, bars of 4, punch 3.1"."""
        parts = [f"{self.tempo:.0f} bpm", f"bars of {self.meter}"]
        parts += [] if self.punch is None else [f"punch {self.punch:.1f}"]
        parts += ["busy between its beats"] if self.busy >= _BUSY else []
        return ", ".join(parts)


def distances(facts: LatentFlow, character: SongCharacter) -> dict[str, float]:
    """How far a song is from what each family suits, the nearest first; empty where the model does not say what its styles suit."""
    found: dict[str, float] = {}
    tempi, uneven = [character.tempo], bool(character.meter % 2 or character.meter % 3 == 0)
    if character.busy >= _BUSY:
        tempi.append(2.0 * character.tempo)
    if uneven and character.tempo > _FAST_WALTZ:
        tempi.append(0.5 * character.tempo)
    for style in facts.styles.values():
        if style.suits is None:
            continue
        tempo, punch = style.suits
        away = min((np.log2(each / tempo) / _TEMPO_WIDTH) ** 2 for each in tempi)
        if character.punch is not None:
            away += (np.log2(max(character.punch, 0.1) / punch) / _PUNCH_WIDTH) ** 2
        away += _ODD_BARS * (style.even and uneven)
        found[style.family] = min(float(away), found.get(style.family, np.inf))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def suited_family(facts: LatentFlow, character: SongCharacter) -> str:
    """The family that suits a song best.

    Where a model does not say what its styles suit: the first family whose tempi hold the music's, doubled if need be; else the
    last one.
    """
    for family in distances(facts, character):
        return family
    families = {style.family: style.tempo for style in reversed(facts.styles.values())}
    for family, (low, high) in reversed(families.items()):
        if any(low <= character.tempo * f <= high for f in (1.0, 2.0)):
            return family
    return list(facts.styles.values())[-1].family


def section_styles(facts: LatentFlow, song: Song, sections: tuple[Section, ...]) -> tuple[tuple[float, str], ...]:
    """Times (s) from which on another family suits a song clearly better than that of the whole."""
    whole = SongCharacter.of(song)
    main = suited_family(facts, whole)
    now, changes = main, []
    for section in sections:
        away = distances(facts, whole.within(song, section))
        best = next(iter(away), main)
        if section.end - section.begin < LONG or away.get(main, 0.0) - away.get(best, 0.0) < CLEARLY:
            best = main
        if best != now:
            changes.append((section.begin, best))
            now = best
    return tuple(changes)


def chosen_style(facts: LatentFlow, song: Song) -> dict[str, Any]:
    """What "auto" stands for with a song, and why: plain values for people and machines."""
    from farandole.music.sections import find_sections

    character = SongCharacter.of(song)
    return {
        "style": suited_family(facts, character),
        "because": character.words(),
        "distances": {family: round(away, 2) for family, away in distances(facts, character).items()},
        "changes": [[round(time, 2), family] for time, family in section_styles(facts, song, find_sections(song))],
    }


def _busy(song: Song) -> float:
    """Mean onset strength at the first and third quarter of beats against that on the beats."""
    if song.frames.silent or len(song.beats.times) < 3:
        return 0.0
    onset, fps, beats = song.frames.onset, song.frames.fps, song.beats.times
    step = float(np.median(np.diff(beats)))
    reach = max(1, round(_QUARTER * step * fps))

    def strength(times: np.ndarray) -> float:
        places = np.round(times * fps).astype(int)[:, None] + np.arange(-reach, reach + 1)
        inside = (places[:, 0] >= 0) & (places[:, -1] < len(onset))
        return float(onset[places[inside]].max(axis=1).mean()) if inside.any() else 0.0

    quarters = 0.5 * (strength(beats[:-1] + 0.25 * np.diff(beats)) + strength(beats[:-1] + 0.75 * np.diff(beats)))
    return quarters / max(strength(beats), 1e-6)
