"""Dynamics of dance: how fast a body moves from moment to moment of a phrase, so that it holds, arrives and bursts.

Dancers do not move evenly: they arrive on a count, hold, and prepare the next move. A model left to itself averages that away. So
it is told the dynamics: in training those of the take, in dancing those of phrases of real takes of the style, one after the other,
chosen by the energy of the music.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from farandole.music.dance_features import DYNAMICS, PERIODS, Array

COUNTS = 8
"""Of a phrase."""
STEPS = 32
"""Samples of a phrase: four a count."""
MOST_PHRASES = 24
"""Phrases kept of a style."""
T = TypeVar("T")


def phrases_of(music: Array, *, on_beat: bool = True) -> list[Array]:
    """Dynamics of the whole phrases of a take, each [32]; none where they are not told.

    Args:
        music: Music features of the take, [T, 17].
        on_beat: Whether its count can be trusted. If not, each phrase is shifted by less than a count so that the body rests on
            the counts, as far as it does.
    """
    dynamics, told = music[:, DYNAMICS].T
    if not told.all():
        return []
    slow = 2 * PERIODS.index(COUNTS)
    turns = np.unwrap(np.arctan2(music[:, slow], music[:, slow + 1])) / (2 * np.pi)  # phrases since the first frame
    if not (np.diff(turns) > 0).all():
        return []
    first, last = int(np.ceil(turns[0])), int(np.floor(turns[-1]))
    wanted = np.arange(STEPS) / STEPS
    phrases = [np.round(np.interp(number + wanted, turns, dynamics), 2) for number in range(first, last)]
    return phrases if on_beat else [_rested(phrase) for phrase in phrases]


def _rested(phrase: Array) -> Array:
    step = STEPS // COUNTS
    return np.roll(phrase, -int(np.argmin([phrase[k::step].mean() for k in range(step)])))


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of some items, evenly drawn."""
    if len(items) <= most:
        return list(items)
    return [items[int(k)] for k in np.linspace(0, len(items) - 1, most).round()]


def planned_dynamics(
    phrases: Sequence[Sequence[float]],
    count: Array,
    energy: Array,
    seed: int,
    *,
    key: int = 0,
    variation: int = 0,
    varied: float = 0.0,
) -> Array | None:
    """Dynamics for a count [T], phrase after phrase; None where a style has none.

    Each phrase of eight counts is one of the style's, at random, likelier the better its mean suits the energy; its last half
    may be another's, as dancers repeat a beginning and vary the end. The same count, seed and energy give the same dynamics,
    wherever a window begins: a live dancer plans piece by piece.

    Args:
        phrases: Of the style, each [32].
        count: Continuous beat count, [T].
        energy: Of the music, standard deviations, [T].
        seed: Of the choice.
        key: Another number, other phrases: that of what the music repeats.
        variation: How often that was danced before: then some phrases are others than the first time.
        varied: Share of those.
    """
    if not phrases:
        return None
    table = np.asarray(phrases, float)
    means = table.mean(axis=1)
    spread = max(float(means.std()), 1e-3)
    number = np.floor(np.asarray(count) / COUNTS).astype(int)
    result = np.empty(len(number))
    for phrase in np.unique(number):
        inside = number == phrase
        place = [seed, int(phrase) + 2**20, *([key] if key else [])]
        random = np.random.default_rng(place)
        if variation and np.random.default_rng([*place, variation, 1]).random() < varied:
            random = np.random.default_rng([*place, variation, 2])
        wish = (means - means.mean()) / spread - float(np.mean(np.asarray(energy)[inside]))
        chances = np.exp(-0.5 * wish**2)
        one, two = random.choice(len(table), size=2, p=chances / chances.sum())
        shape = np.concatenate((table[one, : STEPS // 2], table[two if random.random() < 0.5 else one, STEPS // 2 :]))
        within = (np.asarray(count)[inside] / COUNTS - phrase) * STEPS
        result[inside] = np.interp(within, np.arange(STEPS), shape)
    return result
