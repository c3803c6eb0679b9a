"""The part of a song that is danced to: from one moment to another, or whole bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.music.excerpt import Excerpt

if TYPE_CHECKING:
    from farandole.music.song import Song

_EXACT = 0.02
"""A part that ends so near to a bar ends with it, s."""


def song_part(song: Song, begin: float | None = None, end: float | None = None) -> Song:
    """A song between two moments, s; the song itself where both are None.

    Raises:
        MotionError: If nothing is left.
        AudioError: If less than 1 s is left.
    """
    if not begin and end is None:
        return song
    begin, end = begin or 0.0, song.seconds if end is None else min(end, song.seconds)
    if not begin < end:
        raise MotionError(
            f"{song.name} lasts {song.seconds:.2f} s: nothing is left between {begin:.2f} and {end:.2f} s"
        )
    return Excerpt(song, begin, end - begin)


def whole_bars(song: Song, seconds: float | None = None) -> Song:
    """The part of a song from its first bar on that lasts a whole number of bars: about `seconds`, or as many as there are.

    Raises:
        MotionError: If the song has no whole bar.
    """
    beats = song.beats
    bars = beats.times[np.flatnonzero(beats.downbeats)]
    bars = bars[(bars > -_EXACT) & (bars < song.seconds + _EXACT)]
    usual = 60.0 / beats.tempo * beats.beats_per_bar
    if len(bars) and bars[-1] + usual < song.seconds + _EXACT:  # beats are told up to the last one that is heard
        bars = np.append(bars, bars[-1] + usual)
    if song.frames.silent or len(bars) < 2:
        raise MotionError(f"{song.name} holds no whole bar: a loop needs one")
    last = len(bars) - 1 if seconds is None else 1 + int(np.abs(bars[1:] - bars[0] - seconds).argmin())
    begin, end = max(float(bars[0]), 0.0), min(float(bars[last]), song.seconds)
    if begin < _EXACT and end > song.seconds - _EXACT:
        return song
    return Excerpt(song, begin, end - begin)
