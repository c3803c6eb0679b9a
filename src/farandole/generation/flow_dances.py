"""Dances by models of the flow family: many sequences at once, each with its own random numbers."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from farandole.errors import DataError, MotionError
from farandole.generation.autoregressive import frames_available
from farandole.generation.flow_engine import FlowEngine
from farandole.generation.flow_inputs import FlowInputs
from farandole.generation.motion_checkpoint import MotionCheckpoint
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class FlowSettings:
    """How dances are sampled.

    Attributes:
        seconds: Longest dance, s; None for as far as the music reaches.
        keep: Frames kept of each predicted window, which moves on by as many; 1 is the published loop.
        seed: Another number, other dances.
        temperature: Factor on the latents: 1 samples the model's distribution, 0 takes the centre of the prior.
        with_seed: Whether dances begin with the frames they were begun from.
        batch: Sequences sampled at once.
    """

    seconds: float | None = None
    keep: int = 1
    seed: int = 0
    temperature: float = 1.0
    with_seed: bool = False
    batch: int = 16

    def __post_init__(self) -> None:
        if self.seconds is not None and self.seconds <= 0:
            raise MotionError(f"a dance of {self.seconds:g} s: need a positive length")
        if self.temperature < 0:
            raise MotionError(f"temperature {self.temperature:g}: need 0 or more")
        if self.batch < 1:
            raise MotionError(f"a batch of {self.batch}: need at least 1")


@dataclass(frozen=True)
class FlowDance:
    """A dance and what it belongs to.

    Attributes:
        name: The sequence or song.
        features: Motion features before decoding, [T, D].
        motion: The same as motion.
        begin: Time of its first frame in the music, s.
    """

    name: str
    features: Array
    motion: Motion
    begin: float


def frames_of(checkpoint: MotionCheckpoint, inputs: FlowInputs, settings: FlowSettings) -> int:
    """Frames that will be made for some inputs.

    Raises:
        DataError: If `keep` is out of range, or the model reads no music that could end the dance.
    """
    if not 1 <= settings.keep <= checkpoint.generation_frames:
        raise DataError(
            f"keep must be from 1 to the model's {checkpoint.generation_frames} predicted frames, got {settings.keep}"
        )
    lengths = {name: array[None] for name, array in inputs.arrays.items()}
    reach = frames_available(checkpoint, lengths, settings.keep)
    return reach if settings.seconds is None else min(reach, max(1, round(settings.seconds * checkpoint.fps)))


def generate_dances(
    engine: FlowEngine,
    jobs: Sequence[FlowInputs],
    settings: FlowSettings,
    *,
    progress: Callable[[float], None] | None = None,
) -> Iterator[FlowDance]:
    """Dances, as soon as each batch is done; those of similar length share one.

    A dance depends on its inputs, the settings and its name alone, not on what else is made with it (up to rounding).

    Args:
        engine: The model.
        jobs: What to dance to.
        settings: How.
        progress: Called with the share that is done.

    Raises:
        DataError: As for `frames_of`, before any work.
    """
    lengths = [frames_of(engine.checkpoint, job, settings) for job in jobs]
    order = sorted(range(len(jobs)), key=lambda k: lengths[k])
    total, done = sum(-(-n // settings.keep) for n in lengths), 0
    for start in range(0, len(order), settings.batch):
        chosen = order[start : start + settings.batch]
        frames = [lengths[k] for k in chosen]
        steps = sum(-(-n // settings.keep) for n in frames)
        report = None
        if progress is not None:
            before, tell = done, progress
            report = lambda at, of: tell((before + steps * at / of) / total)  # noqa: E731, B023
        made = _batch(engine, [jobs[k] for k in chosen], frames, settings, report)
        done += steps
        for k, n, rows in zip(chosen, frames, made, strict=True):
            yield _dance(engine.checkpoint, jobs[k], rows[:n], settings)


def _batch(
    engine: FlowEngine,
    jobs: Sequence[FlowInputs],
    frames: Sequence[int],
    settings: FlowSettings,
    progress: Callable[[int, int], None] | None,
) -> Array:
    """Scaled features [B, longest, D]; rows that end earlier go on over the last frame of their music."""
    checkpoint, keep, longest = engine.checkpoint, settings.keep, max(frames)
    steps = -(-longest // keep)
    sequences = {}
    for window in checkpoint.generation_inputs:
        arrays = [job.arrays[window.name] for job in jobs]
        if not window.fixed and window != checkpoint.seed:
            needed = window.offset + window.frames + (steps - 1) * keep
            arrays = [np.concatenate((a[:needed], np.repeat(a[-1:], max(0, needed - len(a)), axis=0))) for a in arrays]
        sequences[window.name] = np.stack(arrays)
    noise = None
    if checkpoint.config["sampling"]["latent_channels"]:
        noise = np.stack([_noise(checkpoint, settings.seed, job.name, steps) for job in jobs], axis=1)
    return engine.generate(
        sequences, frames=longest, keep=keep, noise=noise, temperature=settings.temperature, progress=progress
    )


def _noise(checkpoint: MotionCheckpoint, seed: int, name: str, steps: int) -> Array:
    """Latents of one sequence, float32 [steps, frames of a prediction, channels]: the same for all engines and batches."""
    own, sampling = [seed, zlib.crc32(name.encode())], checkpoint.config["sampling"]
    shape = steps, checkpoint.generation_frames, sampling["latent_channels"]
    z = np.random.default_rng(own).standard_normal(shape, dtype=np.float32)
    degrees = sampling["degrees"]
    if degrees is not None:  # multivariate Student: one chi-square per frame, see models.flows.priors.StudentT
        # From a generator of their own, so that the numbers of a frame do not depend on how many frames follow.
        chi_square = np.random.default_rng([*own, 1]).chisquare(degrees, (*shape[:2], 1))
        z *= np.sqrt(degrees / chi_square).astype(np.float32)
    return z


def _dance(checkpoint: MotionCheckpoint, job: FlowInputs, made: Array, settings: FlowSettings) -> FlowDance:
    begin, seed = checkpoint.target.offset, checkpoint.seed
    if settings.with_seed and seed is not None:
        begin = seed.offset
        made = np.concatenate((job.arrays[seed.name][seed.offset : seed.offset + seed.frames], made))
    scaler = checkpoint.scalers[checkpoint.target.name]
    features = made * scaler.std + scaler.mean
    motion = replace(checkpoint.codec.decode(features), name=job.name)
    return FlowDance(job.name, features, motion, begin / checkpoint.fps)
