"""A song in, a dance out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import CheckpointError, MotionError
from farandole.generation.checkpoint import Checkpoint, find_checkpoint
from farandole.generation.engine import Engine, make_engine
from farandole.generation.motion_checkpoint import MotionCheckpoint
from farandole.generation.window_sampler import SamplerConfig, decode_latents, sample_latents
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.feet import clean_feet
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.motion import Motion
from farandole.motion.pops import soften_pops
from farandole.motion.rotations import Array
from farandole.music.dance_features import dance_music_features

if TYPE_CHECKING:
    from farandole.music.song import Song

log = logging.getLogger(__name__)

TEMPO_RANGES = {"salsa": (143.0, 217.0), "groove": (75.0, 145.0)}
"""Counts per minute at which each style was trained. A song is counted at double or half its tempo to get there."""

LIVELINESS = {"salsa lead": 1.2, "salsa follow": -0.4, "groove": 0.9}
"""Energy added per style token so that dances at energy 1 move as fast as the held-out takes on average, standard deviations."""

SPREAD = {"salsa lead": 1.2, "salsa follow": 1.2, "groove": 1.5}
"""Deviation of the noise at temperature 1. Above 1 because samples keep closer to the corpus than people's own takes do: with
these, dances are as far from the nearest second of training as takes that training never saw (docs/starter-model.md)."""

CLEAR = 0.1
"""Clarity of the pulse under which a song is danced calmly on a steady count."""

CALM = -1.5
"""Energy of a dance to something without a beat."""

PRECISION = 1.0
"""How strictly dancers step on the count, standard deviations above how people do."""

STYLES = ("auto", "salsa", "salsa-lead", "salsa-follow", "groove")


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

    def features(self) -> Array:
        """Music features of the model, [T, 15]."""
        strict = np.full(len(self.count), PRECISION)
        return dance_music_features(self.count, self.tempo, self.energy, self.bands, strict)

    def first(self, frames: int) -> DanceScore:
        """The first `frames` frames."""
        return DanceScore(
            self.style, self.count[:frames], self.tempo[:frames], self.energy[:frames], self.bands[:frames]
        )

    def last(self, frames: int) -> DanceScore:
        """The last `frames` frames."""
        return DanceScore(
            self.style, self.count[-frames:], self.tempo[-frames:], self.energy[-frames:], self.bands[-frames:]
        )

    def extended(self, before: int, after: int, fps: float) -> DanceScore:
        """Frames added at both ends: the count runs on at the tempo there, loudness is held, no accents."""
        beat = self.tempo / 60.0 / fps
        ahead = self.count[0] - beat[0] * np.arange(before, 0, -1)
        beyond = self.count[-1] + beat[-1] * np.arange(1, after + 1)
        held = lambda x: np.concatenate((np.repeat(x[:1], before, axis=0), x, np.repeat(x[-1:], after, axis=0)))  # noqa: E731
        count = np.concatenate((ahead, self.count, beyond))
        bands = np.pad(self.bands, ((before, after), (0, 0)))
        return DanceScore(self.style, count, held(self.tempo), held(self.energy), bands)


class Dancer:
    """A checkpoint, ready to dance.

    Args:
        model: Shipped name or checkpoint folder.
        engine: "onnx" or "torch".
    """

    def __init__(self, model: str | Path = "starter", *, engine: str = "onnx") -> None:
        self.checkpoint: Checkpoint = find_checkpoint(model)
        if MotionCheckpoint.is_one(self.checkpoint):
            kind = self.checkpoint.config["model"]
            raise CheckpointError(f"{model} holds a {kind}: generate with it by farandole generate {model} --song SONG")
        if not self.checkpoint.styles:
            raise CheckpointError(f"{self.checkpoint.folder} does not dance: it has no styles")
        self.engine: Engine = make_engine(self.checkpoint, engine)
        self.codec = DanceCodec(float(self.checkpoint.config["fps"]), skeleton=self.checkpoint.skeleton)
        self.config = SamplerConfig(
            tokens=self.checkpoint.config["recipe"]["flow"]["tokens"],
            frames_per_token=self.checkpoint.config["frames_per_token"],
        )

    @property
    def fps(self) -> float:
        """Frame rate of the model."""
        return self.codec.fps

    def score(
        self, song: Song, *, seconds: float | None = None, style: str = "auto", energy: float = 1.0, role: int = 0
    ) -> DanceScore:
        """What the song asks for, frame by frame of the model.

        Args:
            song: The music.
            seconds: Length of the dance; the song's by default. Beyond the song's end the count goes on.
            style: One of STYLES; "auto" chooses by tempo.
            energy: 1 follows the song's loudness; 0.5 is calmer, 1.5 livelier throughout.
            role: For "salsa": even numbers follow, odd ones lead.

        Raises:
            MotionError: If the style is unknown or the length is not positive.
        """
        from farandole.music.conditioning import conditions

        if style not in STYLES:
            raise MotionError(f"no style '{style}': there are {', '.join(STYLES)}")
        seconds = song.seconds if seconds is None else seconds
        if seconds <= 0:
            raise MotionError(f"a dance of {seconds:g} s: need a positive length")
        frames = max(2, round(seconds * self.fps))
        family = style.split("-")[0] if style != "auto" else _style_for(song)
        heard = conditions(song, self.fps, tempo_range=TEMPO_RANGES[family])
        loudness = heard.energy
        if heard.clarity < CLEAR:
            log.warning("%s has no clear beat: dancing calmly on a steady count", song.name)
            loudness = np.full(len(heard), CALM)
        token = style_token(style, family, role)
        shifted = np.clip(loudness + LIVELINESS[token] + 1.5 * (energy - 1.0), -2.5, 2.5)
        whole = DanceScore(token, heard.count, heard.tempo, shifted, heard.bands)
        return whole.extended(0, frames - len(heard), self.fps) if frames > len(heard) else whole.first(frames)

    def dance(
        self,
        scores: list[DanceScore],
        *,
        seed: int = 0,
        temperature: float = 1.0,
        start: Motion | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Motion]:
        """One dance per score; all scores have the same length.

        Args:
            scores: What to dance to, one per take.
            seed: Same seed, same engine: the same dances.
            temperature: Scale of the randomness; 1 is as varied as people are.
            start: Motion that the dances continue, any humanoid skeleton; its last 1.6 s count.
            progress: Called with (done, total) in tokens of 4 frames.
        """
        frames = len(scores[0].count)
        per_token = self.config.frames_per_token
        before = self._encode_start(start) if start is not None else None
        lead = 0 if before is None else per_token * before.latents.shape[1]
        total = -(-(lead + frames) // per_token)
        music = np.stack([s.extended(lead, per_token * total - lead - frames, self.fps).features() for s in scores])
        noise = np.stack(
            [
                SPREAD[score.style]
                * np.random.default_rng([seed, take]).standard_normal(
                    (total, len(self.checkpoint.scales["latent_mean"]))
                )
                for take, score in enumerate(scores)
            ]
        ).astype(np.float32)
        style = np.array([self.checkpoint.styles.index(s.style) for s in scores], np.int64)
        pinned = np.zeros((per_token * total, self.codec.dim + len(self.checkpoint.config["groups"])), np.float32)
        config = replace(self.config, temperature=temperature)
        latents = sample_latents(
            self.engine,
            music,
            style,
            noise,
            config,
            pinned=pinned,
            start=None if before is None else np.repeat(before.latents, len(scores), axis=0),
            progress=progress,
        )
        scales = self.checkpoint.scales
        poses = decode_latents(self.engine, latents * scales["latent_std"] + scales["latent_mean"], config)
        made = []
        for pose in poses * scales["pose_std"] + scales["pose_mean"]:
            where = (None, 0.0) if before is None else (before.position, before.heading)
            motion = self.codec.decode(pose, position=where[0], heading=where[1])
            motion = clean_feet(soften_pops(motion), pose[:, self.codec.slices["contacts"]])
            if before is not None:
                # Cleaning moves the root a little: the dance begins where the start ends.
                gap = (before.end - motion.root_positions[lead - 1]) * np.array([1.0, 0.0, 1.0])
                motion = replace(motion, root_positions=motion.root_positions + gap)
            made.append(motion.slice(lead, lead + frames))
        return made

    def _encode_start(self, start: Motion) -> _Start:
        from farandole.motion.retarget import retarget

        per_token = self.config.frames_per_token
        if start.skeleton != self.codec.skeleton:
            start = retarget(start, self.codec.skeleton)
        start = start.resample(self.fps)
        longest = per_token * self.config.context
        start = start.slice(-longest, None) if len(start) > longest else start
        missing = -len(start) % per_token
        if missing:
            held = [0] * missing + list(range(len(start)))
            start = replace(start, rotations=start.rotations[held], root_positions=start.root_positions[held])
        scales = self.checkpoint.scales
        pose = (self.codec.encode(start) - scales["pose_mean"]) / scales["pose_std"]
        latents = (self.engine.encode(pose[None].astype(np.float32)) - scales["latent_mean"]) / scales["latent_std"]
        return _Start(
            latents, start.root_positions[0, [0, 2]], float(self.codec.heading(start)[0]), start.root_positions[-1]
        )


@dataclass(frozen=True)
class _Start:
    latents: Array
    position: Array
    heading: float
    end: Array


def style_token(style: str, family: str, role: int) -> str:
    """The model's style token for a style of STYLES; where the style leaves the salsa role open, even numbers follow."""
    if style in ("salsa-lead", "salsa-follow"):
        return style.replace("-", " ")
    return "groove" if family == "groove" else ("salsa follow", "salsa lead")[role % 2]


