"""What is written comes back; everything that is wrong with a file is told at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from farandole.checkpoints.checkpoint import Checkpoint, find_checkpoint, shipped_models
from farandole.checkpoints.schema import CONFIG, SCALERS, SKELETON, CheckpointConfig, read
from farandole.checkpoints.write import rewrite_texts, texts
from farandole.errors import CheckpointError

LEAST = {
    "schema": 2,
    "farandole": "0.1.0",
    "model": "moglow",
    "parameters": 10,
    "fps": 20.0,
    "features": {"motion": "expmap_cr"},
    "abilities": {"past": True},
    "completion": {
        "kind": "autoregressive",
        "inputs": [{"name": "motion", "dim": 3, "frames": 6}],
        "target": {"name": "motion", "dim": 3, "frames": 2, "offset": 6},
    },
    "config": {"past": 6},
}
"""The keys that must be there."""
OF_KINDS = {
    "autoregressive": LEAST["completion"],
    "latent_flow": {
        "kind": "latent_flow",
        "styles": {"salsa": {"family": "salsa", "tempo": [140.0, 210.0], "steady_tempo": 180.0}},
        "groups": ["root"],
    },
    "masked": {"kind": "masked", "window": 240},
    "curve_correction": {"kind": "curve_correction", "window": 96, "upright": [1.0, 0.0, 0.0, 0.0]},
}


def written(path: Path, facts: object) -> Path:
    path.write_text(json.dumps(facts))
    return path


@pytest.mark.parametrize("kind", OF_KINDS)
def test_every_kind_of_completion_comes_back(tmp_path: Path, kind: str) -> None:
    config = read(CONFIG, written(tmp_path / "a.json", LEAST | {"completion": OF_KINDS[kind]}))
    assert config.completion.kind == kind
    text = texts(config, name="mine")["config.json"]
    (tmp_path / "b.json").write_text(text)
    again = read(CONFIG, tmp_path / "b.json")
    assert again == config
    assert texts(again, name="mine")["config.json"] == text
    assert json.loads(text)["schema"] == 2


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_are_read_and_written_alike(name: str) -> None:
    checkpoint = find_checkpoint(name)
    made = texts(checkpoint.config, name=checkpoint.name)
    assert json.loads(made["config.json"]) == json.loads((checkpoint.folder / "config.json").read_text())
    assert made["card.md"] == checkpoint.card
    assert checkpoint.config.abilities == checkpoint.abilities


@pytest.mark.parametrize("key", LEAST)
def test_keys_that_must_be_there(tmp_path: Path, key: str) -> None:
    facts = {k: v for k, v in LEAST.items() if k != key}
    with pytest.raises(CheckpointError, match=rf"config.json: {key}: Field required$"):
        read(CONFIG, written(tmp_path / "config.json", facts))


def test_all_faults_are_told_together_in_one_line(tmp_path: Path) -> None:
    facts = {k: v for k, v in LEAST.items() if k not in ("model", "features")}
    facts |= {"fps": "twenty", "colour": "red", "steps": -1, "abilities": {"flies": True}}
    with pytest.raises(CheckpointError) as caught:
        read(CONFIG, written(tmp_path / "config.json", facts))
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{tmp_path / 'config.json'}: ")
    for fault in (
        "model: Field required",
        "features: Field required",
        "fps: ",
        "colour: ",
        "steps: ",
        "abilities.flies: ",
    ):
        assert fault in line


def test_of_very_many_faults_the_first_are_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"; and 24 more$"):
        read(CONFIG, written(tmp_path / "config.json", LEAST | {f"key{n}": n for n in range(30)}))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("autoregressive", "keep", 3),
        ("autoregressive", "latent_channels", -1),
        ("autoregressive", "latent_channels", 10**9),
        ("autoregressive", "degrees", 0.0),
        ("autoregressive", "inputs", [{"name": "motion", "dim": 3, "frames": 10**9}]),
        ("autoregressive", "inputs", [{"name": "motion", "dim": 3, "frames": 5, "offset": -1}]),
        ("masked", "known", 0),
        ("masked", "keep", 61),
        ("masked", "window", 100),
        ("masked", "window", 10**9),
        ("masked", "root", "feet"),
        ("latent_flow", "context", 0),
        ("latent_flow", "steps", 10**6),
        ("curve_correction", "upright", [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_numbers_that_no_model_has(tmp_path: Path, kind: str, key: str, value: object) -> None:
    facts = LEAST | {"completion": OF_KINDS[kind] | {key: value}}
    with pytest.raises(CheckpointError, match="config.json: completion"):
        read(CONFIG, written(tmp_path / "config.json", facts))


def test_other_files_are_checked_as_strictly(tmp_path: Path) -> None:
    for kind, facts, says in (
        (SCALERS, {"motion": {"mean": [0.0], "std": [0.0]}}, "motion.std.0: Input should be greater than 0"),
        (SCALERS, {"motion": {"mean": ["0"], "std": [1.0]}}, "motion.mean.0: "),
        (SCALERS, {"motion": {"mean": [0.0]}}, "motion.std: Field required"),
        (SKELETON, {"names": ["a"], "parents": [-1]}, "offsets_m: Field required"),
        (SKELETON, {"names": ["a"], "parents": [-1], "offsets_m": [[0.0, 1e9, 0.0]]}, "offsets_m.0.1: "),
    ):
        with pytest.raises(CheckpointError, match=f"facts.json: .*{says}"):
            read(kind, written(tmp_path / "facts.json", facts))
    assert read(SKELETON, written(tmp_path / "facts.json", None)) is None
    with pytest.raises(CheckpointError, match="nowhere.json: No such file or directory"):
        read(SKELETON, tmp_path / "nowhere.json")


def test_nothing_is_changed_in_place(tmp_path: Path) -> None:
    config = read(CONFIG, written(tmp_path / "config.json", LEAST))
    with pytest.raises(ValidationError):
        config.fps = 30.0
    assert isinstance(config, CheckpointConfig)


def test_a_changed_field_changes_the_card_too(copy_of) -> None:
    folder = copy_of("inbetween")
    for name in ("config.json", "card.md"):
        text = (folder / name).read_text()
        (folder / name).unlink()
        (folder / name).write_text(text)
    rewrite_texts(Checkpoint(folder), licence="Made for a test.", steps=7)
    again = Checkpoint(folder)
    assert (again.config.licence, again.config.steps) == ("Made for a test.", 7)
    assert "Data: Made for a test." in again.card
