"""How hard the music strikes of late: the measure of whole songs, taken over the last bars."""

from __future__ import annotations

import numpy as np

from farandole.music.onsets import MEL_BANDS, FrameFeatures

_SECONDS = 24.0
"""Of music that the measure is taken over."""
_LEAST = 4.0
"""Seconds of music before it is taken for the first time."""
_EVERY = 2.0
"""Seconds between two times."""


class LivePunch:
    """`FrameFeatures.punch` of the music since it began, or of its last 24 s.

    Args:
        fps: Frames a second.
        sample_rate: At which the frames were heard, Hz.

    Attributes:
        value: None while too little was heard.
    """

    def __init__(self, fps: float, sample_rate: int) -> None:
        self._fps, self._rate = fps, sample_rate
        self._mel = np.zeros((round(_SECONDS * fps), MEL_BANDS), np.float32)
        self._power = np.zeros(len(self._mel), np.float32)
        self._every, self._least = round(_EVERY * fps), round(_LEAST * fps)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: other music begins."""
        self._heard, self.value = 0, None

    def step(self, mel: np.ndarray, power: float) -> None:
        """Take in a frame: mel powers [40] and mean square."""
        at = self._heard % len(self._mel)
        self._mel[at], self._power[at] = mel, power
        self._heard += 1
        if self._heard >= self._least and self._heard % self._every == 0:
            self.value = self._measured()

    def _measured(self) -> float:
        count = min(self._heard, len(self._mel))
        order = np.arange(self._heard - count, self._heard) % len(self._mel)
        return FrameFeatures(self._fps, self._mel[order], self._power[order], count / self._fps, self._rate).punch
