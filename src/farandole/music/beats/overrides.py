"""Beats as a person tells them: tempo, first beat, meter or a whole file take the place of what was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import AudioError
from farandole.music.beats.bars import find_bars
from farandole.music.beats.grid import Beats
from farandole.music.beats.text import read_beats

if TYPE_CHECKING:
    from farandole.music.song import Song

_HELD = 0.04  # a told tempo may be off by this share: the beats found follow the music


def told_beats(
    song: Song,
    *,
    bpm: float | None = None,
    offset: float | None = None,
    meter: int | None = None,
    file: str | Path | None = None,
) -> Beats:
    """The beats of a song as far as they are told, the rest as they are found; for `Song.with_beats`.

    Args:
        song: The music.
        bpm: Tempo, 20 to 400. With `offset` it gives the grid itself; alone, beats are looked for within 4 % of it.
        offset: Time of the first beat of a bar, s.
        meter: Beats in a bar, 2 to 12.
        file: A beat file (`text.read_beats`); tempo and offset cannot be told beside it.

    Raises:
        AudioError: If a number is out of range, the file is no beat file, or it is told beside bpm or offset.
    """
    if meter is not None and not 2 <= meter <= 12:
        raise AudioError(f"bars of {meter} beats: accepted is 2 to 12")
    if file is not None:
        if bpm is not None or offset is not None:
            raise AudioError(f"{file} tells the beats already: give either a beat file or a tempo and offset")
        return read_beats(file, beats_per_bar=meter)
    if bpm is not None and not 20 <= bpm <= 400:
        raise AudioError(f"a tempo of {bpm:g} beats per minute: accepted is 20 to 400")
    if bpm is not None and offset is not None:
        return Beats.told(bpm, song.seconds, offset=offset, beats_per_bar=meter or 4)
    if bpm is None:
        found = song.beats
    else:
        found = song.beats_within(max(20.0, bpm * (1 - _HELD)), min(400.0, bpm * (1 + _HELD)))
    bar = meter or found.beats_per_bar
    if offset is not None:
        if not 0 <= offset <= song.seconds:
            raise AudioError(f"a first beat at {offset:g} s: {song.name} lasts {song.seconds:.2f} s")
        nearest = int(np.abs(found.times - offset).argmin())
        moved = found.times + offset - found.times[nearest]
        return replace(found, times=moved, first_count=-nearest % bar, beats_per_bar=bar, steps=None, confidence=1.0)
    if meter is not None:
        _, counts = find_bars(song.frames, found.times, song.frames.activation.marks, meters=(meter,))
        first = int(counts[0]) % meter
        return replace(found, first_count=first, beats_per_bar=meter, steps=np.diff(counts))
    return found
