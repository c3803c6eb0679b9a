"""The task of training: learning, averages of weights, kernels, precision, gradient checkpointing, several processes."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import lightning
import torch
from training_toys import DANCER, FLOWS, MASKED, MOGLOW, Losses, changed, fit, jumping, toy, write_jump_folder

from farandole.models.layers.transformer_block import TransformerBlock
from farandole.models.objectives.objective import Draw
from farandole.training.task import Task


@pytest.fixture(scope="module")
def jump_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jump_folder(tmp_path_factory.mktemp("jumps") / "data")


def test_learns_more_than_a_gaussian_random_walk(tmp_path: Path) -> None:
    folder = write_jump_folder(tmp_path / "data", train=8, held_out=3, frames=60)
    schedule = {"kind": "cosine", "warmup": 20}
    values = jumping("moglow", steps=150, batch_size=32, lr=1e-2, ema=0.95, schedule=schedule)
    values["config"]["glow"] = {"steps": 3, "dim": 16, "layers": 1}
    curve: list[float] = []

    class Curve(lightning.Callback):
        def on_validation_end(self, trainer, task) -> None:
            curve.append(trainer.callback_metrics["held_out/nll"].item())

    every = {"val_check_interval": 30, "check_val_every_n_epoch": None, "limit_val_batches": None}
    fit(values, folder, tmp_path, Curve(), **every)
    _, _, data, _ = toy(values, folder)

    def walk(batches: list[dict[str, torch.Tensor]]) -> torch.Tensor:
        return torch.cat([torch.cat((b["in_motion"][:, 2:3], b["out_motion"]), dim=1).diff(dim=1) for b in batches])

    known = walk([data.batch(n, 32, None) for n in range(data.epoch_batches(32))])
    held = data.held_out(32, None)
    new = walk([held[k] for k in range(len(held))])
    normal = torch.distributions.Normal(known.mean(dim=(0, 1)), known.std(dim=(0, 1)))
    baseline = -normal.log_prob(new).sum(-1).mean().item() / math.log(2)
    assert curve[-1] < curve[0] - 1.0
    assert curve[-1] < baseline - 2.0


def test_the_average_follows_with_a_memory_that_grows(jump_folder: Path, tmp_path: Path) -> None:
    """Step n of an average with memory m weighs the newest weights by 1 - min(m, (1 + n) / (10 + n)); buffers are copied."""
    weights: list[dict[str, torch.Tensor]] = []

    class Look(lightning.Callback):
        def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
            weights.append({k: v.clone() for k, v in task.model.named_parameters()})

    task = fit(jumping("moglow", steps=12, ema=0.3, lr=1e-2), jump_folder, tmp_path, Look())
    for key, value in task.average.module.named_parameters():
        expected = weights[0][key]
        for n, now in enumerate(weights[1:], start=1):
            expected = expected + (1 - min(0.3, (1 + n) / (10 + n))) * (now[key] - expected)
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(task.average.module.buffers(), task.model.buffers(), strict=True):
        assert torch.equal(mine, theirs)
    assert task.kept is task.average.module
    assert fit(jumping("moglow", steps=1), jump_folder, tmp_path).average is None


def test_the_average_begins_anew_where_another_part_is_trained(dance_folder: Path, tmp_path: Path) -> None:
    """The flow is trained on latents of the averaged autoencoder, which then stays as it is."""
    seen: dict[int, dict[str, torch.Tensor]] = {}

    class Look(lightning.Callback):
        def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
            seen[trainer.global_step] = {k: v.clone() for k, v in task.average.module.named_parameters()}

    task = fit(DANCER, dance_folder, tmp_path, Look())
    for key, value in task.model.named_parameters():
        if not key.startswith("flow."):
            assert torch.equal(value, seen[4][key]), key
            assert torch.equal(seen[8][key], seen[4][key]), key


def test_accumulated_batches_make_one_step_and_take_the_next_batches(jump_folder: Path, tmp_path: Path) -> None:
    """Two halves of a batch give the gradient of the whole; batch n of an accumulated run is batch n of the data."""
    seen: list[torch.Tensor] = []

    class Look(lightning.Callback):
        def on_train_batch_start(self, trainer, task, batch, index) -> None:
            seen.append(batch["out_motion"].clone())

    losses = Losses()
    fit(jumping("moglow", steps=2, accumulate=2), jump_folder, tmp_path, Look(), losses)
    _, _, data, _ = toy(jumping("moglow"), jump_folder)
    assert max(losses.train) == 2
    assert len(seen) == 4
    for n, batch in enumerate(seen):
        assert torch.equal(batch, data.batch(n, 8, None)["out_motion"])


def test_masks_depend_on_seed_and_step_alone(masked_folder: Path, tmp_path: Path) -> None:
    """Whatever the weights are, and whatever else draws numbers, the same frames are hidden."""
    hidden: list[list[torch.Tensor]] = []
    for noise in (0, 1):
        seen: list[torch.Tensor] = []
        recipe, model, data, objective = toy(MASKED, masked_folder, seed=noise)
        model.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[1].clone()))
        task = Task(model, objective, recipe.training, recipe.plan)
        for step in (0, 5, 11):
            _, stage, _ = recipe.plan.at(step)
            torch.rand(7 * noise + 1)
            batch = data.batch(step, stage.batch_size, stage.options)
            with torch.no_grad():
                task.objective.losses(model, batch, stage.options, Draw(recipe.training.seed, step))
        hidden.append(seen)
    assert len(hidden[0]) == len(hidden[1]) >= 3
    assert all(torch.equal(a, b) for a, b in zip(*hidden, strict=True))


@pytest.mark.parametrize("model", ["transflower", "moglow"])
def test_quick_kernels_train_the_same(
    model: str, jump_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = pytest.importorskip("farandole.models.kernels", reason="the kernels were removed")
    linear, swap = kernels.linear, kernels.class_swap
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("PyTorch without oneDNN")
    for module in (linear, swap):
        monkeypatch.setattr(module, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(linear, "SMALLEST_WORK", 0)
    losses, kinds = [], []
    for quick in (False, True):
        losses.append(Losses())
        task = fit(jumping(model, fast_kernels=quick), jump_folder, tmp_path, losses[-1])
        kinds.append({type(m).__name__ for m in task.model.modules()} & {"Linear", "FastLinear"})
    assert kinds == [{"Linear"}, {"FastLinear"}]
    assert losses[1].train == pytest.approx(losses[0].train, rel=1e-4)


def test_bfloat16_training_stays_close(jump_folder: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        losses.append(Losses())
        fit(jumping("transflower", steps=8, precision=precision), jump_folder, tmp_path, losses[-1])
    np.testing.assert_allclose(list(losses[0].train.values()), list(losses[1].train.values()), rtol=0.02)


def test_recomputing_gives_the_same_gradients_from_less_memory(flow_folder: Path) -> None:
    encoder = {"heads": 2, "dim": 16, "layers": 3, "input_layers": 2}
    config = {**FLOWS["transflower"], "encoder": encoder, "flow": {"steps": [2], "dim": 16, "heads": 2, "layers": 2}}
    found = []
    for recompute in (False, True):
        values = changed({**MOGLOW, "model": "transflower", "config": config}, recompute=recompute, fast_kernels=False)
        recipe, model, data, objective = toy(values, flow_folder)
        Task(model, objective, recipe.training, recipe.plan).train()
        assert all(m.recompute == recompute for m in model.modules() if isinstance(m, TransformerBlock))
        for part in model.modules():
            part.training = True
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        kept = 0

        def count(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            torch.manual_seed(0)
            loss = objective.losses(model, data.batch(0, 4, None), recipe.plan.stages[0].options, Draw(0, 0))["loss"]
        loss.backward()
        found.append((kept, {k: p.grad for k, p in model.named_parameters()}))
    (much, plain), (little, recomputed) = found
    assert little < 0.6 * much
    for key, value in plain.items():
        torch.testing.assert_close(recomputed[key], value, msg=lambda m, key=key: f"{key}: {m}")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["transflower", "motionbert", "inbetweener", "latent_dancer"])
def test_two_processes_train_as_one(
    model: str, masked_folder: Path, dance_folder: Path, jump_folder: Path, tmp_path: Path
) -> None:
    """With plain gradient descent: Adam makes whole steps of the rounding in gradients that are zero (of key biases).

    Objectives that draw numbers draw others in each process: their runs only have to end with the same weights in both.
    """
    folder = {"transflower": jump_folder, "motionbert": masked_folder}.get(model, dance_folder)
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import importlib.util, sys
        from pathlib import Path
        import torch
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from training_toys import DANCER, GAPS, MASKED, changed, fit, jumping
        values = {{"transflower": jumping("transflower", ema=0.9), "motionbert": MASKED, "inbetweener": changed(GAPS, steps=3),
                   "latent_dancer": DANCER}}[{model!r}]
        devices = int(sys.argv[1])
        place = Path({str(tmp_path)!r})
        more = {{"strategy": "ddp_find_unused_parameters_true"}} if devices > 1 else {{}}
        task = fit(changed(values, optimizer="sgd"), Path({str(folder)!r}), place, devices=devices, **more)
        torch.save(task.state_dict(), place / f"{{devices}}-{{task.global_rank}}.pt")
        """)
    )
    for devices in ("1", "2"):
        done = subprocess.run([sys.executable, str(script), devices], capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr[-2000:]
    one, first, second = (torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in ("1-0", "2-0", "2-1"))
    for key, value in one.items():
        assert torch.equal(first[key], second[key]), key
        if model == "transflower":
            torch.testing.assert_close(first[key], value, rtol=1e-4, atol=1e-6, msg=lambda m, key=key: f"{key}: {m}")
