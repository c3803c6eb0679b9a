"""Every recipe of the package: its features are prepared from recordings, and two steps of it are trained, shrunken."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")
pytest.importorskip("librosa", reason="the features need the [train] extra")

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from recordings import aistpp, lafan1

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolder
from farandole.data.windows import STYLE_LABELS
from farandole.models.settings import plain
from farandole.motion.files import load_motion
from farandole.training.recipe import Recipe, objective_of, read_values
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_folder, recipe_names, variants
from farandole.training.run import train

ALL = [
    pytest.param(f"{n}@{v}", marks=pytest.mark.slow) if v else n
    for n in recipe_names()
    for v in ("", *variants(recipe_folder() / f"{n}.yaml"))
]
"""Recipes and their variants, which differ in sizes."""
DANCES = {
    "gBR_sBM_cAll_d04_mBR0_ch01": "train",
    "gJB_sBM_cAll_d07_mJB3_ch05": "train",
    "gBR_sBM_cAll_d04_mBR1_ch02": "val",
    "gHO_sBM_cAll_d19_mHO5_ch02": "test",
    "gPO_sFM_cAll_d10_mPO1_ch08": "",
}
PREPARED = {
    "house": ("--retarget", "--fps", "20", "--motion", "expmap,expmap_cr,position,control,rotmat", "--music",
              "transflower,transflower23,beats"),
    "smpl": ("--fps", "60", "--motion", "rotmat,expmap_spine2", "--music", "transflower23,transflower103,aistpp35"),
}  # fmt: skip
SMALL = {
    "dim": 16, "heads": 2, "layers": 1, "input_layers": 1, "inner": 16, "width": 16, "hidden": 16, "encoder_width": 16,
    "decoder_width": 16, "latent_dim": 8,
}  # fmt: skip
"""Sizes of the shrunken models, by the name of the setting."""
FRAMES = (
    "frames",
    "offset",
    "past",
    "heard",
    "length",
    "condition_tokens",
    "shortest",
    "longest",
    "least",
    "most",
    "stride",
)
WIDE = 224
SHORTER = 10
"""Windows are so many times shorter, where settings are called so."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AIST++ in miniature, one of its dances on the ignore list."""
    return aistpp(
        tmp_path_factory.mktemp("aist") / "final", DANCES, ignored=["gPO_sFM_cAll_d10_mPO1_ch08"], seconds=3.0
    )


@pytest.fixture(scope="module")
def folders(source: Path, dance_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, FeatureFolder]:
    """What recipes are trained on: AIST++ on the default body and on its own, LAFAN1, a starter corpus."""
    place = tmp_path_factory.mktemp("prepared")
    for name, options in PREPARED.items():
        words = ["prepare", "aistpp", source, "-o", place / name, "--workers", "1", "-q", *options]
        assert run([*map(str, words)]) == 0
    takes = lafan1(place / "takes", ["dance1_subject1", "walk3_subject2", "dance2_subject5"])
    assert run(["prepare", "lafan1", str(takes), "-o", str(place / "lafan1"), "--workers", "1", "-q"]) == 0
    found = {name: FeatureFolder(place / name) for name in (*PREPARED, "lafan1")}
    return {**found, "starter": FeatureFolder(dance_folder)}


def data_for(recipe: Recipe, folders: Mapping[str, FeatureFolder]) -> FeatureFolder:
    """The first folder that has a recipe's features, as wide as its model wants them."""
    wanted = {f: recipe.config.dims.get(m) for m, f in recipe.features.items() if f not in STYLE_LABELS}
    for folder in folders.values() if wanted else [folders["starter"]]:
        if wanted.keys() <= folder.features.keys() and (
            recipe.dims == "data" or all(w in (None, len(folder.features[f])) for f, w in wanted.items())
        ):
            return folder
    raise AssertionError(f"no folder has {wanted}")


