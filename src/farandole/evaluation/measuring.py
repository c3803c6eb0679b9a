"""One motion measured for the lines of a scorecard, whatever state it is in."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.clip_figures import ClipFigures, Settings, measure_motion
from farandole.motion import Motion
from farandole.motion.rotations import Array
from farandole.music.beats import Beats

Count: TypeAlias = Beats | Array | None
"""Beats of a dance: a beat grid, or the continuous count at every frame of the motion [T], or none."""

FAR = 1e4
"""Roots farther from the origin than this are brought there, m: beyond it figures only overflow."""

LINES_ONLY = Settings(poses=False, published=False)


def measure_for_lines(motion: Motion, beats: Count = None, *, name: str | None = None, style: str = "") -> ClipFigures:
    """Every figure that a line needs, without warnings for bodies that fly apart.

    Raises:
        RetargetError: If the skeleton is no humanoid that we know.
        MotionError: If a beat count has another length than the motion.
    """
    roots = np.clip(motion.root_positions, -FAR, FAR)
    grid = (
        beats if beats is None or isinstance(beats, Beats) else beats_of_count(motion, np.asarray(beats, dtype=float))
    )
    with np.errstate(all="ignore"):
        (figures,) = measure_motion(replace(motion, root_positions=roots), grid, LINES_ONLY, name=name, style=style)
    return figures


def beats_of_count(motion: Motion, count: Array) -> Beats | None:
    """The beat grid of a continuous count per frame [T], bars of four; None where it spans less than two beats."""
    if count.shape != (len(motion),):
        raise MotionError(f"{motion.name} has {len(motion)} frames, but its beat count has shape {count.shape}")
    first, last = int(np.ceil(count[0])), int(np.floor(count[-1]))
    if last <= first:
        return None
    times = np.interp(np.arange(first, last + 1), count, np.arange(len(count)) / motion.fps)
    return Beats(times, first)
