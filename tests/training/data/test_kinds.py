"""Laws of every kind of training data: the batch of a step is a function of seed and step, whoever asks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import torch
from training_toys import DANCER, FLOWS, GAPS, MASKED, MOGLOW, toy

from farandole.errors import DataError
from farandole.training.data.training_data import held_out_split, share
from farandole.training.run_loaders import RunLoaders

AUGMENTED = {**MOGLOW, "windows": {"stride": 2, "augment": [{"noise": {"std": 0.1}}]}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "streams": ("flow_folder", MOGLOW),
    "augmented streams": ("flow_folder", AUGMENTED),
    "masked": ("masked_folder", MASKED),
    "gaps": ("dance_folder", GAPS),
    "dance": ("dance_folder", DANCER),
}


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest) -> tuple[dict[str, Any], Path]:
    """Recipe and feature folder of a kind of data."""
    folder, values = KINDS[request.param]
    return values, request.getfixturevalue(folder)


def draw(values: dict[str, Any], folder: Path, steps: list[int], seed: int = 5) -> list[dict[str, torch.Tensor]]:
    recipe, _, data, _ = toy({**values, "training": {**values["training"], "seed": seed}}, folder)
    return [data.batch(n, 4, recipe.plan.stages[-1].options) for n in steps]


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_batch_depends_on_seed_and_step_alone(made) -> None:
    values, folder = made
    forwards, backwards = draw(values, folder, [0, 1, 2, 37]), draw(values, folder, [37, 2, 1, 0])
    assert all(same(a, b) for a, b in zip(forwards, reversed(backwards), strict=True))
    assert not any(same(forwards[0], other) for other in forwards[1:])
    (other,) = draw(values, folder, [0], seed=6)
    assert not same(forwards[0], other)


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_batches(made, workers: int) -> None:
    values, folder = made
    recipe, _, data, _ = toy(values, folder)
    batches = []
    for count in (0, workers):
        loaders = RunLoaders(data, recipe.plan, workers=count, seed=1)
        loaders.trainer = SimpleNamespace(global_rank=0, world_size=1, global_step=0)
        loaders.load_state_dict({"batches": 3})
        stream = iter(loaders.train_dataloader())
        batches.append([next(stream) for _ in range(4)])
        del stream
    assert all(same(a, b) for a, b in zip(*batches, strict=True))
    stage = recipe.plan.stages[0]
    assert same(batches[0][0], data.batch(3, stage.batch_size, stage.options))


def test_held_out_batches_are_the_same_every_time(made) -> None:
    values, folder = made
    recipe, _, data, _ = toy(values, folder)
    options = recipe.plan.stages[-1].options
    held = data.held_out(4, options)
    assert len(held) > 0
    assert same(held[0], data.held_out(4, options)[0])
    data.batch(0, 4, options)
    assert same(held[len(held) - 1], data.held_out(4, options)[len(held) - 1])
    with pytest.raises(IndexError):
        held[len(held)]


def test_processes_share_a_batch_without_rest(made) -> None:
    values, folder = made
    (batch,) = draw(values, folder, [2])
    halves = [share(batch, rank, 2) for rank in (0, 1)]
    assert same({k: torch.cat([h[k] for h in halves]) for k in batch}, batch)
    with pytest.raises(DataError, match="batch size 4 cannot be shared by 3 processes"):
        share(batch, 0, 3)


def test_a_feature_that_the_data_lack_is_named_with_those_there(made) -> None:
    values, folder = made
    wrong = {**values, "features": {**values.get("features", {}), "motion": "gestures"}}
    with pytest.raises(DataError, match="gestures") as error:
        toy(wrong, folder)
    there = str(error.value)
    assert any(name in there for name in ("expmap_cr", "rotmat", "dance129"))
    assert "\n" not in there


def test_augmentation_differs_between_epochs_and_repeats_with_the_seed(flow_folder: Path) -> None:
    """Every window is met once an epoch; what was changed of it is other noise each time, the same for the same seed."""
    values = {**AUGMENTED, "windows": {**AUGMENTED["windows"], "stride": 1}}
    recipe, _, data, _ = toy(changed_seed(values, 3), flow_folder)
    _, _, plain, _ = toy(changed_seed({**values, "windows": {"stride": 1}}, 3), flow_folder)
    assert recipe.windows.augment
    count = data.epoch_batches(4)
    for step in (0, 1, count, 2 * count + 1):
        changed, bare = data.batch(step, 4, None), plain.batch(step, 4, None)
        assert torch.equal(changed["out_motion"], bare["out_motion"])  # the order is the same
        assert not torch.equal(changed["in_motion"], bare["in_motion"])
    index = 7
    first, again, later = data.train[(0, index)], data.train[(0, index)], data.train[(1, index)]
    assert (first["in_motion"] == again["in_motion"]).all()
    assert not (first["in_motion"] == later["in_motion"]).all()
    _, _, other, _ = toy(changed_seed(values, 4), flow_folder)
    assert not (first["in_motion"] == other.train[(0, index)]["in_motion"]).all()


def changed_seed(values: dict[str, Any], seed: int) -> dict[str, Any]:
    return {**values, "training": {**values["training"], "seed": seed}}


def test_the_first_split_with_a_sequence_long_enough_is_held_out(dance_folder: Path, flow_folder: Path) -> None:
    from farandole.data.feature_folder import FeatureFolder

    assert held_out_split(FeatureFolder(dance_folder)) == "test"
    assert held_out_split(FeatureFolder(dance_folder), frames=151) is None
    assert held_out_split(FeatureFolder(flow_folder)) == "val"


def test_every_flow_of_the_registry_has_a_toy() -> None:
    from farandole.models.base import MotionModel
    from farandole.models.registry import model_names, model_type

    assert set(FLOWS) == {n for n in model_names() if issubclass(model_type(n), MotionModel)}
