"""Dynamics of phrases: taken from takes, laid out again along a count."""

from __future__ import annotations

import numpy as np

from farandole.music.dance_features import DYNAMICS, dance_music_features
from farandole.music.dynamics import STEPS, evenly, phrases_of, planned_dynamics


def music(count: np.ndarray, dynamics: np.ndarray | None) -> np.ndarray:
    zero = np.zeros(len(count))
    return dance_music_features(count, zero + 120.0, zero, np.zeros((len(count), 4)), zero, dynamics)


def test_phrases_are_the_dynamics_of_eight_counts() -> None:
    count = 3.0 + np.arange(900) / 30.0 * 2.0
    found = phrases_of(music(count, 1.0 + 0.5 * np.sin(2 * np.pi * count / 8)))
    assert len(found) == int((count[-1] - 8) // 8)
    for phrase in found:
        np.testing.assert_allclose(phrase, 1.0 + 0.5 * np.sin(2 * np.pi * np.arange(STEPS) / STEPS), atol=0.01)
    assert phrases_of(music(count, None)) == []


def test_where_the_beat_is_unknown_phrases_are_shifted_to_rest_on_counts() -> None:
    count = np.arange(600) / 30.0 * 2.0
    dynamics = 1.0 - np.cos(2 * np.pi * (count - 0.5))
    for phrase in phrases_of(music(count, dynamics), on_beat=False):
        assert phrase[::4].mean() < 0.1
    assert phrases_of(music(count, dynamics))[0][::4].mean() > 1.9


def test_a_plan_is_made_of_phrases_and_does_not_depend_on_where_a_window_begins() -> None:
    random = np.random.default_rng(0)
    phrases = [np.round(random.uniform(0.2, 2.0, STEPS), 2).tolist() for _ in range(6)]
    count = np.arange(2000) / 30.0 * 2.0
    plan = planned_dynamics(phrases, count, np.zeros(2000), 5)
    assert plan is not None
    np.testing.assert_array_equal(planned_dynamics(phrases, count[700:1180], np.zeros(480), 5), plan[700:1180])
    values = {round(v, 2) for phrase in phrases for v in phrase}
    on_steps = np.interp(np.arange(0, 120, 0.25), count, plan)
    assert np.mean([min(abs(v - w) for w in values) for v in on_steps]) < 0.02
    assert not np.array_equal(planned_dynamics(phrases, count, np.zeros(2000), 6), plan)
    assert planned_dynamics([], count, np.zeros(2000), 5) is None


def test_lively_music_gets_lively_phrases() -> None:
    phrases = [[level] * STEPS for level in (0.5, 0.8, 1.0, 1.2, 1.5)]
    count = np.arange(20000) / 30.0 * 2.0
    calm, lively = (planned_dynamics(phrases, count, np.full(20000, e), 1) for e in (-1.0, 1.0))
    assert calm is not None
    assert lively is not None
    assert lively.mean() - calm.mean() > 0.3


def test_evenly_keeps_the_ends_and_the_number() -> None:
    assert evenly(range(100), 5) == [0, 25, 50, 74, 99]
    assert evenly("abc", 5) == ["a", "b", "c"]
    assert slice(15, 17) == DYNAMICS
