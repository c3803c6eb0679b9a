"""Runs of the flow family: killed and taken up again, what they log, which weights they keep, what they refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the [train] extra")
lightning = pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.data.feature_folder import FeatureFolderWriter  # noqa: E402
from farandole.errors import CheckpointError, DataError  # noqa: E402
from farandole.generation.motion_checkpoint import find_motion_checkpoint  # noqa: E402
from farandole.models.layers.transformer import TransformerBlock  # noqa: E402
from farandole.motion import codecs  # noqa: E402
from farandole.motion.humanoid import house_skeleton  # noqa: E402
from farandole.motion.motion import Motion  # noqa: E402
from farandole.training.motion_run import MotionRecipe, train_motion  # noqa: E402
from farandole.training.motion_task import MotionTask, Training  # noqa: E402
from farandole.training.windows import ShuffledBatches  # noqa: E402

MOGLOW = {
    "model": "moglow",
    "preset": "farandole",
    "features": {"motion": "expmap_cr", "audio": "sound"},
    "dims": "data",
    "config": {"past": 3, "heard": 4, "frames": 5, "pose_dropout": 0.3, "glow": {"steps": 2, "dim": 8, "layers": 1}},
    "training": {"steps": 12, "batch_size": 8, "lr": 3e-3, "ema": 0.5, "stride": 2},
}
QUIET = {"accelerator": "cpu", "log_every_n_steps": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sequences to train on and one held out, of a body whose right hand never moves."""
    random, body = np.random.default_rng(0), house_skeleton()
    rest = Motion(body, np.tile([1.0, 0, 0, 0], (2, len(body), 1)), np.full((2, 3), 0.9), 20)
    codec = codecs.codec("expmap_cr", rest)
    still = [i for i, name in enumerate(codec.columns) if name.startswith("RightHand")]
    features = {"expmap_cr": codec.columns, "sound": ("low", "high")}
    path = tmp_path_factory.mktemp("flows") / "data"
    with FeatureFolderWriter(path, fps=20, skeleton=body, features=features, licence="", codecs=[codec]) as writer:
        for i in range(4):
            moves = np.cumsum(0.05 * random.normal(size=(60, len(codec.columns))), axis=0)
            moves[:, still] = 0.25
            sound = random.normal(size=(60, 2))
            writer.add(f"s{i}", {"expmap_cr": moves, "sound": sound}, split="val" if i == 3 else "train")
    return path


def changed(recipe: dict = MOGLOW, **training) -> dict:
    return {**recipe, "training": {**recipe["training"], **training}}


class Losses(lightning.Callback):
    """Loss of every step, and of every validation, by the number of the step."""

    def __init__(self) -> None:
        self.train: dict[int, float] = {}
        self.held_out: dict[int, float] = {}

    def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
        self.train[trainer.global_step] = outputs["loss"].item()

    def on_validation_end(self, trainer, task) -> None:
        self.held_out[trainer.global_step] = trainer.callback_metrics["held_out/loss"].item()


def scalars(run: Path, version: int = 0):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(run / "logs" / f"version_{version}")).Reload()


def test_killed_in_mid_epoch_and_resumed_it_is_the_uninterrupted_run(data: Path, tmp_path: Path) -> None:
    steps, every = 150, 7
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "killed"
    values = changed(steps=steps, save_every=every)
    recipe.write_text(json.dumps(values))
    command = [
        sys.executable,
        "-m",
        "farandole",
        "train",
        recipe,
        "--data",
        data,
        "-o",
        run,
        "--trainer.accelerator=cpu",
    ]
    state = run / "states" / "last.ckpt"
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        first = None
        while True:  # until the state has been replaced: then at least two were saved
            assert process.poll() is None, process.stderr.read().decode()[-2000:]
            now = state.stat().st_mtime_ns if state.is_file() else None
            first = first or now
            if now != first:
                break
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (run / "checkpoint").exists()
    saved = torch.load(state, weights_only=True)["global_step"]
    assert saved in range(2 * every, steps, every)

    whole, rest = Losses(), Losses()
    expected = train_motion(values, data, tmp_path / "whole", callbacks=[whole], **QUIET)
    results = train_motion(values, data, run, resume=True, callbacks=[rest], **QUIET)
    assert min(rest.train) == saved + 1
    assert max(rest.train) == steps
    assert rest.train == pytest.approx({k: v for k, v in whole.train.items() if k > saved}, rel=1e-4)
    assert rest.held_out == pytest.approx({k: v for k, v in whole.held_out.items() if k > saved}, rel=1e-4)
    assert results == pytest.approx(expected, rel=1e-4)
    made, again = (find_motion_checkpoint(r).load().state_dict() for r in (tmp_path / "whole", run))
    for key, value in made.items():
        torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-5)


def test_states_are_saved_by_the_clock_too_and_only_after_whole_steps(data: Path, tmp_path: Path) -> None:
    seen = []

    class Watch(lightning.Callback):
        def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
            seen.append((trainer.global_step, (tmp_path / "run" / "states" / "last.ckpt").is_file()))

    values = changed(steps=3, accumulate=2, save_every=100, save_minutes=1e-9)
    train_motion(values, data, tmp_path / "run", callbacks=[Watch()], **QUIET)
    # Own callbacks run before the one that saves: the file of a step is there at the next batch.
    assert seen == [(0, False), (1, False), (1, True), (2, True), (2, True), (3, True)]


