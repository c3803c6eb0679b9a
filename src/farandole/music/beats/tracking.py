"""Finding the beats of a song: what the beat network hears, weighed with onsets and tempogram, searched as a whole.

The network knows rhythms, so it decides which level is the beat; onsets and tempogram, which know nothing, keep it honest
on music unlike its own. Neither has a vote where nothing sounds.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np

from farandole.errors import AudioError
from farandole.music.activation import TEMPI, level_votes
from farandole.music.beats.bars import find_bars
from farandole.music.beats.confidence import clarity_of, confidence_of, confidence_signs, heard
from farandole.music.beats.grid import Beats
from farandole.music.beats.level import FASTEST, SLOWEST, best_level
from farandole.music.beats.level_signs import LevelEvidence
from farandole.music.beats.pulse import Rows, pulse, sums_before
from farandole.music.beats.refine import refined
from farandole.music.beats.search import beat_gain, best_beats
from farandole.music.beats.tempogram import MAX_BPM, MIN_BPM, Tempogram, TempoScores
from farandole.music.onsets import RISE_DELAY, FrameFeatures

FALLBACK_BPM = 120.0
"""Tempo of the steady grid given to sound without a pulse."""
_NETWORK, _ONSETS, _TEMPO, _LEVEL = 0.08, 0.2, 0.2, 0.15
"""Weights of the network's log odds of a beat, of `pulse`, of the tempogram's support of the tempo and of the network's log share
of it, chosen on synthesised songs and real ballroom music. They are small against the costs of the search, for what
neighbouring beats say is much the same."""
_TOLD_SECONDS = 4.0  # over which the network's shares of the tempi are averaged
_AT_ONCE = 2048  # frames
_USUAL_PERIOD = 0.5  # s: onsets and tempo count by the time a beat covers, so that they favour no level


def track_beats(frames: FrameFeatures, *, min_bpm: float | None = None, max_bpm: float | None = None) -> Beats:
    """Find the beats of a song; see `BeatTracker.beats`. To look in several ranges keep a `BeatTracker`."""
    return BeatTracker(frames).beats(min_bpm, max_bpm)


class BeatTracker:
    """Finds the beats of a song in one range of tempi or another; what does not depend on the range is heard once.

    Args:
        frames: Frame features of the whole song.
    """

    def __init__(self, frames: FrameFeatures) -> None:
        self._frames = frames

    @cached_property
    def _pulse(self) -> np.ndarray:
        return pulse(self._frames)

    @cached_property
    def _tempi(self) -> TempoScores:
        return TempoScores(self._frames)

    @property
    def evidence(self) -> LevelEvidence:
        """What levels are judged by; not held, for it is large and quickly had."""
        return LevelEvidence.of(self._frames, self._gain, self._smooth, self._frames.activation)

    @cached_property
    def _sounding(self) -> np.ndarray:
        return heard(self._frames)

    @cached_property
    def _gain(self) -> np.ndarray:
        return beat_gain(self._frames.activation.marks[:, 0]) * self._sounding

    @cached_property
    def _smooth(self) -> np.ndarray:
        return np.convolve(self._pulse, [0.25, 0.5, 0.25], "same") * self._sounding

    def beats(self, min_bpm: float | None = None, max_bpm: float | None = None) -> Beats:
        """The beats of the song.

        Args:
            min_bpm: The tempo is held to at least this; 44 if neither is given, with a preference for 118.
            max_bpm: And to at most this; 226 if neither is given.

        Returns:
            Beats from the first to the last one within the song; for sound without onsets a steady grid at 120 bpm (or the
            middle of the range) with clarity 0. Confidence is only asked for where no range is given; else it is 1, or 0 in noise.

        Raises:
            AudioError: If the range is empty or beyond 20 to 400 bpm.
        """
        low, high = MIN_BPM if min_bpm is None else min_bpm, MAX_BPM if max_bpm is None else max_bpm
        if not 20 <= low < high <= 400:
            raise AudioError(f"tempo range {low:g} to {high:g} bpm: accepted is 20 <= min_bpm < max_bpm <= 400")
        guess = FALLBACK_BPM if low <= FALLBACK_BPM <= high else float(np.sqrt(low * high))
        frames, z, fps = self._frames, self._pulse, self._frames.fps
        if frames.silent or frames.seconds < 2.0 or not z.any():
            return Beats.steady(guess, frames.seconds)
        shortest, longest = int(np.floor(60 * fps / high)), int(np.ceil(60 * fps / low))
        periods = np.arange(max(4, shortest), longest + 1)
        free = min_bpm is None and max_bpm is None
        # With no range told, tempi beyond those searched are looked at too, as their rivals.
        tempi = self._tempi.within(40.0 if free else low, 225.0 if free else high, prior=free)
        by_rule, by_all = self._rules(tempi, periods)
        path = best_beats(_NETWORK * self._gain, periods, fps, by_all)
        if len(path) < 2:
            return Beats.steady(guess, frames.seconds)
        # Told before the level is chosen: a choice among many finds stronger onsets in noise, too.
        clarity = clarity_of(tempi, self._smooth[path], path / fps, frames)
        path, share = best_level(path, self.evidence, *((SLOWEST, FASTEST) if free else (low, high)))
        times = refined(path, z, fps)
        strength = np.interp((times + RISE_DELAY) * fps, np.arange(len(z)), self._smooth)
        inside = times > -0.02
        times, strength = times[inside], strength[inside]
        if len(times) < 2:
            return Beats.steady(guess, frames.seconds)
        if clarity == 0:
            return Beats(times, 0, 0.0, strength, confidence=0.0)
        confidence = 1.0
        if free:
            network_alone = best_beats(4 * _NETWORK * self._gain, periods, fps)
            rules_alone = best_beats(np.zeros(len(z)), periods, fps, by_rule.times(2))
            alone = network_alone, rules_alone
            confidence = confidence_of(confidence_signs(path, *alone, self._gain, frames.activation, share, fps))
        beats_per_bar, counts = find_bars(frames, times, frames.activation.marks)
        first = int(counts[0]) % beats_per_bar
        return Beats(times, first, clarity, strength, beats_per_bar, confidence, np.diff(counts))

    def _rules(self, tempi: Tempogram, periods: np.ndarray) -> tuple[_ByRule, _ByRule]:
        """What onsets and tempogram say of each period, and what they say with the network's tempi."""
        fps, count = self._frames.fps, len(self._frames)
        support = _over_periods(tempi.support, tempi.bpm, periods, fps)
        shares = _over_periods(votes_around(self._frames.activation.tempo, tempi.times, fps), TEMPI, periods, fps)
        rows = _TEMPO * support, _TEMPO * support + _LEVEL * shares
        by_rule, by_all = (
            _ByRule(self._smooth, self._sounding, _Rows(row, tempi.times, count), periods / fps) for row in rows
        )
        return by_rule, by_all


