"""The flow recipes that are kept small: their features are built, they train for two steps at shrunken size, and what they make
free-running is a motion on its feet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import groove

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.evaluation.run_dances import judge_run
from farandole.generation.completion import open_model
from farandole.motion import codecs
from farandole.motion.motion import Motion
from farandole.music.features import feature
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_names
from farandole.training.run import train

RECIPES = [n for n in recipe_names() if n.startswith(("flow/small/", "flow/tiny/"))]
WIDTHS = {"layers": 1, "input_layers": 1, "heads": 2, "dim": 8}
PAST, HEARD = 6, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made dances with the features that the recipes name, noise for music, and beats."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("recipes") / "data"
    dances = [groove(k).resample(25) for k in range(4)]
    codec = codecs.codec("expmap_cr", dances[0])
    heard = {name: feature(name).columns for name in ("transflower", "beats")}
    features = {"expmap_cr": codec.columns, **heard}
    with FeatureFolderWriter(
        path, fps=25, skeleton=dances[0].skeleton, features=features, licence="", codecs=[codec]
    ) as writer:
        for k, dance in enumerate(dances):
            rows = {name: random.normal(size=(len(dance), len(columns))) for name, columns in heard.items()}
            phase = 2 * np.pi * np.arange(len(dance)) / 25 * 2
            rows["beats"][:, :4] = np.stack([f(phase / n) for n in (1, 4) for f in (np.sin, np.cos)], axis=1)
            split = ("train", "train", "val", "test")[k]
            writer.add(f"s{k}", {"expmap_cr": codec.encode(dance), **rows}, split=split)
    return path


def shrunk(settings: Any, name: str = "") -> Any:
    """Settings of a model with few short windows and narrow layers."""
    if isinstance(settings, dict):
        smaller = {k: shrunk(v, k) for k, v in settings.items()}
        for key, value in WIDTHS.items():
            if key in smaller and name in ("encoder", "flow", "glow"):
                smaller[key] = value
        if name == "flow":
            smaller["steps"] = [2] * len(settings["steps"])
        if name == "glow":
            smaller["steps"] = 2
        if settings.get("name") == "motion":
            smaller |= {"offset": PAST} if "offset" in settings else {"frames": PAST}
        if settings.get("name") == "audio":
            smaller["frames"] = HEARD
        smaller |= {k: v for k, v in {"past": PAST, "heard": HEARD}.items() if k in settings}
        return smaller
    return [shrunk(v) for v in settings] if isinstance(settings, list) else settings


def test_every_model_has_a_tiny_and_a_small_recipe() -> None:
    kinds = [{n.rpartition("/")[2] for n in RECIPES if n.startswith(f"flow/{size}/")} for size in ("tiny", "small")]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) == 6


@pytest.mark.parametrize("name", RECIPES)
def test_two_steps_and_a_dance_on_its_feet(name: str, folder: Path, tmp_path: Path) -> None:
    values = read_recipe(*find_recipe(name))
    values["config"] = shrunk(values["config"])
    quick = {"steps": 2, "batch_size": 4, "validate_every": 1}
    dances = {"every": 1, "songs": 1, "seconds": 2.0}
    values["training"] = {**values["training"], **quick, "keep": "last", "dances": dances}
    values["trainer"] = {"accelerator": "cpu", "log_every_n_steps": 1}
    results = train(values, folder, tmp_path / "run")
    assert all(np.isfinite(v) for v in results.values())
    told = find_checkpoint(tmp_path / "run").config
    assert (told.steps, told.features) == (2, {"motion": "expmap_cr", "audio": "transflower"})
    completion: Any = told.completion
    assert (completion.feet, completion.margin) == (True, 0.0)
    assert len(list((tmp_path / "run" / "dances").glob("*.png"))) == 2
    danced = judge_run(open_model(tmp_path / "run", engine="torch"), FeatureFolder(folder), ["s3"], seconds=2.0)
    (motion,) = danced.motions
    assert isinstance(motion, Motion)
    assert len(motion) == 50
    assert danced.scorecard["hip_rise"].value < 0.3
    assert danced.scorecard["wrong_knees"].value < 0.05