def test_logs_hold_losses_bits_norms_and_a_dance(data: Path, tmp_path: Path) -> None:
    losses = Losses()
    train_motion(changed(pictures_every=2, steps=45), data, tmp_path / "run", callbacks=[losses], **QUIET)
    log = scalars(tmp_path / "run")
    for name in (
        "train/loss",
        "train/bits_per_dimension",
        "train/gradient_norm",
        "train/learning_rate",
        "held_out/nll",
    ):
        assert log.Scalars(name), name
    assert [e.value for e in log.Scalars("train/loss")] == pytest.approx(list(losses.train.values()))
    moving = 67 - 3  # per dimension that is modelled
    bits = log.Scalars("train/nll")[0].value / moving
    assert log.Scalars("train/bits_per_dimension")[0].value == pytest.approx(bits)
    assert len(log.Images("dance")) == len(losses.held_out) // 2 > 0
    picture = log.Images("dance")[-1]
    assert (picture.height, picture.width) == (2 * 150 + 3, 8 * 120 + 7 * 3)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_weights_that_are_kept(data: Path, tmp_path: Path, keep: str) -> None:
    """The motion is noise: training only learns it by heart, and the held-out loss soon rises again."""
    losses = Losses()
    values = changed(steps=90, lr=2e-2, ema=0.0, keep=keep)
    results = train_motion(values, data, tmp_path / "run", callbacks=[losses], **QUIET)
    best = min(losses.held_out, key=lambda step: losses.held_out[step])
    assert best < max(losses.held_out)
    expected = best if keep == "best" else max(losses.held_out)
    assert results["held_out/loss"] == pytest.approx(losses.held_out[expected])
    assert find_motion_checkpoint(tmp_path / "run").config["steps"] == (best if keep == "best" else 90)


def test_columns_that_never_vary_are_left_out(data: Path, tmp_path: Path) -> None:
    train_motion(changed(steps=1), data, tmp_path / "run", **QUIET)
    model = find_motion_checkpoint(tmp_path / "run").load()
    assert (model.target.dim, model.latent_channels, len(model.config.signal.still)) == (67, 64, 3)


def test_an_epoch_of_every_third_window(data: Path) -> None:
    order = ShuffledBatches(100, 8, seed=1, stride=3)
    assert len(order) == 4
    epochs = [{i for batch in order for i in batch} for _ in range(12)]
    assert all(len(epoch) == 32 for epoch in epochs)
    assert len(set().union(*epochs)) > 90  # in time all of them
    with pytest.raises(DataError, match="33 windows do not fill one batch of 40"):
        ShuffledBatches(100, 40, stride=3)


def test_another_model_a_damaged_state_and_impossible_trainers_are_one_line(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train_motion(changed(steps=1), data, run, **QUIET)
    other = {**MOGLOW, "config": {**MOGLOW["config"], "past": 2}}
    with pytest.raises(CheckpointError, match=r"was begun with another recipe: config\.past was 3, now 2"):
        train_motion(other, data, run, resume=True, **QUIET)
    state = run / "states" / "last.ckpt"
    state.write_bytes(state.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"last\.ckpt is damaged"):
        train_motion(MOGLOW, data, run, resume=True, **QUIET)
    with pytest.raises(DataError, match="trainer has no option 'device'; there are: accelerator, strategy"):
        train_motion(MOGLOW, data, tmp_path / "x", device=2)
    with pytest.raises(DataError, match=r"^trainer: .*fsdp.*GPU"):
        train_motion(MOGLOW | {"training": {}}, data, tmp_path / "x", strategy="fsdp", accelerator="cpu")
    with pytest.raises(DataError, match=r"training\.ema and training\.pictures_every must be 0"):
        train_motion(MOGLOW, data, tmp_path / "x", strategy="fsdp")
    with pytest.raises(DataError, match=r"recipe\.dims: 'file' is not one of recipe, data"):
        train_motion({**MOGLOW, "dims": "file"}, data, tmp_path / "x")
    assert not (tmp_path / "x" / "states").exists()


def transflower() -> tuple[torch.nn.Module, dict[str, torch.Tensor], torch.Tensor]:
    encoder = {"heads": 2, "dim": 16, "layers": 3, "input_layers": 2}
    sizes = {"encoder": encoder, "flow": {"steps": [2], "dim": 16, "heads": 2, "layers": 2}}
    recipe = MotionRecipe.from_mapping({"model": "transflower", "preset": "farandole", "config": sizes})
    torch.manual_seed(0)
    model = recipe.build_model()
    windows = {m.name: torch.randn(4, m.frames, m.dim) for m in model.inputs}
    return model, windows, torch.randn(4, model.target.frames, model.target.dim)


def test_recomputing_gives_the_same_gradients_from_less_memory() -> None:
    found = []
    for recompute in (False, True):
        model, windows, target = transflower()
        MotionTask(model, Training(recompute=recompute, fast_kernels=False)).train()
        assert all(m.recompute == recompute for m in model.modules() if isinstance(m, TransformerBlock))
        kept = 0

        def count(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            loss = model(windows, target)["loss"]
        loss.backward()
        found.append((kept, {k: p.grad for k, p in model.named_parameters()}))
    (much, plain), (little, recomputed) = found
    assert little < 0.6 * much
    for key, value in plain.items():
        torch.testing.assert_close(recomputed[key], value, msg=lambda m, key=key: f"{key}: {m}")


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(data: Path, tmp_path: Path) -> None:
    losses = []
    for compiled in (False, True):
        losses.append(Losses())
        values = changed(steps=4, compile=compiled)
        train_motion(values, data, tmp_path / str(compiled), callbacks=losses[-1:], **QUIET)
    assert losses[1].train == pytest.approx(losses[0].train, rel=1e-3)
