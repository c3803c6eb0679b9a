"""A part of a song, for a dance that begins later than its music."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from farandole.errors import AudioError
from farandole.music.beats import Beats
from farandole.music.decode import SHORTEST
from farandole.music.onsets import analyse
from farandole.music.song import Song


class Excerpt(Song):
    """A song from a moment on: its second 0 is the whole song's second `begin`, to the sample.

    Beats are those of the whole song.

    Args:
        whole: The song.
        begin: Where it starts, s.
        seconds: How long it is; up to the song's end by default, and never beyond.

    Raises:
        AudioError: If less than 1 s of sound is left after `begin`.
    """

    def __init__(self, whole: Song, begin: float, seconds: float | None = None) -> None:
        rate = whole.sample_rate
        first = round(begin * rate)
        if begin < 0 or len(whole.samples) - first < SHORTEST * rate:
            raise AudioError(
                f"{whole.name} lasts {whole.seconds:.2f} s: an excerpt from {begin:.2f} s on needs {SHORTEST:g} s of sound"
            )
        last = None if seconds is None else first + round(max(seconds, SHORTEST) * rate)
        samples = whole.samples[first:last]
        super().__init__(analyse([samples], rate), name=whole.name, samples=samples)
        self.whole, self.begin = whole, begin

    @cached_property
    def beats(self) -> Beats:
        """The whole song's beats; those before the excerpt have negative times."""
        return replace(self.whole.beats, times=self.whole.beats.times - self.begin)
