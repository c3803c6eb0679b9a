"""What a masked model is trained for: the masked frames, as features, as places of joints, as movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from farandole.models.errors import require
from farandole.models.matrix_body import MatrixBody


@dataclass(frozen=True)
class MaskedLoss:
    """Terms of the loss. The defaults are the mended ones; as published: average whole, position and velocity 0."""

    score: Literal["masked", "all"] = "masked"
    """masked: only masked frames count, the kept ones among them too. all: every frame of the motion."""
    average: Literal["scored", "whole"] = "scored"
    """scored: mean over what is scored. whole: over the window with its empty tail, as published, which makes the loss smaller by
    the share that is scored and hides the true error."""
    position: float = 1.0
    """Weight of the distance of joints from where they should be, m."""
    velocity: float = 1.0
    """Weight of the difference of joint velocities, m per frame."""

    def __post_init__(self) -> None:
        require("loss", [(self.position >= 0 and self.velocity >= 0, "weights must not be negative")])

    def __call__(
        self, predicted: Tensor, motion: Tensor, scored: Tensor, columns: Tensor | None, body: MatrixBody | None
    ) -> dict[str, Tensor]:
        """Losses of a batch by name, "loss" in all.

        Args:
            predicted, motion: [B, T, D].
            scored: Frames that count, [B, T] bool.
            columns: Columns that the mask covers, [B, D] bool; None: all.
            body: Where joints are; None leaves out position and velocity.
        """
        covered = scored.unsqueeze(-1).to(motion.dtype)
        if columns is not None:
            covered = covered * columns.unsqueeze(1)
        error = (predicted - motion).square() * covered
        count = covered.expand_as(motion).sum().clamp(min=1)
        features = error.sum() / count
        losses = {"loss": error.mean() if self.average == "whole" else features, "features": features.detach()}
        if body is None or not (self.position or self.velocity):
            return losses
        there, wanted = body(predicted), body(motion)
        frames = scored.to(motion.dtype)
        apart = (there - wanted).norm(dim=-1).mean(dim=-1)
        position = (apart * frames).sum() / frames.sum().clamp(min=1)
        pairs = torch.maximum(frames[:, 1:], frames[:, :-1])
        faster = (there.diff(dim=1) - wanted.diff(dim=1)).norm(dim=-1).mean(dim=-1)
        velocity = (faster * pairs).sum() / pairs.sum().clamp(min=1)
        losses["loss"] = losses["loss"] + self.position * position + self.velocity * velocity
        return {**losses, "position": position.detach(), "velocity": velocity.detach()}
