"""Moments given as seconds, or as beats or bars of a song: `--begin 12.5`, `--end bar9`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song

Begin = Annotated[
    str | None,
    typer.Option("--begin", metavar="S", help="Drop what is before: seconds, or bar5 or beat17 of the song."),
]
End = Annotated[str | None, typer.Option("--end", metavar="S", help="Drop what is after: seconds, a bar or a beat.")]


def moment(text: str | None, song: Song | None, option: str) -> float | None:
    """Seconds from the beginning of the motion; None for None.

    Args:
        text: "12.5", "12.5s", "bar5" or "beat17" (where they begin; both are counted from 1), also "5bar" and "17beat".
        song: Whose bars are meant.
        option: What messages call it.

    Raises:
        MotionError: If it is none of these, there is no song, or it has fewer bars or beats.
    """
    from farandole.errors import MotionError

    if text is None:
        return None
    words = text.strip().lower()
    seconds = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*s?", words)
    if seconds:
        return float(seconds[1])
    place = re.fullmatch(r"(?P<unit>bar|beat)\s*(?P<number>\d+)|(?P<first>\d+)\s*(?P<after>bar|beat)s?", words)
    if not place:
        raise MotionError(f"{option} {text}: give seconds (12.5), a bar (bar5) or a beat (beat17)")
    unit, number = place["unit"] or place["after"], int(place["number"] or place["first"])
    if song is None:
        raise MotionError(f"{option} {text}: {unit}s are those of a song: add --song")
    times = bar_times(song) if unit == "bar" else beat_times(song)
    if not 1 <= number <= len(times):
        raise MotionError(f"{option} {text}: {song.name} has {unit}s 1 to {len(times)}")
    return times[number - 1]


def bar_times(song: Song) -> list[float]:
    """Where the bars of a song begin, s."""
    import numpy as np

    if song.frames.silent:
        return []
    return [max(float(t), 0.0) for t in song.beats.times[np.flatnonzero(song.beats.downbeats)]]


def beat_times(song: Song) -> list[float]:
    """Where the beats of a song begin, s."""
    return [] if song.frames.silent else [max(float(t), 0.0) for t in song.beats.times]


def cut(motion: Motion, begin: float | None, end: float | None, source: str) -> Motion:
    """The frames between two moments, s. Raises MotionError if nothing is left."""
    from farandole.errors import MotionError

    if not begin and end is None:
        return motion
    first = round((begin or 0.0) * motion.fps)
    last = None if end is None else round(end * motion.fps)
    if first >= (len(motion) if last is None else min(last, len(motion))):
        raise MotionError(
            f"{source} lasts {motion.seconds:.2f} s: nothing is left between --begin {begin or 0:g} and --end"
        )
    return motion.slice(first, last)
