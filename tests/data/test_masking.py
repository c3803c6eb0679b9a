"""Masks: which frames are hidden, replaced, scored."""

import numpy as np
import pytest

from farandole.data.masking import Masking, pattern
from farandole.errors import DataError


def batch(count=64, frames=300):
    """Windows whose frames tell window and frame, never zero."""
    b, t = np.meshgrid(np.arange(count), np.arange(frames), indexing="ij")
    return np.stack((b + 1.0, t + 1.0), axis=-1)


@pytest.mark.parametrize("share", [0.15, 0.25])
def test_shares_are_the_published_ones(share):
    motion = batch(400)
    masked = Masking(share=share).draw(motion, np.random.default_rng(0))
    lengths = masked.attention.sum(axis=1)
    assert lengths.min() == 120
    assert lengths.max() == 299
    assert lengths.mean() == pytest.approx(209.5, abs=8)
    assert masked.scored.sum() / lengths.sum() == pytest.approx(share, rel=0.03)
    there = masked.attention > 0
    assert not masked.scored[~there].any()
    assert (masked.motion[~there] == 0).all()
    visible = there & ~masked.scored
    np.testing.assert_array_equal(masked.motion[visible], motion[visible])
    hidden = masked.motion[masked.scored]
    zero = (hidden == 0).all(axis=-1)
    kept = (hidden == motion[masked.scored]).all(axis=-1)
    assert zero.mean() == pytest.approx(0.8, abs=0.02)
    assert kept.mean() == pytest.approx(0.1, abs=0.02)


def test_replacements_come_from_other_frames_that_are_there():
    motion = batch(8, 20)
    masked = Masking(1.0, zero=0.0, replace=1.0, shortest=3, longest=20).draw(motion, np.random.default_rng(1))
    lengths = masked.attention.sum(axis=1).astype(int)
    row, frame = np.nonzero(masked.scored)
    window, source = (masked.motion[row, frame] - 1).astype(int).T
    assert (source < lengths[window]).all()
    assert (source != frame).all()
    assert set(window) == set(range(8))


def test_fixed_patterns():
    assert np.flatnonzero(pattern(0, 100)).tolist() == [0]
    assert np.flatnonzero(pattern(1, 12)).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(pattern(1, 20, lafan1=True)).tolist() == [*range(5, 15)]
    assert np.flatnonzero(~pattern(2, 20, lafan1=True)).tolist() == [0, 10]
    assert np.flatnonzero(pattern(3, 300)).tolist() == [*range(88, 98)]
    masked = Masking().fixed(batch(2, 150), pattern(3, 150), 100)
    assert masked.scored.sum() == 20
    assert (masked.motion[:, 88:98] == 0).all()
    assert (masked.motion[:, 100:] == 0).all()
    assert (masked.motion[:, :88] == batch(2, 150)[:, :88]).all()
    with pytest.raises(DataError, match="no pattern 4"):
        pattern(4, 100)


def test_what_cannot_be_masked_is_said():
    with pytest.raises(DataError, match="windows of 100 frames cannot be cut to 120 to 99"):
        Masking().draw(batch(2, 100), np.random.default_rng(0))
    with pytest.raises(DataError, match="are no probabilities"):
        Masking(zero=0.9, replace=0.2)
