"""A checkpoint that dances by a flow over latents, as a completer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.errors import CheckpointError
from farandole.generation.bodies import carry
from farandole.generation.completer import MOTION, Completer, FeatureJob, GenerationSettings, Progress
from farandole.generation.latent_flow.dance_score import DanceScore, song_score, steady_score
from farandole.generation.latent_flow.latent_windows import decode_latents, sample_latents
from farandole.generation.latent_flow.meeting import meeting
from farandole.models.abilities import InputWindow, LatentFlow
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.feet import clean_feet
from farandole.motion.pops import soften_pops
from farandole.motion.retarget import retarget
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.generation.partial import PartialMotion
    from farandole.motion.motion import Motion
    from farandole.music.song import Song

LATENT = "latent"
MUSIC_COLUMNS = 15


@dataclass(frozen=True)
class _Start:
    """The end of a motion as a dancer takes it up: latents [1, S, Z], floor position and heading of its first frame, its end."""

    latents: Array
    position: Array
    heading: float
    end: Array


class LatentDancer(Completer[LatentFlow]):
    """Windows of latents from noise, decoded to dance; goes on from a past, meets pinned frames and joint groups."""

    kind = "latent_flow"

    @property
    def codec(self) -> DanceCodec:
        """Its features. Raises CheckpointError if they are others."""
        codec = self.checkpoint.codec
        if not isinstance(codec, DanceCodec):
            raise CheckpointError(
                f"{self.checkpoint.folder}: a dancer's features are {DanceCodec.name}, not {codec.name}"
            )
        return codec

    @property
    def reads(self) -> tuple[InputWindow, ...]:
        """See `Completer.reads`."""
        start = self.facts.context * self.facts.frames_per_token
        return (
            InputWindow("style", 1, 1, tokens=len(self.facts.styles), fixed=True),
            InputWindow(MOTION, self.codec.dim, start),
            InputWindow("music", MUSIC_COLUMNS, start + 1),
        )

    def score(
        self, song: Song | None, frames: int, *, style: str = "auto", energy: float = 1.0, role: int = 0
    ) -> DanceScore:
        """What a song, or without one an even count, asks for; see `dance_score`."""
        if song is None:
            return steady_score(self.facts, frames, self.fps, style=style, role=role)
        return song_score(self.facts, song, frames, self.fps, style=style, energy=energy, role=role)

    def scale(self, modality: str, values: Array) -> Array:
        """See `Completer.scale`; music features are told as they are."""
        if modality != MOTION:
            return np.asarray(values, np.float32)
        mean, std = self.scales(MOTION, values.shape[-1])
        return (values - mean) / std

    def scales(self, modality: str, columns: int) -> tuple[Array, Array]:
        """Mean and deviation of motion features or latents, float32 [D]."""
        scaler = self.checkpoint.scaler(modality, columns)
        return scaler.mean.astype(np.float32), scaler.std.astype(np.float32)

    def generate(
        self, jobs: Sequence[FeatureJob], frames: int, settings: GenerationSettings, progress: Progress | None = None
    ) -> Array:
        """See `Completer.generate`."""
        per_token = self.facts.frames_per_token
        start = np.stack([self._latents(job.arrays[MOTION][None])[0] for job in jobs])
        lead = per_token * start.shape[1]
        total = -(-(lead + frames) // per_token)
        rows = [
            job.arrays["music"][np.minimum(np.arange(per_token * total), len(job.arrays["music"]) - 1)] for job in jobs
        ]
        style = np.array([int(job.arrays["style"][0]) for job in jobs])
        tokens = list(self.facts.styles)
        noise = np.stack(
            [
                self._noise(job.own_seed(settings), total, tokens[k], settings.temperature)
                for job, k in zip(jobs, style, strict=True)
            ]
        )
        made = self.poses(np.stack(rows), style, noise, self.no_pins(per_token * total), start=start, progress=progress)
        return made[:, lead : lead + frames]

    def continue_motion(
        self,
        partial: PartialMotion,
        frames: int,
        *,
        start: Motion | None = None,
        takes: int = 1,
        progress: Progress | None = None,
    ) -> list[Motion]:
        """See `Completer.continue_motion`; the last 1.6 s of a start count."""
        first = max(0, round(partial.song_begin * self.fps)) if partial.song is not None else 0
        scores = [
            self.score(
                partial.song, first + frames, style=partial.style, energy=partial.energy, role=partial.seed + take
            ).part(slice(first, None))
            for take in range(takes)
        ]
        return self.dance(scores, seed=partial.seed, temperature=partial.temperature, start=start, progress=progress)

    def dance(
        self,
        scores: Sequence[DanceScore],
        *,
        seed: int = 0,
        temperature: float = 1.0,
        start: Motion | None = None,
        progress: Progress | None = None,
    ) -> list[Motion]:
        """One dance per score; all scores have the same length.

        Args:
            scores: What to dance to, one per take.
            seed: Same seed, same engine: the same dances.
            temperature: Scale of the randomness; 1 is as varied as people are.
            start: Motion that the dances continue, any humanoid skeleton; its last 1.6 s count.
            progress: Called with (done, total) in tokens.
        """
        frames, per_token = len(scores[0]), self.facts.frames_per_token
        before = None if start is None else self._encode_start(start)
        lead = 0 if before is None else per_token * before.latents.shape[1]
        total = -(-(lead + frames) // per_token)
        music = np.stack([self.music(s.extended(lead, per_token * total - lead - frames, self.fps)) for s in scores])
        noise = np.stack([self._noise([seed, k], total, s.style, temperature) for k, s in enumerate(scores)])
        latents = None if before is None else np.repeat(before.latents, len(scores), axis=0)
        pins = self.no_pins(per_token * total)
        style = np.array([self.style_index(s.style) for s in scores], np.int64)
        made = []
        for pose in self.unscale(self.poses(music, style, noise, pins, start=latents, progress=progress)):
            where = (None, 0.0) if before is None else (before.position, before.heading)
            motion = self.codec.decode(pose, position=where[0], heading=where[1])
            motion = clean_feet(soften_pops(motion), pose[:, self.codec.slices["contacts"]])
            if before is not None:
                # Cleaning moves the root a little: the dance begins where the start ends.
                gap = (before.end - motion.root_positions[lead - 1]) * np.array([1.0, 0.0, 1.0])
                motion = replace(motion, root_positions=motion.root_positions + gap)
            made.append(motion.slice(lead, lead + frames))
        return made

    def fill(
        self, baseline: Motion, partial: PartialMotion, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """See `Completer.fill`: known frames are pinned."""

        def make(body: Motion, known: np.ndarray) -> list[Motion]:
            score = self.score(partial.song, len(body), style=partial.style, energy=partial.energy, role=partial.seed)
            return [meeting(body, free, known) for free in self._pinned(body, known, score, partial, takes, progress)]

        made = carry(baseline, partial.frames, self.codec.skeleton, self.fps, make)
        return made if len(made) == takes else made * takes

    def _pinned(
        self,
        body: Motion,
        known: np.ndarray,
        score: DanceScore,
        partial: PartialMotion,
        takes: int,
        progress: Progress | None,
    ) -> list[Motion]:
        """Dances of the model's body that come near the known frames."""
        per_token, frames = self.facts.frames_per_token, len(body)
        total = -(-frames // per_token)
        whole = score.extended(0, per_token * total - frames, self.fps)
        pinned = self.no_pins(per_token * total)
        flags = np.ones((frames, len(self.facts.groups)))
        pinned[:frames][known] = np.concatenate((self.scale(MOTION, self.codec.encode(body)), flags), axis=1)[known]
        music = np.repeat(self.music(whole)[None], takes, axis=0)
        style = np.full(takes, self.style_index(score.style), np.int64)
        noise = np.stack(
            [self._noise([partial.seed, k], total, score.style, partial.temperature) for k in range(takes)]
        )
        poses = self.unscale(self.poses(music, style, noise, pinned, progress=progress)[:, :frames])
        place = body.root_positions[0, [0, 2]]
        return [soften_pops(self.codec.decode(pose, position=place, heading=0.0)) for pose in poses]

    def poses(
        self,
        music: Array,
        style: np.ndarray,
        noise: Array,
        pinned: Array,
        *,
        start: Array | None = None,
        progress: Progress | None = None,
    ) -> Array:
        """Scaled pose features [B, T, D]; arguments as for `sample_latents`."""
        latents = sample_latents(
            self.session, music, style, noise, self.facts, pinned=pinned, start=start, progress=progress
        )
        mean, std = self.scales(LATENT, noise.shape[-1])
        made = decode_latents(self.session, latents * std + mean, self.facts)
        return check_finite([made], self.checkpoint)[0]

    def unscale(self, features: Array) -> Array:
        """See `Completer.unscale`."""
        mean, std = self.scales(MOTION, features.shape[-1])
        return features * std + mean

    def music(self, score: DanceScore) -> Array:
        """Music features of a score, [T, C]."""
        return score.features(self.facts.precision)

    def style_index(self, token: str) -> int:
        """Number of a style token."""
        return list(self.facts.styles).index(token)

    def no_pins(self, frames: int) -> Array:
        """Pinned features and flags where nothing is pinned, [frames, D + G]."""
        return np.zeros((frames, self.codec.dim + len(self.facts.groups)), np.float32)

    @property
    def latent_size(self) -> int:
        """Numbers of a latent, Z."""
        return len(self.checkpoint.scalers[LATENT].mean) if LATENT in self.checkpoint.scalers else 0

    def latents(self, body: Motion) -> Array:
        """Scaled latents of a motion of the model's body at its frame rate, whole tokens long, [T / 4, Z]."""
        return self._latents(self.scale(MOTION, self.codec.encode(body))[None])[0]

    def _noise(self, seed: Sequence[int], total: int, token: str, temperature: float) -> Array:
        normal = np.random.default_rng(seed).standard_normal((total, self.latent_size))
        return (self.facts.styles[token].spread * normal).astype(np.float32) * (temperature * self.facts.temperature)

    def _latents(self, pose: Array) -> Array:
        """Scaled latents of scaled poses, [B, T, D] -> [B, T / 4, Z]."""
        encoded = self.session.run("encoder", {"pose": np.ascontiguousarray(pose, np.float32)})[0]
        mean, std = self.scales(LATENT, encoded.shape[-1])
        return (encoded - mean) / std

    def _encode_start(self, start: Motion) -> _Start:
        per_token = self.facts.frames_per_token
        if start.skeleton != self.codec.skeleton:
            start = retarget(start, self.codec.skeleton)
        start = replace(start, translations=None).resample(self.fps)
        longest = per_token * self.facts.context
        start = start.slice(-longest, None) if len(start) > longest else start
        missing = -len(start) % per_token
        if missing:
            held = [0] * missing + list(range(len(start)))
            start = replace(start, rotations=start.rotations[held], root_positions=start.root_positions[held])
        latents = self._latents(self.scale(MOTION, self.codec.encode(start))[None])
        heading = float(self.codec.heading(start)[0])
        return _Start(latents, start.root_positions[0, [0, 2]], heading, start.root_positions[-1])
