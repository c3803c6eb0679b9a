"""Which level is the beat: the path that was found, twice or thrice as fast or slow, at 3:2 or 2:3, or half a beat off."""

from __future__ import annotations

import numpy as np

from farandole.music.beats.fitted_weights import WEIGHTS
from farandole.music.beats.level_signs import LevelEvidence, level_signs

SLOWEST, FASTEST = 44.0, 226.0
"""Beats per minute: levels that are looked at where no range of the tempo is told."""
_FEWEST = 5  # beats of a level that is looked at


def best_level(path: np.ndarray, evidence: LevelEvidence, low: float, high: float) -> tuple[np.ndarray, float]:
    """Frames of the beats at the level that fits best, and its probability among the levels.

    Args:
        path: Frames of the beats that were found, int [K].
        evidence: What is heard of the song.
        low, high: Range of the tempo, beats per minute; levels beyond it are left out.
    """
    if len(path) < 8:
        return path, 0.5
    found = {
        name: beats
        for name, beats in levels(path).items()
        if name == "found" or low <= 60 * evidence.fps / np.median(np.diff(beats)) <= high
    }
    scores = np.array([_score(name, beats, evidence) for name, beats in found.items()])
    shares = np.exp(scores - scores.max())
    best = int(scores.argmax())
    return list(found.values())[best], float(shares[best] / shares.sum())


def _score(name: str, beats: np.ndarray, evidence: LevelEvidence) -> float:
    signs = level_signs(beats, evidence)
    return WEIGHTS[f"is_{kind_of(name)}"] + sum(WEIGHTS[sign] * value for sign, value in signs.items())


def kind_of(name: str) -> str:
    """Kind of a level of `levels`: its name without the phase."""
    return name.rstrip("012")


def levels(path: np.ndarray) -> dict[str, np.ndarray]:
    """All levels that are looked at, by name, frames of the beats."""
    halves, thirds = _divided(path, 2), _divided(path, 3)
    found = {
        "found": path,
        "double": halves,
        "even": path[::2],
        "odd": path[1::2],
        "off": halves[1::2],
        "triple": thirds,
    }
    found |= {f"third{k}": path[k::3] for k in range(3)}
    found |= {f"two_thirds{k}": halves[k::3] for k in range(3)}
    found |= {f"three_halves{k}": thirds[k::2] for k in range(2)}
    return {name: beats for name, beats in found.items() if len(beats) >= _FEWEST}


def _divided(path: np.ndarray, parts: int) -> np.ndarray:
    """Each beat in so many parts."""
    places = np.arange(parts * (len(path) - 1) + 1) / parts
    return np.round(np.interp(places, np.arange(len(path)), path)).astype(int)
