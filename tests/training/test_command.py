"""`farandole train` and `farandole recipes`: what they print, and that whatever is typed wrong is one line and exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import DANCER, GAPS, MASKED, changed

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_names

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `farandole ...`: exit code, stdout, stderr."""
    monkeypatch.delenv("FARANDOLE_DEBUG", raising=False)

    def act(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(word) for word in words])
        return code, *capfd.readouterr()

    return act


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of one short step of a flow, as JSON, which is YAML too."""
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(changed(steps=2)))
    return path


def refused(answer: tuple[int, str, str]) -> str:
    """The one line of an input error."""
    code, out, err = answer
    assert code == 2, (code, out, err)
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert "bug" not in line
    return line


def test_it_prints_the_checkpoint_and_takes_changed_values(
    call: Call, recipe: Path, flow_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ("train", recipe, "--data", flow_folder, "-o", out)
    code, told, err = call(*words, "--training.ema=0.25", "--training.lr", "1e-4", "--trainer.devices=1")
    assert (code, told.strip()) == (0, str(out / "checkpoint")), err
    assert "held out: " in err
    training = find_checkpoint(out).config.recipe["training"]
    assert (training["ema"], training["lr"]) == (0.25, 1e-4)
    assert "exists already: choose another name or add --force (or --resume)" in refused(call(*words))
    code, told, err = call(*words, "--resume", "--training.steps=3", "-q")
    assert (code, err) == (0, "")
    assert find_checkpoint(out).config.recipe["training"] == training | {"steps": 3}
    code, told, err = call("train", "--resume", "--training.steps=4", *words[1:], "-q")  # whatever stands first
    assert (code, err) == (0, "")
    assert find_checkpoint(out).config.recipe["training"] == training | {"steps": 4}
    code, told, err = call(*words, "--force", "-q")
    assert find_checkpoint(out).config.recipe["training"]["ema"] == 0.5


def test_json_is_all_that_stands_on_stdout(call: Call, recipe: Path, flow_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, told, _ = call("train", recipe, "--data", flow_folder, "-o", out, "--json", "--training.dances.every=1")
    assert code == 0
    answer = json.loads(told)
    assert (answer["run"], answer["checkpoint"]) == (str(out), str(out / "checkpoint"))
    assert answer["held_out"]["held_out/loss"] == pytest.approx(
        find_checkpoint(out).config.held_out["held_out/loss"], rel=1e-5
    )


def test_json_of_a_run_by_itself(recipe: Path, flow_folder: Path, tmp_path: Path) -> None:
    """As a process: what Lightning prints of devices and tips must not stand there either.

    Nor when it goes on in the middle of an epoch: Lightning would say of other loaders that they cannot do that. One process does
    both, for starting one takes longer than the runs.
    """
    import subprocess
    import sys

    words = ["train", recipe, "--data", flow_folder, "-o", tmp_path / "run", "--json"]
    program = """
import sys
from farandole.__main__ import main
words = sys.argv[1:]
for more in ([], ["--resume", "--training.steps=4"]):
    sys.argv[1:] = [*words, *more]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print(flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    read, rest = json.JSONDecoder(), done.stdout.lstrip()
    first, length = read.raw_decode(rest)
    second, length = read.raw_decode(rest := rest[length:].lstrip())
    assert rest[length:].strip() == ""
    assert first["checkpoint"] == second["checkpoint"] == str(tmp_path / "run" / "checkpoint")
    assert find_checkpoint(tmp_path / "run").config.recipe["training"]["steps"] == 4
    assert not [line for line in done.stderr.splitlines() if "warn" in line.lower() or "resum" in line.lower()]


def test_stages_are_told_by_number(call: Call, dance_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "dancer.yaml"
    path.write_text(json.dumps(DANCER))
    stages = ("--training.stages.0.steps=1", "--training.stages.1.steps", "2")
    code, _, err = call("train", path, "--data", dance_folder, "-o", tmp_path / "run", *stages)
    assert code == 0, err
    assert find_checkpoint(tmp_path / "run").config.steps == 3
    far = refused(call("train", path, "--data", dance_folder, "-o", tmp_path / "x", "--training.stages.2.steps=1"))
    assert far == "error: --training.stages.2.steps=1: '2' is no element: there are 0 to 1"


def test_a_run_starts_from_another(call: Call, recipe: Path, flow_folder: Path, tmp_path: Path) -> None:
    words = ("train", recipe, "--data", flow_folder)
    assert call(*words, "-o", tmp_path / "one")[0] == 0
    assert call(*words, "-o", tmp_path / "two", "--start", tmp_path / "one", "--training.lr=1e-30")[0] == 0
    one, two = (find_checkpoint(tmp_path / n) for n in ("one", "two"))
    assert two.config.recipe["start"] == str(tmp_path / "one")
    assert two.config.held_out["held_out/loss"] == pytest.approx(one.config.held_out["held_out/loss"], rel=1e-3)
    line = refused(call(*words, "-o", tmp_path / "three", "--start", "starter"))
    assert "is a latent_dancer, but the recipe trains a moglow: start from one of those" in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--model=[x]",), "no model ['x']; there are: crossmodal"),
        (("--features=[x]",), "recipe.features: ['x'] is no mapping"),
        (("--dims=dat",), "recipe.dims: 'dat' is not one of recipe, data"),
        (("--training.steps=abc",), "training.steps: 'abc' is no int"),
        (("--training.steps=1.9",), "training.steps: 1.9 is no int"),
        (("--training.seed=null",), "training.seed: None is no int"),
        (("--training.steps",), "--training.steps: options of the recipe are written --some.name=value"),
        (("--optimiser=adam",), "recipe has no key 'optimiser'; there are: model"),
        (("--objective.rotation=1",), "objective has no key 'rotation'"),
        (("--features.audio=noise",), "has no feature 'noise': there are expmap_cr, sound"),
        (("--features.motion=sound", "--dims=recipe"), "the model is made for"),
        (("--training.batch_size=5000",), "windows do not fill one batch of 5000"),
        (("--trainer.gpus=1",), "trainer has no option 'gpus'; there are: accelerator"),
        (("--trainer.accelerator=gpu",), "trainer: "),
        (("--trainer.devices=two",), "trainer: "),
        (("--resume",), "holds no state to continue from"),
        (("--start=nowhere",), "no model 'nowhere'"),
    ],
)
def test_what_is_typed_wrong_is_one_line(
    changes: tuple[str, ...], said: str, call: Call, recipe: Path, flow_folder: Path, tmp_path: Path
) -> None:
    assert said in refused(call("train", recipe, "--data", flow_folder, "-o", tmp_path / "run", *changes))
    assert not (tmp_path / "run" / "states").exists()


