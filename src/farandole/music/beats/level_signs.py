"""What speaks for beats at one level: what lies on them, half-way, at thirds and quarters, and how they take turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.music.activation import TEMPI, Activation, TwiceTold
from farandole.music.beats.pulse import local_strength
from farandole.music.onsets import BAND_NAMES, FrameFeatures

_CENTRE_BPM = 118.0
_LEAST = 0.02  # of a tempo's share against an even one
_RELATED = {
    "tempo": 1.0,
    "double": 2.0,
    "half": 0.5,
    "triple": 3.0,
    "third": 1 / 3,
    "three_halves": 1.5,
    "two_thirds": 2 / 3,
}
_SCALES = {"gain": 0.2, "pulse": 1.0, "beat": 2.0, "down": 5.0}
_LEAST_VARIANCE = {"gain": 0.1, "down": 1e-3}


@dataclass(frozen=True, eq=False)
class LevelEvidence:
    """What levels are judged by, each the highest of a frame and its neighbours.

    Attributes:
        marks: Name -> [T]: "gain", log odds of a beat, 0 where nothing sounds; "pulse", how much it sounds like a beat by
            rule; "beat" and "down", what the network says.
        attacks: In the bands of `BAND_NAMES`, against their surroundings, [T, 4].
        tempo: Shares of `TEMPI`, [T, 48].
        fps: Frames per second.
    """

    marks: dict[str, np.ndarray]
    attacks: np.ndarray
    tempo: np.ndarray | TwiceTold
    fps: float

    @classmethod
    def of(cls, frames: FrameFeatures, gain: np.ndarray, pulse: np.ndarray, said: Activation) -> LevelEvidence:
        """From gain of a beat [T], pulse [T] and what the network says."""
        heard = _highest(said.marks) * (gain != 0)[:, None]
        attacks = np.clip(local_strength(frames.attacks, frames.fps), -1.0, 5.0)
        marks = {"gain": _highest(gain), "pulse": pulse, "beat": heard[:, 0], "down": heard[:, 1]}
        return cls(marks, _highest(attacks), said.tempo, frames.fps)


def level_signs(beats: np.ndarray, evidence: LevelEvidence) -> dict[str, float]:
    """Signs of one level, beats being frames, int [K >= 5].

    "octaves" (also squared and cubed) from 118 beats per minute; of each tempo in `_RELATED` the mean log share and the log of the
    mean share that the network gives; of each mark and band the mean on the beats, half-way, at thirds and at quarters, and
    "turns", how far every second beat differs; how each repeats after some beats; "kick_and_snare", how far bass and treble
    take turns on the beats, and on beats and half beats.
    """
    gaps = np.maximum(np.diff(beats), 1)
    octaves = float(np.log2(60 * evidence.fps / np.median(gaps) / _CENTRE_BPM))
    signs = {"octaves": octaves, "octaves_squared": octaves**2, "octaves_cubed": octaves**3 / 2}
    places = {
        "on": beats,
        "half": (beats[1:] + beats[:-1]) // 2,
        "third": np.concatenate([(2 * beats[:-1] + beats[1:]) // 3, (beats[:-1] + 2 * beats[1:]) // 3]),
        "quarter": np.concatenate([(3 * beats[:-1] + beats[1:]) // 4, (beats[:-1] + 3 * beats[1:]) // 4]),
    }
    signs |= _tempo_signs(60 * evidence.fps / gaps, evidence.tempo[places["half"]])
    seconds = len(evidence.tempo) / evidence.fps
    for name, values in evidence.marks.items():
        scale = _SCALES[name]
        signs |= {f"{name}_{place}": scale * float(values[at].mean()) for place, at in places.items()}
        signs[f"{name}_turns"] = scale * _turns(values[beats])
        signs[f"{name}_per_second"] = scale / 2 * float(values[beats].sum()) / seconds
    for name, lags in (("down", (2, 3, 4, 6, 8)), ("gain", (2, 3, 4))):
        signs |= _repeats(name, evidence.marks[name][beats], lags, _LEAST_VARIANCE[name])
    for band, values in zip(BAND_NAMES, evidence.attacks.T, strict=True):
        signs |= {f"{band}_{place}": float(values[at].mean()) for place, at in places.items()}
        signs[f"{band}_turns"] = _turns(values[beats])
        signs |= _repeats(band, values[beats], (1, 2, 3, 4), 0.05)
    weight = evidence.attacks[:, 0] - evidence.attacks[:, 3]
    halves = np.sort(np.concatenate([beats, places["half"]]))
    return {**signs, "kick_and_snare": _turns(weight[beats]), "kick_and_snare_halves": _turns(weight[halves])}


def _tempo_signs(bpm: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """What the network says, at each gap [K] (rows of `shares`), of its tempo and of those related to it."""
    signs, last = {}, len(TEMPI) - 1
    rows = np.arange(len(bpm))
    for name, factor in _RELATED.items():
        place = np.log(factor * bpm / TEMPI[0]) / np.log(TEMPI[1] / TEMPI[0])
        lower = np.clip(place.astype(int), 0, last - 1)
        part = np.clip(place - lower, 0, 1)
        share = ((1 - part) * shares[rows, lower] + part * shares[rows, lower + 1]) * len(TEMPI)
        share = np.where((place > 0) & (place < last), share, 0)
        signs[f"{name}_log"] = float(np.log(np.maximum(share, _LEAST)).mean())
        signs[f"{name}_mean"] = float(np.log(max(share.mean(), _LEAST)))
    return signs


def _turns(values: np.ndarray) -> float:
    return abs(float(values[::2].mean() - values[1::2].mean()))


def _repeats(name: str, values: np.ndarray, lags: tuple[int, ...], least: float) -> dict[str, float]:
    """How far values of beats are like those some beats later, about -1 to 1."""
    off = values - values.mean()
    variance = float((off**2).mean()) + least
    like = lambda lag: float((off[lag:] * off[:-lag]).mean()) / variance if len(off) > lag + 3 else 0.0  # noqa: E731
    return {f"{name}_after_{lag}": like(lag) for lag in lags}


def _highest(values: np.ndarray) -> np.ndarray:
    higher = np.maximum(values, np.roll(values, 1, axis=0))
    return np.maximum(higher, np.roll(values, -1, axis=0), out=higher)
