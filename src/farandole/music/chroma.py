"""Pitch classes of sound: which of the twelve notes sound, whatever their octave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from farandole.music.growing import GrowingRows

_WINDOW, _HOP = 4096, 2048
_LOW, _HIGH = 110.0, 2000.0
_PIECE = 512  # frames at a time


class Chroma:
    """Strength of the pitch classes C to B, from spectral peaks between 110 and 2000 Hz; heard piece by piece.

    The result does not depend on how the sound is cut.

    Attributes:
        fps: Rows per second; row t is centred on t / fps seconds.
    """

    def __init__(self, sample_rate: int) -> None:
        self.fps = sample_rate / _HOP
        hz = np.fft.rfftfreq(_WINDOW, 1 / sample_rate)
        self._inside = np.flatnonzero((hz >= _LOW) & (hz <= _HIGH))
        pitch = 69 + 12 * np.log2(hz[self._inside] / 440.0)
        nearest = np.round(pitch)
        self._onto = np.zeros((len(self._inside), 12))
        # in tune, and low notes before their overtones
        weight = np.cos(np.pi * (pitch - nearest)) ** 2 / np.sqrt(hz[self._inside] / _LOW)
        self._onto[np.arange(len(self._inside)), (nearest % 12).astype(int)] = weight
        self._window = np.hanning(_WINDOW).astype(np.float32)
        self._held = [np.zeros(_WINDOW // 2, np.float32)]  # frame 0 is centred on sample 0
        self._waiting, self._samples = _WINDOW // 2, 0
        self._rows = GrowingRows()

    def hear(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same blocks of mono samples, float [n] each, heard as they pass."""
        for block in blocks:
            self._held.append(np.asarray(block, np.float32))
            self._waiting, self._samples = self._waiting + len(block), self._samples + len(block)
            while self._waiting >= (_PIECE - 1) * _HOP + _WINDOW:
                self._add(_PIECE)
            yield block

    def rows(self) -> np.ndarray:
        """Rows of unit length, or zero in silence, [T, 12]; once, when all is heard."""
        left = self._samples // _HOP + 1 - len(self._rows)
        self._held.append(np.zeros(_WINDOW, np.float32))
        self._add(left)
        out = self._rows.joined()
        size = np.linalg.norm(out, axis=1, keepdims=True)
        return np.where(size > 1e-3 * max(size.max(), 1e-9), out / np.maximum(size, 1e-12), 0.0)

    def _add(self, count: int) -> None:
        """The next rows."""
        sound = np.concatenate(self._held)
        frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[: count * _HOP : _HOP]
        power = np.abs(np.fft.rfft(frames * self._window))
        middle = power[:, self._inside]
        peak = (middle >= power[:, self._inside - 1]) & (middle >= power[:, self._inside + 1])
        self._rows.add(np.sqrt(middle * peak) @ self._onto)
        self._held = [sound[count * _HOP :].copy()]
        self._waiting = len(self._held[0])
