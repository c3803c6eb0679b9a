"""How far corrections are believed: by what can be seen of a gap, never by the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.errors import CheckpointError
from farandole.generation.curve_correction.trust import COLUMNS, gap_signs, trusted_share
from farandole.generation.inbetween import fill_kept
from farandole.generation.patterns import kept_frames
from farandole.models.abilities import CurveTrust
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion


def corrected(take: Motion, kept: np.ndarray, metres: float) -> tuple[Motion, Motion]:
    """Curves, and the same with the whole body moved aside in gaps."""
    curves = hermite_between(take, kept)
    aside = np.array([metres, 0.0, 0.0]) * ~kept[:, None]
    return curves, replace(curves, root_positions=curves.root_positions + aside)


def test_signs_are_those_of_each_gap(take: Motion) -> None:
    kept = kept_frames(len(take), keep=[0, 15, 45, 46, 239])
    curves, made = corrected(take, kept, 0.1)
    signs = gap_signs(curves, made, kept)
    assert signs.columns.shape == (3, len(COLUMNS))
    np.testing.assert_allclose(np.exp(signs.columns[:, 1]), [1.0, 2.0, 193 / 15])  # half seconds
    assert (np.bincount(signs.number) == [14, 29, 192]).all()
    place = lambda f: take.positions[f]  # noqa: E731
    way = [np.linalg.norm(place(b) - place(a), axis=-1).mean() for a, b in ((0, 15), (15, 45), (46, 239))]
    np.testing.assert_allclose(np.exp(signs.columns[:, 4]), [(0.1 + 1e-3) / (w + 1e-3) for w in way])
    other = gap_signs(curves, corrected(take, kept, 0.2)[1], kept)
    np.testing.assert_allclose(other.columns[:, 3] - signs.columns[:, 3], np.log(4.0), atol=1e-3)
    np.testing.assert_array_equal(other.columns[:, [0, 1, 2, 5]], signs.columns[:, [0, 1, 2, 5]])


def test_shares_lie_between_nothing_and_caution(take: Motion) -> None:
    kept = kept_frames(len(take), keep=[0, 15, 45, 46, 239])
    curves, made = corrected(take, kept, 0.1)
    share = trusted_share(curves, made, kept, CurveTrust((0.0, 1.0, 0.0, 0.0, 0.0, 0.0), 0.5))
    assert share[kept].max() == 0.0
    np.testing.assert_allclose(share[[5, 30, 100]], [0.0, 0.5 * np.log(2.0), 0.5])
    with pytest.raises(CheckpointError, match="caution must be from 0 to 1"):
        CurveTrust((0.0,) * 6, 1.5)


def test_the_shipped_model_leaves_short_gaps_to_the_curves(take: Motion) -> None:
    assert find_checkpoint("inbetween").completion.trust is not None
    far = lambda every: np.abs(  # noqa: E731
        fill_kept(take, kept_frames(len(take), every=every), feet=False)[0].positions
        - hermite_between(take, kept_frames(len(take), every=every)).positions
    ).max()
    assert far(4) < 0.01
    assert far(40) > 0.05
