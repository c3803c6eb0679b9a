"""The Lightning module of every model: an objective minimised stage by stage, averages, exact resumption."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from farandole.models.acceleration import for_training
from farandole.models.layers.transformer_block import TransformerBlock
from farandole.models.objectives.objective import Batch, Draw, Objective
from farandole.training.plan import Plan, Stage, Training

HELD_OUT = "held_out/"
STEP = "step"
"""Name of the number that Lightning takes for the place on the time axis of logs; its own count is one off in a longer run."""
Tensors = tuple[Tensor, ...] | list[Tensor]


class Task(lightning.LightningModule):
    """Minimises an objective's "loss" on batches of windows.

    The model's data-dependent start is taken from the first batch, once; a resumed run does not repeat it. Logged: every loss,
    the gradient's norm before clipping.

    Args:
        model: The model.
        objective: What it is trained for.
        training: The optimisation.
        plan: Its stages.
        epoch_batches: Batches in an epoch of a batch size; 0 where epochs have no meaning.
    """

    started: Tensor
    stage_begun: Tensor

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        training: Training,
        plan: Plan,
        *,
        epoch_batches: Callable[[int], int] = lambda size: 0,
    ) -> None:
        super().__init__()
        for part in model.modules() if training.recompute else ():
            if isinstance(part, TransformerBlock):
                part.recompute = True
        self.settings, self.plan = training, plan
        self.model, self.objective = for_training(model) if training.fast_kernels else model, objective
        averaged = any(stage.ema for stage in plan.stages)
        self.average = AveragedModel(model, multi_avg_fn=self._average) if averaged else None
        if self.average is not None:
            self.average.requires_grad_(False)
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))
        self.register_buffer("stage_begun", torch.full((), -1, dtype=torch.int64))
        self.validated = -1
        """Optimiser steps at the last validation."""
        self.held_out: dict[str, float] = {}
        """Losses of the last validation, those of earlier stages under their number."""
        self._epoch_batches = epoch_batches
        # In a list, so that the same weights are not registered, and saved, a second time.
        self._network = [torch.compile(model) if training.compile else model]
        self._random: dict[str, Any] | None = None

    @property
    def kept(self) -> nn.Module:
        """The weights to validate and to keep: the average where there is one."""
        return self.model if self.average is None else cast(nn.Module, self.average.module)

    @property
    def stage(self) -> tuple[int, Stage, int]:
        """Number of the stage of the next step, the stage, and its first step."""
        return self.plan.at(self.global_step)

    def start(self, batch: Batch) -> None:
        """The data-dependent start from a batch; nothing if that has been."""
        if not self.started:
            self.objective.start(self.model, batch)
            self.started.fill_(True)
            self.restart_average()

    def restart_average(self) -> None:
        """Let the average of the weights, where there is one, begin at the weights as they are."""
        if self.average is not None:
            self.kept.load_state_dict(self.model.state_dict())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Start from the first batch if nobody did so before; where a stage begins, make ready for it."""
        self.start(batch)
        number, stage, begin = self.stage
        if int(self.stage_begun) == number:
            return
        self.stage_begun.fill_(number)
        if begin:
            self._next_stage(number - 1)
        trained = {id(p) for part in self.objective.trained(self.model, stage.options) for p in part.parameters()}
        for parameter in self.model.parameters():
            parameter.requires_grad_(id(parameter) in trained)
        self.objective.begin_stage(self.model, stage.options, batch)
        if begin and self._restarts:
            self.restart_average()

    @property
    def _restarts(self) -> bool:
        """Whether stages train different parts of the model: the average of one then begins anew in the next."""
        parts = [{id(p) for p in self.objective.trained(self.model, s.options)} for s in self.plan.stages]
        return any(part != parts[0] for part in parts)

    def _next_stage(self, before: int) -> None:
        """Keep the held-out losses of the stage that ends; go on from its average where another part is trained next."""
        self.held_out = {_numbered(k, before): v for k, v in self.held_out.items()}
        if self.settings.restart_optimizer:
            self.trainer.optimizers[0].state.clear()
        if self.average is not None and self._restarts:
            self.model.load_state_dict(self.kept.state_dict())
            cast(Tensor, self.average.n_averaged).zero_()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Loss of one batch; logs its terms."""
        _, stage, _ = self.stage
        draw = Draw(self.settings.seed, self.global_step, self.global_rank, index % self.settings.accumulate)
        losses = self.objective.losses(self._network[0], batch, stage.options, draw)
        self.log_dict({f"train/{k}": v.detach() for k, v in losses.items()} | {STEP: float(self.global_step)})
        return losses["loss"]

    def validation_step(self, batch: Batch, index: int) -> None:
        """Losses of the kept weights on a held-out batch."""
        _, stage, _ = self.plan.at(max(0, self.global_step - 1))
        draw = Draw(self.settings.seed, index, self.global_rank, held_out=True)
        losses = self.objective.losses(self.kept, batch, stage.options, draw)
        size = len(next(iter(batch.values())))
        record = {f"{HELD_OUT}{k}": v.detach() for k, v in losses.items()} | {STEP: float(self.global_step)}
        self.log_dict(record, batch_size=size, sync_dist=True, prog_bar=True)

    def note_held_out(self) -> None:
        """Take the losses of the validation that has ended."""
        self.validated = self.global_step
        self.held_out = self._measured()

    def _measured(self) -> dict[str, float]:
        """Losses of the validation that just ran, and those of earlier stages."""
        metrics = self.trainer.callback_metrics
        fresh = {k: float(v) for k, v in metrics.items() if k.startswith(HELD_OUT)}
        return {k: v for k, v in self.held_out.items() if k.startswith(f"{HELD_OUT}stage_")} | fresh

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
            for mine, theirs in zip(self.kept.buffers(), self.model.buffers(), strict=True):
                mine.copy_(theirs)

    def configure_optimizers(self) -> Any:
        """The optimiser; its rate is that of the stage."""
        t = self.settings
        # Lightning refuses to clip gradients for a fused optimiser under mixed precision.
        fused = t.fast_kernels and self.device.type == "cpu" and self.trainer.precision == "32-true"
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        optimizer = kinds[t.optimizer](self.model.parameters(), **self._options, fused=fused or None)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @property
    def _options(self) -> dict[str, Any]:
        """What the recipe says of the optimiser."""
        options = {"lr": self.plan.stages[0].lr, "weight_decay": self.settings.weight_decay}
        return options if self.settings.optimizer == "sgd" else options | {"betas": self.settings.betas}

    def _factor(self, step: int) -> float:
        """The rate of a step over that of the first stage."""
        _, stage, begin = self.plan.at(step)
        epoch_steps = max(1, self._epoch_batches(stage.batch_size) // self.settings.accumulate)
        return stage.lr / self.plan.stages[0].lr * stage.schedule.rate(step - begin, stage.steps, epoch_steps)

    def _follow_recipe(self) -> None:
        """Give the optimiser of a resumed run what its recipe says now; the state holds what it said then."""
        base, factor = self._options["lr"], self._factor(self.global_step)
        for group in self.trainer.optimizers[0].param_groups:
            group |= self._options | {"initial_lr": base, "lr": base * factor}
        schedule: Any = self.trainer.lr_scheduler_configs[0].scheduler
        schedule.base_lrs = [base] * len(schedule.base_lrs)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of the random numbers, so that dropout continues where it was, and the latest held-out losses."""
        # Callbacks save at the end of a validation, before this module notes it.
        checkpoint["held_out"] = self._measured() if self.trainer.validating else dict(self.held_out)
        checkpoint["random"] = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            checkpoint["random"]["cuda"] = torch.cuda.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Hold the random state until training begins."""
        self._random = checkpoint.get("random")
        self.held_out = dict(checkpoint.get("held_out", {}))

    def on_train_start(self) -> None:
        """Take up the random numbers of a resumed run, and the stage it is in."""
        random, self._random = self._random, None
        if random is not None:
            self._follow_recipe()
            torch.set_rng_state(random["cpu"].cpu())
            if "cuda" in random and torch.cuda.is_available():
                torch.cuda.set_rng_state(random["cuda"].cpu())
            _, stage, _ = self.plan.at(max(0, self.global_step - 1))
            trained = {id(p) for part in self.objective.trained(self.model, stage.options) for p in part.parameters()}
            for parameter in self.model.parameters():
                parameter.requires_grad_(id(parameter) in trained)

    @torch.no_grad()
    def _average(self, averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        """Exponential moving average whose memory grows at first, so that it does not hold on to the initial weights."""
        _, stage, _ = self.plan.at(max(0, self.global_step - 1))
        n = float(count)
        weight = 1.0 - min(stage.ema, (1.0 + n) / (10.0 + n)) if stage.ema else 1.0
        torch._foreach_lerp_(averaged, current, weight)


def _numbered(name: str, stage: int) -> str:
    """The name of a held-out loss of a stage that ended."""
    rest = name.removeprefix(HELD_OUT)
    return name if rest.startswith("stage_") else f"{HELD_OUT}stage_{stage + 1}_{rest}"
