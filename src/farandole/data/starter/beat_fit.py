"""A beat for movement that nobody gave one: the grid on which feet land and the body comes to rest, and how well it fits.

Events of the body (landing feet, minima of the speed) make a curve over time; beats at nearly equal distances are laid through it
so that they meet as much of it as possible (dynamic programming, as Ellis, 2007, does for sound). The same on shuffled events says
what such a search finds in no rhythm at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farandole.motion.footfalls import foot_speeds, landings, smooth_speeds
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.time_warp import warped

TEMPI = (70.0, 150.0)
"""Beats per minute among which is chosen."""
STRETCH = 0.06
"""Greatest change of a beat's length against the grid's: within it, re-timing is not seen."""
GOOD_FIT = 4.0
"""Fit from which on a clip is taught with its beat; see docs/starter-model.md for what it is on known and shuffled dances."""
_RATE = 60.0  # Hz of the curve
_WIDTH = 0.035  # s, deviation of an event's bump
_TIGHTNESS = 150.0  # cost of a beat's change of length: that times its squared share, in deviations of the curve
_SHUFFLES = 8
_TEMPI = 40


@dataclass(frozen=True, eq=False)
class BeatFit:
    """Beats of a clip.

    Attributes:
        bpm: Tempo of the grid.
        times: Beats, [K] s, ascending, within the clip; each within 6 % of the tempo's distance from the one before.
        fit: How much better the beats meet the body's events than beats laid through shuffled ones, in standard deviations of
            the latter.
    """

    bpm: float
    times: Array
    fit: float

    @property
    def good(self) -> bool:
        """Whether the clip can be danced on this beat."""
        return self.fit >= GOOD_FIT

    def count_at(self, seconds: Array) -> Array:
        """Continuous beat count at some times; 0 at the first beat, at the tempo of the grid before and after."""
        index = np.arange(len(self.times), dtype=float)
        inside = np.interp(seconds, self.times, index)
        before = np.minimum(seconds - self.times[0], 0.0)
        after = np.maximum(seconds - self.times[-1], 0.0)
        return inside + (before + after) * self.bpm / 60.0


def fit_beat(motion: Motion, *, seed: int = 0) -> BeatFit:
    """The beats that suit a dance on the house skeleton best; of nearly equally good tempi the one nearest to 105.

    Args:
        motion: At least 4 s of movement.
        seed: Of the shuffled events.
    """
    times, weights = body_events(motion)
    random = np.random.default_rng(seed)
    frames = max(int(motion.seconds * _RATE), 2)
    shuffled = [_shuffle(times, weights, motion.seconds, random) for _ in range(_SHUFFLES)]
    curves = np.stack([_curve(*events, frames) for events in ((times, weights), *shuffled)])
    bpm = np.geomspace(*TEMPI, _TEMPI)
    grids = _lay(curves, 60.0 / bpm * _RATE)
    scores = grids.mean_scores()
    chance, spread = scores[:, 1:].mean(axis=1), scores[:, 1:].std(axis=1)
    fit = (scores[:, 0] - chance) / np.maximum(spread, 0.05)
    best = int((fit * np.exp(-0.5 * np.log2(bpm / 105.0) ** 2)).argmax())
    beats = grids.beats(best) / _RATE
    if len(beats) < 4:
        return BeatFit(105.0, np.array([0.0, max(motion.seconds, 0.1)]), 0.0)
    return BeatFit(60.0 / float(np.diff(beats).mean()), beats, float(fit[best]))


def body_events(motion: Motion) -> tuple[Array, Array]:
    """Moments that a dancer puts on beats, [N] s, and their weights: feet that land (1) and minima of the body's speed (0.4)."""
    from scipy.signal import find_peaks

    landed, _ = landings(foot_speeds(motion), motion.fps)
    body = smooth_speeds(motion).mean(axis=1)
    minima, _ = find_peaks(-body, prominence=0.3 * float(body.std()))
    times = np.concatenate((landed, minima / motion.fps))
    return times, np.concatenate((np.ones(len(landed)), np.full(len(minima), 0.4)))


