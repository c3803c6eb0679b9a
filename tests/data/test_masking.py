"""Masks: which frames are hidden, replaced, scored."""

import numpy as np
import pytest

from farandole.data.masking import Masking, pattern, spans
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
    masked = Masking(share=1.0, zero=0.0, replace=1.0, shortest=3, longest=20).draw(motion, np.random.default_rng(1))
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
    for wrong, said in (
        ({"pattern": "all"}, "no pattern 'all'; there are frames, spans, every, keys, suffix"),
        ({"pattern": "spans", "share": 1.0}, "would keep nothing"),
        ({"least": 9, "most": 8}, "needed is 1 <= least <= most, every >= 1; got 9, 8, 15"),
        ({"joint_share": 0.0}, "joint_share must be in"),
    ):
        with pytest.raises(DataError, match=said):
            Masking(**wrong)
    with pytest.raises(DataError, match="a suffix of 120 frames keeps nothing of windows of 120"):
        Masking("suffix", most=120).draw(batch(2), np.random.default_rng(0))
    with pytest.raises(DataError, match="needs features that belong to joints"):
        Masking(joint_share=0.5).draw(batch(2), np.random.default_rng(0))


def test_the_shape_stays_and_the_windows_do_too():
    motion = batch(5).astype(np.float32)
    before = motion.copy()
    for how in ("frames", "spans", "every", "suffix"):
        masked = Masking(how).draw(motion, np.random.default_rng(0))
        assert (masked.motion.shape, masked.motion.dtype) == (motion.shape, motion.dtype)
        assert masked.attention.shape == masked.scored.shape == masked.hidden.shape == (5, 300)
        assert masked.flags.shape == (5, 300, 1)
        np.testing.assert_array_equal(motion, before)
        assert (masked.hidden <= masked.scored).all()
        assert (masked.motion[masked.hidden] == 0).all()
        again = Masking(how).draw(motion, np.random.default_rng(0))
        np.testing.assert_array_equal(masked.motion, again.motion)


def test_spans_cover_their_share_evenly():
    covered = spans(4000, 60, 0.3, 4, 12, np.random.default_rng(0))
    assert covered.mean() == pytest.approx(0.3, abs=0.01)
    assert covered.mean(axis=0).min() > 0.26  # at both ends too
    assert covered.mean(axis=0).max() < 0.34
    rows = np.pad(spans(300, 200, 0.02, 4, 12, np.random.default_rng(1)), ((0, 0), (1, 1))).astype(int)
    start, end = (np.argwhere(np.diff(rows) == s) for s in (1, -1))
    inner = (start[:, 1] > 0) & (end[:, 1] < 200)
    lengths = (end - start)[inner, 1]
    assert lengths.min() == 4
    assert set(range(4, 13)) <= set(lengths)


def test_every_and_suffix():
    masked = Masking("every", every=15, zero=1.0, replace=0.0, shortest=300, longest=300).draw(
        batch(2), np.random.default_rng(0)
    )
    assert np.flatnonzero(~masked.scored[0]).tolist() == [*range(0, 300, 15)]
    assert (masked.hidden == masked.scored).all()
    suffix = Masking("suffix", least=20, most=60, zero=1.0, replace=0.0, shortest=120).draw(
        batch(600), np.random.default_rng(0)
    )
    lengths, hidden = suffix.attention.sum(axis=1).astype(int), suffix.scored.sum(axis=1)
    assert (hidden.min(), hidden.max()) == (20, 60)
    assert all(s[n - h : n].all() for s, n, h in zip(suffix.scored, lengths, hidden, strict=True))


def test_some_joints_alone():
    groups = np.repeat(np.arange(6), 3)
    motion = 1 + np.random.default_rng(0).random((40, 130, 18))
    masked = Masking("spans", share=0.3, joint_share=0.5, replace=0.2, zero=0.7).draw(
        motion, np.random.default_rng(0), groups
    )
    assert (masked.joints.sum(axis=1) == 3).all()
    assert (masked.joints.mean(axis=0) > 0.3).all()  # every joint has its turn
    assert masked.flags.shape == (40, 130, 6)
    there = masked.attention > 0
    changed = (masked.motion != motion).reshape(40, 130, 6, 3).any(axis=-1)
    assert not changed[there & ~masked.scored].any()
    covered = masked.joints[:, None] & masked.scored[..., None]
    assert not changed[~covered & there[..., None]].any()
    zero = (masked.motion == 0).reshape(40, 130, 6, 3).all(axis=-1)
    np.testing.assert_array_equal(zero[there], masked.flags[there] > 0)


@pytest.mark.parametrize("pattern", ["frames", "spans", "every"])
def test_ends_of_windows_stay_visible_where_asked_for(pattern: str) -> None:
    motion = np.random.default_rng(1).normal(size=(64, 40, 12)).astype(np.float32)
    hidden = {}
    for ends in (False, True):
        masking = Masking(pattern, share=0.6, every=7, most=9, shortest=20, longest=40, ends=ends)
        masked = masking.draw(motion, np.random.default_rng(2))
        last = masked.attention.sum(axis=1).astype(int) - 1
        hidden[ends] = masked.scored[:, 0].sum() + masked.scored[np.arange(64), last].sum()
        between = masked.scored[:, 1:19].mean()
        assert between > 0.4
    assert hidden[True] == 0
    assert hidden[False] > 0


def test_a_suffix_has_an_open_end() -> None:
    with pytest.raises(DataError, match="a suffix has no visible end"):
        Masking("suffix", ends=True)


def test_keys_are_evenly_apart_and_short_distances_as_often_as_twice_as_long_ones():
    masked = Masking("keys", least=4, most=31, zero=1.0, replace=0.0, shortest=300, longest=300)
    hidden = masked.draw(batch(600), np.random.default_rng(0)).hidden
    apart, firsts = [], []
    for row in hidden:
        visible = np.flatnonzero(~row)
        assert len(set(np.diff(visible))) == 1
        apart.append(int(np.diff(visible)[0]))
        firsts.append(visible[0] / apart[-1])
    assert (min(apart), max(apart)) == (4, 31)
    counts = [np.mean([a // low == 1 for a in apart]) for low in (4, 8, 16)]
    assert counts == pytest.approx([1 / 3] * 3, abs=0.07)
    assert np.mean(firsts) == pytest.approx(0.45, abs=0.08)
    ends = Masking("keys", least=4, most=31, ends=True, shortest=300, longest=300).draw(
        batch(), np.random.default_rng(0)
    )
    assert not ends.scored[:, [0, -1]].any()
