"""Training of masked models with Lightning: stages of steps, rates and masks, each resumed exactly where it stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from farandole.data.masking import Masked, Masking
from farandole.errors import DataError
from farandole.models.errors import require
from farandole.models.layers.filling import fill
from farandole.models.masked import MaskedMotionModel
from farandole.models.matrix_body import MatrixBody, to_canonical
from farandole.training.masked_losses import MaskedLoss
from farandole.training.motion_task import MotionTask, Training
from farandole.training.schedules import Schedule


@dataclass(frozen=True)
class Stage:
    """So many steps at a learning rate with a mask."""

    steps: int
    """Optimiser steps."""
    lr: float = 1e-4
    """Base learning rate."""
    mask: Masking = field(default_factory=Masking)
    """How frames are hidden."""
    schedule: Schedule = field(default_factory=Schedule)
    """Of the learning rate, counted from the stage's first step."""
    feedback: int = 0
    """Greatest number of times (drawn evenly from 0) that the model first fills in `feedback_frames` hidden frames itself and
    goes on from there: what it will meet when it continues its own motion."""
    feedback_frames: int = 20
    """Frames that the model adds each time."""

    def __post_init__(self) -> None:
        require(
            "stage",
            [
                (self.steps > 0, f"steps must be positive, got {self.steps}"),
                (self.lr > 0, f"lr must be positive, got {self.lr}"),
                (self.schedule.unit == "step", "a stage's schedule counts steps"),
                (self.feedback >= 0 and self.feedback_frames > 0, "feedback must not be negative"),
            ],
        )


@dataclass(frozen=True)
class MaskedTraining:
    """How a masked model is trained."""

    stages: tuple[Stage, ...] = (Stage(43_000),)
    """One after the other."""
    batch_size: int = 32
    """Windows per step, over all processes."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """Optimiser."""
    weight_decay: float = 0.0
    """Of the optimiser."""
    restart_optimizer: bool = True
    """Forget the optimiser's averages where a stage begins, as published."""
    clip_norm: float = 1.0
    """Largest norm of the gradient; 0 for no clipping, as published."""
    accumulate: int = 1
    """Batches whose gradients make one step."""
    ema: float = 0.0
    """Memory of the average of the weights that is validated and kept; 0 for none."""
    seed: int = 0
    """Of weights, order of windows, masks, dropout."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Arithmetic."""
    save_every: int = 1000
    """Steps from one saved state of training to the next."""
    loss: MaskedLoss = field(default_factory=MaskedLoss)
    """Terms of the loss."""

    def __post_init__(self) -> None:
        require("training", [(len(self.stages) > 0, "needs at least one stage")])

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(s.steps for s in self.stages)

    def stage(self, step: int) -> tuple[Stage, int]:
        """The stage of optimiser step `step` (from 0) and the step it begins at; beyond the end the last one."""
        begin = 0
        for stage in self.stages[:-1]:
            if step < begin + stage.steps:
                return stage, begin
            begin += stage.steps
        return self.stages[-1], begin

    def shared(self) -> Training:
        """What the flow family's training understands of it."""
        names = (
            "batch_size", "optimizer", "weight_decay", "clip_norm", "accumulate", "ema", "seed", "precision", "save_every"
        )  # fmt: skip
        return Training(steps=self.steps, lr=self.stages[0].lr, **{n: getattr(self, n) for n in names})


