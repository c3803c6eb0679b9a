"""Finding the beats of a song: the most likely sequence of beat times under slowly changing tempo.

A semi-Markov Viterbi search over (time, tempo): a path gains the onset strength on its beats and the tempogram's
support of its tempo, each weighted by the time it covers (so that no tempo is favoured for having more beats), and
pays for changing tempo. Relatives: D. Ellis, Beat tracking by dynamic programming (JNMR 36(1), 2007); F. Krebs, S.
Böck, G. Widmer, An efficient state-space model for joint tempo and meter tracking (ISMIR 2015).
"""

from __future__ import annotations

import numpy as np

from farandole.errors import AudioError
from farandole.music.beats import Beats
from farandole.music.meter import find_meter
from farandole.music.onsets import RISE_DELAY, FrameFeatures
from farandole.music.tempo import MAX_BPM, MIN_BPM, Tempogram, local_strength, moving_mean, tempogram

FALLBACK_BPM = 120.0
"""Tempo of the steady grid given to sound without a pulse."""
_JITTER = (-1, 0, 1)  # frames by which a beat may miss its tempo
_JITTER_COST = 0.02  # per frame of jitter, in units of a period's gain
_REACH = 3  # tempo steps a beat may change by
_CHANGE_COST = 6.0  # frames of full gain lost per step of tempo change
_TEMPO_WEIGHT = 1.5  # gain of the tempogram's support against a beat one RMS above its surroundings


def track_beats(frames: FrameFeatures, *, min_bpm: float | None = None, max_bpm: float | None = None) -> Beats:
    """Find the beats of a song.

    Args:
        frames: Frame features of the whole song.
        min_bpm, max_bpm: Range to which the tempo is held; 55 to 215 with a preference for 118 if neither is given.

    Returns:
        Beats from the first to the last one within the song; for sound without onsets a steady grid at 120 bpm (or the
        middle of the range) with clarity 0.

    Raises:
        AudioError: If the range is empty or beyond 20 to 400 bpm.
    """
    low, high = MIN_BPM if min_bpm is None else min_bpm, MAX_BPM if max_bpm is None else max_bpm
    if not 20 <= low < high <= 400:
        raise AudioError(f"tempo range {low:g} to {high:g} bpm: accepted is 20 <= min_bpm < max_bpm <= 400")
    guess = FALLBACK_BPM if low <= FALLBACK_BPM <= high else float(np.sqrt(low * high))
    z = pulse(frames)
    if frames.silent or frames.seconds < 2.0 or not z.any():
        return Beats.steady(guess, frames.seconds)
    support = tempogram(frames, low, high, prior=min_bpm is None and max_bpm is None)
    smooth = np.convolve(z, [0.25, 0.5, 0.25], "same")
    path = _search(smooth, support, frames.fps)
    if len(path) < 2:
        return Beats.steady(guess, frames.seconds)
    times = _refine(path, z, frames.fps)
    strength = _at(smooth, times + RISE_DELAY, frames.fps)
    times, strength = times[times > -0.02], strength[times > -0.02]
    if len(times) < 2:
        return Beats.steady(guess, frames.seconds)
    clarity = _clarity(support, strength, times, frames)
    beats_per_bar, first_count = find_meter(frames, times) if clarity > 0 else (4, 0)
    return Beats(times, first_count, clarity, strength, beats_per_bar)


def pulse(frames: FrameFeatures) -> np.ndarray:
    """How much each frame sounds like a beat, about -1..4, [T].

    Beats are carried by a loud bass (kick) or by a broad attack above it (snare, clap: mid and high together),
    whichever is there; low mid and mid alone (syncopated chords) count little. Weights chosen on synthesised genres
    and real ballroom music: the sum is larger on the beat than a quarter, half or three quarters of a beat later in
    97 % of both.
    """
    bass, low_mid, mid, high = np.clip(local_strength(frames.attacks, frames.fps), -1.0, 5.0).T
    broad = np.sqrt(np.maximum(mid, 0) * np.maximum(high, 0))
    return (2.0 * np.maximum(bass, broad) + 1.5 * bass + high + 0.3 * low_mid + 0.3 * mid) / 5.1


def _search(z: np.ndarray, tempi: Tempogram, fps: float) -> np.ndarray:
    """Frames of the beats of the best path, int [K]."""
    period = 60.0 / tempi.bpm * fps
    whole = np.round(period).astype(int)
    states, count = len(period), len(z)
    deepest = int(whole.max()) + 2
    block = max(1, int(whole.min()) - 2)
    entered = np.zeros(
        (deepest + count, states)
    )  # best score of entering tempo n with a beat at t; zeros before the song
    jitter = np.zeros((count, states), np.int8)
    change = np.zeros((count, states), np.int8)
    rows = np.arange(states)
    window = np.clip(
        np.arange(count) / fps / max(tempi.times[1] if len(tempi.times) > 1 else 1.0, 1e-9), 0, len(tempi.times) - 1
    )
    moves = np.arange(-_REACH, _REACH + 1)
    for at in range(0, count, block):
        t = np.arange(at, min(at + block, count))[:, None]
        options = np.stack([entered[deepest + t - whole - d, rows] - _JITTER_COST * abs(d) * whole for d in _JITTER])
        best = options.argmax(axis=0)
        jitter[at : at + len(t)] = best
        lower = window[t[:, 0]].astype(int)
        part = (window[t[:, 0]] - lower)[:, None]
        upper = np.minimum(lower + 1, len(tempi.times) - 1)
        gain = _TEMPO_WEIGHT * ((1 - part) * tempi.support[lower] + part * tempi.support[upper]) + z[t]
        arrived = np.take_along_axis(options, best[None], axis=0)[0] + period * gain
        padded = np.pad(arrived, ((0, 0), (_REACH, _REACH)), constant_values=-np.inf)
        options = np.stack([padded[:, _REACH + k : _REACH + k + states] - _CHANGE_COST * abs(k) for k in moves])
        best = options.argmax(axis=0)
        change[at : at + len(t)] = best
        entered[deepest + at : deepest + at + len(t)] = np.take_along_axis(options, best[None], axis=0)[0]
    last = entered[deepest + max(0, count - deepest) :]
    ends = np.arange(max(0, count - deepest), count)[:, None]
    final = np.where(count - ends <= whole, last + (count - ends) * _TEMPO_WEIGHT, -np.inf)
    row, state = np.unravel_index(int(final.argmax()), final.shape)
    t, path = int(ends[row, 0]), []
    while t >= 0:
        path.append(t)
        state = state + moves[change[t, state]]
        t -= int(whole[state]) + _JITTER[jitter[t, state]]
    return np.array(path[::-1])


