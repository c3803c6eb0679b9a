"""What a checkpoint says of its dances' feet and of the range of its features, and that the user has the last word."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from farandole.data.scaler import Scaler
from farandole.errors import CheckpointError
from farandole.generation.autoregressive.generator import AutoregressiveGenerator
from farandole.generation.completer import GenerationSettings
from farandole.models.abilities import Autoregressive, InputWindow
from farandole.motion.codecs.rotmat import RotMat
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

BODY = house_skeleton()
CODEC = RotMat(25.0, BODY)
WINDOW = InputWindow("motion", len(CODEC.columns), 5)
TIPS = [BODY.rest_positions[BODY.index(name), 1] + tip[1] for name, tip in BODY.end_sites.items()]
STANDING = BODY.rest_positions[0, 1] - min([BODY.rest_positions[:, 1].min(), *TIPS])
"""Height of the hips of a body at rest, m."""


def floating() -> Motion:
    """A body at rest, a metre above where it would stand."""
    turns = np.tile([1.0, 0, 0, 0], (100, len(BODY), 1))
    return Motion(BODY, turns, np.tile([0.0, STANDING + 1.0, 0.0], (100, 1)), 25.0)


def generator(**says: Any) -> AutoregressiveGenerator:
    facts = Autoregressive((WINDOW,), WINDOW, **says)
    ends = np.linspace(-2, -1, WINDOW.dim), np.linspace(3, 5, WINDOW.dim)
    scaler = Scaler(np.full(WINDOW.dim, 1.0), np.full(WINDOW.dim, 2.0), *ends)
    checkpoint: Any = SimpleNamespace(completion=facts, codec=CODEC, fps=25.0, scaler=lambda name, dim: scaler)
    session: Any = None
    return AutoregressiveGenerator(checkpoint, session)


@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize("asked", [None, True, False])
def test_dances_stand_where_the_user_or_else_the_checkpoint_says_so(says: bool, asked: bool | None) -> None:
    made = generator(feet=says).finished(CODEC.encode(floating()), GenerationSettings(feet=asked))
    raised = float(made.root_positions[50, 1] - STANDING)
    assert raised == pytest.approx(0.0 if (says if asked is None else asked) else 1.0, abs=0.01)


def test_smoothing_takes_jitter_off_and_leaves_what_lasts() -> None:
    still = CODEC.encode(floating())
    path = still.copy()
    path[:, -3] += np.where(np.arange(100) % 2, 0.01, -0.01) + np.where(np.arange(100) < 50, 0.0, 1.0)
    rough, smooth = (generator(smooth=s).finished(path, GenerationSettings()).root_positions[:, 0] for s in (0.0, 0.08))
    assert np.abs(np.diff(rough[:40])).min() > 0.019
    assert np.abs(np.diff(smooth[10:40])).max() < 1e-3
    np.testing.assert_allclose(smooth[[20, 80]] - smooth[20], [0.0, 1.0], atol=1e-3)


def test_margins_are_shares_of_the_range_of_the_data() -> None:
    assert generator()._bounds() is None
    bounds = generator(margin=0.1)._bounds()
    assert bounds is not None
    np.testing.assert_allclose(bounds[0][[0, -1]], [(-2 - 0.5 - 1) / 2, (-1 - 0.6 - 1) / 2], rtol=1e-6)
    np.testing.assert_allclose(bounds[1][[0, -1]], [(3 + 0.5 - 1) / 2, (5 + 0.6 - 1) / 2], rtol=1e-6)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(CheckpointError, match="margin must not be negative, got -1"):
        generator(margin=-1.0)
    with pytest.raises(CheckpointError, match="smooth must be from 0 to 1 s, got 2"):
        generator(smooth=2.0)
    with pytest.raises(CheckpointError, match="truncate must be positive, got 0"):
        generator(truncate=0.0)