POLKA = {"style_weights": {"polka": 1}}


@pytest.mark.parametrize(
    ("values", "folder", "wrong"),
    [
        (GAPS, "dance_folder", {"objective": {"rotation": "much"}}),
        (DANCER, "dance_folder", {"objective": {"kl": "much"}}),
        (MASKED, "masked_folder", {"objective": {"position": "much"}}),
        (GAPS, "dance_folder", {"windows": POLKA}),
        (DANCER, "dance_folder", {"windows": POLKA}),
    ],
)
def test_weights_that_are_text_and_styles_that_nobody_dances(
    values: dict, folder: str, wrong: dict, call: Call, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(json.dumps({**values, **wrong}))
    line = refused(call("train", path, "--data", request.getfixturevalue(folder), "-o", tmp_path / "run"))
    assert "'much' is no float" in line or "no sequence has the style 'polka'" in line


def test_files_that_are_not_there(call: Call, recipe: Path, flow_folder: Path, tmp_path: Path) -> None:
    assert "no recipe 'mowgli'; there are: dance/starter" in refused(call("train", "mowgli", "--data", flow_folder))
    assert "the recipe 'tiny_moglow' is now flow/tiny/moglow" in refused(call("train", "tiny_moglow", "--data", "x"))
    assert "none.yaml: no such file" in refused(call("train", tmp_path / "none.yaml", "--data", flow_folder))
    assert "is not a feature folder" in refused(
        call("train", recipe, "--data", tmp_path / "none", "-o", tmp_path / "r")
    )
    assert "name the feature folder to train on" in refused(call("train", recipe))
    assert "name a recipe: farandole recipes lists them" in refused(call("train"))
    for options in (["--training.lr=1e-4"], ["--training.lr", "1e-4"]):
        assert "name a recipe" in refused(call("train", "--resume", *options, "-o", tmp_path / "r"))
        assert "no recipe 'mowgli'" in refused(call("train", "--resume", *options, "mowgli", "--data", flow_folder))


def test_help_tells_the_keys_of_a_recipe(call: Call) -> None:
    code, out, err = call("train", "flow/tiny/moglow", "--help")
    assert (code, err) == (0, "")
    steps = read_recipe(*find_recipe("flow/tiny/moglow"))["training"]["steps"]
    assert f"--training.steps={steps}  (int)" in out
    assert "Optimiser steps of a stage" in out
    code, out, err = call("train", "--help")
    assert (code, err) == (0, "")
    assert "--training.steps=" not in out
    assert "--resume" in out
    assert call("train", "-h")[1] == out
    assert "there are" in refused(call("train", "mowgli", "--help"))


def test_recipes_lists_all_of_them_or_some(call: Call) -> None:
    code, out, _ = call("recipes")
    assert code == 0
    assert all(f"{name}: " in out for name in recipe_names())
    code, out, _ = call("recipes", "tiny", "--json")
    rows = json.loads(out)["recipes"]
    assert len(rows) == len([n for n in recipe_names() if "tiny" in n]) > 5
    assert all(row["model"] and row["needs"] and row["steps"] > 0 and row["about"] for row in rows)


@pytest.mark.slow
def test_an_exported_run_needs_no_torch(dance_folder: Path, tmp_path: Path, call: Call) -> None:
    path = tmp_path / "gaps.yaml"
    path.write_text(json.dumps(changed(GAPS, steps=2, export=True)))
    assert call("train", path, "--data", dance_folder, "-o", tmp_path / "run")[0] == 0
    checkpoint = find_checkpoint(tmp_path / "run")
    assert checkpoint.exported == ("model",)
