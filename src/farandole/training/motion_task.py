"""Training of the flow family with Lightning: likelihood or squared error, schedules, averages, exact resumption."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import lightning
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Subset, default_collate

from farandole.models.base import MotionModel
from farandole.models.errors import require
from farandole.models.layers.linear import use_fast_linear
from farandole.models.layers.transformer import TransformerBlock
from farandole.training.schedules import Schedule
from farandole.training.windows import MultimodalWindows, ShuffledBatches


@dataclass(frozen=True)
class Training:
    """How a model of the flow family is trained."""

    steps: int = 600_000
    """Optimiser steps in all."""
    batch_size: int = 84
    """Windows per step, over all processes."""
    lr: float = 7e-5
    """Base learning rate."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """Optimiser."""
    weight_decay: float = 0.0
    """Of the optimiser."""
    schedule: Schedule = field(default_factory=Schedule)
    """Of the learning rate."""
    clip_norm: float = 0.5
    """Largest norm of the gradient; 0 for no clipping."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    ema: float = 0.0
    """Memory of the average of the weights that is validated and kept; 0 for none."""
    seed: int = 0
    """Of weights, order of windows, dropout."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """bf16-mixed runs the networks in bfloat16; the flows' own arithmetic stays in float32."""
    compile: bool = False
    """Compile the model with torch.compile."""
    fast_kernels: bool = True
    """On a processor, take quicker kernels for the same arithmetic: oneDNN's products, the fused optimiser."""
    recompute: bool = False
    """Gradient checkpointing: transformers keep only the input of each layer, for a third more time."""
    stride: int = 1
    """Frames from one window to the next: held-out windows are every so many-th, and an epoch sees one in so many of
    the training windows, each time others. 1 takes every window, whose frames mostly repeat those of its neighbours."""
    keep: Literal["best", "last"] = "best"
    """Whether the checkpoint holds the weights of least held-out loss, of those at the ends of epochs and the last (where
    there is a held-out split), or the last."""
    save_every: int = 1000
    """Optimiser steps from one saved state of training to the next; a run that is killed loses no more."""
    save_minutes: float = 0.0
    """Minutes from one saved state of training to the next, in addition; 0 for none."""
    pictures_every: int = 0
    """Epochs from one picture of a sampled dance in the logs to the next; 0 for none."""
    workers: int = 0
    """Processes that read windows, so that a fast device does not wait for them; the batches are the same."""

    def __post_init__(self) -> None:
        require(
            "training",
            [
                (
                    min(self.steps, self.batch_size, self.accumulate) > 0,
                    "steps, batch_size and accumulate must be positive",
                ),
                (self.lr > 0, f"lr must be positive, got {self.lr}"),
                (0 <= self.ema < 1, f"ema must be in [0, 1), got {self.ema}"),
                (self.workers >= 0, f"workers must not be negative, got {self.workers}"),
                (
                    min(self.stride, self.save_every) > 0 and min(self.save_minutes, self.pictures_every) >= 0,
                    "stride and save_every must be positive, save_minutes and pictures_every not negative",
                ),
                (self.clip_norm >= 0, f"clip_norm must not be negative, got {self.clip_norm}"),
            ],
        )


