"""What the beat network sees of a frame: its mel spectrum against the recent loud level, and how each band rose."""

from __future__ import annotations

import numpy as np

_COMPRESSION = 30.0  # gamma of log(1 + gamma * amplitude)
_FALL_DB = 1.0  # dB a second by which the loud level is forgotten
_FLOOR = 1e-7  # least loud level, power of full scale: digital noise stays small
_LAG = 2  # frames over which bands rise: half a window

Array = np.ndarray


class SpectrumInput:
    """The network's input frame by frame; remembers the loud level and the last frames.

    Args:
        fps: Frames per second.
        bands: Mel bands per frame.
    """

    def __init__(self, fps: float, bands: int) -> None:
        self._fall = _FALL_DB / 10 * np.log(10) / fps
        self._loud = float(np.log(_FLOOR))
        self._levels = np.zeros((_LAG, bands), np.float32)
        self._at = 0

    def step(self, mel: Array) -> Array:
        """Band powers of the next frame, [B] -> input, float32 [2 B]."""
        self._loud = max(self._loud - self._fall, float(np.log(mel.max() + 1e-12)), float(np.log(_FLOOR)))
        level = _compressed(mel, np.exp(self._loud))
        rise = np.maximum(level - _highest(self._levels[self._at]), 0)
        self._levels[self._at] = level
        self._at = (self._at + 1) % _LAG
        return np.concatenate([level, rise])


class SpectrumRows:
    """The network's input for all frames of a song, worked out for those that are asked for.

    Args:
        mel: Band powers, [T, B].
        fps: Frames per second.
    """

    def __init__(self, mel: Array, fps: float) -> None:
        fall = _FALL_DB / 10 * np.log(10) / fps
        ramp = np.arange(len(mel)) * fall
        peak = np.maximum(np.log(mel.max(axis=1) + 1e-12), np.log(_FLOOR))
        self._mel = mel
        self._loud = np.exp(np.maximum(np.maximum.accumulate(peak + ramp) - ramp, np.log(_FLOOR)))

    def __len__(self) -> int:
        return len(self._mel)

    def __getitem__(self, frames: slice) -> Array:
        """Float32 [K, 2 B] of frames that follow each other."""
        first, stop, _ = frames.indices(len(self))
        before = min(first, _LAG)
        seen = slice(first - before, stop)
        return with_rises(_compressed(self._mel[seen], self._loud[seen, None]))[before:]


def spectrum_input(mel: Array, fps: float) -> Array:
    """The network's input for all frames at once: band powers [T, B] -> float32 [T, 2 B]."""
    return SpectrumRows(mel, fps)[:]


def with_rises(level: Array) -> Array:
    """Compressed levels [T, B] and, beside them, how each rose over the frames before, [T, 2 B]."""
    before = np.concatenate([np.zeros((_LAG, level.shape[1]), np.float32), level])[: len(level)]
    return np.concatenate([level, np.maximum(level - _highest(before), 0)], axis=1)


def _compressed(mel: Array, loud: Array | float) -> Array:
    return np.log1p(_COMPRESSION * np.sqrt(mel / loud)).astype(np.float32)


def _highest(level: Array) -> Array:
    """Maximum over each band and its neighbours: vibrato does not count as a rise (Böck and Widmer, DAFx 2013)."""
    out = level.copy()
    out[..., 1:] = np.maximum(out[..., 1:], level[..., :-1])
    out[..., :-1] = np.maximum(out[..., :-1], level[..., 1:])
    return out
