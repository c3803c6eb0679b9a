"""A part of a dance made anew, and the rest kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.generation.frame_times import FrameTimes
from farandole.generation.inbetween import FillOptions, fill
from farandole.motion.files import load_motion
from farandole.motion.motion import Motion
from farandole.music.song import as_song

if TYPE_CHECKING:
    from farandole.music.song import Song


def reroll(
    motion: Motion | str | Path,
    song: Song | str | Path,
    *,
    bars: str | None = None,
    span: str | None = None,
    seed: int = 0,
    style: str = "auto",
    energy: float = 1.0,
    temperature: float = 1.0,
    joints: str | None = None,
    keep_joints: str | None = None,
    model: str | Path | None = None,
    feet: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Motion:
    """Dance some bars of a motion anew; what lies around them stays exactly as it is.

    Args:
        motion: Any humanoid motion that begins with the song, or the path of a motion file.
        song: Its music, or the path of a sound file.
        bars: Bars of the song, counted from 1: "9:16", both included, or "9".
        span: Or a stretch of time: "10s:20s", or frames "300:600". Neither: the whole motion but for its first and last frame.
        seed: Another number, another dance.
        style: A style of the model, or "auto", as for `dance`.
        energy: How big the dance is.
        temperature: Scale of the randomness.
        joints: Dance with these alone and keep all others: "arms", "RightArm+" ...
        keep_joints: Or keep these: "legs".
        model: Dance model: shipped name, checkpoint folder or run.
        feet: Keep feet that bear weight from sliding.
        progress: Called with (done, total).

    Raises:
        MotionError: If bars or span lie outside the motion, or both are given.
        AbilityError: If the model cannot fill gaps.
        RetargetError: If the skeleton is not humanoid.
    """
    clip = load_motion(motion) if isinstance(motion, str | Path) else motion
    music = as_song(song)
    kept = kept_around(clip, music, bars=bars, span=span)
    options = FillOptions(
        method="dance", model=model, seed=seed, style=style, energy=energy, temperature=temperature, joints=joints,
        keep_joints=keep_joints, feet=feet,
    )  # fmt: skip
    (made,) = fill(clip, kept, options, song=music, progress=progress)
    return replace(made, name=clip.name)


def kept_around(motion: Motion, song: Song, *, bars: str | None = None, span: str | None = None) -> np.ndarray:
    """Which frames stay where some bars or a span are danced anew, [T] bool; arguments as for `reroll`."""
    if bars is not None and span is not None:
        raise MotionError("bars and span given: say with one of them what is danced anew")
    times = FrameTimes(len(motion), motion.fps, song, motion.name)
    first, last = 0, len(motion) - 1
    if bars is not None:
        first, last = times.span(f"{bars.strip()}bars")
    elif span is not None:
        first, last = times.span(span)
    if first < 0 or last >= len(motion):
        raise MotionError(f"{first}:{last} lies outside {motion.name}, which has frames 0 to {len(motion) - 1}")
    kept = np.ones(len(motion), bool)
    kept[max(first, 1) : min(last, len(motion) - 2) + 1] = False
    if kept.all():
        raise MotionError(
            f"{motion.name}: nothing lies between its first and last frame, there is nothing to dance anew"
        )
    return kept
