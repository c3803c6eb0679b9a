"""`farandole models`: a list, cards, JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models


def test_the_list_tells_what_each_can_do(farandole) -> None:
    lines = farandole("models").out.splitlines()
    assert [line.partition(":")[0] for line in lines] == shipped_models()
    dancer = next(line for line in lines if line.startswith("starter: "))
    assert "30 fps" in dancer
    assert "listens to music" in dancer
    listed = json.loads(farandole("models", "--json").out)["models"]
    assert [model["name"] for model in listed] == shipped_models()


@pytest.mark.parametrize("name", shipped_models())
def test_a_card_and_everything_in_json(farandole, name: str) -> None:
    checkpoint = find_checkpoint(name)
    assert farandole("models", name).out.rstrip() == checkpoint.card.rstrip()
    facts = json.loads(farandole("models", name, "--json").out)
    assert facts["folder"] == str(checkpoint.folder)
    assert facts["schema"] == 2
    assert facts["abilities"]["future"] is True
    assert facts["completion"]["kind"] == checkpoint.completion.kind


def test_a_folder_is_meant_by_a_path(farandole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(find_checkpoint("inbetween").folder, "starter")
    assert json.loads(farandole("models", "starter", "--json").out)["model"] == "latent_dancer"
    assert json.loads(farandole("models", "./starter", "--json").out)["model"] == "inbetweener"


def test_one_model_at_a_time(farandole) -> None:
    assert "'inbetween': one model at a time" in farandole("models", "starter", "inbetween").refused()
    assert "export needs one folder" in farandole("models", "export").refused()
    assert "has its ONNX files already" in farandole("models", "export", "starter").refused()
