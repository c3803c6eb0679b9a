"""Windows over long motions: from the left every frame is made once; over gaps each is covered, between known frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farandole.errors import MotionError
from farandole.generation.patterns import kept_frames
from farandole.generation.window_plan import blend_weights, forward_windows, gap_windows


@given(
    done=st.integers(0, 30),
    added=st.integers(0, 120),
    window=st.integers(2, 40),
    context=st.integers(0, 39),
    keep=st.none() | st.integers(1, 20),
    flush=st.booleans(),
)
def test_every_frame_is_made_once_from_the_left(done, added, window, context, keep, flush) -> None:
    context = min(context, window - 1)
    total, at = done + added, done
    for step in forward_windows(done, total, window=window, context=context, keep=keep, flush=flush):
        assert step.done == at
        assert step.first >= 0
        assert step.done < step.end <= total
        overlap = step.done - step.first
        moved_back = flush and step.first == max(0, total - window)
        assert overlap == min(context, step.done) or moved_back
        if keep is None:
            assert step.end - step.first <= window
            assert step.end == total or step.end - step.first == window
        else:
            assert step.end == min(total, step.done + keep)
        at = step.end
    assert at == total


@given(total=st.integers(1, 120), window=st.integers(2, 40), context=st.integers(0, 39))
def test_flushed_windows_end_with_the_motion_and_are_whole(total, window, context) -> None:
    context = min(context, window - 1)
    steps = list(forward_windows(0, total, window=window, context=context, flush=True))
    for step in steps:
        assert step.end - step.first == min(window, total)
        assert step.first == 0 or step.done - step.first >= min(context, step.done)


def test_windows_take_over_what_is_there() -> None:
    steps = forward_windows(3, 20, window=8, context=4)
    assert [(s.first, s.done, s.end) for s in steps] == [(0, 3, 8), (4, 8, 12), (8, 12, 16), (12, 16, 20)]
    flushed = list(forward_windows(0, 13, window=8, context=4, flush=True))[-1]
    assert (flushed.first, flushed.done, flushed.end) == (5, 12, 13)
    published = forward_windows(5, 8, window=6, context=5, keep=1)
    assert [(s.first, s.done, s.end) for s in published] == [(0, 5, 6), (1, 6, 7), (2, 7, 8)]


def test_windows_cover_every_gap_and_fit() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        frames, longest = int(rng.integers(3, 300)), int(rng.integers(12, 80))
        kept = rng.random(frames) < rng.uniform(0.2, 0.9)
        kept[[0, -1]] = True
        if kept.all() or np.diff(np.flatnonzero(kept)).max() + 1 > longest:
            continue
        covered = kept.copy()
        pieces = gap_windows(kept, longest, 30.0)
        for first, last in pieces:
            assert kept[first]
            assert kept[last]
            assert 0 < last - first < longest
            covered[first : last + 1] = True
        assert covered.all()
        assert len({start for start, _ in pieces}) == len(pieces)
    with pytest.raises(MotionError, match=r"gap of 2.0 s is longer than the 1.0 s the model can fill"):
        gap_windows(kept_frames(100, gaps=[(20, 79)]), 32, 30.0)


@pytest.mark.parametrize("frames", [1, 2, 7, 96])
def test_blending_rises_from_both_ends_and_leaves_no_frame_out(frames: int) -> None:
    weights = blend_weights(frames)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights, weights[::-1])
    assert (np.diff(weights[: (frames + 1) // 2]) > 0).all()
