"""Frames between kept ones: an animator's gaps filled on their own skeleton, at their own frame rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.generation.patterns import kept_frames
from farandole.motion.gap_feet import plant_between
from farandole.motion.interpolation import METHODS as FORMULAS
from farandole.motion.motion import Motion
from farandole.motion.names import is_humanoid

if TYPE_CHECKING:
    from farandole.generation.gap_fill import GapFiller
    from farandole.music.song import Song

METHODS = (*FORMULAS, "model", "dance")
"""Ways to fill. All but "dance" give the same answer every time."""

MODEL = "inbetween"
"""The shipped model's name."""


def inbetween(
    motion: Motion | str | Path,
    *,
    keep: Iterable[int] | None = None,
    every: int | None = None,
    gaps: Iterable[tuple[int, int]] | None = None,
    method: str = "auto",
    song: Song | None = None,
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
        song: What to dance to, from the motion's first frame on; other methods do not listen.
        seed: Of method "dance": another number, another dance.
        feet: Keep feet that bear weight from sliding, and feet out of the floor. Without effect on skeletons that are not human.
        model: Shipped model or checkpoint folder.
        progress: Called with (windows done, windows in all).

    Returns:
        A motion of the same skeleton, frame rate and length.

    Raises:
        MotionError: If not exactly one of keep, every and gaps is given, they do not fit the motion, a gap is longer than the
            model's window, or the method is unknown.
        RetargetError: If the model is to fill the gaps of a skeleton that is not human.
        CheckpointError: If the model does not exist.
    """
    from farandole.motion.files import load_motion

    clip = load_motion(motion) if isinstance(motion, (str, Path)) else motion
    kept = kept_frames(len(clip), every=every, keep=keep, gaps=gaps, name=clip.name)
    (made,) = fill_kept(clip, kept, method=method, song=song, seed=seed, feet=feet, model=model, progress=progress)
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
    if takes > 1 and method != "dance":
        raise MotionError(f"the method {method} gives the same motion every time: several takes need the method dance")
    made = [FORMULAS.get(method, FORMULAS["hermite"])(motion, kept)]
    if method == "model":
        from farandole.generation.gap_fill import fill_with

        made = [fill_with(load_filler(model), made[0], kept, progress=progress)]
    elif method == "dance":
        from farandole.generation.gap_dance import dance_between

        made = dance_between(made[0], kept, song, seed=seed, takes=takes, model=model or "starter", progress=progress)
    if feet and is_humanoid(motion.skeleton):
        made = [plant_between(take, kept) for take in made]
    return [_keep_exactly(motion, take, kept) for take in made]


def choose_method(method: str, model: str | Path | None = None) -> str:
    """What "auto" means here; raises MotionError for a method that does not exist or does not use the model that is named."""
    from farandole.generation.checkpoint import shipped_models

    if method == "auto":
        return "model" if model is not None or MODEL in shipped_models() else "hermite"
    if method not in METHODS:
        raise MotionError(f"no method '{method}': there are {', '.join(METHODS)}")
    if model is not None and method in FORMULAS:
        raise MotionError(f"the method {method} uses no model: leave the model out, or use the method model")
    return method


def load_filler(model: str | Path | None = None) -> GapFiller:
    """The network of a checkpoint, the shipped one by default."""
    from farandole.generation.inbetween_net import InbetweenNet

    return InbetweenNet(model or MODEL)


def _keep_exactly(motion: Motion, made: Motion, kept: np.ndarray) -> Motion:
    """Kept frames bit for bit, frames outside the first and the last kept one too."""
    known = np.flatnonzero(kept)
    frames = np.arange(len(kept))
    own = kept | (frames < known[0]) | (frames > known[-1])
    pick = lambda a, b: np.where(own.reshape(-1, *[1] * (a.ndim - 1)), a, b)  # noqa: E731
    translations = made.translations
    if translations is not None and motion.translations is not None:
        translations = pick(motion.translations, translations)
    return replace(
        motion,
        rotations=pick(motion.rotations, made.rotations),
        root_positions=pick(motion.root_positions, made.root_positions),
        translations=translations,
    )
