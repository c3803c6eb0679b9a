"""Bars: how many beats they have and which beats begin them, by a Viterbi search over the place in the bar."""

from __future__ import annotations

import numpy as np

from farandole.music.beats.pulse import local_strength
from farandole.music.onsets import FrameFeatures

METERS = (4, 3, 2, 5, 6, 7)
_PRIOR = {4: 0.0, 3: -1.0, 2: -4.0, 5: -5.0, 7: -5.0, 6: -8.0}
"""Log prior of the beats in a bar."""
_HARMONIC_BANDS = 16  # mel bands below about 1.4 kHz: where chords show
_FEWEST_BEATS = 16  # with fewer beats the bar is taken to have four
_SLIP = 6.0  # log likelihood that a count out of turn must gain
_TRUST = 0.4  # neighbouring beats say partly the same: their log likelihoods count for this share
_CUES = {
    "network": 0.81,
    "chord": 0.37,
    "bass": 0.35,
    "low_mid": 0.29,
    "low_change": 0.21,
    "broad": 0.14,
    "change_4": 0.09,
    "backbeat": -0.05,
    "change_8": 0.02,
}
_BIAS = -0.75
"""Logistic fit by benchmarks/hearing/fit_bars.py on songs at their true beats, half way back to the fit that went with an earlier
network: it trusted bass more, and so hears bars of bass and chords alone. Trust and slip were chosen on songs left out."""


def find_bars(
    frames: FrameFeatures, times: np.ndarray, activation: np.ndarray, *, meters: tuple[int, ...] = METERS
) -> tuple[int, np.ndarray]:
    """Beats per bar (2 to 7) and the count of each beat.

    Args:
        frames: Frame features of the song.
        times: Beat times, [K] s.
        activation: P(beat) and P(downbeat) of each frame, [T, 2].
        meters: Beats per bar to choose from.

    Returns:
        Beats per bar, and counts, int [K], ascending, whole multiples of it where a bar begins.
    """
    if len(times) < 4 or frames.silent:
        return meters[0], np.arange(len(times))
    score = downbeat_score(frames, times, activation)
    meters = meters if len(times) >= _FEWEST_BEATS else meters[:1]
    best = max((_count(score, meter) for meter in meters), key=lambda found: found[0])
    return best[1], best[2]


def downbeat_score(frames: FrameFeatures, times: np.ndarray, activation: np.ndarray) -> np.ndarray:
    """Log odds that each beat begins a bar, [K]."""
    cues = beat_cues(frames, times, activation)
    return np.sum([weight * cues[name] for name, weight in _CUES.items()], axis=0) + _BIAS


def _count(score: np.ndarray, meter: int) -> tuple[float, int, np.ndarray]:
    """Log likelihood of the best count in bars of `meter` beats, the meter, the counts."""
    yes, no = -np.logaddexp(0, -score), -np.logaddexp(0, score)
    gains = _TRUST * np.where(np.arange(meter) == 0, yes[:, None], no[:, None])  # [K, meter]
    value, onward = gains[0].copy(), np.empty(meter)
    source = np.tile((np.arange(meter) - 1) % meter, (len(score), 1))
    for k in range(1, len(score)):
        best = int(value.argmax())
        onward[0], onward[1:] = value[-1], value[:-1]
        slip = value[best] - _SLIP
        source[k, slip > onward] = best
        value = np.maximum(onward, slip) + gains[k]
    place = int(value.argmax())
    places = [place]
    for k in range(len(score) - 1, 0, -1):
        place = int(source[k, place])
        places.append(place)
    places = np.array(places[::-1])
    steps = (np.diff(places) - 1) % meter + 1
    return float(value.max()) + _PRIOR.get(meter, -4.0), meter, places[0] + np.concatenate([[0], np.cumsum(steps)])


def beat_cues(frames: FrameFeatures, times: np.ndarray, activation: np.ndarray) -> dict[str, np.ndarray]:
    """Signs of the bar at each beat: name -> [K]. All but the network's are normalised to zero mean and unit deviation."""
    attack = np.clip(local_strength(frames.attacks, frames.fps), -1, 5)
    index = np.clip(np.round(times * frames.fps).astype(int), 0, len(attack) - 1)
    near = np.clip(index[:, None] + np.arange(-2, 3), 0, len(attack) - 1)
    bass, low_mid, mid, high = attack[near[:, :-1]].max(axis=1).T
    period = max(2, int(np.median(np.diff(index))))
    edges = np.append(index, min(len(attack), index[-1] + period))
    whole = _means(frames, edges[:-1], edges[1:])
    late = _means(frames, (edges[1:] + edges[:-1]) // 2, edges[1:])[
        :, :_HARMONIC_BANDS
    ]  # what sounds on, past the attack
    chord = np.append(np.median(late), np.abs(np.diff(late, axis=0)).mean(axis=1))
    chord[0] = np.median(chord[1:])
    broad = np.sqrt(np.maximum(mid, 0) * np.maximum(high, 0))
    cues = {
        "bass": bass,
        "low_mid": low_mid,
        "broad": broad,
        "backbeat": np.concatenate([broad[1:], [np.median(broad)]]) - broad,  # the snare comes a beat after the first
        "chord": chord,
        "low_change": _change(whole[:, :_HARMONIC_BANDS], 2),
        **{f"change_{width}": _change(whole, width) for width in (4, 8)},
    }
    cues = {name: (cue - cue.mean()) / (cue.std() + 1e-9) for name, cue in cues.items()}
    beat, down = np.clip(activation[near].max(axis=1), 0.01, 0.99).T
    share = np.clip(down / beat, 0.02, 0.98)
    return {**cues, "network": np.log(share / (1 - share))}


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
