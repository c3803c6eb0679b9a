"""Training of the flow family: windows, order of batches, schedules, averages, resumption, learning."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the [train] extra")
lightning = pytest.importorskip("lightning", reason="training needs the [train] extra")

from farandole.data.windows import Stream, Windows  # noqa: E402
from farandole.errors import DataError  # noqa: E402
from farandole.models.flows.builders import FlowConfig, GlowConfig  # noqa: E402
from farandole.models.layers.multimodal import EncoderConfig, Modality  # noqa: E402
from farandole.models.moglow import MoGlow, MoGlowConfig  # noqa: E402
from farandole.models.transflower import Transflower, TransflowerConfig  # noqa: E402
from farandole.training.motion_task import MotionTask, Training, WindowData  # noqa: E402
from farandole.training.schedules import Schedule  # noqa: E402
from farandole.training.windows import MultimodalWindows, ShuffledBatches  # noqa: E402

INPUTS = (Modality("motion", 4, 6), Modality("audio", 2, 8))
TARGET = Modality("motion", 4, 2, 6)


def corpus(count: int = 3, frames: int = 30, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Motion that jumps to where the audio points: hard to guess from motion alone, easy with both."""
    random = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(2, 4))
    sequences = []
    for _ in range(count):
        audio = random.normal(size=(frames, 2))
        motion = np.zeros((frames, 4))
        for t in range(1, frames):
            motion[t] = 0.5 * motion[t - 1] + audio[t] @ mix * 0.5 + 0.1 * random.normal(size=4)
        sequences.append({"motion": motion.astype(np.float32), "audio": audio.astype(np.float32)})
    return sequences


def windows_of(sequences: list[dict[str, np.ndarray]], model) -> MultimodalWindows:
    """What the model sees of arrays in memory."""
    streams = [Stream(m.name, m.frames, m.offset) for m in (*model.inputs, model.target)]
    names = [str(i) for i in range(len(sequences))]
    return MultimodalWindows(
        Windows(names, lambda name, feature: sequences[int(name)][feature], streams[:-1], streams[-1:])
    )


def transflower(dropout: float = 0.1) -> Transflower:
    encoder = EncoderConfig(dim=8, heads=2, layers=2, input_layers=1, dropout=dropout)
    flow = FlowConfig(steps=(2,), dim=8, heads=2, layers=1, dropout=dropout)
    return Transflower(TransflowerConfig(INPUTS, TARGET, encoder, flow))


def moglow() -> MoGlow:
    return MoGlow(MoGlowConfig(4, 2, past=3, heard=4, frames=6, pose_dropout=0.4, glow=GlowConfig(steps=2, dim=8)))


class Losses(lightning.Callback):
    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
        self.values.append(outputs["loss"].item())


class SaveAt(lightning.Callback):
    """Save a checkpoint after so many steps, while training goes on."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.step = path, step

    def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)


def trainer(steps: int, folder: Path, *callbacks, **options):
    return lightning.Trainer(
        max_steps=steps, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks), default_root_dir=folder, num_sanity_val_steps=0,
        use_distributed_sampler=False, gradient_clip_val=0.5, **options,
    )  # fmt: skip


def test_few_windows_are_one_clear_line() -> None:
    with pytest.raises(DataError, match="3 windows do not fill one batch of 4"):
        ShuffledBatches(3, 4)


def test_order_of_batches_can_be_taken_up_and_shared() -> None:
    whole = ShuffledBatches(23, 4, seed=5)
    whole.start_at(2)
    order = list(whole)
    assert len(order) == 5
    assert len({i for batch in order for i in batch}) == 20
    resumed = ShuffledBatches(23, 4, seed=5)
    resumed.start_at(2, 3)
    assert list(resumed) == order[3:]
    assert len(list(resumed)) == 5  # later epochs are whole
    halves = [ShuffledBatches(23, 4, seed=5, rank=r, world=2) for r in (0, 1)]
    for half in halves:
        half.start_at(2)
    assert [a + b for a, b in zip(*halves, strict=True)] == order


def test_schedules() -> None:
    multistep = Schedule("multistep", milestones=(200, 400), factor=0.1)
    assert [multistep.rate(s, 600) for s in (0, 199, 200, 400)] == pytest.approx([1, 1, 0.1, 0.01])
    epochs = Schedule("multistep", milestones=(2,), factor=0.5, unit="epoch")
    assert [epochs.rate(s, 600, epoch_steps=10) for s in (19, 20)] == [1, 0.5]
    cosine = Schedule("cosine", warmup=10, floor=0.1)
    assert [cosine.rate(s, 110) for s in (0, 9, 10, 60, 110)] == pytest.approx([0.1, 1, 1, 0.55, 0.1])
    noam = Schedule("noam", warmup=1000, floor=0.1)
    assert [noam.rate(s, 10**6) for s in (499, 1000, 4000, 10**6)] == pytest.approx([0.5, 1, 0.5, 0.1])
    assert Schedule("linear").rate(75, 100) == pytest.approx(0.25)


@pytest.mark.parametrize("stop", [6, 7])  # in mid-epoch, and at the end of one (an epoch has 7 batches)
@pytest.mark.parametrize("make", [transflower, moglow])
def test_resumed_training_is_the_uninterrupted_one(tmp_path: Path, make, stop: int) -> None:
    settings = Training(steps=11, batch_size=8, lr=1e-2, ema=0.9, schedule=Schedule("cosine", warmup=3), seed=4)

    def fit(steps: int, save: Path | None = None, resume: Path | None = None) -> tuple[list[float], dict]:
        torch.manual_seed(1)
        model = make()
        data = WindowData(windows_of(corpus(3, frames=28), model), None, batch_size=8, seed=4)
        task, losses = MotionTask(model, settings), Losses()
        assert len(data.train) // 8 == 7
        run = trainer(steps, tmp_path, losses, *([SaveAt(save, stop)] if save else []))
        run.fit(task, datamodule=data, ckpt_path=resume)
        return losses.values, task.state_dict()

    whole, weights = fit(11)
    first, _ = fit(stop + 1, save=tmp_path / "half.ckpt")  # goes on after saving, as a run that is then killed
    second, resumed = fit(11, resume=tmp_path / "half.ckpt")
    assert first[:stop] + second == whole
    assert {k.split(".")[0] for k in weights} == {"model", "average", "started"}  # nothing is saved twice
    assert all(torch.equal(v, resumed[k]) for k, v in weights.items())


class Curve(lightning.Callback):
    """Held-out likelihood over time."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def on_validation_end(self, trainer, task) -> None:
        self.values.append(trainer.callback_metrics["held_out/nll"].item())


