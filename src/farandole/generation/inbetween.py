"""Frames between kept ones: an animator's gaps filled on their own skeleton, at their own frame rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.checkpoint import shipped_models
from farandole.errors import MotionError
from farandole.generation.completion import DANCER, INBETWEENER, completions
from farandole.generation.partial import PartialMotion
from farandole.generation.patterns import kept_frames
from farandole.motion.files import load_motion
from farandole.motion.interpolation import METHODS as CURVES
from farandole.motion.motion import Motion
from farandole.music.song import as_song

if TYPE_CHECKING:
    from farandole.music.song import Song

METHODS = (*CURVES, "model", "dance")
"""Ways to fill. All but "dance" give the same answer every time."""


def inbetween(
    motion: Motion | str | Path,
    *,
    keep: Iterable[int] | None = None,
    every: int | None = None,
    gaps: Iterable[tuple[int, int]] | None = None,
    method: str = "auto",
    song: Song | str | Path | None = None,
    seed: int = 0,
    feet: bool = True,
    model: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """Fill the frames between those that are kept; kept frames stay exactly as they are.

    Args:
        motion: Any motion, or the path of a motion file; its frames that are not kept do not matter.
        keep: Frames to keep. What lies before the first and after the last of them stays as it is.
        every: Or keep frames 0, n, 2n ... and the last.
        gaps: Or fill these only: first and last missing frame of each, both included.
        method: "model" (a network trained on motion), "hermite" (curves that keep the speed at kept frames), "slerp" (arcs and
            straight lines), "dance" (the dance model, to the song if there is one; gaps of any length) or "auto": the model where
            one is shipped or named, else hermite.
        song: What to dance to, from the motion's first frame on, or the path of a sound file; curves do not listen.
        seed: Of models that draw at random: another number, another fill.
        feet: Keep feet that bear weight from sliding, and feet out of the floor. Without effect on skeletons that are not human.
        model: Shipped model, checkpoint folder or run.
        progress: Called with (done, total).

    Returns:
        A motion of the same skeleton, frame rate and length.

    Raises:
        MotionError: If not exactly one of keep, every and gaps is given, they do not fit the motion, a gap is longer than the
            model's window, or the method is unknown.
        AbilityError: If the model cannot fill gaps.
        RetargetError: If the model is to fill the gaps of a skeleton that is not human.
        CheckpointError: If the model does not exist.
    """
    clip = load_motion(motion) if isinstance(motion, str | Path) else motion
    kept = kept_frames(len(clip), every=every, keep=keep, gaps=gaps, name=clip.name)
    music = None if song is None else as_song(song)
    (made,) = fill_kept(clip, kept, method=method, song=music, seed=seed, feet=feet, model=model, progress=progress)
    return made


def fill_kept(
    motion: Motion,
    kept: np.ndarray,
    *,
    method: str = "auto",
    song: Song | None = None,
    seed: int = 0,
    takes: int = 1,
    feet: bool = True,
    model: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Motion]:
    """`inbetween` for a pattern of kept frames [T] bool; several takes where the method has a choice."""
    method = choose_method(method, model)
    if takes > 1 and method in CURVES:
        raise MotionError(f"the method {method} gives the same motion every time: several takes need the method dance")
    chosen = {"model": model or INBETWEENER, "dance": model or DANCER}.get(method, method)
    partial = PartialMotion(motion, kept, song=song, seed=seed)
    return completions(partial, chosen, takes=takes, feet=feet, progress=progress)


def choose_method(method: str, model: str | Path | None = None) -> str:
    """What "auto" means here; raises MotionError for a method that does not exist or does not use the model that is named."""
    if method == "auto":
        return "model" if model is not None or INBETWEENER in shipped_models() else "hermite"
    if method not in METHODS:
        raise MotionError(f"no method '{method}': there are {', '.join(METHODS)}")
    if model is not None and method in CURVES:
        raise MotionError(f"the method {method} uses no model: leave the model out, or use the method model")
    return method
