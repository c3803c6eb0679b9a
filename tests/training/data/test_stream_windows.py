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
from farandole.training.data.window_order import Shuffled, sequence_weights


def test_an_epoch_of_every_third_window() -> None:
    order = Shuffled(100, seed=1, stride=3)
    assert order.batches(8) == 4
    epochs = [{i for n in range(4 * e, 4 * e + 4) for i in order.batch(n, 8)[1]} for e in range(12)]
    assert [order.batch(4 * e, 8)[0] for e in range(12)] == list(range(12))
    assert all(len(epoch) == 32 for epoch in epochs)
    assert len(set().union(*epochs)) > 90  # in time all of them
    with pytest.raises(DataError, match="33 windows do not fill one batch of 40"):
        order.batches(40)


def test_an_epoch_meets_every_window_once_but_for_the_rest() -> None:
    order = Shuffled(23, seed=5)
    batches = [order.batch(n, 4)[1] for n in range(5)]
    assert len({i for batch in batches for i in batch}) == 20
    assert [order.batch(n, 4)[1] for n in range(5)] == batches
    assert [order.batch(n, 4)[1] for n in range(5, 10)] != batches
    with pytest.raises(DataError, match="3 windows do not fill one batch of 4"):
        Shuffled(3, seed=0).batch(0, 4)


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


def seen_windows(values: dict, folder: Path, steps: int = 40, size: int = 16) -> tuple[object, np.ndarray]:
    """The data of a recipe, and how often windows of each sequence were met."""
    _, _, data, _ = toy(values, folder)
    met = [data.train.locate(i)[0] for n in range(steps) for i in data._order.batch(n, size)[1]]
    return data, np.bincount(met, minlength=len(data.train.names)) / len(met)


def test_sequences_are_met_by_their_weights(flow_folder: Path) -> None:
    """As often as their windows times their weight, which a name or a pattern gives; others have 1."""
    weights = {"s0": 0.0, "s*": 3.0, "s2": 1.0}
    values = {**MOGLOW, "windows": {"stride": 1, "weights": weights}}
    data, shares = seen_windows(values, flow_folder)
    assert data.train.names == ("s0", "s1", "s2")
    np.testing.assert_allclose(shares, [0, 0.75, 0.25], atol=0.06)
    batches = [data._order.batch(n, 8)[1] for n in (0, 30, 0)]
    assert batches[0] == batches[2] != batches[1]
    assert (
        seen_windows({**values, "training": {**values["training"], "seed": 1}}, flow_folder)[1].tolist()
        != shares.tolist()
    )
    assert sequence_weights(("a", "b"), {"b": 2}) == {"a": 1.0, "b": 2.0}
    for wrong, said in (
        ({"s0": -1.0}, r"windows\.weights\.s0: -1 is negative"),
        ({"waltz_*": 2.0}, r"no training sequence is called 'waltz_\*'; the first is s0"),
        ({"s*": 0.0}, "one with a window must be positive"),
    ):
        with pytest.raises(DataError, match=said):
            toy({**MOGLOW, "windows": {"weights": wrong}}, flow_folder)


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """Plain arrays whose sound is three frames longer than their poses; a row's number stands in its first column."""
    folder = tmp_path / "arrays"
    folder.mkdir()
    for name, frames in (("a", 40), ("b", 30)):
        for feature, length, width in (("pose", frames, 2), ("sound", frames + 3, 2)):
            rows = np.random.default_rng(length).normal(size=(length, width))
            rows[:, 0] = np.arange(length)
            np.save(folder / f"{name}.{feature}.npy", rows)
    (folder / "base_filenames_train.txt").write_text("a\nb\n")
    return folder


def windowed(**settings: object) -> dict:
    config = {
        **FLOWS["transflower"],
        "inputs": [{"name": "motion", "dim": 2, "frames": 6}, {"name": "audio", "dim": 2, "frames": 8}],
        "target": {"name": "motion", "dim": 2, "frames": 2, "offset": 6},
    }
    features = {"motion": "pose", "audio": "sound"}
    return {**MOGLOW, "model": "transflower", "features": features, "config": config, "windows": settings, "fps": 20}


def first_columns(data: object, index: int) -> dict[str, list[int]]:
    """Numbers of the rows of a window."""
    item, scalers = data.train[index], data.scalers()
    modality = {k: k.partition("_")[2] for k in item}
    return {k: np.rint(item[k][:, 0] * scalers[m].std[0] + scalers[m].mean[0]).tolist() for k, m in modality.items()}


def test_a_recipe_says_where_longer_features_are_cut(uneven: Path) -> None:
    with pytest.raises(DataError, match="streams differ in length"):
        toy(windowed(), uneven)
    _, _, data, _ = toy(windowed(fix_lengths=True), uneven)
    assert first_columns(data, 4)["in_audio"] == list(range(4, 12))
    _, _, data, _ = toy(windowed(fix_lengths=True, fix={"audio": "beginning"}), uneven)
    rows = first_columns(data, 4)
    assert (rows["in_audio"], rows["in_motion"]) == (list(range(7, 15)), list(range(4, 10)))
    for wrong, said in (
        ({"fix": {"sound": "end"}}, r"windows\.fix: the model has no windows of 'sound'; there are: motion, audio"),
        ({"fix": {"audio": "middle"}}, r"windows\.fix\.audio: 'middle' is not one of end, beginning"),
    ):
        with pytest.raises(DataError, match=said):
            toy(windowed(fix_lengths=True, **wrong), uneven)


def test_windows_may_begin_before_frame_zero_of_the_others(uneven: Path) -> None:
    """Music heard from four frames before the poses on: the same as poses that begin four frames late."""
    values = windowed(fix_lengths=True)
    values["config"]["inputs"][1] |= {"offset": -4, "frames": 12}
    recipe, model, data, _ = toy(values, uneven)
    assert [(m.name, m.offset, m.frames) for m in (*model.inputs, model.target)] == [
        ("motion", 4, 6), ("audio", 0, 12), ("motion", 10, 2),
    ]  # fmt: skip
    rows = first_columns(data, 0)
    assert (rows["in_audio"], rows["in_motion"], rows["out_motion"]) == (list(range(12)), list(range(4, 10)), [10, 11])
    assert len(data.train) == 40 - 12 + 1 + 30 - 12 + 1
    assert values["config"]["inputs"][1]["offset"] == -4  # the recipe as it was given is not changed
    assert recipe.to_json()["config"]["target"]["offset"] == 10


def test_windows_of_a_preset_move_too() -> None:
    from farandole.training.recipe import read_values

    label = {"name": "style", "dim": 8, "frames": 1, "tokens": 2, "fixed": True}
    audio = {"name": "audio", "dim": 85, "frames": 160, "offset": -20}
    motion = {"name": "motion", "dim": 67, "frames": 120}
    values = {"model": "transflower", "preset": "paper", "config": {"inputs": [label, motion, audio]}}
    config = read_values(values).config
    assert [m.offset for m in config.inputs] == [0, 20, 0]
    assert (config.target.offset, config.target.frames) == (140, 3)
