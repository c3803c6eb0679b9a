"""Which level is the beat: the path that was found, twice as fast, or every second of its beats."""

from __future__ import annotations

import numpy as np

_WEIGHTS = {
    "network_per_second": 2.27,
    "network_on_beats": -0.3,
    "network_between": -0.82,
    "onsets_on_beats": 1.75,
    "onsets_between": 1.05,
    "octaves": 0.85,
    "octaves_squared": -1.01,
}
_STAY = 2.1
"""Logistic choice among the levels, fitted on 54 synthesised songs; a level that was not searched for must be clearly better."""
_CENTRE_BPM = 118.0


def best_level(
    path: np.ndarray, gain: np.ndarray, onsets: np.ndarray, fps: float, low: float, high: float
) -> np.ndarray:
    """Frames of the beats at the level that fits best.

    Args:
        path: Frames of the beats that were found, int [K].
        gain: Log odds of a beat at each frame, [T].
        onsets: How much each frame sounds like a beat by rule (`pulse`), [T].
        fps: Frames per second.
        low, high: Range of the tempo, beats per minute; levels beyond it are left out.
    """
    if len(path) < 8:
        return path
    doubled = np.sort(np.concatenate([path, (path[1:] + path[:-1]) // 2]))
    best, best_score = path, _score(path, gain, onsets, fps) + _STAY
    for candidate in (doubled, path[::2], path[1::2]):
        if low <= 60 * fps / np.median(np.diff(candidate)) <= high:
            score = _score(candidate, gain, onsets, fps)
            if score > best_score:
                best, best_score = candidate, score
    return best


def _score(beats: np.ndarray, gain: np.ndarray, onsets: np.ndarray, fps: float) -> float:
    middles = (beats[1:] + beats[:-1]) // 2
    octaves = float(np.log2(60 * fps / np.median(np.diff(beats)) / _CENTRE_BPM))
    signs = {
        "network_per_second": gain[beats].sum() * fps / len(gain) / 10,
        "network_on_beats": gain[beats].mean() / 5,
        "network_between": gain[middles].mean() / 5,
        "onsets_on_beats": onsets[beats].mean(),
        "onsets_between": onsets[middles].mean(),
        "octaves": octaves,
        "octaves_squared": octaves**2,
    }
    return float(sum(weight * signs[name] for name, weight in _WEIGHTS.items()))
