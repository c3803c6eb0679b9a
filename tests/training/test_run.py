"""Runs: killed and taken up again, what they log, which weights they keep, what a continuation may change."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import lightning
import torch
from training_toys import DANCER, FLOWS, GAPS, MASKED, MOGLOW, Losses, Stop, StopAt, changed, last_state, toy

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.weights import load_model
from farandole.errors import CheckpointError, DataError
from farandole.training.run import train

TRANSFLOWER = {**MOGLOW, "model": "transflower", "config": FLOWS["transflower"]}
# An epoch of the flow folder has 10 batches of 8 of every second window.
RESUMED: dict[str, tuple[str, dict[str, Any], int]] = {
    "flow in mid-epoch": ("flow_folder", changed(steps=12), 6),
    "flow between epochs": ("flow_folder", changed(steps=12), 10),
    "transflower": ("flow_folder", changed(TRANSFLOWER, steps=6, schedule={"kind": "cosine", "warmup": 3}), 4),
    "flow in worker processes": ("flow_folder", changed(steps=7, workers=2), 4),
    "accumulated": ("flow_folder", changed(steps=6, accumulate=2), 3),
    "augmented": ("flow_folder", {**changed(steps=13), "windows": {"augment": ["noise"], "stride": 2}}, 11),
    "masked inside a stage": ("masked_folder", MASKED, 3),
    "masked between two": ("masked_folder", MASKED, 4),
    "masked inside one that feeds back": ("masked_folder", MASKED, 6),
    "gaps": ("dance_folder", changed(GAPS, steps=5), 2),
    "dancer inside its first stage": ("dance_folder", DANCER, 2),
    "dancer between its stages": ("dance_folder", DANCER, 4),
    "dancer inside its second stage": ("dance_folder", DANCER, 6),
}


Ended = tuple[Path, Losses, dict[str, float]]
"""A run, its losses and what it found."""
Whole = Callable[[dict[str, Any], Path], Ended]


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Runs that nobody stopped: one of each recipe, wherever others of it are stopped."""
    made: dict[tuple[str, Path], Ended] = {}

    def run(values: dict[str, Any], folder: Path) -> Ended:
        key = json.dumps(values), folder
        if key not in made:
            place, losses = tmp_path_factory.mktemp("whole") / "run", Losses()
            made[key] = place, losses, train(values, folder, place, callbacks=[losses])
        return made[key]

    return run


