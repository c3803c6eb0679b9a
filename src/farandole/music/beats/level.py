"""Which level is the beat: the path that was found, two or three times as fast, every second of its beats, or half a beat off."""

from __future__ import annotations

import numpy as np

from farandole.music.activation import TEMPI, Activation, against_even

_WEIGHTS = {
    "network_per_second": -0.31,
    "network_on_beats": 0.66,
    "network_between": 0.59,
    "onsets_on_beats": 0.95,
    "onsets_between": 0.5,
    "octaves": -1.11,
    "octaves_squared": -0.95,
    "tempo": 0.77,
    "downbeats_on_beats": -3.01,
    "downbeats_between": -2.21,
    "downbeats_per_second": 1.87,
}
_OTHER = {"double": -0.74, "even": -0.74, "odd": -0.74, "off": -1.09, "triple": 1.74}
"""Logistic choice among the levels, fitted on 262 songs: 214 synthesised of known kinds or by the same rule, 18 of `compose`, and
30 real ballroom recordings, which count four times. `_OTHER` is added to levels that the search did not find."""
_CENTRE_BPM = 118.0
_CERTAIN = 4.0


def best_level(
    path: np.ndarray, gain: np.ndarray, onsets: np.ndarray, said: Activation, fps: float, low: float, high: float
) -> tuple[np.ndarray, float]:
    """Frames of the beats at the level that fits best, and by how much (log odds) it does so.

    Args:
        path: Frames of the beats that were found, int [K].
        gain: Log odds of a beat at each frame, 0 where nothing sounds, [T].
        onsets: How much each frame sounds like a beat by rule (`pulse`), [T].
        said: What the network says of each frame.
        fps: Frames per second.
        low, high: Range of the tempo, beats per minute; levels beyond it are left out.
    """
    if len(path) < 8:
        return path, 0.0
    down = said.marks[:, 1]
    down = np.max([down, np.roll(down, 1), np.roll(down, -1)], axis=0) * (gain != 0)
    shares = against_even(said.tempo)
    scored = [(_score(path, gain, onsets, down, shares, fps), path)]
    for name, candidate in _levels(path).items():
        if low <= 60 * fps / np.median(np.diff(candidate)) <= high:
            scored.append((_score(candidate, gain, onsets, down, shares, fps) + _OTHER[name], candidate))
    scored.sort(key=lambda pair: -pair[0])
    return scored[0][1], scored[0][0] - scored[1][0] if len(scored) > 1 else _CERTAIN


def _levels(path: np.ndarray) -> dict[str, np.ndarray]:
    middles = (path[1:] + path[:-1]) // 2
    thirds = (2 * path[:-1] + path[1:]) // 3, (path[:-1] + 2 * path[1:]) // 3
    return {
        "double": np.sort(np.concatenate([path, middles])),
        "even": path[::2],
        "odd": path[1::2],
        "off": middles,
        "triple": np.sort(np.concatenate([path, *thirds])),
    }


def _score(
    beats: np.ndarray, gain: np.ndarray, onsets: np.ndarray, down: np.ndarray, shares: np.ndarray, fps: float
) -> float:
    middles = (beats[1:] + beats[:-1]) // 2
    octaves = float(np.log2(60 * fps / np.median(np.diff(beats)) / _CENTRE_BPM))
    place = np.log(60 * fps / np.maximum(np.diff(beats), 1) / TEMPI[0]) / np.log(TEMPI[1] / TEMPI[0])
    place = np.clip(place, 0, len(TEMPI) - 1.01)
    lower = place.astype(int)
    tempo = (1 - place + lower) * shares[middles, lower] + (place - lower) * shares[middles, lower + 1]
    signs = {
        "network_per_second": gain[beats].sum() * fps / len(gain) / 10,
        "network_on_beats": gain[beats].mean() / 5,
        "network_between": gain[middles].mean() / 5,
        "onsets_on_beats": onsets[beats].mean(),
        "onsets_between": onsets[middles].mean(),
        "octaves": octaves,
        "octaves_squared": octaves**2,
        "tempo": tempo.mean(),
        "downbeats_on_beats": 5 * down[beats].mean(),
        "downbeats_between": 5 * down[middles].mean(),
        "downbeats_per_second": 5 * down[beats].sum() * fps / len(gain),
    }
    return float(sum(weight * signs[name] for name, weight in _WEIGHTS.items()))