def votes_around(tempo: Rows, times: np.ndarray, fps: float) -> np.ndarray:
    """How far the network speaks for the tempi around each time, log, [W, N]."""
    centre, half = np.round(times * fps).astype(int), round(_TOLD_SECONDS / 2 * fps)
    begin, end = np.clip(centre - half, 0, len(tempo) - 1), np.clip(centre + half, 1, len(tempo))
    first, last = sums_before(tempo, begin, end)
    return level_votes((last - first) / (end - begin)[:, None])


def _over_periods(values: np.ndarray, bpm: np.ndarray, periods: np.ndarray, fps: float) -> np.ndarray:
    """Values of tempi, ascending, [W, M] as values of periods (frames), [W, N]."""
    return np.stack([np.interp(60 * fps / periods, bpm, row) for row in values])


class _Rows:
    """Values of periods told in windows, at each frame, [T, N]."""

    def __init__(self, rows: np.ndarray, times: np.ndarray, count: int) -> None:
        self._rows = rows
        self._step = times[1] - times[0] if len(times) > 1 else 1.0
        self._scale, self._count = len(times) * self._step, max(count, 1)

    def __getitem__(self, frames: np.ndarray) -> np.ndarray:
        last = len(self._rows) - 1
        place = np.clip(frames * (self._scale / self._count) / self._step, 0, last)
        lower = place.astype(int)
        part = (place - lower)[:, None].astype(np.float32)
        upper = np.minimum(lower + 1, last)
        return (1 - part) * self._rows[lower] + part * self._rows[upper]


class _ByRule:
    """What onsets and tempogram say of a beat at each frame that ends each period, [T, N]; some thousand frames at a time.

    Args:
        onsets: Pulse, [T].
        sounding: Whether anything sounds, [T].
        support: Of the periods, weighed.
        seconds: The periods, [N] s.
    """

    def __init__(self, onsets: np.ndarray, sounding: np.ndarray, support: _Rows, seconds: np.ndarray) -> None:
        self._onsets, self._sounding, self._support = onsets, sounding, support
        self._weights, self._factor = seconds / _USUAL_PERIOD, 1.0
        self._begin, self._held = 0, np.zeros((0, len(seconds)))

    def times(self, factor: float) -> _ByRule:
        """The same, so many times as strong."""
        other = copy(self)
        other._factor, other._held = factor, self._held[:0]
        return other

    def __getitem__(self, frames: np.ndarray) -> np.ndarray:
        if not (self._begin <= frames[0] and frames[-1] < self._begin + len(self._held)):
            self._begin = int(frames[0])
            t = np.arange(self._begin, min(self._begin + _AT_ONCE, len(self._onsets)))
            support = self._support[t] * self._sounding[t, None]
            self._held = self._factor * ((_ONSETS * self._onsets[t, None] + support) * self._weights)
        return self._held[frames - self._begin]
