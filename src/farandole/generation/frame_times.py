"""Moments of a motion as people say them: frames, seconds, and beats and bars of its song."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError

if TYPE_CHECKING:
    from farandole.music.song import Song

_MOMENT = re.compile(r"^\s*(?P<number>-?\d+(?:\.\d+)?)\s*(?P<unit>s|beats?|bars?)?\s*$")
ACCEPTED = "frames (15), seconds (0.5s), beats or bars of the song (2beats, 1bar)"


@dataclass(frozen=True, eq=False)
class FrameTimes:
    """Turns words into frames of one motion.

    Attributes:
        frames: Length T of the motion.
        fps: Its frame rate.
        song: Music that begins with it; beats and bars need it.
        name: What to call the motion in messages.
    """

    frames: int
    fps: float
    song: Song | None = None
    name: str = "motion"

    def frame(self, text: str | int) -> int:
        """A moment as a frame: 30, "30", "1.2s", "5beat" or "3bar" (beats and bars count from 1; the frame where it begins).

        Raises:
            MotionError: If it is no moment, or there is no song whose beats could be meant.
        """
        number, unit = self._parts(text)
        if not unit:
            if number != int(number):
                raise MotionError(f"{text}: frames are whole numbers; write {number:g}s for seconds")
            return int(number)
        if unit == "s":
            return round(number * self.fps)
        return int(self._starts(unit)[self._place(number, unit)])

    def span(self, text: str) -> tuple[int, int]:
        """A stretch of time as first and last frame: "40:80", "1.2s:2s", "1.2:2s", "9:16bars" (to the end of the last)."""
        first, colon, last = text.partition(":")
        if not colon:
            last = first
        _, end_unit = self._parts(last)
        if not self._parts(first)[1] and end_unit:
            first = f"{first}{end_unit}"
        begin = self.frame(first)
        if end_unit in ("beat", "bar"):
            number, _ = self._parts(last)
            starts = np.append(self._starts(end_unit), self.frames)
            end = int(starts[self._place(number, end_unit) + 1]) - 1
        else:
            end = self.frame(last)
        if begin > end:
            raise MotionError(f"{text} ends before it begins")
        return begin, end

    def listed(self, text: str) -> list[int]:
        """Moments and stretches with commas between as frames: "0,1.2s,75:80"."""
        frames: list[int] = []
        for part in text.split(","):
            if ":" in part:
                first, last = self.span(part)
                frames += range(first, last + 1)
            else:
                frames.append(self.frame(part))
        return frames

    def every(self, text: str | int) -> list[int] | int:
        """A distance of key frames: a whole number of frames, or the frames at "0.5s", "2beats" or "1bar" from one another."""
        number, unit = self._parts(text)
        if not unit:
            if number != int(number):
                raise MotionError(f"every {text}: frames are whole numbers; write {number:g}s for seconds")
            return int(number)
        if unit == "s":
            if number * self.fps < 2.0:
                raise MotionError(
                    f"every {text}: need two frames ({2.0 / self.fps:.3g}s) or more, or there is nothing to fill"
                )
            keys = np.round(np.arange(0.0, self.frames / self.fps, number) * self.fps).astype(int)
        else:
            if number < 1 or number != int(number):
                raise MotionError(f"every {text}: need a whole number of {unit}s")
            keys = self._starts(unit)[:: int(number)]
        kept = sorted({0, *(int(k) for k in keys if k < self.frames), self.frames - 1})
        if len(kept) < 3:
            raise MotionError(f"every {text}: {self.name} is too short, nothing but its two ends would be kept")
        return kept

    def _parts(self, text: str | int) -> tuple[float, str]:
        match = _MOMENT.match(str(text))
        if match is None:
            raise MotionError(f"'{str(text).strip()}' is no moment; accepted are {ACCEPTED}")
        return float(match["number"]), (match["unit"] or "").rstrip("s") if match["unit"] != "s" else "s"

    def _place(self, number: float, unit: str) -> int:
        """Index of a beat or bar that is counted from 1."""
        starts = self._starts(unit)
        if number != int(number) or not 1 <= number <= len(starts):
            raise MotionError(f"there is no {unit} {number:g} within {self.name}: it has {unit}s 1 to {len(starts)}")
        return int(number) - 1

    def _starts(self, unit: str) -> np.ndarray:
        """Frames within the motion at which beats or bars begin."""
        return self._bars if unit == "bar" else self._beats

    @cached_property
    def _beats(self) -> np.ndarray:
        return self._frames_of(np.ones(len(self._grid), bool))

    @cached_property
    def _bars(self) -> np.ndarray:
        return self._frames_of(self._grid.downbeats)

    def _frames_of(self, chosen: np.ndarray) -> np.ndarray:
        frames = np.round(self._grid.times[chosen] * self.fps).astype(int)
        return frames[(frames >= 0) & (frames < self.frames)]

    @property
    def _grid(self):
        if self.song is None:
            raise MotionError("beats and bars are those of a song: give one")
        return self.song.beats
