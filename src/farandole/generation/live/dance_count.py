"""The count a live dancer steps to: the heard beats at the octave that suits a style, with phrases that begin on downbeats."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from farandole.generation.latent_flow.suited_style import CLEARLY, LONG, SongCharacter, distances, suited_family
from farandole.models.abilities import LatentFlow

if TYPE_CHECKING:
    from farandole.music.live import LiveState

_LEAVE = 1.12  # factor by which a tempo must leave a style's range before the octave or the style changes
_BAR_SURE = 0.6
_SETTLING = 12.0  # s of music in which "auto" may still think better of a family: the first tempo heard is often twice the true one
_OTHER_SECONDS = 1.5  # how long another family must suit the music, until then, before "auto" takes it


class DanceCount:
    """Beats of the music to counts of a dance.

    Args:
        facts: Styles of the model, with the tempi they were trained at.
    """

    def __init__(self, facts: LatentFlow) -> None:
        self._distances = lru_cache(256)(lambda character: distances(facts, character))
        self._by_tempo = lru_cache(256)(lambda tempo: suited_family(facts, SongCharacter(tempo)))
        self._families: dict[str, tuple[float, float]] = {}
        for style in facts.styles.values():
            self._families.setdefault(style.family, style.tempo)
        self.family = list(facts.styles.values())[-1].family
        self.factor = 1.0
        self._heard, self._count = 0.0, 0.0
        self._other: tuple[str, float] | None = None  # a family that suits the music better, and since when
        self._locked, self._awake = False, 0.0
        self._tempo = 120.0  # that the style is chosen by

    @property
    def count(self) -> float:
        """Counts danced at the last moment that was taken in; a multiple of 4 on downbeats as far as they are known."""
        return self._count

    def tempo(self, state: LiveState) -> float:
        """Counts per minute."""
        return state.tempo * self.factor

    def take(self, state: LiveState, family: str | None) -> None:
        """Take in what is heard now.

        Args:
            state: From the ears, moments in ascending order.
            family: Family of styles to dance; None: the one that suits the music, as in a whole song.
        """
        before = self.factor
        if state.idle:
            self._locked = False
        elif not self._locked:  # music begins: nothing holds the style and the octave
            self._locked, self._awake, self._tempo = True, state.time, round(state.tempo, 1)
            self.family = family or self._suited(state)[0]
            self.factor = self._octave(state.tempo)
        self._choose(state, family)
        low, high = self._families[self.family]
        if not low / _LEAVE <= state.tempo * self.factor <= high * _LEAVE:
            self.factor = self._octave(state.tempo)
        self._count += (state.count - self._heard) * before
        self._heard = state.count
        if self.factor != before:  # another octave: counts stay on beats
            step, beats = min(1.0, self.factor), state.count * self.factor
            self._count = beats + round((self._count - beats) / step) * step
        self._count += self._phrase_shift(state)

    def _suited(self, state: LiveState) -> tuple[str, float]:
        """The family that suits the music best, and how much better than the one that is danced."""
        meter = state.beats_per_bar if state.bar_sure >= _BAR_SURE else 4
        punch = None if state.punch is None else round(state.punch, 1)
        away = self._distances(SongCharacter(self._tempo, punch, meter))
        best = next(iter(away), None) or self._by_tempo(self._tempo)
        now = away.get(self.family, math.inf) if away else 0.0  # no music suits what is danced only when asked for
        return best, now - away.get(best, 0.0)

    def _choose(self, state: LiveState, family: str | None) -> None:
        low, high = self._families[self.family]
        settled = state.time - self._awake > _SETTLING
        settled &= any(low / _LEAVE <= state.tempo * f <= high * _LEAVE for f in (1.0, 2.0))
        if not settled:  # later the tempo may be heard at another octave, and only how the music strikes counts
            self._tempo = round(state.tempo, 1)
        wanted, better = (family, 0.0) if family else self._suited(state)
        if wanted == self.family or (family is None and (state.idle or (settled and better < CLEARLY))):
            self._other = None
            return
        if family is None:
            if self._other is None or self._other[0] != wanted:
                self._other = (wanted, state.time)
            if state.time - self._other[1] < (LONG if settled else _OTHER_SECONDS):
                return
        self.family, self._other = wanted, None
        self.factor = self._octave(state.tempo)

    def _octave(self, tempo: float) -> float:
        low, high = self._families[self.family]
        middle = (low * high) ** 0.5
        return min((0.25, 0.5, 1.0, 2.0, 4.0), key=lambda f: max(tempo * f / middle, middle / (tempo * f)))

    def _phrase_shift(self, state: LiveState) -> float:
        """Whole counts (half ones at half the tempo) by which the count is off the bar, to the nearest bar."""
        bar = state.beats_per_bar * self.factor
        if state.bar_sure < _BAR_SURE or bar not in (1.0, 2.0, 4.0, 8.0):
            return 0.0
        off = (state.bar * self.factor - self._count + bar / 2) % bar - bar / 2
        step = min(1.0, self.factor)
        return round(off / step) * step
