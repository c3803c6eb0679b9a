"""A masked model as a completer: gaps of any body filled, motions continued."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.errors import CheckpointError, DataError
from farandole.generation.bodies import end_of, fill_with, joined
from farandole.generation.completer import MOTION, Completer, FeatureJob, GenerationSettings, Progress, music_rows
from farandole.generation.masked.masked_windows import HEIGHT, ROOT, Chance, continue_features, fill_window, orthonormal
from farandole.models.abilities import InputWindow, Masked
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.generation.partial import PartialMotion

MUSIC = "music"


class MaskedFiller(Completer[Masked]):
    """Hidden frames in one pass; a motion goes on block by block, in rounds of denoising where the model sees a guess."""

    kind = "masked"

    @property
    def columns(self) -> int:
        """Columns of its motion features."""
        return len(self.checkpoint.codec.columns)

    @property
    def reads(self) -> tuple[InputWindow, ...]:
        """See `Completer.reads`."""
        windows = [InputWindow(MOTION, self.columns, self.facts.known)]
        if self.checkpoint.abilities.music:
            scaler = self.checkpoint.scalers.get(MUSIC)
            if scaler is None:
                raise CheckpointError(f"{self.checkpoint.folder / 'scalers.json'}: {MUSIC} is missing")
            windows.append(InputWindow(MUSIC, len(scaler.mean), self.facts.known + 1))
        return tuple(windows)

    def scale(self, modality: str, values: Array) -> Array:
        """See `Completer.scale`; rotations stay as they are, the root's position where windows are canonical."""
        scaler = self.checkpoint.scaler(modality, values.shape[1])
        spread = np.where(scaler.maximum > scaler.minimum, scaler.maximum - scaler.minimum, 1.0)
        if modality != MOTION:
            if self.facts.music == "standard":
                return ((values - scaler.mean) / scaler.std).astype(np.float32)
            return ((values - scaler.minimum) / spread).astype(np.float32)
        scaled = np.array(values, dtype=np.float32)
        if self.facts.root == "minmax":
            scaled[:, -ROOT:] = ((values - scaler.minimum) / spread)[:, -ROOT:]
        return scaled

    def unscale(self, features: Array) -> Array:
        """See `Completer.unscale`."""
        if self.facts.root == "metres":
            return features
        scaler = self.checkpoint.scaler(MOTION, features.shape[-1])
        spread = np.where(scaler.maximum > scaler.minimum, scaler.maximum - scaler.minimum, 1.0)
        result = np.array(features, dtype=float)
        result[..., -ROOT:] = (features * spread + scaler.minimum)[..., -ROOT:]
        return result

    def generate(
        self, jobs: Sequence[FeatureJob], frames: int, settings: GenerationSettings, progress: Progress | None = None
    ) -> Array:
        """See `Completer.generate`; there is no chance in models without rounds."""
        made = []
        for job in jobs:
            past, music = job.arrays[MOTION], job.arrays.get(MUSIC)
            chance = self._chance([settings.seed, zlib.crc32(job.name.encode())], settings.temperature)
            options = {"chance": chance, "progress": progress, "heights": self._heights(past) if chance else None}
            made.append(continue_features(self.session, self.facts, past, frames, music, **options))
        return check_finite([np.stack(made)], self.checkpoint)[0]

    def continue_motion(
        self,
        partial: PartialMotion,
        frames: int,
        *,
        start: Motion | None = None,
        takes: int = 1,
        progress: Progress | None = None,
    ) -> list[Motion]:
        """See `Completer.continue_motion`. Without a start the motion begins from the mean of all poses."""
        codec, known = self.checkpoint.codec, self.facts.known
        if start is None:
            mean = self.checkpoint.scaler(MOTION, self.columns).mean
            features = orthonormal(mean[None])
        else:
            features = codec.encode(end_of(start, self.skeleton, self.fps, known))
        past, music = self.scale(MOTION, features), None
        if self.checkpoint.abilities.music:
            if partial.song is None:
                raise DataError(f"the model {self.checkpoint.name} dances to music only: give a song")
            begin = partial.song_begin - len(past) / self.fps
            name = self.checkpoint.feature(MUSIC)
            music = self.scale(MUSIC, music_rows(partial.song, name, self.fps, begin, len(past) + frames))
        arrays = {MOTION: past, **({} if music is None else {MUSIC: music})}
        jobs = [FeatureJob(f"take {k}", arrays) for k in range(takes if self.facts.rounds else 1)]
        settings = GenerationSettings(partial.seed, partial.temperature)
        parts = [self.unscale(made) for made in self.generate(jobs, frames, settings, progress)]
        if start is None:
            motions = [codec.decode(made) for made in parts]
        else:
            end = end_of(start, self.skeleton, self.fps, known)
            wholes = [codec.decode(np.concatenate((features, made))) for made in parts]
            motions = [joined(end, whole, len(past)) for whole in wholes]
        return motions if self.facts.rounds else motions * takes

    def _heights(self, past: Array) -> tuple[float, float] | None:
        """Of the root where training data had it, and where the past has it; None for numbers that are not metres."""
        if self.facts.root != "metres":
            return None
        scaler, own = self.checkpoint.scaler(MOTION, self.columns), past[:, HEIGHT]
        return min(float(scaler.minimum[HEIGHT]), float(own.min())), max(
            float(scaler.maximum[HEIGHT]), float(own.max())
        )

    def _chance(self, seed: Sequence[int], temperature: float) -> Chance | None:
        """Where models with rounds take their noise from; None for the others."""
        if not self.facts.rounds:
            return None
        return Chance(np.random.default_rng(list(seed)), temperature * self.facts.temperature)

    def fill(
        self, baseline: Motion, partial: PartialMotion, *, takes: int = 1, progress: Progress | None = None
    ) -> list[Motion]:
        """See `Completer.fill`."""
        return [fill_with(_Gaps(self, partial), baseline, partial.frames, progress=progress)] * takes


class _Gaps:
    """Windows with gaps and the music of a partial motion, see `bodies.GapFiller`."""

    def __init__(self, filler: MaskedFiller, partial: PartialMotion) -> None:
        self.filler, self.partial = filler, partial
        self.skeleton, self.fps, self.window = filler.skeleton, filler.fps, filler.facts.window

    def fill_gaps(
        self, rotations: Array, root_positions: Array, known: np.ndarray, *, first: int = 0
    ) -> tuple[Array, Array]:
        """See `bodies.GapFiller.fill_gaps`."""
        filler = self.filler
        codec = filler.checkpoint.codec
        features = codec.encode(Motion(self.skeleton, rotations, root_positions, self.fps, name="window"))
        music = self._music(first, len(known)) if filler.checkpoint.abilities.music else None
        filled = fill_window(filler.session, filler.facts, filler.scale(MOTION, features), ~known, music)
        made = check_finite([filler.unscale(orthonormal(filled))], filler.checkpoint)[0]
        motion = codec.decode(made)
        return (
            np.where(known[:, None, None], rotations, motion.rotations),
            np.where(known[:, None], root_positions, motion.root_positions),
        )

    def _music(self, first: int, frames: int) -> Array:
        """Music of a window that begins at a frame of the motion; without a song the mean of all music."""
        song, checkpoint = self.partial.song, self.filler.checkpoint
        if song is None:
            return self.filler.scale(MUSIC, np.repeat(checkpoint.scalers[MUSIC].mean[None], frames, axis=0))
        begin = self.partial.song_begin + first / self.fps
        return self.filler.scale(MUSIC, music_rows(song, checkpoint.feature(MUSIC), self.fps, begin, frames))