class MaskedTask(MotionTask):
    """Hides frames of batches and minimises the error of what the model puts there.

    Masks depend on the seed and the step alone, so that a resumed run sees the ones it would have seen.

    Args:
        model: The model.
        training: Stages, optimiser, loss.
        canonical: Windows are moved to the origin and turned to heading 0 at their first visible frame.
        groups: Joint of each motion column, [D], for masks of joints; None if the features are not by joint.
        body: Where joints are, for position and velocity; None if the features do not tell.
    """

    model: MaskedMotionModel  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(
        self,
        model: MaskedMotionModel,
        training: MaskedTraining,
        *,
        canonical: bool = True,
        groups: np.ndarray | None = None,
        body: MatrixBody | None = None,
    ) -> None:
        super().__init__(model, training.shared())  # pyright: ignore[reportArgumentType]
        self.plan, self.canonical, self.groups, self.body = training, canonical, groups, body
        if (
            not model.config.joint_flags
            and model.config.mask_flags
            and any(s.mask.joint_share < 1 for s in training.stages)
        ):
            raise DataError("masks of joints (joint_share) need a model with joint_flags")

    def on_train_batch_start(self, batch: dict[str, Tensor], index: int) -> None:
        """Where a stage begins the optimiser may have to forget."""
        _, begin = self.plan.stage(self.global_step)
        if begin and begin == self.global_step and self.plan.restart_optimizer:
            self.trainer.optimizers[0].state.clear()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of one batch."""
        stage, _ = self.plan.stage(self.global_step)
        random = np.random.default_rng(
            [self.plan.seed, 0, self.global_rank, self.global_step, index % self.plan.accumulate]
        )
        losses = self._losses(self.model, batch, stage, random)
        self._record("train", losses)
        return losses["loss"]

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Losses of the kept weights on held-out windows, with the same masks every time, and those of slerp."""
        stage, _ = self.plan.stage(max(0, self.global_step - 1))
        random = np.random.default_rng([self.plan.seed, 1, self.global_rank, index])
        losses = self._losses(self.kept, batch, stage, random, baseline=True)
        size = len(batch["out_motion"])
        self._record("held_out", losses, batch_size=size, sync_dist=True, prog_bar=True)

    def hide(self, motion: Tensor, masking: Masking, random: np.random.Generator) -> tuple[Tensor, Masked]:
        """Windows [B, T, D] as they are to be restored, and with their mask."""
        values = motion.cpu().numpy()
        if self.canonical:
            # The place is that of the first visible frame, so the mask must be known before: the same numbers draw it twice.
            state = random.bit_generator.state
            scored = masking.draw(values, random, self.groups).scored
            random.bit_generator.state = state
            first = torch.as_tensor((~scored).argmax(axis=1), device=motion.device)
            motion, _ = to_canonical(motion, first)
            values = motion.cpu().numpy()
        return motion, masking.draw(values, random, self.groups)

    def configure_optimizers(self) -> Any:
        """The optimiser, its rate that of the stage."""
        made = super().configure_optimizers()
        base = self.plan.stages[0].lr

        def factor(step: int) -> float:
            stage, begin = self.plan.stage(step)
            return stage.lr / base * stage.schedule.rate(step - begin, stage.steps)

        schedule = torch.optim.lr_scheduler.LambdaLR(made["optimizer"], factor)
        return {**made, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _losses(
        self,
        model: MaskedMotionModel,
        batch: dict[str, Tensor],
        stage: Stage,
        random: np.random.Generator,
        *,
        baseline: bool = False,
    ) -> dict[str, Tensor]:
        motion, masked = self.hide(batch["out_motion"], stage.mask, random)
        device, music = motion.device, batch.get("in_music")
        shown, attention, scored, hidden = (
            torch.as_tensor(u, device=device) for u in (masked.motion, masked.attention, masked.scored, masked.flags)
        )
        for _ in range(int(random.integers(0, stage.feedback + 1)) if stage.feedback else 0):
            shown, hidden, scored = self._feed(model, shown, hidden, scored, attention, music, stage.feedback_frames)
        predicted = model(shown, hidden, attention, music)
        columns = None
        if masked.joints is not None and self.groups is not None:
            columns = torch.as_tensor(masked.joints[:, self.groups], device=device)
        counted = attention > 0 if self.plan.loss.score == "all" else scored
        losses = self.plan.loss(predicted.to(motion.dtype), motion, counted, columns, self.body)
        if baseline and self.body is not None:
            unknown = torch.maximum(hidden, 1 - attention.unsqueeze(-1))
            other = self.plan.loss(fill(shown, unknown), motion, counted, columns, self.body)
            losses |= {f"slerp_{k}": v for k, v in other.items() if k in ("features", "position", "velocity")}
        return losses

    @torch.no_grad()
    def _feed(
        self,
        model: MaskedMotionModel,
        shown: Tensor,
        hidden: Tensor,
        scored: Tensor,
        attention: Tensor,
        music: Tensor | None,
        frames: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The first hidden frames of each window filled in by the model, as long as some remain hidden."""
        order = scored.cumsum(dim=1)
        taken = scored & (order <= frames) & (order[:, -1:] > frames)
        filled = model(shown, hidden, attention, music).to(shown.dtype)
        at = taken.unsqueeze(-1)
        return torch.where(at, filled, shown), torch.where(at, 0.0, hidden), scored & ~taken