def _at(curve: np.ndarray, times: np.ndarray, fps: float) -> np.ndarray:
    return np.interp(times * fps, np.arange(len(curve)), curve)


def _refine(path: np.ndarray, z: np.ndarray, fps: float) -> np.ndarray:
    """Beat times below frame precision: onset peaks near the path, smoothed by robust local lines."""
    reach = max(1, round(0.035 * fps))
    offsets = np.arange(-reach, reach + 1)
    index = np.clip(path[:, None] + offsets, 0, len(z) - 1)
    near = z[index] - 0.02 * np.abs(offsets)
    best = near.argmax(axis=1)
    peak = np.clip(path + offsets[best], 1, max(1, len(z) - 2))
    left, middle, right = z[peak - 1], z[peak], z[np.minimum(peak + 1, len(z) - 1)]
    curve = left - 2 * middle + right
    shift = np.where(curve < 0, 0.5 * (left - right) / np.where(curve < 0, curve, -1.0), 0.0)
    weight = np.clip(middle, 0.0, 3.0)
    times = (np.where(weight > 0.3, peak + np.clip(shift, -0.5, 0.5), path)) / fps - RISE_DELAY
    return _smooth_line(times, weight + 0.05)


def _smooth_line(times: np.ndarray, weight: np.ndarray, half: int = 8) -> np.ndarray:
    """Beat times on lines fitted robustly around (or, at jumps of tempo, before or after) each beat."""
    count = len(times)
    if count < 4:
        return times
    smooth = times.copy()
    spread = np.full(count, np.inf)
    for before, after in ((half, half), (0, half), (half, 0)):
        low, high = np.arange(count) - before, np.arange(count) + after
        window = np.clip(low[:, None] + np.arange(before + after + 1), 0, count - 1)
        inside = (low[:, None] + np.arange(before + after + 1) == window) & (window <= high[:, None])
        x = window - np.arange(count)[:, None]
        y = times[window] - times[:, None]
        w = weight[window] * inside
        for _ in range(3):
            fit, slope = _line(x, y, w)
            residual = np.abs(y - fit[:, None] - slope[:, None] * x)
            w = weight[window] * inside / (1 + (residual / 0.012) ** 2)
        error = np.sqrt(
            (inside * weight[window] * np.minimum(residual, 0.05) ** 2).sum(1) / (inside * weight[window]).sum(1)
        )
        error = error + (0.0 if before == after else 0.002)  # a one-sided fit only where it is clearly better
        better = (error < spread) & (inside.sum(1) >= 4)
        smooth = np.where(better, times + fit, smooth)
        spread = np.where(better, error, spread)
    gaps = np.diff(smooth)
    return smooth if (gaps > 0.02).all() else times


def _line(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted straight lines, one per row: value at x = 0 and slope."""
    total = w.sum(1) + 1e-12
    mx, my = (w * x).sum(1) / total, (w * y).sum(1) / total
    slope = (w * (x - mx[:, None]) * (y - my[:, None])).sum(1) / ((w * (x - mx[:, None]) ** 2).sum(1) + 1e-12)
    return my - slope * mx, slope


def _clarity(tempi: Tempogram, strength: np.ndarray, times: np.ndarray, frames: FrameFeatures) -> float:
    """0..1 from how periodic the onsets are and how much they gather on the beats.

    The median periodicity of noise, random clicks and babble is at most 0.10, of real ballroom music 0.12 (soft
    strings) to 0.56.
    """
    sounding = np.interp(times, frames.times, _heard(frames)) > 0.5
    windows = np.interp(tempi.times, frames.times, _heard(frames)) > 0.5
    if not sounding.any() or not windows.any():
        return 0.0
    periodic = float(np.median(tempi.periodicity[windows]))
    gathered = float(np.mean(np.clip(strength[sounding], -1, 3)))
    return float(np.clip((periodic - 0.09) / 0.2, 0, 1) * np.clip((gathered - 0.2) / 0.8, 0, 1))


def _heard(frames: FrameFeatures) -> np.ndarray:
    """1 where the three seconds about a frame are less than 50 dB below the song's mean power, else 0."""
    around = moving_mean(frames.power, round(3 * frames.fps))
    return (around > 1e-5 * frames.power.mean()).astype(float)