def retimed(motion: Motion, fit: BeatFit) -> Motion:
    """The motion with its beats at exactly equal distances: no part is slower or faster by more than 6 %."""
    count = fit.count_at(np.arange(len(motion)) / motion.fps)
    frames = int((count[-1] - count[0]) * 60.0 / fit.bpm * motion.fps) + 1
    wanted = count[0] + np.arange(frames) / motion.fps * fit.bpm / 60.0
    return warped(motion, np.interp(wanted, count, np.arange(len(motion))))


def _curve(times: Array, weights: Array, frames: int) -> Array:
    """Bumps at events, to zero mean and unit deviation, [F] at 60 Hz."""
    from scipy.ndimage import gaussian_filter1d

    marks = np.zeros(frames)
    np.add.at(marks, np.clip(np.round(times * _RATE).astype(int), 0, frames - 1), weights)
    smooth = gaussian_filter1d(marks, _WIDTH * _RATE, mode="constant")
    return (smooth - smooth.mean()) / max(float(smooth.std()), 1e-9)


def _shuffle(times: Array, weights: Array, seconds: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Events at the same distances in another order, so that they are as dense but keep no beat."""
    order = np.argsort(times)
    gaps = np.diff(times[order], prepend=0.0)
    moved = np.cumsum(random.permutation(gaps) * random.uniform(0.6, 1.4, len(gaps)))
    return moved * min(1.0, seconds / max(float(moved[-1]), 1e-9)) if len(moved) else moved, weights[order]


@dataclass(frozen=True, eq=False)
class _Grids:
    """Beats laid through curves at several tempi: the best sum up to every frame, the number of beats in it and the beat before,
    each [P, S, F] of P tempi and S curves; and the greatest distance of beats by tempo, [P] frames.
    """

    total: Array
    count: Array
    back: Array
    reach: Array

    def _last(self, tempo: int) -> NDArray[np.intp]:
        """Frame of the last beat of every curve, [S]: the best within the last beat's reach."""
        frames = self.total.shape[-1]
        tail = self.total[tempo, :, max(0, frames - int(self.reach[tempo])) :]
        return frames - tail.shape[-1] + tail.argmax(axis=-1)

    def mean_scores(self) -> Array:
        """Mean gain of a beat, [P, S]."""
        curves = np.arange(self.total.shape[1])
        last = [self._last(p) for p in range(len(self.total))]
        sums = [self.total[p][curves, at] / self.count[p][curves, at] for p, at in enumerate(last)]
        return np.stack(sums)

    def beats(self, tempo: int) -> Array:
        """Beats of the first curve, [K] frames."""
        at, found = int(self._last(tempo)[0]), []
        while at >= 0:
            found.append(at)
            at = int(self.back[tempo, 0, at])
        return np.array(found[::-1], dtype=float)


def _lay(curves: Array, periods: Array) -> _Grids:
    """The beats about `periods` [P] frames apart that meet the most of curves [S, F]."""
    least, most = np.ceil(periods * (1 - STRETCH)).astype(int), np.floor(periods * (1 + STRETCH)).astype(int)
    width = int((most - least).max()) + 1
    steps = least[:, None] + np.arange(width)  # [P, W]
    cost = _TIGHTNESS * ((steps - periods[:, None]) / periods[:, None]) ** 2
    cost[steps > np.maximum(most, least)[:, None]] = np.inf
    tempi, (number, frames) = len(periods), curves.shape
    pad = int(steps.max())
    total = np.full((tempi, number, pad + frames), -np.inf)
    count = np.zeros((tempi, number, pad + frames), dtype=int)
    back = np.full((tempi, number, frames), -1)
    p, s = np.arange(tempi)[:, None, None], np.arange(number)[None, :, None]
    for t in range(frames):
        at = (pad + t - steps)[:, None, :]
        before = total[p, s, at] - cost[:, None, :]
        best = before.argmax(axis=-1)
        gain = np.take_along_axis(before, best[..., None], axis=-1)[..., 0]
        goes_on = gain > 0
        source = np.take_along_axis(np.broadcast_to(at, before.shape), best[..., None], axis=-1)[..., 0]
        total[:, :, pad + t] = curves[:, t] + np.where(goes_on, gain, 0.0)
        before_count = np.take_along_axis(count, source[..., None], axis=-1)[..., 0]
        count[:, :, pad + t] = 1 + np.where(goes_on, before_count, 0)
        back[:, :, t] = np.where(goes_on, source - pad, -1)
    return _Grids(total[..., pad:], count[..., pad:], back, most)
