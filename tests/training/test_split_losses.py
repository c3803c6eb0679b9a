"""Losses of finished runs on any split: those of validation, by the checkpoint's own scales."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from test_families import FAMILIES
from training_toys import MASKED, MOGLOW, changed

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.training.run import train
from farandole.training.split_losses import split_losses

STAGES = [{"steps": 2, "mask": {"shortest": 20}}]
MEASURED = {
    "flow": {**changed(steps=2), "windows": {"stride": 2, "augment": ["noise"], "sequences": 2}},
    "masked": changed(MASKED, stages=STAGES),
    "minmax": {**changed(MASKED, stages=STAGES), "windows": {"frames": 24, "root": "minmax"}},
}


@pytest.mark.parametrize("case", MEASURED)
def test_on_the_held_out_split_they_are_those_of_validation(
    case: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    values = MEASURED[case]
    corpus = FeatureFolder(request.getfixturevalue("flow_folder" if case == "flow" else "masked_folder"))
    known = train(values, corpus.folder, tmp_path / "run")
    checkpoint, seen = find_checkpoint(tmp_path / "run"), []
    found = split_losses(checkpoint, corpus, corpus.split("val"), progress=lambda at, of: seen.append((at, of)))
    assert {f"held_out/{k}": v for k, v in found.items()} == pytest.approx(known, rel=1e-4)
    assert seen[-1][0] == seen[-1][1] == len(seen)
    assert split_losses(checkpoint, corpus, corpus.split("train"))["loss"] != pytest.approx(found["loss"], rel=1e-6)


def test_another_folder_is_scaled_as_the_training_data_were(flow_folder: Path, tmp_path: Path) -> None:
    train(changed(steps=2), flow_folder, tmp_path / "run")
    checkpoint, other = find_checkpoint(tmp_path / "run"), tmp_path / "other"
    corpus = FeatureFolder(flow_folder)
    expected = split_losses(checkpoint, corpus, ["s3"])
    shutil.copytree(flow_folder, other)
    path = other / "expmap_cr_scaler.json"
    scaler = json.loads(path.read_text())
    scaler["std"] = [2 * s for s in scaler["std"]]
    path.write_text(json.dumps(scaler))
    assert split_losses(checkpoint, FeatureFolder(other), ["s3"]) == expected
    corpus = json.loads((other / "corpus.json").read_text())
    corpus["sequences"]["s3"]["style"] = "polka"
    (other / "corpus.json").write_text(json.dumps(corpus))
    with pytest.raises(DataError, match="s3 has the style 'polka': the model knows a, b"):
        split_losses(checkpoint, FeatureFolder(other), ["s3"])


def test_models_that_are_trained_on_other_windows_have_none(dance_folder: Path, tmp_path: Path) -> None:
    for name in ("inbetweener", "latent_dancer"):
        train(FAMILIES[name][1], dance_folder, tmp_path / name)
        corpus = FeatureFolder(dance_folder)
        assert split_losses(find_checkpoint(tmp_path / name), corpus, corpus.split("test")) == {}


def test_a_model_that_learnt_the_data_has_less_loss_there_than_on_noise(flow_folder: Path, tmp_path: Path) -> None:
    train(changed(MOGLOW, steps=60, lr=1e-2, keep="last"), flow_folder, tmp_path / "run")
    checkpoint, corpus = find_checkpoint(tmp_path / "run"), FeatureFolder(flow_folder)
    known = split_losses(checkpoint, corpus, ["s0"])["nll"]
    copy = tmp_path / "noise"
    shutil.copytree(flow_folder, copy)
    rows = np.load(copy / "s0.expmap_cr.npy")
    np.save(copy / "s0.expmap_cr.npy", np.random.default_rng(1).permutation(rows))
    assert split_losses(checkpoint, FeatureFolder(copy), ["s0"])["nll"] > known + 1