def shrunk(values: Any, name: str = "") -> Any:
    """Settings of a model of the same kind that trains in a second."""
    if isinstance(values, dict):
        window = {"name", "frames"} <= values.keys()  # whose width is that of the data
        return {k: v if window and k == "dim" else shrunk(v, k) for k, v in values.items()}
    if isinstance(values, list) and name == "steps":
        return [2 for _ in values]
    if isinstance(values, list):
        return [shrunk(v) for v in values]
    if name == "steps":
        return 2
    if name in FRAMES and values:
        even = 2 if values % 2 == 0 and values > 2 else 1  # flows of two scales halve their frames
        return even * max(1, values // (even * SHORTER))
    return SMALL.get(name, values)


def shrunk_recipe(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe of the same settings for two steps of a small model."""
    recipe = read_values(values)
    windows, completion = (
        plain(recipe.windows),
        {k: v for k, v in recipe.completion.items() if k not in ("styles", "keep", "known", "block")},
    )
    config = shrunk(plain(recipe.config))
    if "autoencoder" in config:
        config["autoencoder"]["dim"] = recipe.config.autoencoder.dim  # the columns of its feature
    if config.get("inlet") == "pad":  # features as they are: the encoder is as wide
        config["encoder"]["dim"] = WIDE
    if "cross" in config:
        config["cross"]["dim"] = config["encoder"]["dim"] * (2 if recipe.model == "threebert" else 1)
    stages = [{"steps": 1, "lr": s.lr, **plain(s.options)} for s in recipe.plan.stages][:2]
    if objective_of(recipe.model).data in ("streams", "masked"):
        windows, stages = shrunk(windows), [{**shrunk(s), "steps": 1} for s in stages]
    else:
        windows.pop("style_weights")  # styles of other data
    training = {
        **plain(recipe.training), "steps": 2, "batch_size": 2, "accumulate": 1, "threads": 1, "workers": 0, "export": False,
        "stages": stages if len(stages) > 1 else [{**stages[0], "steps": 2}],
    }  # fmt: skip
    return {
        **values,
        "preset": "",
        "start": "",
        "config": config,
        "windows": windows,
        "completion": completion,
        "training": training,
        "trainer": {"accelerator": "cpu", "limit_val_batches": 1},
    }


@pytest.mark.parametrize("name", ALL)
def test_two_steps_on_features_prepared_for_it(name: str, folders: dict[str, FeatureFolder], tmp_path: Path) -> None:
    values = read_recipe(*find_recipe(name))
    recipe = read_values(values)
    corpus = data_for(recipe, folders)
    assert recipe.dims == "data" or recipe.config.dims == {
        m: len(corpus.features[f]) for m, f in recipe.features.items() if m in recipe.config.dims
    }
    results = train(shrunk_recipe(values), corpus.folder, tmp_path / "run")
    checkpoint = find_checkpoint(tmp_path / "run")
    assert checkpoint.config.steps in (1, 2)  # the best may be the first
    assert checkpoint.config.parameters < 3_000_000
    assert all(np.isfinite(v) for v in results.values())
    assert (checkpoint.config.model, checkpoint.config.features) == (recipe.model, recipe.features)


def test_from_the_official_aistpp_to_a_published_recipe(
    source: Path, folders: dict[str, FeatureFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a user types it: the data set's own splits and styles, on the default body, and Transflower's recipe at a small size."""
    corpus = folders["house"]
    assert {s: corpus.split(s) for s in ("train", "val", "test")} == {
        "train": [n for n, s in DANCES.items() if s == "train"],
        "val": ["gBR_sBM_cAll_d04_mBR1_ch02"],
        "test": ["gHO_sBM_cAll_d19_mHO5_ch02"],
    }
    assert set(corpus.sequences) == {n for n, s in DANCES.items() if s}  # without the ignored one
    assert {n: s["style"] for n, s in corpus.sequences.items()} == {n: n[1:3] for n in corpus.sequences}
    assert (corpus.fps, len(corpus.skeleton)) == (20, 21)
    pose = (
        "prepare",
        "aistpp",
        source,
        "-o",
        tmp_path / "pose",
        "--protocol",
        "pose",
        "--music",
        "",
        "--workers",
        "1",
        "-q",
    )
    assert run([*map(str, pose)]) == 0
    assert len(FeatureFolder(tmp_path / "pose").split("train")) == 3  # these lists are others
    small = (
        "--config.inputs.0.frames=12", "--config.inputs.1.frames=14", "--config.target.offset=12", "--config.encoder.layers=1",
        "--config.encoder.heads=2", "--config.encoder.dim=16", "--config.flow.steps=[2]", "--config.flow.dim=16",
        "--config.flow.heads=2", "--config.flow.layers=1", "--training.steps=2", "--training.batch_size=4",
        "--trainer.accelerator=cpu", "--training.dances={every: 1, songs: 1, seconds: 1}",
    )  # fmt: skip
    words = (
        "train",
        "flow/published/transflower_expmap",
        "--data",
        corpus.folder,
        "-o",
        tmp_path / "run",
        "-q",
        *small,
    )
    assert run([*map(str, words)]) == 0
    config = find_checkpoint(tmp_path / "run").config
    assert (config.model, config.preset, config.features) == (
        "transflower", "paper", {"motion": "expmap", "audio": "transflower"},
    )  # fmt: skip
    assert "CC BY 4.0" in config.licence
    capsys.readouterr()
    made = (
        "generate",
        tmp_path / "run",
        "--data",
        corpus.folder,
        "--sounds",
        source,
        "--with-seed",
        "-o",
        tmp_path / "out",
    )
    assert run([*map(str, made), "--json", "-q"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["dances"]
    assert told["sound"].endswith("mHO5.wav")
    motion = load_motion(told["files"]["bvh"])
    assert (
        len(motion) == corpus.sequences["gHO_sBM_cAll_d19_mHO5_ch02"]["frames"] - 1
    )  # windows of music reach two frames on
    assert np.isfinite(motion.positions).all()