def test_learns_more_than_a_gaussian_random_walk(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = MoGlow(MoGlowConfig(4, 2, past=3, heard=4, frames=6, glow=GlowConfig(steps=3, dim=16, layers=1)))
    train, held = (windows_of(corpus(n, 60, seed), model) for n, seed in ((8, 0), (3, 1)))
    steps, epoch, curve = 150, len(train) // 32, Curve()
    settings = Training(steps=steps, batch_size=32, lr=1e-2, ema=0.95, schedule=Schedule("cosine", warmup=20))
    run = trainer(steps, tmp_path, curve, val_check_interval=3 * epoch, check_val_every_n_epoch=None)
    run.fit(MotionTask(model, settings), datamodule=WindowData(train, held, batch_size=32))

    def walk(windows: MultimodalWindows) -> torch.Tensor:
        items = [windows[i] for i in range(len(windows))]
        return torch.stack([torch.cat((i["in_motion"][2:3], i["out_motion"])).diff(dim=0) for i in items])

    known, new = walk(train), walk(held)
    normal = torch.distributions.Normal(known.mean(dim=(0, 1)), known.std(dim=(0, 1)))
    baseline = -normal.log_prob(new).sum(-1).mean().item() / math.log(2)
    assert curve.values[-1] < curve.values[0] - 1.0
    assert curve.values[-1] < baseline - 2.0


@pytest.mark.parametrize("make", [lambda: transflower(dropout=0.0), moglow], ids=["transflower", "moglow"])
def test_quick_kernels_train_the_same(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from farandole.models.layers import linear

    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("PyTorch without oneDNN")
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(linear, "SMALLEST_WORK", 0)
    losses, kinds = [], []
    for quick in (False, True):
        torch.manual_seed(0)
        model, seen = make(), Losses()
        task = MotionTask(model, Training(batch_size=8, lr=1e-3, fast_kernels=quick))
        trainer(6, tmp_path, seen).fit(task, datamodule=WindowData(windows_of(corpus(), model), None, batch_size=8))
        losses.append(seen.values)
        kinds.append({type(m).__name__ for m in model.modules()} & {"Linear", "FastLinear"})
    assert kinds == [{"Linear"}, {"FastLinear"}]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_bfloat16_training_stays_close(tmp_path: Path) -> None:
    losses = []
    for precision in ("32-true", "bf16-mixed"):
        torch.manual_seed(0)
        model, seen = transflower(dropout=0.0), Losses()
        task = MotionTask(model, Training(batch_size=8, lr=1e-3))
        data = WindowData(windows_of(corpus(), model), None, batch_size=8)
        trainer(8, tmp_path, seen, precision=precision).fit(task, datamodule=data)
        losses.append(seen.values)
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.02)


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """With plain gradient descent: Adam makes whole steps of the rounding in gradients that are zero (of key biases)."""
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent(f"""
        import importlib.util, json, sys
        from pathlib import Path
        import lightning, torch
        spec = importlib.util.spec_from_file_location("shared_parts", {str(Path(__file__))!r})
        parts = importlib.util.module_from_spec(spec); spec.loader.exec_module(parts)
        torch.manual_seed(0)
        model = parts.transflower(dropout=0.0)
        data = parts.WindowData(parts.windows_of(parts.corpus(), model), None, batch_size=8)
        task = parts.MotionTask(model, parts.Training(batch_size=8, lr=1e-3, ema=0.9, optimizer="sgd"))
        devices = int(sys.argv[1])
        lightning.Trainer(max_steps=6, accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto",
            logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            gradient_clip_val=0.5, use_distributed_sampler=False, default_root_dir={str(tmp_path)!r},
        ).fit(task, datamodule=data)
        if task.global_rank == 0:
            torch.save(task.state_dict(), Path({str(tmp_path)!r}) / f"{{devices}}.pt")
        """)
    )
    for devices in ("1", "2"):
        done = subprocess.run([sys.executable, str(script), devices], capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in (1, 2))
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-6, msg=lambda m, key=key: f"{key}: {m}")
