"""The published feature vectors: recorded outputs of the public extractors, golden numbers, and laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dancers import toy

from farandole.errors import MotionError
from farandole.evaluation.metrics.geometric_features import geometric_features
from farandole.evaluation.metrics.kinetic_features import from_first_root, kinetic_features

PARITY = np.load(Path(__file__).parent / "data" / "metrics.npz")
GEOMETRIC = {"aist++": "aistplusplus", "bailando": "bailando_manual_new", "bailando-old": "bailando_manual"}


@pytest.mark.parametrize("which", ["reference", "generated"])
def test_kinetic_features_equal_the_recorded_ones(which: str) -> None:
    clips = PARITY[f"positions_{which}"]
    np.testing.assert_allclose(kinetic_features(clips), PARITY[f"kinetic_{which}"][: len(clips)], rtol=1e-6)


def test_kinetic_features_from_the_start_equal_the_recorded_ones() -> None:
    clips = PARITY["positions_generated"]
    zero = kinetic_features(from_first_root(clips))
    np.testing.assert_allclose(zero, PARITY["kinetic_generated_zero_start"][: len(clips)], rtol=1e-6)


@pytest.mark.parametrize("which", ["reference", "generated"])
@pytest.mark.parametrize("variant", GEOMETRIC)
def test_geometric_features_equal_the_recorded_ones(variant: str, which: str) -> None:
    clips = PARITY[f"positions_{which}"]
    recorded = PARITY[f"geometric_{GEOMETRIC[variant]}_{which}"][: len(clips)]
    np.testing.assert_allclose(geometric_features(clips, variant=variant), recorded, rtol=1e-6, atol=1e-7)


def test_golden_numbers_of_the_toy_dancer() -> None:
    clip = toy(240, 60)
    kinetic = kinetic_features(clip)
    np.testing.assert_allclose(kinetic[:6], [0.593845, 0.246376, 3614.39, 0.675991, 0.266738, 3347.23], rtol=3e-6)
    assert kinetic.sum() == pytest.approx(98042.6, rel=1e-6)
    zero = kinetic_features(from_first_root(clip))
    np.testing.assert_allclose(zero[[2, 5]], [956.945, 1153.58], rtol=2e-6)
    assert kinetic_features(clip, variant="fixed")[2] == pytest.approx(4.6488, rel=2e-6)
    true_frames = np.round(geometric_features(clip) * 239).astype(int)
    expected = "103 125 94 76 100 100 116 114 237 108 76 130 238 238 86 137 32 35 40 110 108 235 236 237 236 48 95 46 0 0 0 233"
    assert true_frames.tolist() == [int(n) for n in expected.split()]


def test_the_mended_acceleration_does_not_care_where_the_dancer_stands_and_the_published_one_does() -> None:
    clip = toy(60, 60)
    moved = clip + np.array([5.0, 0.0, -3.0])
    np.testing.assert_allclose(
        kinetic_features(moved, variant="fixed"), kinetic_features(clip, variant="fixed"), rtol=1e-9
    )
    assert kinetic_features(moved)[2] > 2 * kinetic_features(clip)[2]
    np.testing.assert_allclose(geometric_features(moved), geometric_features(clip), atol=1e-12)


def test_many_clips_at_once_equal_one_by_one() -> None:
    clips = np.stack([toy(50, 60), toy(50, 60)[::-1], toy(50, 60) * 1.1])
    for features in (kinetic_features, geometric_features):
        np.testing.assert_allclose(features(clips), [features(c) for c in clips], rtol=1e-12)


def test_a_steady_walk_has_its_speed_squared_as_energy_and_no_acceleration() -> None:
    line = np.zeros((40, 24, 3)) + np.arange(40)[:, None, None] / 60 * [0.6, 0.3, 0.8]
    features = kinetic_features(line, variant="fixed").reshape(24, 3)
    np.testing.assert_allclose(features, np.tile([1.0, 0.09, 0.0], (24, 1)), atol=1e-9)


@pytest.mark.parametrize("shape", [(2, 24, 3), (10, 24, 2), (24, 3)])
def test_arrays_that_are_no_clips_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionError):
        kinetic_features(np.zeros(shape))


def test_geometric_features_need_the_smpl_joints() -> None:
    with pytest.raises(MotionError, match="22 joints"):
        geometric_features(np.zeros((10, 22, 3)))
