"""Windows of dance: pieces of the corpus, styles in their shares, a count that is heard a little early or late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")

import torch
from training_toys import DANCER, dance_music, toy, write_dance_folder

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.models.objectives.dancer_objective import DancerOptions
from farandole.training.data.dance_windows import pose_scale, shift_phase

WINDOW = DancerOptions(frames=64)


def quiet(**windows) -> dict:
    """Without the jitter of the count."""
    return {**DANCER, "windows": {"phase_jitter": 0.0, **windows}}


def test_batches_are_windows_of_the_corpus_with_their_music_and_style(dance_folder: Path) -> None:
    _, _, data, _ = toy(quiet(), dance_folder)
    corpus = FeatureFolder(dance_folder)
    mean, std = pose_scale(corpus, data.codec)
    batch = data.batch(3, 16, WINDOW)
    assert set(batch["style"].tolist()) == {0, 1}
    for label, name in ((0, "groove_0"), (1, "groove_1")):
        whole = (corpus.load(name, "dance129") - mean) / std
        row = batch["style"].tolist().index(label)
        window = batch["pose"][row].numpy()
        starts = [s for s in range(len(whole) - 63) if np.allclose(whole[s : s + 64], window, atol=1e-4)]
        assert len(starts) == 1
        music = corpus.load(name, "dance17")[starts[0] : starts[0] + 64]
        np.testing.assert_allclose(batch["music"][row].numpy(), music, atol=1e-6)


def test_styles_come_in_their_shares(dance_folder: Path) -> None:
    _, _, data, _ = toy(quiet(style_weights={"calm": 3.0, "wild": 1.0}), dance_folder)
    style = data.batch(0, 4000, DancerOptions(frames=8))["style"]
    assert float((style == 0).float().mean()) == pytest.approx(0.75, abs=0.03)
    _, _, data, _ = toy(quiet(style_weights={"calm": 0.0, "wild": 1.0}), dance_folder)
    assert (data.batch(0, 400, DancerOptions(frames=8))["style"] == 1).all()


def test_styles_of_which_nothing_is_long_enough_are_told(dance_folder: Path) -> None:
    _, _, data, _ = toy(quiet(style_weights={"calm": 0.0}), dance_folder)
    with pytest.raises(DataError, match="no sequence of the styles calm is long enough"):
        data.batch(0, 4, WINDOW)
    with pytest.raises(DataError, match="no sequence of the split 'train' has the 400 frames of a window"):
        data.batch(0, 4, DancerOptions(frames=400))


def test_shifting_the_phase_is_what_counting_later_gives() -> None:
    music, later = (torch.from_numpy(dance_music(50, count=3.0 + c).astype(np.float32))[None] for c in (0.0, 0.3))
    torch.testing.assert_close(shift_phase(music, torch.tensor([[0.3]])), later, atol=1e-5, rtol=0)


def test_the_count_of_training_windows_jitters_and_that_of_held_out_ones_does_not(dance_folder: Path) -> None:
    _, _, data, _ = toy(DANCER, dance_folder)
    _, _, steady, _ = toy(quiet(), dance_folder)
    a, b = data.batch(0, 8, WINDOW), steady.batch(0, 8, WINDOW)
    assert torch.equal(a["pose"], b["pose"])
    assert 0 < (a["music"] - b["music"]).abs().max() < 0.6
    assert torch.equal(data.held_out(8, WINDOW)[0]["music"], steady.held_out(8, WINDOW)[0]["music"])


def test_one_deviation_for_each_kind_of_column(dance_folder: Path) -> None:
    corpus = FeatureFolder(dance_folder)
    codec = corpus.codec("dance129")
    mean, std = pose_scale(corpus, codec)
    assert len(set(std[codec.slices["rotations"]].tolist())) == 1
    rms = np.sqrt((corpus.scaler("dance129").std[codec.slices["points"]] ** 2).mean())
    assert std[codec.slices["points"]][0] == pytest.approx(rms, rel=1e-5)
    np.testing.assert_allclose(mean, corpus.scaler("dance129").mean, atol=1e-6)


def test_the_validation_split_comes_before_the_test_split(tmp_path: Path) -> None:
    _, _, data, _ = toy(DANCER, write_dance_folder(tmp_path / "data", held_out="val"))
    assert data._split == "val"
