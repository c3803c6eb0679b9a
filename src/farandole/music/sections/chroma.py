"""Pitch classes of sound: which of the twelve notes sound, whatever their octave."""

from __future__ import annotations

import numpy as np

_WINDOW, _HOP = 4096, 2048
_LOW, _HIGH = 110.0, 2000.0
_PIECE = 512  # frames at a time


def chroma(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Strength of the pitch classes C to B, from spectral peaks between 110 and 2000 Hz.

    Args:
        samples: Mono, float [N].
        sample_rate: Hz.

    Returns:
        [T, 12], rows of unit length (or zero in silence), row t centred on t / fps; and fps.
    """
    hz = np.fft.rfftfreq(_WINDOW, 1 / sample_rate)
    inside = np.flatnonzero((hz >= _LOW) & (hz <= _HIGH))
    pitch = 69 + 12 * np.log2(hz[inside] / 440.0)
    nearest = np.round(pitch)
    weight = np.cos(np.pi * (pitch - nearest)) ** 2 / np.sqrt(
        hz[inside] / _LOW
    )  # in tune, and low notes before their overtones
    onto = np.zeros((len(inside), 12))
    onto[np.arange(len(inside)), (nearest % 12).astype(int)] = weight
    window = np.hanning(_WINDOW).astype(np.float32)
    padded = np.pad(np.asarray(samples, np.float32), (_WINDOW // 2, _WINDOW))
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[: len(samples) + 1 : _HOP]
    out = np.zeros((len(view), 12))
    for at in range(0, len(view), _PIECE):
        power = np.abs(np.fft.rfft(view[at : at + _PIECE] * window))
        middle = power[:, inside]
        peak = (middle >= power[:, inside - 1]) & (middle >= power[:, inside + 1])
        out[at : at + _PIECE] = np.sqrt(middle * peak) @ onto
    size = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(size > 1e-3 * max(size.max(), 1e-9), out / np.maximum(size, 1e-12), 0.0), sample_rate / _HOP
