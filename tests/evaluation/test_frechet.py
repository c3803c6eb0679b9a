"""Frechet distances and diversity: recorded values, golden numbers, laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farandole.errors import DataError
from farandole.evaluation.metrics.diversity import diversity, multimodality
from farandole.evaluation.metrics.frechet_distance import frechet_distance, pose_distance, standardise, vectors_needed

PARITY = np.load(Path(__file__).parent / "data" / "metrics.npz")


@pytest.mark.parametrize("size", [32, 72])
def test_distances_of_random_features_equal_the_recorded_ones(size: int) -> None:
    _check_random(PARITY, PARITY[f"fid_features_{size}_reference"], PARITY[f"fid_features_{size}_generated"], size)


def test_distances_of_poses_equal_the_recorded_ones() -> None:
    poses = PARITY["pose_features_reference"], PARITY["pose_features_generated"]
    assert pose_distance(*poses) == pytest.approx(float(PARITY["fpd_transflower"]), rel=1e-6)
    assert pose_distance(*poses, frames=3) == pytest.approx(float(PARITY["fmd_transflower"]), rel=1e-6)


def _check_random(recorded, reference, generated, size: int) -> None:
    value = lambda name: pytest.approx(float(recorded[f"{name}_{size}"]), rel=1e-6)  # noqa: E731
    distance = frechet_distance(reference, generated)
    assert distance == value("fid_mint_normalised") == value("fid_bailando_normalised")
    assert frechet_distance(reference, generated, variant="raw") == value("fid_mint_raw")
    assert diversity(standardise(generated, reference)) == value("diversity_bailando_normalised_generated")
    assert diversity(standardise(reference, reference)) == value("diversity_bailando_normalised_reference")
    assert (
        diversity(generated)
        == value("diversity_bailando_raw_generated")
        == value("diversity_calc_diversity_raw_generated")
    )


@pytest.mark.parametrize("kind", ["kinetic", "geometric_aistplusplus"])
def test_eight_clips_in_72_dimensions_are_as_exact_as_many(kind: str) -> None:
    reference, generated = PARITY[f"{kind}_reference"], PARITY[f"{kind}_generated"]
    short = kind.split("_")[0]
    distance = frechet_distance(reference, generated)
    assert distance == pytest.approx(float(PARITY[f"clips_fid_stable_{short}"]), rel=1e-6)
    # The public script's general matrix square root is only approximate on singular covariances.
    assert distance == pytest.approx(float(PARITY[f"clips_fid_bailando_{short}"]), rel=1e-4)
    assert diversity(standardise(generated, reference)) == pytest.approx(
        float(PARITY[f"clips_diversity_generated_{short}"])
    )
    assert diversity(standardise(reference, reference)) == pytest.approx(
        float(PARITY[f"clips_diversity_reference_{short}"])
    )
    assert diversity(generated) == pytest.approx(float(PARITY[f"clips_diversity_raw_generated_{short}"]))


def test_golden_numbers() -> None:
    rng = np.random.RandomState(0)
    x = rng.randn(500, 8)
    y = 1.5 * rng.randn(400, 8) + 0.3
    assert frechet_distance(x, y, variant="raw") == pytest.approx(3.01423519, abs=5e-9)
    assert frechet_distance(x, y) == pytest.approx(3.15539883, abs=5e-9)
    assert diversity(standardise(y, x)) == pytest.approx(5.90415178, abs=5e-9)
    rng = np.random.RandomState(0)
    x = rng.randn(3001, 5) + 1
    y = 1.2 * rng.randn(2500, 5) + 0.8
    assert pose_distance(x, y, variant="script") == pytest.approx(0.398668, abs=5e-7)
    assert pose_distance(x, y, frames=3, variant="script") == pytest.approx(1.596665, abs=5e-7)
    assert pose_distance(x, y) == pytest.approx(0.380363, abs=5e-7)


def test_a_set_is_at_distance_zero_from_itself_and_distance_is_symmetric() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 50)), rng.normal(size=(20, 50)) + 0.2  # fewer vectors than dimensions
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y, variant="raw") == pytest.approx(frechet_distance(y, x, variant="raw"))


def test_a_shift_costs_its_square_and_a_scale_its_deviations() -> None:
    x = np.random.default_rng(2).normal(size=(400, 3))
    assert frechet_distance(x, x + np.array([1.0, 2.0, 0.0]), variant="raw") == pytest.approx(5)
    assert frechet_distance(x, x * 3.0 - 2.0 * x.mean(axis=0), variant="raw") == pytest.approx(4 * np.cov(x.T).trace())


def test_diversity_is_the_mean_over_pairs() -> None:
    x = np.random.default_rng(3).normal(size=(7, 4))
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]]
    assert diversity(x) == pytest.approx(np.mean(pairs))
    assert multimodality([x, x[:1], x + 5]) == pytest.approx(diversity(x))


def test_too_little_is_refused() -> None:
    with pytest.raises(DataError, match="two"):
        diversity(np.zeros((1, 3)))
    with pytest.raises(DataError, match="two takes"):
        multimodality([np.zeros((1, 3))])
    with pytest.raises(DataError, match="NaN"):
        frechet_distance(np.full((4, 2), np.nan), np.zeros((4, 2)))
    with pytest.raises(DataError, match="3 numbers each"):
        frechet_distance(np.zeros((4, 3)), np.zeros((4, 2)))
    assert vectors_needed(72) > 72
