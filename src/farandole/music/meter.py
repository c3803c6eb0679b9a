"""Bars: how many beats they have and which beat begins them."""

from __future__ import annotations

import numpy as np

from farandole.music.onsets import FrameFeatures
from farandole.music.tempo import local_strength

_HARMONIC_BANDS = 16  # mel bands below about 1.4 kHz: where chords show
_WALTZ_MARGIN = -0.05  # synthesised 4/4 songs stay below -0.2, real waltzes above 0.1
_FEWEST_BEATS = 24  # with fewer beats the bar is taken to have four
_CUES = {
    "bass": 1.0,
    "low_mid": 0.5,
    "chord": 0.5,
    "change_2": 1.0,
    "change_4": 1.0,
    "change_8": 1.5,
    "low_change": 0.75,
}
"""Weights of the signs of a downbeat, each normalised per song: bass and body attacks, a change of chord, and changes of the whole
sound between the 2, 4 or 8 beats before and after (phrases and sections begin on downbeats). Rounded from a logistic
fit on synthesised songs; 91 % of real waltzes follow too."""


def find_meter(frames: FrameFeatures, times: np.ndarray) -> tuple[int, int]:
    """Beats per bar (3 or 4) and the count of the first beat, in 0..beats_per_bar - 1.

    Args:
        frames: Frame features of the song.
        times: Beat times, [K] s.
    """
    if len(times) < 4 or frames.silent:
        return 4, 0
    cues = beat_cues(frames, times)
    beats_per_bar = 3 if len(times) >= _FEWEST_BEATS and _threeness(cues) > _WALTZ_MARGIN else 4
    score = sum(weight * cues[name] for name, weight in _CUES.items())
    best = int(np.argmax([score[phase::beats_per_bar].mean() for phase in range(beats_per_bar)]))
    return beats_per_bar, -best % beats_per_bar


def beat_cues(frames: FrameFeatures, times: np.ndarray) -> dict[str, np.ndarray]:
    """Signs of the bar at each beat, normalised to zero mean and unit deviation over the song: name -> [K]."""
    attack = np.clip(local_strength(frames.attacks, frames.fps), -1, 5)
    index = np.clip(np.round(times * frames.fps).astype(int), 0, len(attack) - 1)
    near = np.clip(index[:, None] + np.arange(-2, 2), 0, len(attack) - 1)
    bass, low_mid, mid, high = attack[near].max(axis=1).T
    period = max(2, int(np.median(np.diff(index))))
    edges = np.append(index, min(len(attack), index[-1] + period))
    whole = _means(frames, edges[:-1], edges[1:])
    late = _means(frames, (edges[1:] + edges[:-1]) // 2, edges[1:])[
        :, :_HARMONIC_BANDS
    ]  # what sounds on, past the attack
    chord = np.append(np.median(late), np.abs(np.diff(late, axis=0)).mean(axis=1))
    chord[0] = np.median(chord[1:])
    cues = {
        "bass": bass,
        "low_mid": low_mid,
        "broad": np.sqrt(np.maximum(mid, 0) * np.maximum(high, 0)),
        "high": high,
        "chord": chord,
        "low_change": _change(whole[:, :_HARMONIC_BANDS], 2),
        **{f"change_{width}": _change(whole, width) for width in (2, 4, 8)},
    }
    return {name: (cue - cue.mean()) / (cue.std() + 1e-9) for name, cue in cues.items()}


def _means(frames: FrameFeatures, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Mean log spectrum over spans of frames, [K, bands]."""
    floor = 1e-3 * float(np.median(frames.mel.mean(axis=1))) + 1e-12
    stop = np.maximum(stop, start + 1)
    return np.stack([np.log(frames.mel[a:b] + floor).mean(axis=0) for a, b in zip(start, stop, strict=True)])


def _change(spectra: np.ndarray, width: int) -> np.ndarray:
    """Mean absolute difference of the `width` beats before and after each beat, [K]; its median where beats are missing."""
    count = len(spectra)
    out = np.zeros(count)
    if count < 2 * width:
        return out
    total = np.concatenate([np.zeros((1, spectra.shape[1])), np.cumsum(spectra, axis=0)])
    means = (total[width:] - total[:-width]) / width  # means[k]: beats k .. k + width - 1
    inner = np.abs(means[width:] - means[:-width]).mean(axis=1)
    out[:] = np.median(inner)
    out[width : width + len(inner)] = inner
    return out


def _threeness(cues: dict[str, np.ndarray]) -> float:
    """How much better the beats repeat after 3 and 6 than after 4 and 8."""
    again = lambda cue, lag: float((cue[lag:] * cue[:-lag]).mean())  # noqa: E731
    chosen = [cues[name] for name in ("bass", "low_mid", "broad", "high", "chord")]
    return float(np.mean([again(c, 3) + again(c, 6) - again(c, 4) - again(c, 8) for c in chosen]))
