"""A folder of plain arrays, as published data sets lie, from training to arrays that a model makes and its losses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import FLOWS, changed

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run

FPS = 20
POSE, SOUND = "expmap_scaled_20", "audio_feats_scaled_20"


def recipe(place: Path) -> Path:
    config = {
        **FLOWS["transflower"],
        "inputs": [
            {"name": "style", "dim": 4, "frames": 1, "tokens": 2, "fixed": True},
            {"name": "motion", "dim": 1, "frames": 6},
            {"name": "audio", "dim": 1, "frames": 8},
        ],
    }
    features = {"motion": POSE, "audio": SOUND, "style": "dance_style"}
    values = changed(steps=3)
    values |= {"model": "transflower", "features": features, "config": config, "windows": {"fix_lengths": True}}
    path = place / "mine.yaml"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six columns that swing, three of noise two frames longer, and a label; one sequence held out, one for testing."""
    folder, random = tmp_path_factory.mktemp("plain") / "arrays", np.random.default_rng(0)
    folder.mkdir()
    for k, name in enumerate(("one.a", "one.b", "held", "new")):
        t = np.arange(60)[:, None] / FPS
        pose = 3 * np.sin(2 * t + np.arange(6) + k) + 10
        np.save(folder / f"{name}.{POSE}.npy", pose + 0.1 * random.normal(size=pose.shape))
        np.save(folder / f"{name}.{SOUND}.npy", random.normal(size=(62, 3)).astype(np.float32))
        np.save(folder / f"{name}.dance_style.npy", np.array([k % 2]))
    (folder / "base_filenames_train.txt").write_text("one.a\none.b")
    (folder / "base_filenames_val.txt").write_text("held\n")
    (folder / "base_filenames_test.txt").write_text("new\n")
    return folder


@pytest.fixture(scope="module")
def trained(arrays: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("trained")
    words = ["train", recipe(place), "--data", arrays, "-o", place / "run", f"--fps={FPS}", "-q"]
    assert run([*map(str, words), "--training.dances.every=1"]) == 0
    return place / "run"


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_it_trains_as_it_lies_and_makes_arrays(
    arrays: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(arrays)
    config = find_checkpoint(trained).config
    assert (config.fps, config.codec, config.features["motion"]) == (FPS, None, POSE)
    assert config.held_out["held_out/loss"]
    assert not list((trained / "dances").glob("*.png"))  # there is no body to draw
    capsys.readouterr()
    words = [
        "generate",
        trained,
        "--data",
        arrays,
        "--seconds",
        1,
        "--takes",
        2,
        "--with-seed",
        "-o",
        tmp_path / "out",
        "-q",
    ]
    assert run([*map(str, words)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [str(tmp_path / "out" / f"new-{k}.{POSE}.npy") for k in (1, 2)]
    made = [np.load(path) for path in told.out.splitlines()]
    assert {m.shape for m in made} == {(6 + FPS, 6)}
    real = np.load(arrays / f"new.{POSE}.npy")
    for rows in made:
        np.testing.assert_allclose(rows[:6], real[:6], atol=1e-4)  # in the units of the arrays
        assert np.isfinite(rows).all()
    assert not np.array_equal(made[0][6:], made[1][6:])
    assert files(arrays) == before


def test_it_is_measured_by_its_loss(
    arrays: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    words = ["evaluate", trained, "--data", arrays, "--split", "val", "-o", tmp_path / "report"]
    assert run([*map(str, words), "--json", "-q"]) == 0
    (told,) = json.loads(capsys.readouterr().out).values()
    known = find_checkpoint(trained).config.held_out
    assert told["losses"] == pytest.approx({k: known[f"held_out/{k}"] for k in told["losses"]}, rel=1e-4)
    assert {"loss", "nll", "bits_per_dimension"} == told["losses"].keys()
    assert list(told) == ["losses"]
    assert json.loads((tmp_path / "report" / "report.json").read_text())[str(trained)] == told
    assert run([*map(str, words[:4]), "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(trained)
    assert lines[1].startswith("  losses: loss ")


def test_what_has_no_body_is_not_written_as_motion(
    arrays: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (("--formats", "bvh"), f"makes {POSE} features, which are no motion: only npy can be written"),
        (("--video",), "only npy can be written"),
        (("--start", "x.bvh"), "x.bvh"),
    ):
        assert run([*map(str, ["generate", trained, "--data", arrays, "-o", tmp_path / "out", *words])]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "out").exists()


def test_the_frame_rate_must_be_told_once(arrays: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", recipe(tmp_path), "--data", arrays, "-o", tmp_path / "run"]
    assert run([*map(str, words)]) == 2
    assert "plain arrays, which do not tell their frame rate: add --fps=RATE" in capsys.readouterr().err
    assert run(["prepare", "arrays", str(arrays), "-o", str(tmp_path / "data"), "--fps", "25", "-q"]) == 0
    capsys.readouterr()
    words[3] = tmp_path / "data"
    assert run([*map(str, words), "--fps=20"]) == 2
    assert "has 25 fps, but the recipe says fps: 20" in capsys.readouterr().err
    assert run([*map(str, words), "--fps=-1"]) == 2
    assert "recipe.fps: -1 is no frame rate" in capsys.readouterr().err
    assert run([*map(str, words), "-q"]) == 0
    assert find_checkpoint(tmp_path / "run").fps == 25


def test_two_folders_train_as_one(arrays: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in arrays.iterdir():
        (other / path.name.replace("one.", "two.")).write_bytes(path.read_bytes())
    (other / "base_filenames_train.txt").write_text("two.a\ntwo.b")
    words = ["train", recipe(tmp_path), "--data", arrays, "--data", other, "-o", tmp_path / "run", f"--fps={FPS}", "-q"]
    assert run([*map(str, words)]) == 0
    assert find_checkpoint(tmp_path / "run").config.data.sequences == 4
