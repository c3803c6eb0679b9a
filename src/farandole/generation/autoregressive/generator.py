"""A trained model that predicts the next frames, as a completer. The same noise gives the same motion with every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from farandole.checkpoints.session import check_finite
from farandole.errors import DataError
from farandole.generation.autoregressive.further_features import further_features
from farandole.generation.autoregressive.latents import latents
from farandole.generation.autoregressive.sliding import frames_available, generate, plan, slide
from farandole.generation.bodies import end_of, joined
from farandole.generation.completer import MOTION, Completer, FeatureJob, GenerationSettings, Progress, music_rows
from farandole.generation.inputs import scaled
from farandole.models.abilities import Autoregressive, InputWindow

if TYPE_CHECKING:
    from farandole.checkpoints.session import Session
    from farandole.generation.partial import PartialMotion
    from farandole.models.base import MotionModel
    from farandole.motion.motion import Motion
    from farandole.motion.rotations import Array

NETWORK = "model"


class AutoregressiveGenerator(Completer[Autoregressive]):
    """Windows of the past and of the music in, the next frames out, again and again."""

    kind = "autoregressive"

    @property
    def reads(self) -> tuple[InputWindow, ...]:
        """See `Completer.reads`."""
        return self.facts.inputs

    @property
    def begins(self) -> int:
        """See `Completer.begins`."""
        return self.facts.target.offset

    def reach(self, lengths: Mapping[str, int], settings: GenerationSettings) -> int:
        """See `Completer.reach`."""
        keep = self._keep(settings)
        return frames_available(_Windows(self.facts), {n: np.empty((1, length)) for n, length in lengths.items()}, keep)

    def generate(
        self, jobs: Sequence[FeatureJob], frames: int, settings: GenerationSettings, progress: Progress | None = None
    ) -> Array:
        """See `Completer.generate`; where music ends early, its last frame is held."""
        keep = self._keep(settings)
        steps = -(-frames // keep)
        sequences = {}
        for window in self.reads:
            arrays = [job.arrays[window.name] for job in jobs]
            if not window.fixed and window.name != MOTION:
                least = window.offset + window.frames + (steps - 1) * keep
                arrays = [
                    np.concatenate((a[:least], np.repeat(a[-1:], max(0, least - len(a)), axis=0))) for a in arrays
                ]
            sequences[window.name] = np.stack(arrays)
        noise = None
        if self.facts.latent_channels:
            drawn = [latents(self.facts, job.own_seed(settings), steps, fps=self.fps, keep=keep) for job in jobs]
            noise = np.stack(drawn, axis=1)
        temperature = settings.temperature * self.facts.temperature
        made = self._run(sequences, frames, keep=keep, noise=noise, temperature=temperature, progress=progress)
        return check_finite([made], self.checkpoint)[0]

    def further(self, job: FeatureJob, made: Array, settings: GenerationSettings) -> dict[str, Array]:
        """See `Completer.further`."""
        if not self.facts.also or self.session.model is None:
            return {}
        found = further_features(cast("MotionModel", self.session.model), self.facts, job, made, settings)
        scalers = {name: self.checkpoint.scaler(name, rows.shape[-1]) for name, rows in found.items()}
        return {name: rows * scalers[name].std + scalers[name].mean for name, rows in found.items()}

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
        settings = GenerationSettings(partial.seed, partial.temperature)
        arrays, beginning = {}, self.begins
        for window in self.reads:
            if window.tokens:
                arrays[window.name] = np.array([0 if partial.style == "auto" else self.label(partial.style)])
            elif window.name == MOTION:
                arrays[window.name] = self._past(start, window)
            elif partial.song is None:
                raise DataError(f"the model {self.checkpoint.name} dances to music only: give a song")
            else:
                first = partial.song_begin - beginning / self.fps
                length = window.offset + window.frames + frames
                feature = self.checkpoint.feature(window.name)
                rows = music_rows(partial.song, feature, self.fps, first, length)
                arrays[window.name] = scaled(self, window, rows, partial.song.name)
        jobs = [FeatureJob(f"take {n}", arrays) for n in range(1, takes + 1)]
        made = self.generate(jobs, frames, settings, progress)
        own = self.facts.past
        if start is None or own is None:
            return [self.finished(self.unscale(rows), settings) for rows in made]
        past = arrays[MOTION][own.offset : own.offset + own.frames]
        whole = [self.finished(self.unscale(np.concatenate((past, rows))), settings) for rows in made]
        return [joined(end_of(start, self.skeleton, self.fps, own.frames), motion, own.frames) for motion in whole]

    def _past(self, start: Motion | None, window: InputWindow) -> Array:
        """Scaled features of the window of motion before the first frame, [offset + frames, D]."""
        length = window.offset + window.frames
        if start is None:
            return np.zeros((length, window.dim), np.float32)
        encoded = self.checkpoint.codec.encode(end_of(start, self.skeleton, self.fps, length))
        return scaled(self, window, encoded, start.name)

    def _keep(self, settings: GenerationSettings) -> int:
        keep, most = settings.keep or self.facts.keep, self.facts.target.frames
        if not 1 <= keep <= most:
            raise DataError(f"keep must be from 1 to the model's {most} predicted frames, got {keep}")
        return keep

    def _bounds(self) -> tuple[Array, Array] | None:
        """Least and greatest value of each generated column, float32 [D] each; None: free."""
        if self.facts.margin is None:
            return None
        scaler = self.checkpoint.scaler(MOTION, self.facts.target.dim)
        room = self.facts.margin * (scaler.maximum - scaler.minimum)
        ends = (scaler.minimum - room, scaler.maximum + room)
        low, high = (((end - scaler.mean) / scaler.std).astype(np.float32) for end in ends)
        return low, high

    def _run(
        self,
        sequences: Mapping[str, Array],
        frames: int,
        *,
        keep: int,
        noise: Array | None,
        temperature: float,
        progress: Progress | None,
    ) -> Array:
        bounds = self._bounds()
        if self.session.model is not None:
            model = cast("MotionModel", self.session.model)  # the only ones that are completed frame by frame
            return _run_torch(model, sequences, frames, keep, noise, temperature, bounds, progress)
        sampler = _SessionSampler(self.facts, self.session)
        past, total = plan(sampler, sequences, frames, keep)
        made = np.empty((len(sequences[self.reads[0].name]), past + total, self.facts.target.dim), np.float32)
        slide(
            sampler, sequences, made, keep=keep, noise=noise, bounds=bounds, temperature=temperature, progress=progress
        )
        return made[:, past:]


def _run_torch(
    model: MotionModel,
    sequences: Mapping[str, Array],
    frames: int,
    keep: int,
    noise: Array | None,
    temperature: float,
    bounds: tuple[Array, Array] | None,
    progress: Progress | None,
) -> Array:
    import torch

    device = next(model.parameters()).device
    tensor = lambda x: torch.from_numpy(np.array(x)).to(device)  # noqa: E731
    made = generate(
        model,
        {name: tensor(values) for name, values in sequences.items()},
        frames=frames,
        keep=keep,
        noise=None if noise is None else tensor(noise),
        temperature=temperature,
        bounds=None if bounds is None else (tensor(bounds[0]), tensor(bounds[1])),
        progress=progress,
    )
    return made.cpu().numpy()


class _Windows:
    """What `sliding` wants to know of a sampler."""

    def __init__(self, facts: Autoregressive) -> None:
        self.generation_inputs, self.target = facts.inputs, replace(facts.target)
        self.generation_frames = facts.target.frames


class _SessionSampler(_Windows):
    """An exported sampling step that samples as a `MotionModel` does.

    Its inputs are the windows by name, `noise`, and recurrent states `state_0`, `state_1` ... [layers, B, width], zero at the
    start of a sequence; its outputs the frames and the next states.
    """

    def __init__(self, facts: Autoregressive, session: Session) -> None:
        super().__init__(facts)
        self._session = session
        inputs = session.inputs(NETWORK)
        self._random = "noise" in inputs
        self._states = {name: shape for name, shape in inputs.items() if name.startswith("state_")}

    def sample(
        self, windows: Mapping[str, Array], *, noise: Array | None, temperature: float = 1.0, state: Any = None
    ) -> tuple[Array, list[Array]]:
        """One step: frames [B, frames, D] and the next state; see `MotionModel.sample`."""
        feed = dict(windows)
        batch = len(next(iter(windows.values())))
        if self._random and noise is not None:
            feed["noise"] = noise * np.float32(temperature)
        for i, (name, shape) in enumerate(self._states.items()):
            feed[name] = state[i] if state else np.zeros((shape[0] or 1, batch, shape[2] or 1), np.float32)
        drawn, *following = self._session.run(NETWORK, feed)
        return drawn, following
