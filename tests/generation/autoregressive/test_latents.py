"""Random numbers of dances: without drift as they were, with it some of their variance goes together for seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import CheckpointError
from farandole.generation.autoregressive.latents import latents
from farandole.models.abilities import Autoregressive, InputWindow

WINDOW = InputWindow("motion", 4, 2, 3)
FACTS = Autoregressive((WINDOW,), WINDOW, latent_channels=4)


def test_drift_goes_together_for_seconds_and_keeps_the_variance() -> None:
    z = latents(replace(FACTS, drift=0.3), [1, 2], 20_000, fps=25.0, keep=2)
    assert z.dtype == np.float32
    assert z.std() == pytest.approx(1.0, abs=0.05)
    lag = lambda n: np.mean(z[n:, 0] * z[:-n, 1])  # noqa: E731
    step = 2 / 25
    for n in (1, 12, 37):
        assert lag(n) == pytest.approx(0.3 * np.exp(-n * step / 3.0), abs=0.05)
    assert abs(lag(400)) < 0.05


def test_the_numbers_of_a_frame_do_not_depend_on_how_many_follow() -> None:
    facts = replace(FACTS, drift=0.05)
    long, short = (latents(facts, [1, 2], n, fps=25.0) for n in (60, 20))
    np.testing.assert_array_equal(long[:20], short)
    without = latents(FACTS, [1, 2], 60, fps=25.0)
    np.testing.assert_array_equal(without, np.random.default_rng([1, 2]).standard_normal((60, 2, 4), dtype=np.float32))
    assert np.abs(long - without).max() < 1.5


def test_truncation_holds_with_drift() -> None:
    assert np.abs(latents(replace(FACTS, drift=0.5, truncate=1.5), [3], 500, fps=25.0)).max() <= 1.5


@pytest.mark.parametrize("drift", [-0.1, 1.0])
def test_drift_is_a_share(drift: float) -> None:
    with pytest.raises(CheckpointError, match="drift must be from 0"):
        replace(FACTS, drift=drift)