class MotionTask(lightning.LightningModule):
    """Minimises a model's "loss" on batches of windows.

    The model's data-dependent start is taken from the first batch, once; a resumed run does not repeat it. Logged:
    every loss of the model, bits per dimension (for models with a likelihood), the gradient's norm before clipping.
    """

    def __init__(self, model: MotionModel, training: Training) -> None:
        super().__init__()
        for part in model.modules() if training.recompute else ():
            if isinstance(part, TransformerBlock):
                part.recompute = True
        self.model, self.training_settings = model, training
        if training.fast_kernels:
            use_fast_linear(model)
        self.average = AveragedModel(model, multi_avg_fn=_average(training.ema)) if training.ema else None
        if self.average is not None:
            self.average.requires_grad_(False)
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self.validated = -1
        """Optimiser steps at the last validation."""
        # In a list, so that the same weights are not registered, and saved, a second time.
        self._network = [torch.compile(model) if training.compile else model]

    @property
    def kept(self) -> MotionModel:
        """The weights to validate and to keep: the average where there is one."""
        return self.model if self.average is None else cast(MotionModel, self.average.module)

    def windows(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """A batch of windows as the model's inputs and target."""
        inputs = {k.removeprefix("in_"): v for k, v in batch.items() if k.startswith("in_")}
        return inputs, batch[f"out_{self.model.target.name}"]

    def start(self, batch: dict[str, Tensor]) -> None:
        """The data-dependent start from a batch; nothing if that has been."""
        if not self.started:
            self.model.initialize(*self.windows(batch))
            self.started.fill_(True)
            if self.average is not None:
                self.average.module.load_state_dict(self.model.state_dict())

    def on_train_batch_start(self, batch: dict[str, Tensor], index: int) -> None:
        """Start from the first batch if nobody did so before."""
        self.start(batch)

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of one batch."""
        losses = self._network[0](*self.windows(batch))
        self._record("train", losses)
        return losses["loss"]

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Losses of the kept weights on held-out windows."""
        losses = self.kept(*self.windows(batch))
        self._record("held_out", losses, sync_dist=True, batch_size=len(next(iter(batch.values()))))

    def on_validation_end(self) -> None:
        """Remember that these weights were measured."""
        self.validated = self.global_step

    def _record(self, split: str, losses: dict[str, Tensor], **options: Any) -> None:
        record = dict(losses)
        if "nll" in losses:
            record["bits_per_dimension"] = losses["nll"] / self.model.latent_channels
        self.log_dict({f"{split}/{k}": v.detach() for k, v in record.items()}, **options)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient's norm, before clipping."""
        norms = [p.grad.norm() for p in self.model.parameters() if p.grad is not None]
        self.log("train/gradient_norm", torch.stack(norms).norm())
        self.log("train/learning_rate", optimizer.param_groups[0]["lr"])

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """A step, and the average follows."""
        super().optimizer_step(*arguments, **options)
        if self.average is not None:
            self.average.update_parameters(self.model)
            for mine, theirs in zip(self.average.module.buffers(), self.model.buffers(), strict=True):
                mine.copy_(theirs)

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule, stepped with every optimiser step."""
        t = self.training_settings
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        # Lightning refuses to clip gradients for a fused optimiser under mixed precision.
        fused = t.fast_kernels and self.device.type == "cpu" and self.trainer.precision == "32-true"
        options = {"lr": t.lr, "weight_decay": t.weight_decay, "fused": fused or None}
        optimizer = kinds[t.optimizer](self.model.parameters(), **options)
        batches = self.trainer.num_training_batches
        epoch_steps = max(1, int(batches) // t.accumulate) if math.isfinite(batches) else 1
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: t.schedule.rate(step, t.steps, epoch_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of the random numbers, so that dropout continues where it was, and the latest held-out losses."""
        metrics = self.trainer.callback_metrics
        checkpoint["held_out"] = {k: float(v) for k, v in metrics.items() if k.startswith("held_out/")}
        checkpoint["random"] = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            checkpoint["random"]["cuda"] = torch.cuda.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Hold the random state until training begins."""
        self._random = checkpoint.get("random")

    def on_train_start(self) -> None:
        """Take up the random numbers of a resumed run."""
        random, self._random = getattr(self, "_random", None), None
        if random is not None:
            torch.set_rng_state(random["cpu"].cpu())
            if "cuda" in random and torch.cuda.is_available():
                torch.cuda.set_rng_state(random["cuda"].cpu())


class WindowData(lightning.LightningDataModule):
    """Loaders over windows whose order depends on the seed and the epoch alone, and which resume in mid-epoch."""

    def __init__(
        self,
        train: MultimodalWindows,
        held_out: MultimodalWindows | None,
        *,
        batch_size: int,
        seed: int = 0,
        workers: int = 0,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.train, self.held_out = train, held_out
        self.batch_size, self.seed, self.workers, self.stride = batch_size, seed, workers, stride
        self._seen = 0

    @property
    def epoch_batches(self) -> int:
        """Batches in an epoch."""
        return len(self._order())

    def first_batch(self) -> dict[str, Tensor]:
        """The first batch of the first epoch, over all processes."""
        return default_collate([self.train[i] for i in next(iter(self._order()))])

    def _order(self, **place: int) -> ShuffledBatches:
        return ShuffledBatches(len(self.train), self.batch_size, self.seed, **place, stride=self.stride)

    def train_dataloader(self) -> DataLoader:
        """Shuffled whole batches; each process gets its share."""
        trainer = self.trainer
        order = self._order(rank=trainer.global_rank, world=trainer.world_size)
        order.start_at(*divmod(self._seen, len(order)))
        return DataLoader(
            self.train,
            batch_sampler=order,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(self.seed),  # else each epoch would draw from the global numbers
        )

    def val_dataloader(self) -> DataLoader | list[Any]:
        """Held-out windows in order, every `stride`-th."""
        if self.held_out is None:
            return []
        windows = (
            self.held_out if self.stride == 1 else Subset(self.held_out, range(0, len(self.held_out), self.stride))
        )
        return DataLoader(windows, batch_size=self.batch_size, num_workers=self.workers)

    def state_dict(self) -> dict[str, Any]:
        """Batches seen since the beginning."""
        return {"batches": self.trainer.fit_loop.epoch_loop.batch_progress.total.ready}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from there."""
        self._seen = state_dict["batches"]


def _average(decay: float) -> Any:
    """Exponential moving average whose memory grows at first, so that it does not hold on to the initial weights."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        n = float(count)
        torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))

    return update