@pytest.mark.parametrize("case", RESUMED)
def test_a_run_that_is_taken_up_again_is_the_uninterrupted_one(
    case: str, never_stopped: Whole, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name, values, stop = RESUMED[case]
    folder, values = request.getfixturevalue(name), changed(values, save_every=1)
    place, whole, expected = never_stopped(values, folder)
    rest = Losses()
    with pytest.raises(Stop):
        train(values, folder, tmp_path / "run", callbacks=[StopAt(stop + 1)])
    assert not (tmp_path / "run" / "checkpoint").exists()
    assert last_state(tmp_path / "run")["global_step"] in (stop, stop + 1)
    saved = last_state(tmp_path / "run")["global_step"]
    results = train({}, folder, tmp_path / "run", resume=True, callbacks=[rest])
    assert {k: v for k, v in rest.train.items() if k > saved} == {k: v for k, v in whole.train.items() if k > saved}
    assert rest.held_out == {k: v for k, v in whole.held_out.items() if k > saved}
    assert results == expected
    assert len(results) > 0
    state, again = last_state(place), last_state(tmp_path / "run")
    assert state["global_step"] == again["global_step"] == max(whole.train)
    parts = {k.split(".")[0] for k in state["state_dict"]}
    assert parts == {"model", "average", "started", "stage_begun"}  # nothing is saved twice
    for key, value in state["state_dict"].items():
        assert torch.equal(value, again["state_dict"][key]), key


def command(recipe: Path, data: Path, run: Path, *more: str) -> list[str]:
    words = ["train", recipe, "--data", data, "-o", run, "--trainer.accelerator=cpu", *more]
    return [sys.executable, "-m", "farandole", *map(str, words)]


def wait_for(state: Path, process: subprocess.Popen, times: int = 2) -> None:
    """Wait until the state was replaced so many times."""
    seen: list[int] = []
    while len(seen) < times:
        assert process.poll() is None, process.stderr.read().decode()[-2000:]
        now = state.stat().st_mtime_ns if state.is_file() else 0
        if now and now not in seen:
            seen.append(now)
        time.sleep(0.002)


STEPS, EVERY = 90, 5
"""Of runs that are stopped: each step is some hundredths of a second, so a stopped one has many left."""


@pytest.fixture(scope="module")
def undisturbed(flow_folder: Path, never_stopped: Whole) -> Ended:
    """The run that those are held against which are stopped by a signal."""
    return never_stopped(changed(steps=STEPS, save_every=EVERY), flow_folder)


def test_killed_in_mid_epoch_and_resumed_it_is_the_uninterrupted_run(
    flow_folder: Path, undisturbed: Ended, tmp_path: Path
) -> None:
    steps, every = STEPS, EVERY
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "killed"
    values = changed(steps=steps, save_every=every)
    recipe.write_text(json.dumps(values))
    state = run / "states" / "last.ckpt"
    with subprocess.Popen(
        command(recipe, flow_folder, run), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        wait_for(state, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (run / "checkpoint").exists()
    saved = last_state(run)["global_step"]
    assert saved in range(every, steps, every)

    undisturbed_run, whole, expected = undisturbed
    rest = Losses()
    results = train(values, flow_folder, run, resume=True, callbacks=[rest])
    assert (min(rest.train), max(rest.train)) == (saved + 1, steps)
    assert rest.train == pytest.approx({k: v for k, v in whole.train.items() if k > saved}, rel=1e-4)
    assert rest.held_out == pytest.approx({k: v for k, v in whole.held_out.items() if k > saved}, rel=1e-4)
    assert results == pytest.approx(expected, rel=1e-4)
    made, again = (load_model(find_checkpoint(r)).state_dict() for r in (undisturbed_run, run))
    for key, value in made.items():
        torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-5)


def test_after_ctrl_c_the_state_is_saved_and_the_run_goes_on_as_if_undisturbed(
    flow_folder: Path, undisturbed: Ended, tmp_path: Path
) -> None:
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    values = changed(steps=STEPS, save_every=10_000)
    recipe.write_text(json.dumps(values))
    begun = run / "logs" / "version_0"
    with subprocess.Popen(command(recipe, flow_folder, run), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (run / "recipe.yaml").is_file() or not begun.is_dir():
            assert process.poll() is None, process.stderr.read().decode()[-2000:]
            time.sleep(0.002)
        time.sleep(0.4)  # into the steps
        os.kill(process.pid, signal.SIGINT)
        out, told = process.communicate(timeout=60)
    assert process.returncode == 130, told.decode()[-2000:]
    assert out == b""
    assert told.decode().splitlines()[-1] == "interrupted"
    assert not (run / "checkpoint").exists()
    assert 0 < last_state(run)["global_step"] < STEPS
    train(values, flow_folder, run, resume=True)
    made, again = (load_model(find_checkpoint(r)).state_dict() for r in (undisturbed[0], run))
    for key, value in made.items():
        torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-5)


def test_a_short_run_is_saved_at_its_end_and_a_longer_one_goes_on_from_there(flow_folder: Path, tmp_path: Path) -> None:
    run, whole, rest = tmp_path / "run", Losses(), Losses()
    train(changed(steps=3, save_every=1000), flow_folder, run)
    assert last_state(run)["global_step"] == 3
    train({}, flow_folder, run, resume=True, changes=["--training.steps=6"], callbacks=[rest])
    train(changed(steps=6), flow_folder, tmp_path / "whole", callbacks=[whole])
    assert rest.train == {k: v for k, v in whole.train.items() if k > 3}
    assert find_checkpoint(run).config.steps == find_checkpoint(tmp_path / "whole").config.steps == 6


def test_states_are_saved_by_the_clock_too_and_only_after_whole_steps(flow_folder: Path, tmp_path: Path) -> None:
    seen = []

    class Watch(lightning.Callback):
        def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
            seen.append((trainer.global_step, (tmp_path / "run" / "states" / "last.ckpt").is_file()))

    values = changed(steps=3, accumulate=2, save_every=100, save_minutes=1e-9)
    train(values, flow_folder, tmp_path / "run", callbacks=[Watch()])
    # Own callbacks run before the one that saves: the file of a step is there at the next batch.
    assert seen == [(0, False), (1, False), (1, True), (2, True), (2, True), (3, True)]


def scalars(run: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(run / "logs" / "version_0")).Reload()


def test_logs_hold_losses_bits_norms_and_a_dance(flow_folder: Path, tmp_path: Path) -> None:
    losses = Losses()
    train(
        changed(dances={"every": 2, "songs": 1, "seconds": 1.0}, steps=45),
        flow_folder,
        tmp_path / "run",
        callbacks=[losses],
    )
    log = scalars(tmp_path / "run")
    for name in ("loss", "bits_per_dimension", "gradient_norm", "learning_rate"):
        assert log.Scalars(f"train/{name}"), name
    assert log.Scalars("held_out/nll")
    assert [e.value for e in log.Scalars("train/loss")] == pytest.approx(list(losses.train.values()))
    moving = 67 - 3  # per dimension that is modelled
    bits = log.Scalars("train/nll")[0].value / moving
    assert log.Scalars("train/bits_per_dimension")[0].value == pytest.approx(bits)
    assert len(log.Images("dance")) == len(losses.held_out) // 2 > 0
    assert len(list((tmp_path / "run" / "dances").glob("*.png"))) == len(log.Images("dance"))


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_that_are_kept(flow_folder: Path, tmp_path: Path, keep: str) -> None:
    """The motion is noise: training only learns it by heart, and the held-out loss soon rises again."""
    losses = Losses()
    values = changed(steps=90, lr=2e-2, ema=0.0, keep=keep)
    results = train(values, flow_folder, tmp_path / "run", callbacks=[losses])
    best = min(losses.held_out, key=lambda step: losses.held_out[step])
    assert best < max(losses.held_out)
    expected = best if keep == "best" else max(losses.held_out)
    assert results["held_out/loss"] == pytest.approx(losses.held_out[expected])
    assert find_checkpoint(tmp_path / "run").config.steps == (best if keep == "best" else 90)


def test_the_best_weights_are_those_of_the_last_stage(flow_folder: Path, tmp_path: Path) -> None:
    """Losses of another stage are of another kind: here they are lower, before the rate makes the weights worse."""
    losses = Losses()
    stages = [{"steps": 10, "lr": 2e-2}, {"steps": 6, "lr": 0.3}]
    values = changed(stages=stages, ema=0.0, keep="best", validate_every=2)
    results = train(values, flow_folder, tmp_path / "run", callbacks=[losses])
    first, last = ({k: v for k, v in losses.held_out.items() if (k > 10) == late} for late in (False, True))
    assert min(first.values()) < min(last.values())
    assert results["held_out/loss"] == pytest.approx(min(last.values()))
    assert find_checkpoint(tmp_path / "run").config.steps == min(last, key=lambda step: last[step])
    assert any(k.startswith("held_out/stage_1_") for k in results)  # those of the stage before stand beside them


def test_each_stage_has_its_rate_its_mask_and_a_fresh_optimiser(masked_folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, int, str]] = []

    class Look(lightning.Callback):
        def on_before_optimizer_step(self, trainer, task, optimizer) -> None:
            steps = {int(s["step"]) for s in optimizer.state.values()} or {0}
            _, stage, _ = task.plan.at(trainer.global_step)
            seen.append((optimizer.param_groups[0]["lr"], steps.pop(), stage.options.mask.pattern))

    train(MASKED, masked_folder, tmp_path / "run", callbacks=[Look()])
    rates, steps, masks = zip(*seen, strict=True)
    assert rates == pytest.approx([5e-4, 1e-3, 1e-3, 5e-4, *[5e-4] * 8])
    assert steps == (0, 1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2)
    assert masks == ("frames",) * 4 + ("suffix",) * 5 + ("every",) * 3


def test_each_stage_of_the_dancer_trains_its_part_alone(dance_folder: Path, tmp_path: Path) -> None:
    weights: dict[int, dict[str, torch.Tensor]] = {}

    class Look(lightning.Callback):
        def on_train_batch_start(self, trainer, task, batch, index) -> None:
            weights[trainer.global_step] = {k: v.clone() for k, v in task.model.named_parameters()}

        def on_train_end(self, trainer, task) -> None:
            weights[trainer.global_step] = {k: v.clone() for k, v in task.model.named_parameters()}

    train(changed(DANCER, stages=[{**s, "ema": 0.0} for s in DANCER["training"]["stages"]]), dance_folder,
          tmp_path / "run", callbacks=[Look()])  # fmt: skip
    moved = lambda a, b: {k.split(".")[0] for k, v in weights[a].items() if not torch.equal(v, weights[b][k])}  # noqa: E731
    assert moved(0, 4) == {"encoder", "decoder"}
    assert moved(4, 8) == {"flow"}
    state = last_state(tmp_path / "run")["state_dict"]
    assert state["model.latent_std"].min() > 0
    assert not torch.equal(state["model.latent_std"], torch.ones(8))  # measured where the flow's stage begins


def test_fresh_weights_start_from_the_first_batch_once(flow_folder: Path, dance_folder: Path, tmp_path: Path) -> None:
    """Normalisation layers of flows, and scales of the in-between model, are those of the data before any step."""
    recipe, model, data, objective = toy(GAPS, dance_folder)
    stage = recipe.plan.stages[0]
    batch = data.batch(0, stage.batch_size, stage.options)
    objective.start(model, batch)
    train(changed(GAPS, steps=1, lr=1e-30), dance_folder, tmp_path / "run")
    made = load_model(find_checkpoint(tmp_path / "run")).state_dict()
    torch.testing.assert_close(made["mean"], batch["features"].flatten(0, 1).mean(dim=0))
    train({}, dance_folder, tmp_path / "run", resume=True, changes=["training.steps=2"])
    again = load_model(find_checkpoint(tmp_path / "run")).state_dict()
    assert torch.equal(again["mean"], made["mean"])
    train(changed(steps=1, lr=1e-30), flow_folder, tmp_path / "flow")
    assert last_state(tmp_path / "flow")["state_dict"]["started"]


def test_resuming_reads_the_runs_own_recipe_and_writes_down_what_is_changed(flow_folder: Path, tmp_path: Path) -> None:
    run, rates = tmp_path / "run", []

    class Rates(lightning.Callback):
        def on_before_optimizer_step(self, trainer, task, optimizer) -> None:
            rates.append(optimizer.param_groups[0]["lr"])

    train(changed(steps=2), flow_folder, run)
    other = {"model": "transflower", "training": {"steps": 99}}  # whatever the caller says, the run's recipe counts
    train(other, flow_folder, run, resume=True,
          changes=["training.steps=4", "--training.lr", "1e-5", "--training.weight_decay=0.1"], callbacks=[Rates()])  # fmt: skip
    written = json.loads((run / "recipe.yaml").read_text())
    assert (written["model"], written["training"]["steps"], written["training"]["lr"]) == ("moglow", 4, 1e-5)
    assert rates == pytest.approx([1e-5, 1e-5])
    assert find_checkpoint(run).config.recipe["training"]["lr"] == 1e-5
    assert last_state(run)["global_step"] == 4
    assert last_state(run)["optimizer_states"][0]["param_groups"][0]["weight_decay"] == 0.1
    before = (run / "recipe.yaml").read_bytes()
    for change, said in (
        ("model=transflower", "model was moglow, now transflower|config"),
        ("features.audio=expmap_cr", "features.audio was sound, now expmap_cr"),
        ("config.past=2", "config.past was 3, now 2"),
        ("windows.stride=3", "windows.stride was 2, now 3"),
        ("preset=as-released", "preset was farandole, now as-released"),
        ("start=starter", "start was , now starter"),
        ("training.optimizer=sgd", "training.optimizer was adam, now sgd"),
        ("training.accumulate=2", "training.accumulate was 1, now 2"),
        ("training.ema=0", "whether weights are averaged"),
        ("training.stepz=3", "training has no key 'stepz'"),
    ):
        with pytest.raises(DataError, match=said):
            train({}, flow_folder, run, resume=True, changes=[change])
        assert (run / "recipe.yaml").read_bytes() == before


def test_the_objective_cannot_change_either(masked_folder: Path, tmp_path: Path) -> None:
    train(changed(MASKED, stages=[{"steps": 1, "mask": {"shortest": 20}}]), masked_folder, tmp_path / "run")
    with pytest.raises(DataError, match=r"cannot go on so: objective.position was 1.0, now 2.0; begin a new run, with"):
        train({}, masked_folder, tmp_path / "run", resume=True, changes=["objective.position=2"])


@pytest.mark.parametrize("change", ["windows.root=minmax", "windows.statistics=all", "windows.music=minmax"])
def test_the_normalisation_cannot_change_between_a_run_and_its_continuation(
    change: str, masked_folder: Path, tmp_path: Path
) -> None:
    train(changed(MASKED, stages=[{"steps": 1, "mask": {"shortest": 20}}]), masked_folder, tmp_path / "run")
    before = last_state(tmp_path / "run")["global_step"]
    with pytest.raises(
        DataError, match=rf"cannot go on so: {change.partition('=')[0]} was \w+, now \w+; begin a new run"
    ):
        train({}, masked_folder, tmp_path / "run", resume=True, changes=[change, "training.stages.0.steps=2"])
    assert last_state(tmp_path / "run")["global_step"] == before


@pytest.mark.parametrize("family", ["flow", "masked", "dance"])
def test_a_run_does_not_go_on_with_data_of_another_scale(
    family: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same folder, but for the statistics that its numbers are scaled by."""
    values = {"flow": changed(steps=1), "masked": changed(MASKED, stages=[{"steps": 1, "mask": {"shortest": 20}}]),
              "dance": DANCER}[family]  # fmt: skip
    folder = request.getfixturevalue(f"{family}_folder")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    train(values, folder, tmp_path / "run")
    train({}, other, tmp_path / "run", resume=True)  # a copy will do
    feature = values["features"]["motion"]
    path = other / f"{feature}_scaler.json"
    scaler = json.loads(path.read_text())
    scaler["std"][1] *= 1.1
    path.write_text(json.dumps(scaler))
    with pytest.raises(
        DataError, match=r"run cannot go on with .*other: motion has other means or deviations than in the"
    ):
        train({}, other, tmp_path / "run", resume=True)


def test_a_run_does_not_go_on_with_other_styles_or_another_rate(flow_folder: Path, tmp_path: Path) -> None:
    train(changed(steps=1), flow_folder, tmp_path / "run")
    other = tmp_path / "other"
    shutil.copytree(flow_folder, other)
    corpus = json.loads((other / "corpus.json").read_text())
    for change, said in (
        ({"fps": 25.0}, "the frame rate is another \\(25, not 20\\) than in the data"),
        (
            {"sequences": {n: {**s, "style": "c"} for n, s in corpus["sequences"].items()}},
            "styles are others \\(c, not a, b\\)",
        ),
    ):
        (other / "corpus.json").write_text(json.dumps({**corpus, **change}))
        with pytest.raises(DataError, match=said):
            train({}, other, tmp_path / "run", resume=True)
    (tmp_path / "run" / "states" / "numbers.json").write_text('{"fps": 20')
    with pytest.raises(CheckpointError, match=r"numbers\.json is damaged"):
        train({}, flow_folder, tmp_path / "run", resume=True)


def test_a_damaged_run_is_one_line(flow_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no state to continue from \(.*last\.ckpt is missing\)"):
        train(MOGLOW, flow_folder, tmp_path / "none", resume=True)
    run = tmp_path / "run"
    train(changed(steps=1), flow_folder, run)
    state, recipe = run / "states" / "last.ckpt", run / "recipe.yaml"
    whole = state.read_bytes()
    state.write_bytes(whole[:5000])
    with pytest.raises(CheckpointError, match=r"last\.ckpt is damaged"):
        train({}, flow_folder, run, resume=True)
    state.write_bytes(whole)
    for text in ("", "[1]", "{"):
        recipe.write_text(text)
        with pytest.raises(CheckpointError, match="the run's recipe cannot be read"):
            train({}, flow_folder, run, resume=True)


def test_a_run_starts_with_the_weights_of_another(masked_folder: Path, tmp_path: Path) -> None:
    every = {"pattern": "every", "every": 12, "shortest": 24, "longest": 24, "zero": 1.0, "replace": 0.0}
    first = changed(MASKED, batch_size=8, stages=[{"steps": 3, "lr": 5e-3, "mask": every}])
    results = train(first, masked_folder, tmp_path / "run")
    assert results["held_out/position"] != results["held_out/slerp_position"]
    more = changed(first, stages=[{"steps": 1, "lr": 1e-9, "mask": every}])
    again = train({**more, "start": str(tmp_path / "run")}, masked_folder, tmp_path / "on")
    assert again["held_out/loss"] == pytest.approx(results["held_out/loss"], rel=1e-4)
    other = {
        **more,
        "config": {"encoder": {**MASKED["config"]["encoder"]}, "hidden": 20},
        "start": str(tmp_path / "run"),
    }
    with pytest.raises(CheckpointError, match=r"has other settings than the recipe \(config.hidden was 16, now 20\)"):
        train(other, masked_folder, tmp_path / "off")
    with pytest.raises(CheckpointError, match="is a latent_dancer, but the recipe trains a motionbert"):
        train({**more, "start": "starter"}, masked_folder, tmp_path / "off")
    with pytest.raises(CheckpointError, match="no model 'nowhere'"):
        train({**more, "start": "nowhere"}, masked_folder, tmp_path / "off")
    assert not (tmp_path / "off" / "states").exists()


@pytest.mark.parametrize(("family", "values"), [("flow_folder", changed(steps=1)), ("dance_folder", DANCER),
                                                ("masked_folder", MASKED), ("dance_folder", changed(GAPS, steps=2))])  # fmt: skip
def test_the_number_of_devices_may_be_told_of_every_family(
    family: str, values: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    changes = ["--trainer.devices=1", "--trainer.accelerator=cpu"]
    assert train(values, request.getfixturevalue(family), tmp_path / "run", changes=changes)


def test_impossible_trainers_are_one_line(flow_folder: Path, tmp_path: Path) -> None:
    for trainer, training, said in (
        ({"device": 2}, {}, "trainer has no option 'device'; there are: accelerator, strategy"),
        ({"strategy": "fsdp", "accelerator": "cpu"}, {"ema": 0.0}, r"^trainer: .*fsdp.*GPU"),
        ({"strategy": "fsdp"}, {}, r"training\.ema and training\.dances\.every must be 0"),
        ({"devices": "many"}, {}, "^trainer: "),
        ({"accelerator": "abacus"}, {}, "^trainer: "),
    ):
        with pytest.raises(DataError, match=said) as error:
            train({**changed(**training), "trainer": trainer}, flow_folder, tmp_path / "x")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "x" / "states").exists()


def test_columns_that_never_vary_are_left_out(flow_folder: Path, tmp_path: Path) -> None:
    train(changed(steps=1), flow_folder, tmp_path / "run")
    model = load_model(find_checkpoint(tmp_path / "run"))
    assert (model.target.dim, model.latent_channels, len(model.config.signal.still)) == (67, 64, 3)


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(flow_folder: Path, tmp_path: Path) -> None:
    losses = []
    for compiled in (False, True):
        losses.append(Losses())
        train(changed(steps=4, compile=compiled), flow_folder, tmp_path / str(compiled), callbacks=losses[-1:])
    assert losses[1].train == pytest.approx(losses[0].train, rel=1e-3)
