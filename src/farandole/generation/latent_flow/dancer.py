"""A checkpoint that dances by a flow over latents, as a completer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from farandole._memory import give_back_freed_memory
from farandole.generation.bodies import carry
from farandole.generation.completer import MOTION, FeatureJob, GenerationSettings, Progress
from farandole.generation.latent_flow.beat_timing import on_the_beat, to_a_stop
from farandole.generation.latent_flow.dance_score import DanceScore, song_score, steady_score
from farandole.generation.latent_flow.joint_pins import known_groups, pinned_features
from farandole.generation.latent_flow.latent_model import LatentModel
from farandole.generation.latent_flow.latent_windows import sample_latents
from farandole.generation.latent_flow.looping import dance_loops, loop_frames
from farandole.generation.latent_flow.meeting import meeting
from farandole.generation.latent_flow.starts import EncodedStart, encoded_start
from farandole.generation.latent_flow.steering import steered
from farandole.generation.stages import STAGE, Stage
from farandole.models.abilities import InputWindow
from farandole.motion.dance_codec import LONG, DecodedFrames
from farandole.motion.feet import CleanupConfig, clean_feet
from farandole.motion.pops import soften_pops
from farandole.motion.rotations import Array
from farandole.music.dance_features import COLUMNS

if TYPE_CHECKING:
    from farandole.generation.partial import PartialMotion
    from farandole.motion.motion import Motion
    from farandole.music.song import Song


class LatentDancer(LatentModel):
    """Windows of latents from noise, decoded to dance; goes on from a past, meets pinned frames and joint groups."""

    @property
    def reads(self) -> tuple[InputWindow, ...]:
        """See `Completer.reads`."""
        start = self.facts.context * self.facts.frames_per_token
        return (
            InputWindow("style", 1, 1, tokens=len(self.facts.styles), fixed=True),
            InputWindow(MOTION, self.codec.dim, start),
            InputWindow("music", len(COLUMNS), start + 1),
        )

    def score(
        self,
        song: Song | None,
        frames: int,
        *,
        style: str = "auto",
        changes: Sequence[tuple[float, str]] = (),
        energy: float = 1.0,
        role: int = 0,
    ) -> DanceScore:
        """What a song, or without one an even count, asks for; see `dance_score`."""
        if song is None:
            return steady_score(self.facts, frames, self.fps, style=style, role=role)
        options = {"style": style, "changes": changes, "energy": energy, "role": role}
        return song_score(self.facts, song, frames, self.fps, **options)

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
        each = np.eye(len(self.facts.styles), dtype=np.float32)
        style = np.repeat(each[[int(job.arrays["style"][0]) for job in jobs]][:, None], total, axis=1)
        noise = np.stack(
            [
                self.noise(job.own_seed(settings), mix, settings.temperature)
                for job, mix in zip(jobs, style, strict=True)
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
                partial.song,
                first + frames,
                style=partial.style,
                changes=partial.style_changes,
                energy=partial.energy,
                role=partial.seed + take,
            ).part(slice(first, None))
            for take in range(takes)
        ]
        if partial.song is not None:
            partial.song.rest()
        return self.dance(
            [scores.pop(0) for _ in range(takes)],  # nobody else holds them: they are as large as the dance
            seed=partial.seed,
            temperature=partial.temperature,
            start=start,
            stage=partial.stage,
            progress=progress,
        )

    def dance(
        self,
        scores: Sequence[DanceScore],
        *,
        seed: int = 0,
        temperature: float = 1.0,
        start: Motion | None = None,
        stage: Stage | None = STAGE,
        progress: Progress | None = None,
    ) -> list[Motion]:
        """One dance per score; all scores have the same length.

        Args:
            scores: What to dance to, one per take.
            seed: Same seed, same engine: the same dances.
            temperature: Scale of the randomness; 1 is as varied as people are.
            start: Motion that the dances continue, any humanoid skeleton; its last 1.6 s count.
            stage: Width and depth that the dances keep to, m, facing where they begin to; None: they go and turn as they like.
            progress: Called with (done, total) in tokens.
        """
        frames, per_token = len(scores[0]), self.facts.frames_per_token
        before = None if start is None else encoded_start(self, start)
        lead = 0 if before is None else per_token * before.latents.shape[1]
        total = -(-(lead + frames) // per_token)
        scores = [score.extended(lead, per_token * total - lead - frames, self.fps) for score in scores]
        music = np.stack([self.music(score) for score in scores])
        style = np.stack([self.mix(score) for score in scores])
        noise = np.stack(
            [self.noise([seed, k, scores[k].chance], mix, temperature, scores[k].echo) for k, mix in enumerate(style)]
        )
        latents = None if before is None else np.repeat(before.latents, len(scores), axis=0)
        pins = self.no_pins(per_token * total)
        lag = np.stack([self.lag(score) for score in scores])
        options = {"pinned": pins, "start": latents, "lag": lag, "progress": progress}
        latents = sample_latents(self.session, music, style, noise, self.facts, **options)
        wishes = [(score.count, self.locking(score), score.ends_still) for score in scores]
        del music, style, noise, scores
        if per_token * total > LONG:
            give_back_freed_memory()
        decoded = [DecodedFrames(self.codec, per_token * total) for _ in wishes]
        for piece in self.decoded_pieces(latents):
            for take, features in zip(decoded, self.unscale(piece), strict=True):
                take.add(features)
        return [
            self._finished(decoded.pop(0), *wish, lead, frames, stage, before).slice(lead, lead + frames)
            for wish in wishes
        ]

    def _finished(
        self,
        decoded: DecodedFrames,
        count: Array,
        locking: Array,
        ends_still: bool,
        lead: int,
        frames: int,
        stage: Stage | None,
        before: EncodedStart | None,
    ) -> Motion:
        """A dance with clean feet, on its stage and on the beat, of which `lead` frames were danced before and `frames` are new."""
        where = (None, 0.0) if before is None else (before.position, before.heading)
        contacts = decoded.contacts
        # No motion but the newest is held: three hours of one are 0.12 GB.
        if stage is None:
            config = CleanupConfig(pull=0.0)
            motion = clean_feet(
                soften_pops(decoded.motion(position=where[0], heading=where[1])), contacts, config, locking=locking
            )
        else:
            facing = 0.0 if before is None else before.facing
            motion = steered(
                soften_pops(decoded.motion(position=where[0], heading=where[1])),
                contacts, stage, max(lead - 1, 0), facing, locking=locking,
            )  # fmt: skip
        motion = on_the_beat(motion, count, held=lead)
        if ends_still:
            motion = to_a_stop(motion, lead + frames, held=lead)
        if before is not None:
            # Cleaning moves the root a little: the dance begins where the start ends.
            gap = (before.end - motion.root_positions[lead - 1]) * np.array([1.0, 0.0, 1.0])
            motion = replace(motion, root_positions=motion.root_positions + gap)
        return motion

    def loop(
        self, partial: PartialMotion, seconds: float, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """See `Completer.loop`."""
        assert partial.song is not None
        frames = loop_frames(self, seconds)
        options = {"style": partial.style, "changes": partial.style_changes, "energy": partial.energy, "ends": False}
        scores = [
            song_score(self.facts, partial.song, frames, frames / seconds, role=partial.seed + take, **options)
            for take in range(takes)
        ]
        chance = {"seed": partial.seed, "temperature": partial.temperature}
        return dance_loops(self, scores, seconds, stage=partial.stage, progress=progress, **chance)

    def fill(
        self, baseline: Motion, partial: PartialMotion, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """See `Completer.fill`: known frames are pinned, and known groups of joints in the others."""

        def make(body: Motion, known: np.ndarray) -> list[Motion]:
            options = {"style": partial.style, "changes": partial.style_changes, "energy": partial.energy}
            score = self.score(partial.song, len(body), role=partial.seed, **options)
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
        per_token, frames, groups = self.facts.frames_per_token, len(body), self.facts.groups
        total = -(-frames // per_token)
        whole = replace(score.extended(0, per_token * total - frames, self.fps), dynamics=None)
        pinned = self.no_pins(per_token * total)
        features, by_group = (
            self.scale(MOTION, self.codec.encode(body)),
            known_groups(partial, groups, self.fps, frames),
        )
        pinned[:frames] = pinned_features(self.codec, features, known, groups, by_group)
        music = np.repeat(self.music(whole)[None], takes, axis=0)
        style = np.repeat(self.mix(whole)[None], takes, axis=0)
        noise = np.stack([self.noise([partial.seed, k], style[k], partial.temperature) for k in range(takes)])
        poses = self.unscale(self.poses(music, style, noise, pinned, progress=progress)[:, :frames])
        place = body.root_positions[0, [0, 2]]
        return [soften_pops(self.codec.decode(pose, position=place, heading=0.0)) for pose in poses]