def _style_for(song: Song) -> str:
    """Salsa where the song's tempo, doubled or halved if need be, is a salsa tempo; groove otherwise."""
    low, high = TEMPO_RANGES["salsa"]
    return "salsa" if any(low <= song.tempo * f <= high for f in (1.0, 2.0)) else "groove"


def dance(
    song: Song | str | Path,
    *,
    seed: int = 0,
    seconds: float | None = None,
    style: str = "auto",
    temperature: float = 1.0,
    energy: float = 1.0,
    start: Motion | None = None,
    fps: float = 30.0,
    model: str | Path = "starter",
    engine: str = "onnx",
    takes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """Dances to a song, on the house skeleton.

    Args:
        song: The music, or the path of a sound file.
        seed: Same arguments, same dances.
        seconds: Length; the song's by default.
        style: "auto", "salsa", "salsa-lead", "salsa-follow" or "groove".
        temperature: Scale of the randomness; 1 is as varied as people are, 0.7 is plainer.
        energy: 1 follows the song; below calmer, above livelier.
        start: Motion to continue from (its last 1.6 s).
        fps: Frame rate of the result.
        model: Shipped model or checkpoint folder.
        engine: "onnx" or "torch".
        takes: Number of different dances.
        progress: Called with (done, total).

    Returns:
        One motion per take; frame t belongs to the song's time t / fps.

    Raises:
        FarandoleError: If an argument or the song cannot be used.
    """
    from farandole.music import load_song

    if takes < 1:
        raise MotionError(f"{takes} takes: need at least 1")
    if temperature < 0:
        raise MotionError(f"temperature {temperature:g}: need 0 or more")
    if fps <= 0:
        raise MotionError(f"{fps:g} fps: need a positive frame rate")
    heard = load_song(song) if isinstance(song, (str, Path)) else song
    dancer = Dancer(model, engine=engine)
    scores = [
        dancer.score(heard, seconds=seconds, style=style, energy=energy, role=seed + take) for take in range(takes)
    ]
    made = dancer.dance(scores, seed=seed, temperature=temperature, start=start, progress=progress)
    return [replace(resample_smoothly(m, fps), name=f"{heard.name} take {n}") for n, m in enumerate(made, 1)]
