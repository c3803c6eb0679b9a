"""Models that predict several windows: each by a head of its own, with its own length and offset, from a recipe to files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from training_toys import FLOWS, MOGLOW, changed, toy, write_flow_folder

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.models.objectives.objective import Draw
from farandole.training.recipe import read_values
from farandole.training.run import train

ALSO = [{"name": "hum", "dim": 2, "frames": 3, "offset": 4}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flow_folder(tmp_path_factory.mktemp("further") / "data")


def several(model: str = "transflower", **training: Any) -> dict[str, Any]:
    """A recipe whose model reads poses alone and predicts the sound as well."""
    config = {**FLOWS[model], "inputs": [*FLOWS[model]["inputs"]], "also": ALSO}
    features = {**MOGLOW["features"], "hum": "sound"}
    return {**changed(**training), "model": model, "features": features, "config": config}


@pytest.mark.parametrize("model", ["transflower", "transformer"])
def test_each_output_has_its_window_and_its_part_of_the_loss(model: str, folder: Path) -> None:
    recipe, network, data, objective = toy(several(model), folder)
    assert recipe.config.dims == {"motion": 67, "audio": 2, "hum": 2}
    batch = data.batch(0, 4, None)
    assert batch["out_hum"].shape == (4, 3, 2)
    _, chosen = data._order.batch(0, 4)
    corpus = FeatureFolder(folder)
    for k, index in enumerate(chosen):
        which, start = data.train.locate(index)
        rows = (corpus.load(data.train.names[which], "sound") - corpus.scaler("sound").mean) / corpus.scaler(
            "sound"
        ).std
        np.testing.assert_allclose(batch["out_hum"][k], rows[start + 4 : start + 7], atol=1e-5)
    options = recipe.plan.stages[0].options
    objective.start(network, batch)
    losses = objective.losses(network, batch, options, Draw(0, 0))
    alone = network({m.name: batch[f"in_{m.name}"] for m in network.inputs}, batch["out_motion"])
    torch.testing.assert_close(losses["loss"], alone["loss"] + losses["hum_loss"])
    losses["loss"].backward()
    without = [n for n, p in network.named_parameters() if p.grad is None]
    assert without == []
    batch["out_hum"] = batch["out_hum"] + 1
    again = objective.losses(network, batch, options, Draw(0, 0))
    assert again["hum_loss"] != losses["hum_loss"].detach()
    torch.testing.assert_close(again["loss"] - again["hum_loss"], alone["loss"])


def test_inputs_are_read_once_by_parts_that_all_outputs_share(folder: Path) -> None:
    _, network, _, _ = toy(several(), folder)
    _, plain, _, _ = toy({**several(), "config": {**several()["config"], "also": []}}, folder)
    more = {k for k in network.state_dict() if k not in plain.state_dict()}
    assert more
    assert all(k.startswith("further.outputs.hum.") for k in more)
    assert not any(".inputs." in k for k in more)
    # What a model without further outputs is made of, and in which order numbers are drawn for it, has not changed.
    for key, value in plain.state_dict().items():
        if not key.startswith(("flow.", "further.")):
            assert torch.equal(network.state_dict()[key], value), key


def test_the_head_learns_what_it_is_shown(folder: Path, tmp_path: Path) -> None:
    """Music that is read is what is predicted of the same frames: easy to learn by heart."""
    values = several("transformer", steps=60, batch_size=16, lr=1e-2, keep="last", ema=0.0)
    first = train(several("transformer", steps=1, lr=1e-9, ema=0.0), folder, tmp_path / "first")
    last = train(values, folder, tmp_path / "last")
    assert last["held_out/hum_loss"] < 0.8 * first["held_out/hum_loss"]


def test_a_run_makes_dances_and_the_other_features_beside_them(folder: Path, tmp_path: Path) -> None:
    train(several(steps=2), folder, tmp_path / "run")
    facts = find_checkpoint(tmp_path / "run").completion
    assert [(w.name, w.dim, w.frames, w.offset) for w in facts.also] == [("hum", 2, 3, 4)]
    words = ["generate", tmp_path / "run", "--data", folder, "--split", "val", "--formats", "bvh,npy", "-q", "-o"]
    assert run([*map(str, [*words, tmp_path / "one"])]) == 0
    assert run([*map(str, [*words, tmp_path / "two"])]) == 0
    names = {p.name for p in (tmp_path / "one").iterdir()}
    assert names == {"s3.bvh", "s3.expmap_cr.npy", "s3.sound.npy"}
    motion, sound = (np.load(tmp_path / "one" / f"s3.{f}.npy") for f in ("expmap_cr", "sound"))
    assert (len(motion), sound.shape) == (60 - 8 + 1, (3 * ((60 - 8) // 3 + 1), 2))  # windows of three, end to end
    assert np.isfinite(sound).all()
    np.testing.assert_array_equal(sound, np.load(tmp_path / "two" / "s3.sound.npy"))


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ([{"name": "audio", "dim": 2, "frames": 3}], "also: audio is read, or the target, already"),
        ([{"name": "motion", "dim": 67, "frames": 3}], "also: motion is read, or the target, already"),
        ([*ALSO, *ALSO], "needs a name of its own"),
        ([{**ALSO[0], "tokens": 4}], "labels are not predicted"),
    ],
)
def test_outputs_that_cannot_be(also: list[dict[str, Any]], said: str) -> None:
    values = several()
    with pytest.raises(DataError, match=said):
        read_values({**values, "config": {**values["config"], "also": also}})
