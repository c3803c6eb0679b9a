"""What a dance is made to: styles, a count, loudness, accents and dynamics per frame, from a song or from an even count."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farandole.generation.latent_flow.dance_form import DanceForm
from farandole.generation.latent_flow.styles import AUTO, style_tokens, tempo_range, weights_of
from farandole.generation.latent_flow.suited_style import SongCharacter, section_styles, suited_family
from farandole.models.abilities import LatentFlow
from farandole.motion.rotations import Array
from farandole.music.dance_features import dance_music_features
from farandole.music.dynamics import planned_dynamics

if TYPE_CHECKING:
    from farandole.music.sections import Section
    from farandole.music.song import Song

log = logging.getLogger(__name__)

LIMIT = 2.5
"""Energies beyond this are not of this world, standard deviations."""
STILL = 0.08
"""Dynamics of a body that stands still: in silence, and in the pose at the end."""
_END = (1.6, 0.7)  # s before a song's end at which the dance begins to come to rest, and at which it has
_LIVELIER = 0.4  # share of a wish for energy that dynamics follow, besides the energy that is told
_LEAST, _MOST = 0.3, 2.0  # what such a wish makes of them, at least and at most
_ENERGY_STEP = 0.25  # standard deviations: decoders that differ by rounding hear the same song
_CHANGE = 0.5  # s over which one style passes into the next


@dataclass(frozen=True, eq=False)
class DanceScore:
    """What a dance is made to: one row per frame of the model.

    Attributes:
        style: The style token that leads.
        count: Continuous beat count, a multiple of 8 where a pattern begins, [T].
        tempo: Counts per minute, [T].
        energy: Loudness in standard deviations, [T].
        bands: Onsets in four bands, [T, 4].
        dynamics: How fast the body is to move, [T] shares of its mean speed; None leaves it to the dancer.
        mix: Weights of the model's styles, [T, S]; None: the leading one alone.
        echo: How many frames before each frame lies the moment that it varies, int [T]; 0, or before the first frame: none.
        chance: Number of the song, with which its dances are drawn: one seed dances otherwise to every song.
    """

    style: str
    count: Array
    tempo: Array
    energy: Array
    bands: Array
    dynamics: Array | None = None
    mix: Array | None = None
    echo: np.ndarray | None = None
    chance: int = 0

    def __len__(self) -> int:
        return len(self.count)

    @property
    def ends_still(self) -> bool:
        """Whether the dance is to stand at its end, as it does where the song ends."""
        return self.dynamics is not None and bool(self.dynamics[-1] <= STILL)

    def features(self, precision: float) -> Array:
        """Music features of the model, [T, 17]; `precision`: how strictly to step on the count, standard deviations."""
        strict = np.full(len(self.count), precision)
        return dance_music_features(self.count, self.tempo, self.energy, self.bands, strict, self.dynamics)

    def part(self, frames: slice) -> DanceScore:
        """Some of its frames."""
        return self._each(lambda x: x[frames])

    def extended(self, before: int, after: int, fps: float) -> DanceScore:
        """Frames added at both ends: the count runs on at the tempo there, loudness and the rest are held, no accents."""
        beat = self.tempo / 60.0 / fps
        ahead = self.count[0] - beat[0] * np.arange(before, 0, -1)
        beyond = self.count[-1] + beat[-1] * np.arange(1, after + 1)
        held = self._each(
            lambda x: np.concatenate((np.repeat(x[:1], before, axis=0), x, np.repeat(x[-1:], after, axis=0)))
        )
        bands = np.pad(self.bands, ((before, after), (0, 0)))
        return replace(held, count=np.concatenate((ahead, self.count, beyond)), bands=bands)

    def _each(self, change: Callable[[Array], Array]) -> DanceScore:
        rows = ("count", "tempo", "energy", "bands", "dynamics", "mix", "echo")
        return replace(self, **{n: change(getattr(self, n)) for n in rows if getattr(self, n) is not None})


def song_score(
    facts: LatentFlow,
    song: Song,
    frames: int,
    fps: float,
    *,
    style: str = AUTO,
    changes: Sequence[tuple[float, str]] = (),
    energy: float = 1.0,
    role: int = 0,
    ends: bool = True,
) -> DanceScore:
    """What a song asks for, frame by frame of the model; beyond its end the count goes on.

    Args:
        facts: The model's styles.
        song: The music.
        frames: Length.
        fps: Frame rate of the model.
        style: One of `style_names`, or several with weights ("salsa:0.7,modern:0.3"); "auto" is what suits the song, and in
            sections that another suits clearly better, that one.
        changes: Times (s) from which on another style is danced: from the nearest beginning of four counts.
        energy: 1 follows the song's loudness; 0.5 is calmer, 1.5 livelier throughout.
        role: Which token of a style with several, and which phrases: another number, others.
        ends: Whether the dance comes to rest with the song.

    Raises:
        MotionError: If a style is unknown.
    """
    from farandole.music.sections import find_sections

    sections = find_sections(song)
    suited = suited_family(facts, SongCharacter.of(song))
    if style == AUTO and not changes:
        changes = section_styles(facts, song, sections)
    made: dict[str, DanceScore] = {}
    for text in (style, *(text for _, text in changes)):
        if text not in made:
            tokens = style_tokens(facts, text, role, suited)
            made[text] = _in_one_style(facts, song, frames, fps, tokens, energy, role, ends, sections)
    whole = made[style]
    for begin, text in sorted(changes, key=lambda change: change[0]):
        whole = _changed(whole, made[text], begin, fps)
    return whole


def wished_dynamics(dynamics: Array, awake: Array | float, energy: float) -> Array:
    """Dynamics [T] of phrases as they are told to a model.

    Args:
        dynamics: Of real dancers, 1 being their mean.
        awake: 0 where the dancer stands still, to 1.
        energy: As it is asked for: 1 follows the music, below calmer, above livelier.
    """
    wish = min(max(1.0 + _LIVELIER * (energy - 1.0), _LEAST), _MOST)
    return STILL + awake * (wish * dynamics - STILL)


def _in_one_style(
    facts: LatentFlow,
    song: Song,
    frames: int,
    fps: float,
    tokens: Mapping[str, float],
    energy: float,
    role: int,
    ends: bool,
    sections: Sequence[Section],
) -> DanceScore:
    from farandole.music.conditioning import conditions

    leading = next(iter(tokens))
    heard = conditions(song, fps, tempo_range=tempo_range(facts, facts.styles[leading]))
    loudness = heard.energy
    if not heard.sounding.any():
        log.warning("%s is silent: the dancer stands still", song.name)
    elif heard.clarity < facts.clear:
        log.warning("%s has no clear beat: dancing calmly on a steady count", song.name)
    if heard.clarity < facts.clear:
        loudness = np.full(len(heard), facts.calm)
    livelier = sum(weight * facts.styles[token].liveliness for token, weight in tokens.items()) + 1.5 * (energy - 1.0)
    form = DanceForm.of(sections, loudness, fps)
    count = heard.count + form.phrase_shift(heard.count)
    dynamics = form.dynamics(facts.styles[leading].phrases, count, loudness, role)
    if dynamics is not None:
        from_end = (len(heard) - np.arange(len(heard))) / fps
        awake = heard.sounding.copy()
        if ends:
            awake *= np.clip((from_end - _END[1]) / (_END[0] - _END[1]), 0.0, 1.0)
        dynamics = wished_dynamics(dynamics, awake, energy)
    mix = np.repeat(weights_of(facts, tokens)[None], len(heard), axis=0)
    lively = np.clip(loudness + livelier, -LIMIT, LIMIT)
    chance = _number(heard.energy, fps)
    whole = DanceScore(leading, count, heard.tempo, lively, heard.bands, dynamics, mix, form.echoes(count), chance)
    return whole.extended(0, frames - len(heard), fps) if frames > len(heard) else whole.part(slice(frames))


def _number(energy: Array, fps: float) -> int:
    """A number of a song, from how its energy goes [T], second by second: songs have others, whatever their beats are taken for."""
    steps = np.round(energy[:: max(1, round(fps))] / _ENERGY_STEP)
    return zlib.crc32(steps.astype("<i2").tobytes())


def _changed(before: DanceScore, after: DanceScore, begin: float, fps: float) -> DanceScore:
    """One score up to a time, another from there on: at the beginning of four counts that is nearest to it."""
    starts = np.flatnonzero(np.diff(np.floor(after.count / 4.0)) > 0) + 1
    at = int(starts[np.abs(starts - begin * fps).argmin()]) if len(starts) else round(begin * fps)
    at = min(max(at, 0), len(after))
    share = np.clip((np.arange(len(after)) - at) / (_CHANGE * fps) + 0.5, 0.0, 1.0)
    assert before.mix is not None
    assert after.mix is not None
    parts = {
        name: np.concatenate((getattr(before, name)[:at], getattr(after, name)[at:]))
        for name in ("count", "tempo", "energy", "bands")
    }
    for name in ("dynamics", "echo"):
        if getattr(before, name) is not None and getattr(after, name) is not None:
            parts[name] = np.concatenate((getattr(before, name)[:at], getattr(after, name)[at:]))
    mix = before.mix * (1.0 - share[:, None]) + after.mix * share[:, None]
    return DanceScore(before.style, **parts, mix=mix.astype(np.float32), chance=before.chance)


def steady_score(facts: LatentFlow, frames: int, fps: float, *, style: str = AUTO, role: int = 0) -> DanceScore:
    """Even counts and middling energy; "auto" is the model's last style. Raises MotionError for an unknown style."""
    tokens = style_tokens(facts, style, role, list(facts.styles.values())[-1].family)
    leading = next(iter(tokens))
    bpm = facts.styles[leading].steady_tempo
    count = np.arange(frames) / fps * bpm / 60.0
    zero = np.zeros(frames)
    mix = np.repeat(weights_of(facts, tokens)[None], frames, axis=0)
    dynamics = planned_dynamics(facts.styles[leading].phrases, count, zero, role)
    return DanceScore(leading, count, np.full(frames, bpm), zero, np.zeros((frames, 4)), dynamics, mix)
