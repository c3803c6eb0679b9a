"""Bits per dimension: known densities, change of units, honest intervals."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.errors import DataError
from farandole.evaluation.bootstrap import difference_interval, interval, mean_interval
from farandole.evaluation.metrics.likelihood import gaussian_log_prob, summarise_likelihood


def test_a_standard_normal_scores_its_entropy() -> None:
    x = np.random.default_rng(0).normal(size=(400, 10, 3))
    log_prob = (-0.5 * x**2 - 0.5 * np.log(2 * np.pi)).sum(axis=(1, 2))
    fit = summarise_likelihood(log_prob, 10, 3)
    entropy = 0.5 * np.log2(2 * np.pi * np.e)
    assert fit.bits_per_dimension.low < entropy < fit.bits_per_dimension.high
    assert fit.nats_per_frame.value == pytest.approx(fit.bits_per_dimension.value * 3 * np.log(2))


def test_scale_brings_densities_of_standardised_data_back_to_raw_units() -> None:
    rng = np.random.default_rng(1)
    scale = np.array([2.0, 0.1])
    raw = rng.normal(size=(50, 4, 2)) * scale
    train = rng.normal(size=(5000, 2)) * scale
    direct = summarise_likelihood(gaussian_log_prob(train, raw, ridge=0), 4, 2)
    standardised = summarise_likelihood(gaussian_log_prob(train / scale, raw / scale, ridge=0), 4, 2, scale=scale)
    assert direct.bits_per_dimension.value == pytest.approx(standardised.bits_per_dimension.value)


def test_windows_of_one_take_are_resampled_together() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(6), 50)
    log_prob = rng.normal(size=6)[groups] * 5 + rng.normal(size=300)
    honest = summarise_likelihood(log_prob, 1, 1, groups=groups.tolist()).nats_per_frame
    naive = summarise_likelihood(log_prob, 1, 1).nats_per_frame
    assert honest.value == pytest.approx(naive.value)
    assert honest.high - honest.low > 3 * (naive.high - naive.low)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    covered = sum(
        i.low < 0 < i.high for i in (mean_interval(rng.normal(size=60), resamples=300, seed=k) for k in range(200))
    )
    assert 175 <= covered <= 200


def test_differences_and_statistics_have_intervals() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=80) + 1.0, rng.normal(size=80)
    assert difference_interval(a, b).low > 0
    assert difference_interval(a, a + 0.01).low < 0
    median = interval(a[:, None], lambda x: float(np.median(x)))
    assert median.low < median.value < median.high
    assert mean_interval(np.array([np.nan, 2.0, 4.0]), np.array([9.0, 1.0, 3.0])).value == pytest.approx(3.5)
    assert mean_interval(np.array([np.nan])).count == 0


def test_broken_densities_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 windows"):
        summarise_likelihood(np.array([0.0, -np.inf]), 1, 1)
    with pytest.raises(DataError, match="group labels"):
        summarise_likelihood(np.zeros(3), 1, 1, groups=["a"])
    with pytest.raises(DataError, match="scale"):
        summarise_likelihood(np.zeros(3), 1, 2, scale=np.ones(3))
    with pytest.raises(DataError, match="at least one"):
        summarise_likelihood(np.empty(0), 1, 2)
