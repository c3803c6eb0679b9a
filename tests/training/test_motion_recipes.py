"""Recipes of the flow family: every one makes its model, at the published size where one is known; errors; model folders."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter  # noqa: E402
from farandole.errors import CheckpointError, DataError  # noqa: E402
from farandole.generation.motion_checkpoint import find_motion_checkpoint  # noqa: E402
from farandole.models.layers.multimodal import Modality  # noqa: E402
from farandole.models.registry import MODELS  # noqa: E402
from farandole.models.settings import build, plain  # noqa: E402
from farandole.motion.humanoid import house_skeleton  # noqa: E402
from farandole.training.motion_run import MotionRecipe, train_motion  # noqa: E402
from farandole.training.motion_task import WindowData  # noqa: E402
from farandole.training.recipes import read_recipe, recipe_folder  # noqa: E402
from farandole.training.windows import MultimodalWindows, model_windows  # noqa: E402

RECIPES = {p.stem: p for p in sorted(recipe_folder().glob("*.yaml")) if read_recipe(p).get("model") in MODELS}
TINY = {
    "model": "moglow",
    "preset": "farandole",
    "features": {"motion": "pose", "audio": "sound"},
    "dims": "data",
    "config": {"past": 3, "heard": 4, "frames": 5, "glow": {"steps": 2, "dim": 8, "layers": 1}},
    "training": {"steps": 6, "batch_size": 8, "lr": "1e-3", "ema": 0.5},
}


def test_there_is_a_tiny_recipe_of_every_model() -> None:
    assert {f"tiny_{name}" for name in MODELS} <= RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_complete(name: str) -> None:
    recipe = MotionRecipe.from_mapping(read_recipe(RECIPES[name]))
    assert recipe.features.keys() >= {"motion", "audio"}
    assert build(type(recipe.config), plain(recipe.config), "again") == recipe.config
    if name.startswith("tiny") and name != "tiny_transformerflow":
        with torch.device("meta"):
            model = recipe.build_model()
        assert sum(p.numel() for p in model.parameters()) < 8_000_000


def test_what_is_wrong_with_a_recipe_is_said_at_once() -> None:
    with pytest.raises(DataError, match="recipe has no key 'optimiser'"):
        MotionRecipe.from_mapping({"model": "moglow", "optimiser": "adam"})
    with pytest.raises(DataError, match="recipe.model: 'mowgli' is not one of transformer, transflower"):
        MotionRecipe.from_mapping({"model": "mowgli"})
    wrong = {"model": "transflower", "config": {"encoder": {"width": 3, "layers": "two"}, "flow": {"norm": "layer"}}}
    with pytest.raises(DataError) as error:
        MotionRecipe.from_mapping(wrong)
    for part in (
        "encoder has no key 'width'",
        "encoder.layers: 'two' is no int",
        "flow.norm: 'layer' is not one of none",
    ):
        assert part in str(error.value)
    with pytest.raises(DataError, match="7 heads do not divide width 800"):
        MotionRecipe.from_mapping({"model": "transflower", "config": {"encoder": {"heads": 7}}})


def test_zero_is_a_value() -> None:
    values = {"model": "transflower", "preset": "as-released", "config": {"encoder": {"dropout": 0}}}
    config = MotionRecipe.from_mapping(values).config
    assert (config.encoder.dropout, config.flow.dropout) == (0.0, 0.1)


def feature_folder(path: Path) -> Path:
    random = np.random.default_rng(0)
    features = {"pose": ["a", "b", "c", "d"], "sound": ["x", "y"]}
    with FeatureFolderWriter(path, fps=20, skeleton=house_skeleton(), features=features, licence="none") as writer:
        for i in range(4):
            frames = {"pose": 5 + 3 * random.normal(size=(30, 4)), "sound": random.normal(size=(30, 2))}
            writer.add(f"s{i}", frames, split="val" if i == 3 else "train", style="ab"[i % 2])
    return path


def test_windows_are_the_models_standardised_and_in_step(tmp_path: Path) -> None:
    corpus = FeatureFolder(feature_folder(tmp_path / "data"))
    inputs = (Modality("motion", 4, 6), Modality("audio", 2, 8), Modality("style", 3, 1, tokens=2, fixed=True))
    features = {"motion": "pose", "audio": "sound", "style": "style"}
    windows = model_windows(corpus, "train", features, inputs, Modality("motion", 4, 2, 6))
    assert len(windows) == 3 * (30 - 8 + 1)
    item = windows[23 + 5]  # frame 5 of s1
    pose, sound = ((corpus.load("s1", f) - corpus.scaler(f).mean) / corpus.scaler(f).std for f in ("pose", "sound"))
    for key, expected in (("in_motion", pose[5:11]), ("out_motion", pose[11:13]), ("in_audio", sound[5:13])):
        np.testing.assert_array_equal(item[key].numpy(), expected.astype(np.float32))
    assert item["in_style"].tolist() == [1]
    batches = [list(_loader(windows, workers)) for workers in (0, 1)]
    assert len(batches[0]) == len(batches[1]) == 69 // 8
    assert all(torch.equal(a[key], b[key]) for a, b in zip(*batches, strict=True) for key in item)


def _loader(windows: MultimodalWindows, workers: int) -> torch.utils.data.DataLoader:
    data = WindowData(windows, None, batch_size=8, seed=3, workers=workers)
    data.trainer = SimpleNamespace(global_rank=0, world_size=1)
    return data.train_dataloader()


def test_trains_from_a_feature_folder_resumes_and_is_loaded_again(tmp_path: Path) -> None:
    data, quiet = feature_folder(tmp_path / "data"), {"enable_progress_bar": False, "accelerator": "cpu"}
    results = train_motion(TINY, data, tmp_path / "run", **quiet)
    assert results["held_out/nll"] == pytest.approx(results["held_out/bits_per_dimension"] * 4)
    checkpoint = find_motion_checkpoint(tmp_path / "run")
    assert (checkpoint.fps, checkpoint.features, checkpoint.load().config.motion) == (20, TINY["features"], 4)
    assert checkpoint.config["held_out"]["held_out/nll"] == pytest.approx(results["held_out/nll"], rel=1e-5)
    assert (tmp_path / "run" / "states" / "best.ckpt").is_file()
    longer = {**TINY, "training": {**TINY["training"], "steps": 9}}
    train_motion(longer, data, tmp_path / "run", resume=True, **quiet)
    state = torch.load(tmp_path / "run" / "states" / "last.ckpt", weights_only=False)
    assert state["global_step"] == 9
    with pytest.raises(CheckpointError, match="holds no state to continue from"):
        train_motion(TINY, data, tmp_path / "other", resume=True, **quiet)
    with pytest.raises(DataError, match="recipe.features names no feature for audio"):
        train_motion({**TINY, "features": {"motion": "pose"}}, data, tmp_path / "other", **quiet)
    with pytest.raises(DataError, match=r"pose \(motion\) has 4 features, but the model is made for 67"):
        train_motion({**TINY, "dims": "recipe"}, data, tmp_path / "other", **quiet)
