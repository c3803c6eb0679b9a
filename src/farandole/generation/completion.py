"""The one entry: a model completes a partial motion."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models
from farandole.errors import AbilityError, MotionError
from farandole.generation.joins import follow
from farandole.generation.required_abilities import describe, needed, require
from farandole.motion.gap_feet import plant_between
from farandole.motion.interpolation import METHODS as CURVES
from farandole.motion.interpolation import resample_smoothly
from farandole.motion.motion import Motion
from farandole.motion.names import is_humanoid
from farandole.motion.retarget import retarget

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.generation.completer import Completer
    from farandole.generation.partial import PartialMotion

COMPLETERS = {
    "autoregressive": "farandole.generation.autoregressive.generator:AutoregressiveGenerator",
    "latent_flow": "farandole.generation.latent_flow.dancer:LatentDancer",
    "masked": "farandole.generation.masked.masked_filler:MaskedFiller",
    "curve_correction": "farandole.generation.curve_correction.curve_filler:CurveFiller",
}
"""Kind of completion in a checkpoint -> the class that does it."""

DANCER, INBETWEENER = "starter", "inbetween"
"""Shipped models that dance and that fill gaps."""

Progress = Callable[[int, int], None]


def open_model(
    model: str | Path | Checkpoint = DANCER, *, engine: str = "auto", device: str = "auto", threads: int = 2
) -> Completer:
    """A model ready to complete partial motions.

    Args:
        model: Shipped name, checkpoint folder or run.
        engine: "onnx", "torch" or "auto": ONNX Runtime where the model is exported.
        device: Of torch.
        threads: Of ONNX Runtime.

    Raises:
        CheckpointError: If there is no such model, or the engine cannot run it.
    """
    from farandole.checkpoints.session import open_session

    checkpoint = find_checkpoint(model) if isinstance(model, str | Path) else model
    module, _, name = COMPLETERS[checkpoint.completion.kind].partition(":")
    session = open_session(checkpoint, engine, device=device, threads=threads)
    return getattr(importlib.import_module(module), name)(checkpoint, session)


def complete(
    partial: PartialMotion,
    model: str | Path | Completer | None = None,
    *,
    engine: str = "auto",
    feet: bool = True,
    progress: Progress | None = None,
) -> Motion:
    """A partial motion completed by a model; `completions` makes several takes at once and describes the arguments.

    Raises:
        AbilityError: If the model lacks what the partial motion needs; the message tells which models have it.
        RetargetError: If the skeleton is not humanoid, and not the model's.
    """
    (motion,) = completions(partial, model, engine=engine, feet=feet, progress=progress)
    return motion


def completions(
    partial: PartialMotion,
    model: str | Path | Completer | None = None,
    *,
    takes: int = 1,
    engine: str = "auto",
    feet: bool = True,
    progress: Progress | None = None,
) -> list[Motion]:
    """Motions that have what is known of a partial one, and for the rest what a model makes of it.

    Args:
        partial: The motion with holes.
        model: Shipped name, checkpoint folder, run or opened model; or "hermite" or "slerp" to fill gaps by a formula. None: the
            shipped dancer, or the shipped in-between model where only gaps are missing.
        takes: How many motions; more than one needs a model that draws at random.
        engine: "onnx", "torch" or "auto".
        feet: Keep feet that bear weight from sliding in gaps, and out of the floor.
        progress: Called with (done, total).

    Returns:
        As many motions on the partial motion's skeleton, of its frame rate and length; known frames are bit for bit the same.

    Raises:
        AbilityError: If the model lacks what the partial motion needs; the message tells which models have it.
        RetargetError: If the skeleton is not humanoid, and not the model's.
    """
    if takes < 1:
        raise MotionError(f"{takes} takes: need at least 1")
    if isinstance(model, str) and model in CURVES:
        if partial.pattern != "gaps" or takes > 1:
            raise AbilityError(f"{model} curves fill gaps between known frames, in one take")
        return [keep_known(partial, planted(CURVES[model](partial.motion, partial.frames), partial, feet))]
    completer = _opened(partial, model, engine)
    require(completer.checkpoint, needed(partial), describe(partial))
    if takes > 1:
        require(completer.checkpoint, ["random"], f"{takes} takes")
    if partial.pattern == "gaps":
        return fill_gaps(partial, completer, takes=takes, feet=feet, progress=progress)
    if partial.pattern == "past":
        added = len(partial.motion) - len(partial.past)
        made = continuation(partial, completer, added, partial.motion.fps, takes=takes, progress=progress)
        return [follow(partial.past, new).slice(0, len(partial.motion)) for new in made]
    frames = frames_at(completer.fps, len(partial.motion), partial.motion.fps)
    made = completer.continue_motion(partial, frames, takes=takes, progress=progress)
    whole = [resample_smoothly(motion, partial.motion.fps).slice(0, len(partial.motion)) for motion in made]
    return [_on_skeleton(partial, motion) for motion in whole]


def frames_at(rate: float, frames: int, fps: float) -> int:
    """Frames at another rate that reach as far as `frames` at `fps`, or just beyond; 2 at least."""
    return max(2, int(np.ceil((frames - 1) * rate / fps - 1e-6)) + 1)


def continuation(
    partial: PartialMotion,
    completer: Completer,
    frames: int,
    fps: float,
    *,
    takes: int = 1,
    progress: Progress | None = None,
) -> list[Motion]:
    """What comes after the known beginning of a partial motion, on the model's body at its frame rate.

    It reaches as far as `frames` at `fps`.
    """
    past = partial.past
    later = replace(partial, song_begin=partial.song_begin + past.seconds)
    added = frames_at(completer.fps, frames, fps)
    return completer.continue_motion(later, added, start=past, takes=takes, progress=progress)


def fill_gaps(
    partial: PartialMotion,
    completer: Completer,
    *,
    takes: int = 1,
    feet: bool = True,
    progress: Progress | None = None,
) -> list[Motion]:
    """A partial motion with the gaps between its known frames filled; see `completions`."""
    baseline = CURVES["hermite"](partial.motion, partial.frames)
    made = completer.fill(baseline, partial, takes=takes, progress=progress)
    return [keep_known(partial, planted(take, partial, feet)) for take in made]


def planted(motion: Motion, partial: PartialMotion, feet: bool) -> Motion:
    """With feet that bear weight kept from sliding, where asked for and the body is human."""
    return plant_between(motion, partial.frames) if feet and is_humanoid(motion.skeleton) else motion


def keep_known(partial: PartialMotion, made: Motion) -> Motion:
    """Known frames and joints bit for bit, frames before the first and after the last known one too."""
    motion, known = partial.motion, np.flatnonzero(partial.frames)
    frames = np.arange(len(motion))
    own = partial.frames | (frames < known[0]) | (frames > known[-1])
    joints = own[:, None] | (partial.known if partial.by_joint else False)
    joints = np.broadcast_to(joints, (len(motion), len(motion.skeleton)))
    pick = lambda a, b: np.where(joints[..., None], a, b)  # noqa: E731
    translations = made.translations
    if translations is not None and motion.translations is not None:
        translations = pick(motion.translations, translations)
    return replace(
        motion,
        rotations=pick(motion.rotations, made.rotations),
        root_positions=np.where(joints[:, :1], motion.root_positions, made.root_positions),
        translations=translations,
    )


def _opened(partial: PartialMotion, model: str | Path | Completer | None, engine: str) -> Completer:
    if model is None:
        gaps = partial.pattern == "gaps" and INBETWEENER in shipped_models()
        return open_model(INBETWEENER if gaps else DANCER, engine=engine)
    return open_model(model, engine=engine) if isinstance(model, str | Path) else model


def _on_skeleton(partial: PartialMotion, made: Motion) -> Motion:
    """A whole motion on the partial motion's skeleton."""
    return made if partial.motion.skeleton == made.skeleton else retarget(made, partial.motion)
