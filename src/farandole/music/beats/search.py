"""The most likely sequence of beats: a semi-Markov Viterbi search over (time of a beat, period to the next).

Every path explains the same sound; where the network says "no beat" a beat costs, and where it says "beat" a path that
has none there forgoes the gain: so what lies between the beats decides between a tempo, its double and its half. Relatives:
F. Krebs, S. Böck, G. Widmer, An efficient state-space model for joint tempo and meter tracking (ISMIR 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class SearchCosts:
    """Costs in units of log likelihood.

    Attributes:
        odds: A beat is as likely as not where the network says 1 / (odds + 1).
        least, most: Limits of what the network may say.
        change: Of a change of period, per unit of log period.
        jump: Of a change to any period at all.
        prior_bpm, prior_octaves: Log-normal prior of the tempo, counted once at the start and at jumps.
    """

    odds: float = 16.0
    least: float = 0.006
    most: float = 0.97
    change: float = 60.0
    jump: float = 9.0
    prior_bpm: float = 118.0
    prior_octaves: float = 0.9


class FrameRows(Protocol):
    """Something [T, N] of which some frames are asked for at a time."""

    def __getitem__(self, frames: Array, /) -> Array:
        """Rows [K, N] of frames [K] that follow each other."""
        ...


COSTS = SearchCosts()
_HELD = 2048  # frames that are held before those that nothing leads to any more are dropped
_REACH = 6  # periods (frames) by which one beat's may differ from the next without a jump


def beat_gain(probability: Array, costs: SearchCosts = COSTS) -> Array:
    """Log odds of a beat at each frame, from P(beat) of the frame and its neighbours, [T]."""
    p = np.clip(probability, costs.least, costs.most)
    logit = np.log(costs.odds * p / (1 - p))
    return np.convolve(np.pad(logit, 1, mode="edge"), [0.6, 1.0, 0.6], "valid")


def best_beats(
    gain: Array, periods: Array, fps: float, by_period: FrameRows | None = None, costs: SearchCosts = COSTS
) -> Array:
    """Frames of the beats of the best path.

    Args:
        gain: Of a beat at each frame, [T]; 0 where nothing speaks for or against.
        periods: Frames from a beat to the next, ascending by one, int [N].
        fps: Frames per second.
        by_period: Gain of a beat at each frame that ends each period, [T, N], or what gives rows of it; or None.
        costs: See `SearchCosts`.

    Returns:
        int [K]; the first within the longest period from the start, the last as near to the end.
    """
    count, states = len(gain), len(periods)
    octaves = np.log2(60 * fps / periods / costs.prior_bpm) / costs.prior_octaves
    prior = -0.5 * octaves**2 - np.log(periods)
    prior = prior - np.log(np.exp(prior).sum())
    deepest, block = int(periods[-1]), int(periods[0])
    # Entered periods of the last frames: row k is frame `first` + k. What lies further back than the deepest period is dropped.
    entered = np.full((deepest + _HELD, states), -np.inf)
    entered[:deepest] = prior  # before the song any beat may have been
    first = -deepest
    # Which period came before the beat; by far the most that is held.
    moved = np.zeros((count, states), np.uint8 if states <= 256 else np.uint16)
    columns = np.arange(states)
    shifts = np.arange(-_REACH, _REACH + 1)
    logs = np.log(periods)
    neighbours = np.clip(columns[:, None] + shifts, 0, states - 1)
    cost = costs.change * np.abs(logs[neighbours] - logs[:, None])
    cost[(columns[:, None] + shifts) != neighbours] = np.inf
    for at in range(0, count, block):
        t = np.arange(at, min(at + block, count))
        if t[-1] - first >= len(entered):
            drop = at - deepest - first
            entered[:-drop] = entered[drop:].copy()
            entered[-drop:] = -np.inf
            first += drop
        arrived = entered[t[:, None] - first - periods, columns] + gain[t][:, None]
        if by_period is not None:
            arrived = arrived + by_period[t]
        options = arrived[:, neighbours] - cost
        best = options.argmax(axis=2)
        value = np.take_along_axis(options, best[:, :, None], axis=2)[:, :, 0]
        source = neighbours[columns, best]
        leader = arrived.argmax(axis=1)
        jumped = arrived[np.arange(len(t)), leader][:, None] - costs.jump + prior - prior.max()
        moved[t] = np.where(jumped > value, leader[:, None], source)
        entered[t - first] = np.maximum(value, jumped)
    ends = np.arange(max(0, count - deepest), count)
    last = np.where(count - ends[:, None] <= periods, entered[ends - first], -np.inf)
    row, state = np.unravel_index(int(last.argmax()), last.shape)
    t, path = int(ends[row]), []
    while t >= 0:
        path.append(t)
        state = moved[t, state]
        t -= int(periods[state])
    return np.array(path[::-1])
