"""Finding the beats of a song: what the beat network hears, weighed with onsets and tempogram, searched as a whole.

The network knows rhythms, so it decides which level is the beat; onsets and tempogram, which know nothing, keep it honest
on music unlike its own. Neither has a vote where nothing sounds.
"""

from __future__ import annotations

import numpy as np

from farandole.errors import AudioError
from farandole.music.beats.bars import find_bars
from farandole.music.beats.confidence import clarity_of, confidence_of, confidence_signs, heard
from farandole.music.beats.grid import Beats
from farandole.music.beats.level import best_level
from farandole.music.beats.pulse import pulse
from farandole.music.beats.refine import refined
from farandole.music.beats.search import beat_gain, best_beats
from farandole.music.beats.tempogram import MAX_BPM, MIN_BPM, tempogram
from farandole.music.onsets import RISE_DELAY, FrameFeatures

FALLBACK_BPM = 120.0
"""Tempo of the steady grid given to sound without a pulse."""
_NETWORK, _ONSETS, _TEMPO = 0.08, 0.2, 0.2
"""Weights of the network's log odds of a beat, of `pulse`, and of the tempogram's support of the tempo, chosen on synthesised songs
and real ballroom music. They are small against the costs of the search, for what neighbouring beats say is much the same."""
_USUAL_PERIOD = 0.5  # s: onsets and tempo count by the time a beat covers, so that they favour no level


def track_beats(frames: FrameFeatures, *, min_bpm: float | None = None, max_bpm: float | None = None) -> Beats:
    """Find the beats of a song.

    Args:
        frames: Frame features of the whole song.
        min_bpm: The tempo is held to at least this; 55 if neither is given, with a preference for 118.
        max_bpm: And to at most this; 215 if neither is given.

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
    z, fps = pulse(frames), frames.fps
    if frames.silent or frames.seconds < 2.0 or not z.any():
        return Beats.steady(guess, frames.seconds)
    shortest, longest = int(np.floor(60 * fps / high)), int(np.ceil(60 * fps / low))
    periods = np.arange(max(4, shortest), longest + 1)
    free = (
        min_bpm is None and max_bpm is None
    )  # then tempi beyond the range are looked at too, as rivals of those within
    tempi = tempogram(frames, 40.0 if free else low, 225.0 if free else high, prior=free)
    sounding = heard(frames)
    gain = beat_gain(frames.activation[:, 0]) * sounding
    smooth = np.convolve(z, [0.25, 0.5, 0.25], "same") * sounding
    support = _by_frame(tempi.support, tempi.times, 60 * fps / tempi.bpm, periods, len(z)) * sounding[:, None]
    by_rule = (_ONSETS * smooth[:, None] + _TEMPO * support) * (periods / fps / _USUAL_PERIOD)
    path = best_beats(_NETWORK * gain, periods, fps, by_rule)
    if len(path) < 2:
        return Beats.steady(guess, frames.seconds)
    path = best_level(path, gain, smooth, fps, low, high)
    times = refined(path, z, fps)
    strength = np.interp((times + RISE_DELAY) * fps, np.arange(len(z)), smooth)
    inside = times > -0.02
    times, strength = times[inside], strength[inside]
    if len(times) < 2:
        return Beats.steady(guess, frames.seconds)
    clarity = clarity_of(tempi, strength, times, frames)
    if clarity == 0:
        return Beats(times, 0, 0.0, strength, confidence=0.0)
    alone = best_beats(4 * _NETWORK * gain, periods, fps), best_beats(np.zeros(len(z)), periods, fps, 2 * by_rule)
    confidence = confidence_of(confidence_signs(path, *alone, gain, frames.activation[:, 0], fps))
    beats_per_bar, counts = find_bars(frames, times, frames.activation)
    first = int(counts[0]) % beats_per_bar
    return Beats(times, first, clarity, strength, beats_per_bar, confidence, np.diff(counts))


def _by_frame(support: np.ndarray, times: np.ndarray, known: np.ndarray, periods: np.ndarray, count: int) -> np.ndarray:
    """Support of tempi in windows [W, N] at times [W] and periods [N], as support of other periods at each frame."""
    order = np.argsort(known)
    rows = np.stack([np.interp(periods, known[order], row[order]) for row in support])
    step = times[1] - times[0] if len(times) > 1 else 1.0
    place = np.clip(np.arange(count) * (len(times) * step / max(count, 1)) / step, 0, len(rows) - 1)
    lower = place.astype(int)
    part = (place - lower)[:, None].astype(np.float32)
    upper = np.minimum(lower + 1, len(rows) - 1)
    return (1 - part) * rows[lower] + part * rows[upper]
