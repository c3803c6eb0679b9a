"""Which tempi a passage of music supports: windowed autocorrelation and Fourier tempograms of the onset strength.

The autocorrelation answers at every multiple of the beat period, the Fourier spectrum at every multiple of the beat
frequency; their product keeps what both say (G. Peeters: Template-based estimation of time-varying tempo, EURASIP JASP
2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.music.beats.pulse import local_strength
from farandole.music.onsets import FrameFeatures

MIN_BPM, MAX_BPM = 55.0, 215.0
"""Range searched without a hint."""
_SLOWEST, _FASTEST = 20.0, 400.0
_STEP = 0.02  # spacing of the tempo grid, natural log
_WINDOW_SECONDS = 10.0
_HOP_SECONDS = 1.0
_PREFERRED_BPM, _PREFERRED_OCTAVES = 118.0, 0.75  # prior: people tap near 2 Hz (D. Moelants, ICMPC 2002)


@dataclass(frozen=True, eq=False)
class Tempogram:
    """Support of tempi over time.

    Attributes:
        bpm: Tempo grid, log-spaced, [N].
        times: Centres of the windows, [W] s.
        support: Relative support, [W, N] in 0..1 (1 = the best tempo of its window), prior included.
        periodicity: How periodic each window is at its best tempo: normalised autocorrelation, [W] in 0..1.
    """

    bpm: np.ndarray
    times: np.ndarray
    support: np.ndarray
    periodicity: np.ndarray


class TempoScores:
    """What a song's onsets say of all tempi that can be asked for, in windows of 10 s, one per second.

    Args:
        frames: Frame features.
    """

    def __init__(self, frames: FrameFeatures) -> None:
        fps = frames.fps
        self._bpm = bpm = np.exp(np.arange(np.log(_SLOWEST), np.log(_FASTEST) + _STEP / 2, _STEP))
        strength = np.concatenate([frames.onset[:, None], frames.onsets], axis=1)
        z = local_strength(strength, fps)
        np.clip(z, -1.5, 4.0, out=z)
        weights = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
        length = round(_WINDOW_SECONDS * fps)
        self._times = np.arange(0.0, max(frames.seconds, 0.1), _HOP_SECONDS)
        padded = np.pad(z, ((length // 2, length), (0, 0)))
        del z, strength
        size = 1 << (2 * length).bit_length()
        taper = np.hanning(length + 2)[1:-1] ** 0.5
        period = 60.0 / bpm * fps
        overlap = np.fft.irfft(
            np.abs(np.fft.rfft(taper, size)) ** 2, size
        )  # autocorrelation of the taper: undo its bias
        self._score = np.zeros((len(self._times), len(bpm)), np.float32)
        self._comb = np.zeros_like(self._score)
        for index, centre in enumerate(self._times):
            start = round(centre * fps)
            piece = padded[start : start + length] * taper[:, None]
            power = np.abs(np.fft.rfft(piece, size, axis=0)) ** 2
            correlation = np.fft.irfft(power, size, axis=0)[: size // 2]
            energy = correlation[0]
            if not energy.any():
                continue
            relative = (correlation / np.where(energy > 0, energy, np.inf)) @ weights / weights.sum()
            relative = relative / np.maximum(overlap[: size // 2] / overlap[0], 0.15)
            spectrum = np.sqrt(power / np.where(energy > 0, energy, np.inf)) @ weights / weights.sum()
            peaks = {m: _peak(relative, m * period) for m in (1, 2, 3, 4, 6)}
            combs = [
                0.45 * peaks[1] + 0.3 * peaks[m] + 0.25 * peaks[2 * m] for m in (2, 3)
            ]  # beats in twos or in threes
            self._comb[index] = np.clip(np.maximum(*combs), 0, None)
            waves = sum(
                w * np.interp(m * bpm / 60.0 * size / fps, np.arange(len(spectrum)), spectrum)
                for m, w in ((1, 1.0), (2, 0.5))
            )
            self._score[index] = self._comb[index] * np.sqrt(waves)

    def within(self, min_bpm: float, max_bpm: float, *, prior: bool = False) -> Tempogram:
        """The support of tempi in a range of beats per minute, and one tempo beyond either end.

        Args:
            min_bpm, max_bpm: Range, in 20 to 400.
            prior: Whether to prefer tempi near 118 bpm.
        """
        first, last = np.searchsorted(self._bpm, [min_bpm, max_bpm])
        chosen = slice(max(0, first - 1), last + 1)
        bpm, support = self._bpm[chosen], self._score[:, chosen].astype(float)
        if prior:
            support *= np.exp(-0.5 * (np.log2(bpm / _PREFERRED_BPM) / _PREFERRED_OCTAVES) ** 2)
        support /= np.maximum(support.max(axis=1, keepdims=True), 1e-9)
        return Tempogram(bpm, self._times, support, np.clip(self._comb[:, chosen].max(axis=1), 0, 1).astype(float))


def _peak(curve: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Largest value of a curve around fractional lags: a peak is never missed by standing between two frames."""
    grid = np.arange(len(curve))
    return np.max([np.interp(lags + shift, grid, curve, right=0.0) for shift in (-0.5, 0.0, 0.5)], axis=0)
