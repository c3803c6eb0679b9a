"""Windows with gaps: which frames go missing, where windows come from, what is in a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")

import torch
from training_toys import GAPS, toy

from farandole.errors import DataError
from farandole.models.errors import ConfigError
from farandole.motion import rotations as rot
from farandole.training.data.gap_batches import contacts, style_shares
from farandole.training.data.gap_patterns import GapPatterns


@pytest.mark.parametrize("kind", ["transition", "keyframes", "spans"])
def test_patterns(kind: str) -> None:
    shares = {"transition": 0.0} | {kind: 1.0}
    patterns = GapPatterns(**shares, longest_gap=20, longest_past=14, longest_future=3, window=40)
    random = np.random.default_rng(0)
    for _ in range(30):
        keep = patterns.draw(16, random)
        assert keep.shape[0] == 16
        assert 4 <= keep.shape[1] <= patterns.longest
        assert keep.any(axis=1).all()
        assert not keep.all(axis=1).all()
        if kind == "transition":
            past, gap = keep[0].argmin(), (~keep[0]).sum()
            assert 10 <= past <= 14
            assert 5 <= gap <= 20
            assert 1 <= keep.shape[1] - past - gap <= 3
        elif kind == "spans":
            assert keep[:, 0].all()


def test_gaps_of_transitions_are_multiples_of_their_step() -> None:
    patterns, random = GapPatterns(shortest_gap=5, longest_gap=50, gap_step=5), np.random.default_rng(0)
    gaps = {int((~patterns.draw(4, random)[0]).sum()) for _ in range(200)}
    assert gaps == set(range(5, 55, 5))


def test_every_third_batch_has_short_windows_where_they_are_asked_for() -> None:
    patterns = GapPatterns(transition=0.0, keyframes=1.0, window=40, short_window=20)
    lengths = [patterns.draw(4, np.random.default_rng(k)).shape[1] for k in range(300)]
    assert set(lengths) == {20, 40}
    assert 60 < lengths.count(20) < 140
    assert patterns.longest == 40


def test_patterns_say_what_is_wrong() -> None:
    with pytest.raises(ConfigError, match="shortest_gap"):
        GapPatterns(shortest_gap=9, longest_gap=3)
    with pytest.raises(ConfigError, match="shares must be positive"):
        GapPatterns(transition=0.0)


def test_windows_of_named_styles_only() -> None:
    motions = [(np.zeros((n, 1, 4)), np.zeros((n, 3))) for n in (10, 30, 60)]
    np.testing.assert_allclose(style_shares(motions, ["a", "b", "b"], {}), [0.1, 0.3, 0.6])
    np.testing.assert_allclose(style_shares(motions, ["a", "b", "b"], {"a": 1, "b": 3}), [0.25, 0.25, 0.5])
    with pytest.raises(DataError, match="'c'"):
        style_shares(motions, ["a", "b", "b"], {"c": 1})


def test_a_batch_holds_the_truth_and_what_is_seen_of_it(dance_folder: Path) -> None:
    _, _, data, _ = toy(GAPS, dance_folder)
    for step in range(6):
        batch = data.batch(step, 8, None)
        size, frames = batch["keep"].shape
        assert batch["features"].shape == (size, frames, 9 * 21 + 21)
        turns = batch["facing"].numpy()
        np.testing.assert_allclose(turns @ turns.swapaxes(-1, -2), np.broadcast_to(np.eye(3), turns.shape), atol=1e-5)
        np.testing.assert_allclose(batch["heading"].norm(dim=-1), 1.0, atol=1e-5)
        root = batch["positions"][:, :, 0] - batch["roots"]  # in known frames the guess stands where the truth does
        assert root[batch["keep"]].abs().max() < 1e-4
        assert set(batch["contacts"].unique().tolist()) <= {0.0, 1.0}


def test_missing_frames_are_not_in_the_features(dance_folder: Path) -> None:
    _, _, data, _ = toy(GAPS, dance_folder)
    random = np.random.default_rng(0)
    rotations, roots = data.drawn.windows(30, 4, random)
    keep = np.zeros((4, 30), bool)
    keep[:, [0, 1, 2, 14, 29]] = True
    other = rotations.copy(), roots.copy()
    other[0][~keep], other[1][~keep] = np.array([0.0, 1.0, 0.0, 0.0]), 7.0
    a, b = data.drawn.make(rotations, roots, keep), data.drawn.make(*other, keep)
    for name in ("features", "window", "roots", "heading"):
        assert torch.equal(a[name], b[name]), name
    assert not torch.equal(a["positions"], b["positions"])


def test_feet_rest_where_they_are_slow() -> None:
    places = np.zeros((1, 5, 1, 3))
    places[0, :, 0, 0] = [0, 0, 0.1, 0.2, 0.2]
    assert contacts(places, 30.0)[0, :, 0].tolist() == [True, True, False, False, True]


def test_the_completion_tells_the_codec(dance_folder: Path) -> None:
    _, _, data, _ = toy(GAPS, dance_folder)
    told = data.completion()
    assert told["window"] == GapPatterns(**GAPS["windows"]["patterns"]).longest
    assert np.linalg.norm(told["upright"]) == pytest.approx(1.0)
    assert rot.normalize(np.array(told["upright"])) == pytest.approx(np.array(told["upright"]))
