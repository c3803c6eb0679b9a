"""Beats of the sequences of a feature folder: from the feature `beats`, where it was prepared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farandole.motion.rotations import Array
from farandole.music.beats import Beats

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder

FEATURE = "beats"
PHASES = ("beat_sin", "beat_cos", "bar_sin", "bar_cos")
"""Its columns that tell where a frame lies in its beat and in its bar."""


def sequence_beats(corpus: FeatureFolder, name: str, *, begin: int = 0, seconds: float | None = None) -> Beats | None:
    """Beats of a sequence's music from one frame on; None where the folder does not tell them.

    Args:
        corpus: Features.
        name: The sequence.
        begin: Frame of the music at which time 0 is.
        seconds: How long; music that ends early begins anew, at the beginning of a bar. None: to its end.
    """
    columns = list(corpus.features.get(FEATURE, ()))
    if not set(PHASES) <= set(columns):
        return None
    rows = np.asarray(corpus.load(name, FEATURE), dtype=float)[:, [columns.index(c) for c in PHASES]]
    frames = None if seconds is None else round(seconds * corpus.fps)
    return beats_of_phases(rows, corpus.fps, begin=begin, frames=frames)


def beats_of_phases(phases: Array, fps: float, *, begin: int = 0, frames: int | None = None) -> Beats | None:
    """The grid of sine and cosine of the phases of beat and bar [T, 4]; arguments as of `sequence_beats`. None under two beats."""
    beat, bar = (np.unwrap(np.arctan2(phases[:, k], phases[:, k + 1])) / (2 * np.pi) for k in (0, 2))
    if len(phases) < 2 or beat[-1] - beat[0] < 2:
        return None
    per_bar = int(np.clip(round((beat[-1] - beat[0]) / max(bar[-1] - bar[0], 1e-9)), 2, 12))
    # Counted so that bars begin at multiples of their length, whatever the first frame's whole number of beats.
    count = beat - round(beat[0] - per_bar * bar[0])
    if frames is not None:
        repeats = -(-(begin + frames) // len(count))
        length = per_bar * (int((count[-1] - count[0]) / per_bar) + 1)
        count = (count + length * np.arange(repeats)[:, None]).ravel()[: begin + frames]
    count = np.maximum.accumulate(count[begin:])
    first, last = int(np.ceil(count[0])), int(np.floor(count[-1]))
    if last <= first:
        return None
    counts = np.arange(first, last + 1)
    times = np.interp(counts, count, np.arange(len(count)) / fps)
    # Where music begins anew the count makes a leap within a frame: beats in it are passed over.
    gap = 0.5 * float(np.median(np.diff(times)))
    kept = [len(times) - 1]
    for k in range(len(times) - 2, -1, -1):
        if times[kept[-1]] - times[k] >= gap:
            kept.append(k)
    kept.reverse()
    if len(kept) < 2:
        return None
    return Beats(times[kept], int(counts[kept[0]]), beats_per_bar=per_bar, steps=np.diff(counts[kept]))
