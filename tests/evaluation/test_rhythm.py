"""Beat figures: recorded values, golden numbers, laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dancers import toy

from farandole.errors import MotionError
from farandole.evaluation.metrics.beat_alignment import (
    alignment,
    beat_alignment,
    beat_energy,
    hit_rate,
    minima,
    motion_beats,
    music_motion_correlation,
    nearest_gap,
)

PARITY = np.load(Path(__file__).parent / "data" / "metrics.npz")
BEATS = np.arange(15, 600, 30) / 60


@pytest.mark.parametrize("which", ["reference", "generated"])
def test_bailando_scores_equal_the_recorded_ones(which: str) -> None:
    scores = []
    for i, clip in enumerate(PARITY[f"positions_{which}"]):
        assert (
            np.round(motion_beats(clip, 60) * 60).astype(int).tolist() == PARITY[f"motion_beats_{which}_{i}"].tolist()
        )
        scores.append(beat_alignment(clip, 60, PARITY[f"music_beats_{i}"] / 60).alignment)
    np.testing.assert_allclose(scores, PARITY[f"beat_alignment_{which}"][: len(scores)], rtol=1e-6)


def test_golden_numbers_of_both_variants() -> None:
    clip = toy(600, 60)
    mint = beat_alignment(clip, 60, BEATS, variant="mint")
    expected = "28 55 84 97 153 207 236 277 343 362 401 458 487 513 526 541 558 572 588"
    assert np.round(motion_beats(clip, 60, variant="mint") * 60).astype(int).tolist() == [
        int(n) for n in expected.split()
    ]
    assert mint.alignment == pytest.approx(0.186303, abs=5e-7)
    assert mint.coverage == pytest.approx(0.95)
    assert mint.hit_rate == pytest.approx(0.736842, abs=5e-7)
    bailando = beat_alignment(clip, 60, BEATS)
    expected = "26 87 152 209 276 332 400 455 488 521 538 559 571 588"
    assert np.round(motion_beats(clip, 60) * 60).astype(int).tolist() == [int(n) for n in expected.split()]
    assert bailando.alignment == pytest.approx(0.088027, abs=5e-7)
    assert (mint.precision, bailando.recall) == (mint.alignment, bailando.alignment)


@pytest.mark.parametrize("variant", ["mint", "bailando"])
def test_half_the_frame_rate_gives_nearly_the_same_score(variant) -> None:
    full = beat_alignment(toy(600, 60), 60, BEATS, variant=variant)
    half = beat_alignment(toy(300, 30), 30, BEATS, variant=variant)
    assert half.alignment == pytest.approx(full.alignment, abs=0.04)


def test_stops_on_the_beat_score_one_and_between_beats_near_nothing() -> None:
    time = np.arange(0, 10, 1 / 60)
    clip = np.zeros((len(time), 24, 3))
    clip[..., 0] = (time - np.sin(4 * np.pi * time) / (4 * np.pi))[:, None]  # stands still every half second
    beats = np.arange(0.5, 9.6, 0.5)
    on, off = beat_alignment(clip, 60, beats), beat_alignment(clip, 60, beats + 0.25)
    assert on.alignment > 0.9
    assert off.alignment < 0.01
    assert on.hit_rate == 1


def test_beats_outside_the_clip_do_not_count() -> None:
    clip = toy(300, 60)
    assert beat_alignment(clip, 60, BEATS[:10]) == beat_alignment(clip, 60, np.concatenate((BEATS[:10], [7.0, 9.0])))


def test_without_beats_scores_are_zero() -> None:
    score = beat_alignment(toy(300, 60), 60, np.empty(0))
    assert (score.alignment, score.coverage, score.music_beats) == (0, 0, 0)
    assert beat_alignment(np.zeros((50, 24, 3)), 60, BEATS).alignment == 0


def test_each_music_beat_is_hit_once() -> None:
    assert hit_rate(np.array([1.0, 1.05, 1.1]), np.array([1.0, 3.0]), 0.2) == pytest.approx(1 / 3)
    assert hit_rate(np.array([0.9, 1.05]), np.array([1.0, 1.1]), 0.2) == 1


def test_distance_to_the_nearest_beat() -> None:
    np.testing.assert_allclose(nearest_gap(np.array([-1, 0.4, 0.6, 5]), np.array([0.0, 1.0, 2.0])), [1, 0.4, 0.4, 3])
    np.testing.assert_allclose(nearest_gap(np.array([1.0, 4.0]), np.array([3.0])), [2, 1])
    assert alignment(np.array([0.05]), np.array([0.0])) == pytest.approx(np.exp(-0.5))


def test_minima_are_strict_and_need_neighbours() -> None:
    assert minima(np.array([0, 2, 1, 2, 1, 1, 3, 0.0])).tolist() == [2]
    assert minima(np.array([5, 4, 1, 4, 2, 5, 6.0]), 2).tolist() == [2]


def test_energy_and_correlation_follow_the_music() -> None:
    time = np.arange(0, 8, 1 / 60)
    clip = np.zeros((len(time), 24, 3))
    clip[..., 0] = (time - np.sin(4 * np.pi * time) / (4 * np.pi))[:, None]
    speed, on_beat = beat_energy(clip, 60, np.arange(0.5, 8, 0.5))
    assert speed == pytest.approx(1, rel=0.01)
    assert on_beat > 0 > beat_energy(clip, 60, np.arange(0.75, 8, 0.5))[1]
    loud = np.cos(4 * np.pi * time)
    assert music_motion_correlation(np.cos(4 * np.pi * (time - 0.1)), loud, 60) > 0.99
    assert abs(music_motion_correlation(np.cos(2 * np.pi * 1.3 * time), loud, 60)) < 0.2
    assert music_motion_correlation(np.ones(50), loud[:50], 60) == 0


def test_a_still_array_or_a_wrong_one_is_refused() -> None:
    with pytest.raises(MotionError):
        beat_alignment(np.zeros((2, 24, 3)), 60, BEATS)
    with pytest.raises(MotionError, match="music curve of 3"):
        music_motion_correlation(np.zeros(4), np.zeros(3), 60)
