"""What a dance is made to: a count, loudness and accents per frame, from a song or from an even count."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.models.abilities import DanceStyle, LatentFlow
from farandole.motion.rotations import Array
from farandole.music.dance_features import dance_music_features

if TYPE_CHECKING:
    from farandole.music.song import Song

log = logging.getLogger(__name__)

AUTO = "auto"
LIMIT = 2.5
"""Energies beyond this are not of this world, standard deviations."""


@dataclass(frozen=True)
class DanceScore:
    """What a dance is made to: one row per frame of the model.

    Attributes:
        style: Style token of the model.
        count: Continuous beat count, a multiple of 8 where a pattern begins, [T].
        tempo: Counts per minute, [T].
        energy: Loudness in standard deviations, [T].
        bands: Onsets in four bands, [T, 4].
    """

    style: str
    count: Array
    tempo: Array
    energy: Array
    bands: Array

    def __len__(self) -> int:
        return len(self.count)

    def features(self, precision: float) -> Array:
        """Music features of the model, [T, 15]; `precision`: how strictly to step on the count, standard deviations."""
        strict = np.full(len(self.count), precision)
        return dance_music_features(self.count, self.tempo, self.energy, self.bands, strict)

    def part(self, frames: slice) -> DanceScore:
        """Some of its frames."""
        return DanceScore(self.style, self.count[frames], self.tempo[frames], self.energy[frames], self.bands[frames])

    def extended(self, before: int, after: int, fps: float) -> DanceScore:
        """Frames added at both ends: the count runs on at the tempo there, loudness is held, no accents."""
        beat = self.tempo / 60.0 / fps
        ahead = self.count[0] - beat[0] * np.arange(before, 0, -1)
        beyond = self.count[-1] + beat[-1] * np.arange(1, after + 1)
        held = lambda x: np.concatenate((np.repeat(x[:1], before, axis=0), x, np.repeat(x[-1:], after, axis=0)))  # noqa: E731
        count = np.concatenate((ahead, self.count, beyond))
        bands = np.pad(self.bands, ((before, after), (0, 0)))
        return DanceScore(self.style, count, held(self.tempo), held(self.energy), bands)


def style_names(facts: LatentFlow) -> tuple[str, ...]:
    """What a user may call a style: auto, each family, and each token of a family that has several."""
    names = [AUTO]
    for token, style in facts.styles.items():
        names += [style.family, token.replace(" ", "-")]
    return tuple(dict.fromkeys(names))


def song_score(
    facts: LatentFlow, song: Song, frames: int, fps: float, *, style: str = AUTO, energy: float = 1.0, role: int = 0
) -> DanceScore:
    """What a song asks for, frame by frame of the model; beyond its end the count goes on.

    Args:
        facts: The model's styles.
        song: The music.
        frames: Length.
        fps: Frame rate of the model.
        style: One of `style_names`; "auto" chooses by tempo.
        energy: 1 follows the song's loudness; 0.5 is calmer, 1.5 livelier throughout.
        role: Which token of a style with several: another number, the next one.

    Raises:
        MotionError: If the style is unknown.
    """
    from farandole.music.conditioning import conditions

    check_style(facts, style)
    token = style_token(facts, _family_for(facts, song) if style == AUTO else style, role)
    chosen = facts.styles[token]
    heard = conditions(song, fps, tempo_range=_tempo_range(facts, chosen))
    loudness = heard.energy
    if heard.clarity < facts.clear:
        log.warning("%s has no clear beat: dancing calmly on a steady count", song.name)
        loudness = np.full(len(heard), facts.calm)
    shifted = np.clip(loudness + chosen.liveliness + 1.5 * (energy - 1.0), -LIMIT, LIMIT)
    whole = DanceScore(token, heard.count, heard.tempo, shifted, heard.bands)
    return whole.extended(0, frames - len(heard), fps) if frames > len(heard) else whole.part(slice(frames))


def steady_score(facts: LatentFlow, frames: int, fps: float, *, style: str = AUTO, role: int = 0) -> DanceScore:
    """Even counts and middling energy; "auto" is the model's last style. Raises MotionError for an unknown style."""
    check_style(facts, style)
    token = style_token(facts, list(facts.styles.values())[-1].family if style == AUTO else style, role)
    bpm = facts.styles[token].steady_tempo
    count = np.arange(frames) / fps * bpm / 60.0
    return DanceScore(token, count, np.full(frames, bpm), np.zeros(frames), np.zeros((frames, 4)))


def check_style(facts: LatentFlow, style: str) -> None:
    """Raise MotionError listing the styles that there are."""
    names = style_names(facts)
    if style not in names:
        raise MotionError(f"no style '{style}': there are {', '.join(names)}")


def style_token(facts: LatentFlow, style: str, role: int) -> str:
    """The model's token for a family or a token as a user writes it; where a family has several, `role` chooses."""
    for token in facts.styles:
        if style == token.replace(" ", "-") and facts.styles[token].family != style:
            return token
    tokens = [token for token, kind in facts.styles.items() if kind.family == style]
    return tokens[(role + 1) % len(tokens)]


def _tempo_range(facts: LatentFlow, chosen: DanceStyle) -> tuple[float, float]:
    """Tempi of a family: those of its first token."""
    return next(style.tempo for style in facts.styles.values() if style.family == chosen.family)


def _family_for(facts: LatentFlow, song: Song) -> str:
    """The first family whose tempi hold the song's, doubled if need be; else the last one."""
    families = {style.family: style.tempo for style in reversed(facts.styles.values())}
    for family, (low, high) in reversed(families.items()):
        if any(low <= song.tempo * f <= high for f in (1.0, 2.0)):
            return family
    return list(facts.styles.values())[-1].family
