"""Windows of several streams: what a model sees, in step and scaled, in an order that repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import torch
from training_toys import FLOWS, MASKED, MOGLOW, changed, sway, toy

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.training.data.stream_windows import Order


def test_an_epoch_of_every_third_window() -> None:
    order = Order(100, seed=1, stride=3)
    assert order.batches(8) == 4
    epochs = [{i for n in range(4 * e, 4 * e + 4) for i in order.batch(n, 8)[1]} for e in range(12)]
    assert [order.batch(4 * e, 8)[0] for e in range(12)] == list(range(12))
    assert all(len(epoch) == 32 for epoch in epochs)
    assert len(set().union(*epochs)) > 90  # in time all of them
    with pytest.raises(DataError, match="33 windows do not fill one batch of 40"):
        order.batches(40)


def test_an_epoch_meets_every_window_once_but_for_the_rest() -> None:
    order = Order(23, seed=5)
    batches = [order.batch(n, 4)[1] for n in range(5)]
    assert len({i for batch in batches for i in batch}) == 20
    assert [order.batch(n, 4)[1] for n in range(5)] == batches
    assert [order.batch(n, 4)[1] for n in range(5, 10)] != batches
    with pytest.raises(DataError, match="3 windows do not fill one batch of 4"):
        Order(3, seed=0).batch(0, 4)


def test_windows_are_the_models_standardised_and_in_step(flow_folder: Path) -> None:
    inputs = [*FLOWS["transflower"]["inputs"], {"name": "style", "dim": 3, "frames": 1, "tokens": 2, "fixed": True}]
    values = {
        **MOGLOW,
        "model": "transflower",
        "features": {**MOGLOW["features"], "style": "style"},
        "config": {**FLOWS["transflower"], "inputs": inputs},
    }
    _, _, data, _ = toy(values, flow_folder)
    corpus = FeatureFolder(flow_folder)
    assert len(data.train) == 3 * (60 - 8 + 1)
    item = data.train[53 + 5]  # frame 5 of s1
    motion, sound = (
        (corpus.load("s1", f) - corpus.scaler(f).mean) / corpus.scaler(f).std for f in ("expmap_cr", "sound")
    )
    for key, expected in (("in_motion", motion[5:11]), ("out_motion", motion[11:13]), ("in_audio", sound[5:13])):
        np.testing.assert_allclose(item[key], expected.astype(np.float32), atol=1e-6)
    assert item["in_style"].tolist() == [1]
    assert data.labels() == ("a", "b")


def test_held_out_windows_come_in_order_at_their_stride(flow_folder: Path) -> None:
    _, _, data, _ = toy(MOGLOW, flow_folder)
    held = data.held_out(8, None)
    first = torch.cat([held[k]["out_motion"] for k in range(len(held))])
    expected = [torch.from_numpy(data.val[i]["out_motion"]) for i in range(0, len(data.val), 2)]
    assert torch.equal(first, torch.stack(expected))


def test_so_many_sequences_are_drawn_by_the_seed(flow_folder: Path) -> None:
    _, _, whole, _ = toy(MOGLOW, flow_folder)
    few = [toy({**changed(seed=s), "windows": {"sequences": 1}}, flow_folder)[2].train for s in range(6)]
    assert {len(w) for w in few} == {len(whole.train) // 3}
    assert len({tuple(w.names) for w in few}) > 1
    again = toy({**changed(seed=0), "windows": {"sequences": 1}}, flow_folder)[2].train
    assert again.names == few[0].names


def test_masked_windows_start_at_their_stride(masked_folder: Path) -> None:
    _, _, every, _ = toy(MASKED, masked_folder)
    assert every.epoch_batches(1) == 3 * (60 - 24 + 1)
    _, _, apart, _ = toy({**MASKED, "windows": {"frames": 20, "stride": 20}}, masked_folder)
    assert apart.epoch_batches(1) == 9  # 60 frames: three windows of 20 each
    held = apart.held_out(64, None)
    assert held[0]["out_motion"].shape == (5, 20, 30)  # overlapping by half


def test_masked_windows_as_published_are_scaled_over_everything(masked_folder: Path) -> None:
    windows = {"frames": 20, "stride": 20, "root": "minmax", "music": "minmax", "statistics": "all"}
    cross = {"layers": 1, "dim": 32, "heads": 4, "inner": 32, "length": 40}
    values = {
        **MASKED,
        "model": "crossmodal",
        "preset": "dancebert",
        "features": {"motion": "rotmat", "music": "sound"},
        "config": {"encoder": {**MASKED["config"]["encoder"], "length": 20}, "cross": cross},
        "windows": windows,
    }
    _, _, data, _ = toy(values, masked_folder)
    corpus = FeatureFolder(masked_folder)
    names = [f"s{i}" for i in range(4)]
    everything = np.concatenate([corpus.load(n, "rotmat") for n in names])
    np.testing.assert_allclose(data.scalers()["motion"].maximum, everything.max(axis=0), atol=1e-6)
    batch = data.batch(0, 9, None)
    roots = batch["out_motion"][..., -3:]
    assert 0 <= roots.min() < 0.1
    assert roots.max() <= 1
    heard = np.concatenate([corpus.load(n, "sound") for n in names])
    low, high = heard.min(axis=0), heard.max(axis=0)
    first = data.train[data._index[0]]["in_music"]
    np.testing.assert_allclose(first, (corpus.load("s0", "sound")[:20] - low) / (high - low), atol=1e-5)
    told = data.completion()
    assert (told["root"], told["music"], told["canonical"], told["window"]) == ("minmax", "minmax", False, 20)


def test_canonical_windows_keep_their_metres(masked_folder: Path) -> None:
    _, _, data, _ = toy(MASKED, masked_folder)
    np.testing.assert_allclose(data.train[0]["out_motion"], sway(60, 0.0)[:24], atol=1e-6)
    assert data.facts().canonical
