"""Beats of a feature folder's sequences: found again in their phases, from any frame on, and over and over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from farandole.evaluation.sequence_beats import PHASES, beats_of_phases, sequence_beats

FPS = 25.0


def phases(per_bar: int, first: float = 1.0, period: float = 0.6, seconds: float = 30.0) -> np.ndarray:
    """A steady count that is `first` at frame 0."""
    count = first + np.arange(round(seconds * FPS)) / FPS / period
    beat, bar = 2 * np.pi * count, 2 * np.pi * count / per_bar
    return np.stack([np.sin(beat), np.cos(beat), np.sin(bar), np.cos(bar)], axis=1)


@pytest.mark.parametrize("per_bar", [3, 4])
def test_times_and_bars_are_found_again(per_bar: int) -> None:
    beats = beats_of_phases(phases(per_bar, first=1.5), FPS)
    assert beats is not None
    assert beats.beats_per_bar == per_bar
    np.testing.assert_allclose(beats.times, 0.3 + 0.6 * np.arange(len(beats)), atol=1e-6)
    assert beats.counts[0] % per_bar == 2
    assert len(beats) == 50


def test_later_frames_have_the_same_beats() -> None:
    beats = beats_of_phases(phases(4), FPS, begin=30)  # 1.2 s: two beats later
    assert beats is not None
    assert beats.times[0] == pytest.approx(0.0, abs=1e-6)
    assert beats.counts[0] % 4 == 3


def test_music_that_ends_begins_anew() -> None:
    beats = beats_of_phases(phases(4, first=0.0, seconds=10.0), FPS, frames=round(35 * FPS))
    assert beats is not None
    gaps = np.diff(beats.times)
    assert beats.times[-1] == pytest.approx(35.0, abs=0.7)
    assert gaps.min() >= 0.3
    assert gaps.max() < 0.9
    again = beats.times[(beats.times > 10.5) & (beats.times < 19.5)] - 10.0
    np.testing.assert_allclose(again % 0.6 % 0.5999, 0.0, atol=1e-3)
    bars = beats.times[beats.downbeats]
    assert np.abs(bars[(bars > 9.8) & (bars < 12.0)] - 10.0).min() < 0.1


def test_without_the_feature_there_are_none() -> None:
    corpus: Any = SimpleNamespace(features={"mel": ("mel_0",)}, fps=FPS)
    assert sequence_beats(corpus, "s") is None
    told: Any = SimpleNamespace(features={"beats": PHASES}, fps=FPS, load=lambda name, feature: phases(3))
    beats = sequence_beats(told, "s", seconds=60)
    assert beats is not None
    assert beats.times[-1] > 59
    assert beats_of_phases(phases(4, seconds=0.4), FPS) is None
