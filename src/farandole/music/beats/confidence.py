"""How clear a pulse is, and how likely the beats found in it are those that a listener would tap."""

from __future__ import annotations

import numpy as np

from farandole.music.activation import TEMPI, Activation, TwiceTold
from farandole.music.beats.fitted_weights import CONFIDENCE, CONFIDENCE_BIAS
from farandole.music.beats.pulse import moving_mean
from farandole.music.beats.tempogram import Tempogram
from farandole.music.onsets import FrameFeatures


def confidence_of(signs: dict[str, float]) -> float:
    """Probability that the beats are right in tempo and phase, 0 to 1; see `confidence_signs`."""
    return float(1 / (1 + np.exp(-CONFIDENCE_BIAS - sum(CONFIDENCE[name] * value for name, value in signs.items()))))


def confidence_signs(
    beats: np.ndarray,
    by_network: np.ndarray,
    by_pulse: np.ndarray,
    gain: np.ndarray,
    said: Activation,
    share: float,
    fps: float,
) -> dict[str, float]:
    """What speaks for the beats and against them.

    Args:
        beats: Frames of the beats, int [K].
        by_network, by_pulse: The same, found by the network alone and by onsets and tempogram alone.
        gain: Log odds of a beat at each frame, [T].
        said: What the network says of each frame.
        share: Probability of their level among those looked at.
        fps: Frames per second.

    Returns:
        "agree_network", "agree_pulse": F-measure against the two, 0 to 1. "gain": mean log odds on the beats. "between":
        how much more there is on the beats than half-way between. "skipped": how even the gain is over beats in turn.
        "elsewhere": share of the network's beats that lie on none. "tempo", "octave": share that the network gives to their
        tempo, and to its double and half. "level": log odds of it.
    """
    on = gain[beats]
    covered = np.zeros(len(gain))
    for shift in range(-4, 5):
        covered[np.clip(beats + shift, 0, len(gain) - 1)] = 1.0
    middles = gain[np.clip((beats[1:] + beats[:-1]) // 2, 0, len(gain) - 1)]
    skipped = abs(float(on[::2].mean() - on[1::2].mean())) if len(on) > 3 else 0.0
    heard = said.marks[:, 0]
    return {
        "agree_network": _agreement(beats, by_network, 0.07 * fps),
        "agree_pulse": _agreement(beats, by_pulse, 0.07 * fps),
        "gain": float(np.clip(on.mean(), -8, 12)),
        "between": float(np.clip(on.mean() - middles.mean(), -8, 16)) if len(middles) else 0.0,
        "skipped": min(skipped, 8.0),
        "elsewhere": float(1 - (heard * covered).sum() / (heard.sum() + 1e-9)),
        "tempo": tempo_share(said.tempo, beats, fps),
        "level": float(np.clip(np.log(share / max(1 - share, 1e-9)), -3, 5)),
        "octave": tempo_share(said.tempo, beats, fps, 2.0) + tempo_share(said.tempo, beats, fps, 0.5),
    }


def tempo_share(tempo: np.ndarray | TwiceTold, beats: np.ndarray, fps: float, factor: float = 1.0) -> float:
    """Share, 0 to 1, that the network gives to tempi within 6 % of `factor` times that of the beats (frames, [K])."""
    octaves = np.log2(TEMPI)
    own = np.log2(factor * 60 * fps / np.maximum(np.diff(beats), 1))
    near = np.abs(octaves - own[:, None]) < np.log2(1.06)
    middles = np.clip((beats[1:] + beats[:-1]) // 2, 0, len(tempo) - 1)
    return float((tempo[middles] * near).sum(axis=1).mean()) if len(own) else 0.0


def _agreement(a: np.ndarray, b: np.ndarray, reach: float) -> float:
    """F-measure of two ascending rows of frames: the share of both that has one of the other within `reach`."""

    def near(x: np.ndarray, y: np.ndarray) -> int:
        if not len(y):
            return 0
        after = np.searchsorted(y, x)
        gaps = [np.abs(x - y[np.clip(k, 0, len(y) - 1)]) for k in (after - 1, after)]
        return int((np.minimum(*gaps) <= reach).sum())

    return (near(a, b) + near(b, a)) / max(1, len(a) + len(b))


def clarity_of(tempi: Tempogram, strength: np.ndarray, times: np.ndarray, frames: FrameFeatures) -> float:
    """0..1 from how periodic the onsets are and how much they gather on the beats.

    The median periodicity of noise, random clicks and babble is at most 0.10, of real ballroom music 0.12 (soft
    strings) to 0.56.
    """
    sounding = np.interp(times, frames.times, heard(frames)) > 0.5
    windows = np.interp(tempi.times, frames.times, heard(frames)) > 0.5
    if not sounding.any() or not windows.any():
        return 0.0
    periodic = float(np.median(tempi.periodicity[windows]))
    gathered = float(np.mean(np.clip(strength[sounding], -1, 3)))
    return float(np.clip((periodic - 0.1) / 0.2, 0, 1) * np.clip((gathered - 0.2) / 0.8, 0, 1))


def heard(frames: FrameFeatures) -> np.ndarray:
    """1 where the three seconds about a frame are less than 50 dB below the song's mean power, else 0."""
    around = moving_mean(frames.power, round(3 * frames.fps))
    return (around > 1e-5 * frames.power.mean()).astype(float)
