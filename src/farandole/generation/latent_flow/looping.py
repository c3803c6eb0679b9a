"""Dances that run on from their end into their begin: the last tokens are made between those before and the first ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.generation.latent_flow.beat_timing import on_the_beat
from farandole.generation.latent_flow.latent_windows import closed_latents, sample_latents
from farandole.generation.latent_flow.steering import faced, freedom, on_stage, turned
from farandole.motion import rotations as rot
from farandole.motion.feet import CleanupConfig, anchor_root, plant_feet, planted_feet
from farandole.motion.filters import gaussian_filter1d
from farandole.motion.loop import loop
from farandole.motion.motion import Motion
from farandole.motion.pops import soften_pops

if TYPE_CHECKING:
    from farandole.generation.completer import Progress
    from farandole.generation.latent_flow.dance_score import DanceScore
    from farandole.generation.latent_flow.latent_model import LatentModel
    from farandole.generation.stages import Stage
    from farandole.motion.rotations import Array

_AROUND = 90
"""Frames of the neighbouring rounds with which a round is cleaned."""


def loop_frames(dancer: LatentModel, seconds: float) -> int:
    """Frames of the model that a loop of a length is made of: whole tokens, which a little other rate makes fit.

    Raises:
        MotionError: If that is shorter than a window and what closes it.
    """
    per_token = dancer.facts.frames_per_token
    tokens = round(seconds * dancer.fps / per_token)
    least = dancer.facts.tokens + dancer.facts.context
    if tokens < least:
        shortest = least * per_token / dancer.fps
        raise MotionError(
            f"a loop of {seconds:.2f} s: the model {dancer.checkpoint.name} needs {shortest:.1f} s or more"
        )
    return tokens * per_token


def dance_loops(
    dancer: LatentModel,
    scores: Sequence[DanceScore],
    seconds: float,
    *,
    seed: int,
    temperature: float,
    stage: Stage | None,
    progress: Progress | None = None,
) -> list[Motion]:
    """One loop per score; after the last frame comes the first.

    Args:
        dancer: The model.
        scores: What to dance to, one per take, of `loop_frames`.
        seconds: Length of the loop, s; the frame rate of the result makes it so long.
        seed, temperature: As for `LatentDancer.dance`.
        stage: Where the loop stays; None: anywhere.
        progress: Called with (done, total) in tokens.
    """
    facts, frames = dancer.facts, len(scores[0])
    music = np.stack([dancer.music(score) for score in scores])
    style = np.stack([dancer.mix(score) for score in scores])
    noise = np.stack(
        [dancer.noise([seed, k, scores[k].chance], mix, temperature, scores[k].echo) for k, mix in enumerate(style)]
    )
    open_end = sample_latents(
        dancer.session, music, style, noise, facts, pinned=dancer.no_pins(frames), progress=progress
    )
    latents = closed_latents(dancer.session, open_end, music, style, noise, facts, pinned=dancer.no_pins(frames))
    margin = facts.decode_margin
    around = np.concatenate((latents[:, -margin:], latents, latents[:, :margin]), axis=1)
    poses = dancer.unscale(dancer.decoded(around))[:, margin * facts.frames_per_token :][:, :frames]
    timed = [
        on_the_beat(_closed(dancer, pose, stage, dancer.locking(score)), score.count)
        for pose, score in zip(poses, scores, strict=True)
    ]
    return [replace(motion, fps=frames / seconds) for motion in timed]


def _closed(dancer: LatentModel, pose: Array, stage: Stage | None, locking: Array) -> Motion:
    """A loop of the features of a round [T, D]: its turn and travel are taken back in steps, feet cleaned across the seam."""
    frames, config = len(pose), CleanupConfig(pull=0.0)
    scores = np.clip(pose[:, dancer.codec.slices["contacts"]], 0.0, 1.0)
    # One frame more: the first of the next round, whose step from the last is known.
    once = dancer.codec.decode(np.concatenate((pose, pose[:1])))
    smooth = gaussian_filter1d(_rounds(scores, frames), 1.0, axis=0, mode="nearest")
    free = freedom(once, np.concatenate((scores, scores[:1])))
    free = np.maximum(free, 1e-3)
    if stage is not None:
        once = faced(once, free)
    yaw = np.unwrap(rot.yaw(once.rotations[:, 0]))
    share = np.concatenate(([0.0], np.cumsum(free[1:]) / free[1:].sum()))
    over = yaw[-1] - yaw[0]
    once = turned(once, -share * (over - 2.0 * np.pi * np.round(over / (2.0 * np.pi))))
    travel = (once.root_positions[-1] - once.root_positions[0]) * np.array([1.0, 0.0, 1.0])
    path = _rounds(once.root_positions[:-1], frames)
    path += np.floor((np.arange(len(path)) - _AROUND) / frames)[:, None] * travel
    motion = Motion(once.skeleton, _rounds(once.rotations[:-1], frames), path, once.fps, name=once.name)
    motion = anchor_root(soften_pops(motion), smooth)
    free = _rounds(free[:-1], frames)
    if stage is not None:
        motion = on_stage(motion, np.where(np.arange(len(free)) > _AROUND, free, 0.0), stage, _AROUND)
    share = np.cumsum(free)
    share = (share - share[_AROUND]) / (share[_AROUND + frames] - share[_AROUND])
    drift = (motion.root_positions[_AROUND + frames] - motion.root_positions[_AROUND]) * np.array([1.0, 0.0, 1.0])
    motion = replace(motion, root_positions=motion.root_positions - share[:, None] * drift)
    motion = plant_feet(motion, planted_feet(smooth, motion.fps, config), config, _rounds(locking, frames))
    return loop(motion, bars=(_AROUND / motion.fps, (_AROUND + frames) / motion.fps))


def _rounds(values: Array, frames: int) -> Array:
    """Values of a round [T, ...] with some of the rounds before and after it."""
    return values[np.arange(-_AROUND, frames + _AROUND) % frames]
