"""A dance with the beats of its song marked in it, as files and pages tell them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from farandole.motion.markers import Markers
from farandole.motion.motion import Motion

if TYPE_CHECKING:
    from farandole.music import Song


def with_beats(motion: Motion, song: Song | None, *, offset: float = 0.0) -> Motion:
    """The motion with the beats and bars of its song as markers.

    Args:
        motion: What dances.
        song: Its song; None leaves the markers as they are.
        offset: Second of the song at which the motion begins.
    """
    if song is None:
        return motion
    if song.frames.silent:
        return replace(motion, markers=None)
    beats = song.beats
    times = tuple(float(t) for t in beats.times)
    bars = tuple(float(t) for t, down in zip(beats.times, beats.downbeats, strict=True) if down)
    return replace(
        motion, markers=Markers(times, bars).between(offset, offset + motion.seconds, slack=0.5 / motion.fps)
    )
