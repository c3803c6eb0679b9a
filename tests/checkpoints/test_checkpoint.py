"""Checkpoints by name and by folder; folders that are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from farandole.checkpoints.checkpoint import Checkpoint, find_checkpoint, known_checkpoints, shipped_models
from farandole.checkpoints.session import OnnxSession, open_session
from farandole.errors import CheckpointError


def test_a_word_is_a_shipped_model_and_a_path_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find_checkpoint("starter")
    shutil.copytree(find_checkpoint("inbetween").folder, "starter")
    assert find_checkpoint("starter").folder == shipped.folder
    for path in (
        "./starter",
        Path("./starter"),
        str(tmp_path / "starter"),
        tmp_path / "starter",
        "../" + tmp_path.name + "/starter",
    ):
        assert find_checkpoint(path).config.model == "inbetweener"


def test_names_and_what_is_typed_in_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(find_checkpoint("inbetween").folder, "runs/mine/checkpoint")
    shutil.copytree(find_checkpoint("inbetween").folder, "given")
    for typed, name, argument in (
        ("starter", "starter", "starter"), ("runs/mine", "mine", "runs/mine"), ("runs/mine/checkpoint", "mine", "runs/mine"),
        ("given", "given", "given"),
    ):  # fmt: skip
        checkpoint = find_checkpoint(typed)
        assert (checkpoint.name, checkpoint.argument) == (name, argument)
        assert find_checkpoint(checkpoint.argument).folder == checkpoint.folder
    assert [c.argument for c in known_checkpoints()] == [*shipped_models(), "runs/mine"]


def test_what_is_no_checkpoint_is_told(tmp_path: Path, refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no model 'none': give a checkpoint folder or one of: inbetween, starter" in refused("models", "none")
    Path("empty").mkdir()
    assert "empty is not a checkpoint: config.json is missing" in refused("models", "empty")
    (Path("young") / "logs").mkdir(parents=True)
    assert "young has no checkpoint yet: let its training end (farandole train ... -o young --resume)" in refused(
        "models", "young"
    )
    Path("file").write_text("")
    assert "no model 'file'" in refused("models", "file")


def test_folders_of_schema_1_are_refused_in_one_line(tmp_path: Path, refused) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "config.yaml").write_text("schema: 1\nmodel: latent_flow\n")
    for name in ("scalers.json", "skeleton.json", "card.md"):
        (old / name).write_text("{}")
    line = refused("models", old)
    assert f"{old} was written by an older version of farandole (schema 1; this one reads 2): train it again" in line


def test_shipped_models_are_whole_and_run_without_torch() -> None:
    for name in shipped_models():
        checkpoint = find_checkpoint(name)
        assert checkpoint.exported
        assert checkpoint.weights.is_file()
        assert checkpoint.skeleton is not None
        session = open_session(checkpoint)
        assert isinstance(session, OnnxSession)
        for network in checkpoint.exported:
            assert session.inputs(network)


def test_statistics_are_asked_for_by_modality_and_width() -> None:
    checkpoint = find_checkpoint("starter")
    assert checkpoint.scaler("motion", 129).mean.shape == (129,)
    with pytest.raises(CheckpointError, match="scalers.json: motion is for 129 columns, not 130"):
        checkpoint.scaler("motion", 130)
    with pytest.raises(CheckpointError, match="scalers.json: smell is missing"):
        checkpoint.scaler("smell", 3)
    with pytest.raises(CheckpointError, match="config.json: features: smell is missing"):
        checkpoint.feature("smell")


def test_a_model_whose_features_are_no_motion(copy_of) -> None:
    folder = copy_of("starter")
    (folder / "skeleton.json").unlink()
    (folder / "skeleton.json").write_text("null")
    checkpoint = Checkpoint(folder)
    assert checkpoint.skeleton is None
    with pytest.raises(CheckpointError, match="has no skeleton: its features are no motion"):
        checkpoint.body()
    with pytest.raises(CheckpointError, match=r"the features it makes \(dance129, .*\) are no motion"):
        assert checkpoint.codec


def test_a_network_tells_its_inputs_and_refuses_others() -> None:
    import numpy as np

    session = OnnxSession(find_checkpoint("inbetween").folder)
    assert session.inputs("model")["window"] == (None, None)
    with pytest.raises(CheckpointError, match="model.onnx does not fit config.json beside it: "):
        session.run("model", {"features": np.zeros((1, 4, 3), np.float32), "window": np.zeros((1, 4), np.float32)})
    with pytest.raises(CheckpointError, match="has no dance.onnx: make it with farandole models export"):
        session.run("dance", {})
