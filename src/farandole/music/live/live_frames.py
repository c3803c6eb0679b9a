"""Samples of any rate, in blocks of any length, to mel frames; what comes out does not depend on how the blocks are cut."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

import numpy as np

from farandole.errors import AudioError
from farandole.music.onsets import HOP, MEL_BANDS, WINDOW, mel_filters

RATE = 22050
"""Rate at which live sound is heard, Hz."""
FPS = RATE / HOP
LOOK_SECONDS = WINDOW / 2 / RATE
"""A frame is complete this long after its centre, s."""
_LOBES = 12  # of the resampler's sinc on each side


class Resampler:
    """Band-limited change of sample rate in steps of `HOP` output samples: a windowed sinc for each phase.

    Args:
        rate: Rate of the input, 4000 to 384000 Hz.
    """

    def __init__(self, rate: int) -> None:
        common = gcd(rate, RATE)
        self._up, self._down = RATE // common, rate // common
        cut = min(1.0, RATE / rate) * 0.97
        self._half = int(np.ceil(_LOBES / cut))
        phase = np.arange(self._up)[:, None] / self._up
        x = np.arange(-self._half + 1, self._half + 1)[None] - phase
        window = np.cos(np.pi / 2 * np.clip(x / self._half, -1, 1)) ** 2
        taps = np.sinc(cut * x) * window
        self._taps = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
        self._reach = np.arange(-self._half + 1, self._half + 1)
        self._held = np.zeros(self._half - 1, np.float32)
        self._begin = 1 - self._half  # input index of _held[0]
        self._made = 0

    def push(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Add input; yields pieces of `HOP` samples as soon as they are complete."""
        self._held = np.concatenate([self._held, samples])
        while True:
            place = np.arange(self._made, self._made + HOP) * self._down
            at = place // self._up
            if at[-1] + self._half >= self._begin + len(self._held):
                break
            index = at[:, None] + self._reach - self._begin
            yield (self._held[index] * self._taps[place % self._up]).sum(axis=1)
            self._made += HOP
        drop = self._made * self._down // self._up - self._half + 1 - self._begin
        if drop > 0:
            self._held = self._held[drop:]
            self._begin += drop


class LiveFrames:
    """Frames as `onsets.analyse` makes them, one by one: frame t is centred on t / FPS s of the sound.

    Args:
        sample_rate: Of what is pushed, Hz.

    Raises:
        AudioError: If the rate is beyond 4000 to 384000 Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        if not 4000 <= sample_rate <= 384_000 or int(sample_rate) != sample_rate:
            raise AudioError(f"live sound at {sample_rate:g} Hz: accepted is a whole number from 4000 to 384000 Hz")
        self.sample_rate = int(sample_rate)
        self._resampler = None if sample_rate == RATE else Resampler(int(sample_rate))
        self._window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
        self._scale = np.float32((2.0 / self._window.sum()) ** 2)
        self._filters, self.centres = mel_filters(RATE, WINDOW, MEL_BANDS)
        self._held = np.zeros(WINDOW // 2, np.float32)

    def push(self, samples: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Add mono samples, float32 [n]; yields (mel powers [40], mean square around the centre) of each new frame."""
        for piece in (samples,) if self._resampler is None else self._resampler.push(samples):
            self._held = np.concatenate([self._held, piece])
            while len(self._held) >= WINDOW:
                piece = self._held[:WINDOW]
                spectrum = np.fft.rfft(piece * self._window)
                mel = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) * self._scale @ self._filters
                middle = piece[WINDOW // 4 : -WINDOW // 4]
                yield mel, float(middle @ middle) / len(middle)
                self._held = self._held[HOP:]
