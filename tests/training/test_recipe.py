"""Recipes: every published one makes its model, and what is wrong with one is a line."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="recipes are checked against models of the [train] extra")

import torch
from training_toys import DANCER, GAPS, MASKED, MOGLOW, changed, toy

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError, FarandoleError
from farandole.models.base import MotionModel
from farandole.models.masked import MaskedMotionModel
from farandole.models.registry import model_names, model_type
from farandole.models.settings import build, plain
from farandole.training.recipe import difference, read_values
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_folder, recipe_names, variants

ALL = [f"{n}@{v}" if v else n for n in recipe_names() for v in ("", *variants(recipe_folder() / f"{n}.yaml"))]
SMALL = 8_000_000
"""Parameters of the largest tiny recipe."""


@pytest.mark.parametrize("name", ALL)
def test_every_recipe_makes_its_model_and_comes_back_from_its_file(name: str) -> None:
    recipe = read_values(read_recipe(*find_recipe(name)))
    kind = model_type(recipe.model)
    assert recipe.about
    with torch.device("meta"):
        size = sum(p.numel() for p in kind(recipe.config).parameters())
    assert size > 10_000
    if "/tiny/" in name:
        assert size < SMALL
    assert build(kind.Config, plain(recipe.config), "again") == recipe.config
    # What sizes were taken from the data is written down with them.
    assert read_values(recipe.to_json()) == replace(recipe, dims="recipe")
    read = {m for m in recipe.config.dims if m != "motion"}
    assert read <= recipe.features.keys()


@pytest.mark.parametrize("name", [n for n in ALL if n.startswith("masked/")])
def test_masks_fit_their_windows(name: str) -> None:
    recipe = read_values(read_recipe(*find_recipe(name)))
    frames = recipe.windows.frames
    for options in (stage.options for stage in recipe.plan.stages):
        masks = (options.mask, *(other.mask for other in options.others))
        assert all((mask.longest or frames - 1) <= frames for mask in masks)


def test_there_is_a_tiny_recipe_of_every_model_that_is_trained_on_other_peoples_data() -> None:
    for family, kind in (("flow", MotionModel), ("masked", MaskedMotionModel)):
        models = {n for n in model_names() if issubclass(model_type(n), kind)}
        assert models == {n.rpartition("/")[2] for n in ALL if n.startswith(f"{family}/tiny/")}


def test_the_published_stages() -> None:
    plan = {n: read_values(read_recipe(*find_recipe(f"masked/published/dancebert_{n}"))) for n in
            ("threebert", "crossmodal", "motionbert", "threebert_every")}  # fmt: skip
    rates = {n: [(s.steps, s.lr) for s in p.plan.stages] for n, p in plan.items()}
    assert rates["threebert"] == [(43_000, 1e-4)]
    assert rates["crossmodal"] == [(53_000, 1e-4), (16_000, 1e-5), (69_000, 1e-6)]
    assert rates["motionbert"] == [(20_000, 1e-4), (20_000, 1e-5)]
    assert [plan[n].training.batch_size for n in ("threebert", "crossmodal", "motionbert")] == [32, 32, 128]
    ladder = [(s.steps, s.lr, s.options.mask.every) for s in plan["threebert_every"].plan.stages]
    assert ladder == [(1100, 1e-4, 5), (2000, 1e-4, 10), (2000, 1e-5, 15), (40_000, 1e-5, 15), (100_000, 1e-6, 20)]


WRONG: dict[str, tuple[Any, str]] = {
    "no mapping": ([1, 2], r"recipe: needed is a mapping of names to values, not \[1, 2\]"),
    "no model": ({"features": {}}, "recipe needs the key 'model'; there are: model, about"),
    "unknown key": ({**MOGLOW, "optimiser": "adam"}, "recipe has no key 'optimiser'; there are: model"),
    "unknown model": ({"model": "mowgli"}, "no model 'mowgli'; there are: crossmodal, "),
    "list for a model": ({**MOGLOW, "model": ["moglow"]}, r"no model \['moglow'\]; there are"),
    "mapping for a model": ({**MOGLOW, "model": {"moglow": 1}}, "no model {'moglow': 1}; there are"),
    "number for a model": ({**MOGLOW, "model": 3}, "no model 3; there are"),
    "unknown preset": ({"model": "motionbert", "preset": "paper"}, "no preset 'paper'; accepted: dancebert, farandole"),
    "list for features": ({**MOGLOW, "features": ["expmap_cr"]}, r"recipe.features: \['expmap_cr'\] is no mapping"),
    "number for a feature": ({**MOGLOW, "features": {"motion": 3}}, "recipe.features.motion: 3 is no str"),
    "dims": ({**MOGLOW, "dims": "dat"}, "recipe.dims: 'dat' is not one of recipe, data"),
    "words for steps": (changed(steps="abc"), "training.steps: 'abc' is no int"),
    "part of a step": (changed(steps=1.9), "training.steps: 1.9 is no int"),
    "truth for steps": (changed(steps=True), "training.steps: True is no int"),
    "no seed": (changed(seed=None), "training.seed: None is no int"),
    "no steps": (changed(steps=0), "steps, batch_size and accumulate must be positive"),
    "stages of no mapping": (changed(stages=["flow"]), r"training.stages\[0\]: 'flow' is no mapping"),
    "mapping for stages": (changed(stages={"steps": 1}), r"training.stages: {'steps': 1} is no list"),
    "list for training": ({**MOGLOW, "training": [1]}, r"training: needed is a mapping of names to values, not \[1\]"),
    "word for config": ({**MOGLOW, "config": "big"}, "config: needed is a mapping of names to values, not 'big'"),
    "list for windows": ({**MOGLOW, "windows": [3]}, r"windows: needed is a mapping of names to values, not \[3\]"),
    "stride": ({**MOGLOW, "windows": {"stride": 0}}, "stride must be positive"),
    "word for a weight": ({**MASKED, "objective": {"position": "much"}}, "objective.position: 'much' is no float"),
    "word for a gap's weight": ({**GAPS, "objective": {"rotation": "all"}}, "objective.rotation: 'all' is no float"),
    "word for a dancer's weight": ({**DANCER, "objective": {"kl": "some"}}, "objective.kl: 'some' is no float"),
    "objective of another family": ({**MOGLOW, "objective": {"kl": 1}}, "objective has no key 'kl'"),
    "word for a share": ({**DANCER, "windows": {"style_weights": {"calm": "x"}}}, "style_weights.calm: 'x' is no float"),
    "negative share": ({**DANCER, "windows": {"style_weights": {"calm": -1}}}, "must not be negative"),
    "list for trainer": ({**MOGLOW, "trainer": ["cpu"]}, r"recipe.trainer: \['cpu'\] is no mapping"),
    "heads": ({"model": "transflower", "config": {"encoder": {"heads": 7}}}, "7 heads do not divide width 800"),
    "list for start": ({**MOGLOW, "start": ["x"]}, r"recipe.start: \['x'\] is no str"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_recipe_of_a_wrong_shape_is_one_line(case: str) -> None:
    values, said = WRONG[case]
    with pytest.raises(FarandoleError, match=said) as error:
        read_values(values)
    assert "\n" not in str(error.value)


def test_everything_wrong_with_the_settings_is_said_at_once() -> None:
    wrong = {"model": "transflower", "config": {"encoder": {"width": 3, "layers": "two"}, "flow": {"norm": "layer"}}}
    with pytest.raises(DataError) as error:
        read_values(wrong)
    for part in (
        "encoder has no key 'width'",
        "encoder.layers: 'two' is no int",
        "flow.norm: 'layer' is not one of none",
    ):
        assert part in str(error.value)


def test_zero_is_a_value() -> None:
    config = read_values(
        {"model": "transflower", "preset": "as-released", "config": {"encoder": {"dropout": 0}}}
    ).config
    assert (config.encoder.dropout, config.flow.dropout) == (0.0, 0.1)


def test_a_number_that_yaml_reads_as_a_word_is_a_number() -> None:
    assert read_values(changed(lr="7e-5")).training.lr == 7e-5


def test_sizes_come_from_the_data_where_the_recipe_says_so(flow_folder: Path, dance_folder: Path) -> None:
    corpus = FeatureFolder(flow_folder)
    config = read_values(MOGLOW, corpus).config
    assert config.dims == {"motion": 67, "audio": 2}
    assert len(config.signal.still) == 3  # the right hand never moves
    assert read_values({**MOGLOW, "dims": "recipe"}, corpus).config.dims["audio"] != 2
    dancer = read_values(DANCER, FeatureFolder(dance_folder)).config
    assert (dancer.flow.music_dim, dancer.flow.styles, dancer.autoencoder.dim) == (17, 2, 129)
    assert read_values(GAPS, FeatureFolder(dance_folder)).config.joints == 21


def test_data_that_do_not_fit_are_one_line(flow_folder: Path, masked_folder: Path, dance_folder: Path) -> None:
    weights = {"style_weights": {"calm": 0.5, "polka": 0.5}}
    for values, folder, said in (
        ({**MOGLOW, "features": {"motion": "expmap_cr"}}, flow_folder, "recipe.features names no feature for audio"),
        ({**MOGLOW, "dims": "recipe"}, flow_folder, r"sound \(audio\) has 2 features, but the model is made for"),
        (changed(batch_size=999), flow_folder, "windows do not fill one batch of 999"),
        ({**MASKED, "features": {}}, masked_folder, "recipe.features names no feature for motion"),
        ({**MASKED, "features": {"motion": "expmap"}}, masked_folder, "has no feature 'expmap': there are rotmat, sound"),
        ({**MASKED, "windows": {"frames": 90}}, masked_folder, "none of 3 sequences is as long as the window of 90 frames"),
        ({**MASKED, "dims": "recipe"}, masked_folder, r"rotmat \(motion\) has 30 features, but the model is made for 201"),
        ({**DANCER, "windows": weights}, dance_folder, "no sequence has the style 'polka'; there are: calm, wild"),
        ({**GAPS, "windows": {**GAPS["windows"], **weights}}, dance_folder, "no sequence has the style 'polka'"),
        ({**GAPS, "windows": {"patterns": {"longest_gap": 900}}}, dance_folder, "no sequence has the 911 frames"),
        ({**DANCER, "features": {**DANCER["features"], "music": "loudness"}}, dance_folder,
         "has no feature 'loudness': there are dance129, dance17"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=said) as error:
            recipe, _, data, _ = toy(values, folder)
            for stage in recipe.plan.stages:
                data.epoch_batches(stage.batch_size)
                data.batch(0, stage.batch_size, stage.options)
        assert "\n" not in str(error.value)


def test_the_first_difference_is_told() -> None:
    assert difference({"a": {"b": 1}}, {"a": {"b": 1}}, "config") == ""
    assert difference({"a": {"b": 1}}, {"a": {"b": 2}}, "config") == "config.a.b was 1, now 2"
    assert difference({"a": 1}, {}, "") == "a was 1, now None"


def test_a_model_takes_its_settings_and_nothing_else() -> None:
    for name in model_names():
        assert list(inspect.signature(model_type(name)).parameters) == ["config"], name
