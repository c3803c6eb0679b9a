"""Hidden frames restored: the error of what a masked model puts in their place."""

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
from farandole.models.matrix_body import MatrixBody, to_canonical
from farandole.models.objectives.facts import DataFacts
from farandole.models.objectives.objective import Batch, Draw, Objective


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
        require("objective", [(self.position >= 0 and self.velocity >= 0, "weights must not be negative")])

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


@dataclass(frozen=True)
class MaskingOptions:
    """Which frames a stage hides."""

    mask: Masking = field(default_factory=Masking)
    """How frames are hidden."""
    feedback: int = 0
    """Greatest number of times (drawn evenly from 0) that the model first fills in `feedback_frames` hidden frames itself and
    goes on from there: what it will meet when it continues its own motion."""
    feedback_frames: int = 20
    """Frames that the model adds each time."""

    def __post_init__(self) -> None:
        require("stage", [(self.feedback >= 0 and self.feedback_frames > 0, "feedback must not be negative")])


class MaskingObjective(Objective):
    """Hides frames of batches and scores what the model puts there."""

    Settings = MaskedLoss
    Options = MaskingOptions
    data = "masked"

    def __init__(self, model: Any, settings: Any, facts: DataFacts) -> None:
        super().__init__(model, settings, facts)
        config = model.config
        joints = 0 if facts.skeleton is None else len(facts.skeleton)
        by_joint = config.motion == 9 * joints + 3
        if config.orthonormal and not by_joint:
            raise DataError(
                f"the motion feature has {config.motion} columns, but {joints} rotation matrices and a root are "
                f"{9 * joints + 3}: prepare the motion feature rotmat"
            )
        self.canonical: bool = facts.canonical
        self.groups = np.repeat(np.arange(joints + 1), [9] * joints + [3]) if by_joint else None
        self.body = None
        if facts.skeleton is not None and by_joint and self.canonical:
            self.body = MatrixBody(facts.skeleton)
        self.joint_flags, self.mask_flags = config.joint_flags, config.mask_flags

    def losses(self, model: Any, batch: Batch, options: MaskingOptions, draw: Draw) -> dict[str, Tensor]:
        """See `Objective.losses`; on held-out batches the errors of slerp stand beside the model's."""
        if options.mask.joint_share < 1 and self.mask_flags and not self.joint_flags:
            raise DataError("masks of joints (joint_share) need a model with joint_flags")
        random = draw.numpy()
        motion, masked = self.hide(batch["out_motion"], options.mask, random)
        device, music = motion.device, batch.get("in_music")
        shown, attention, scored, hidden = (
            torch.as_tensor(u, device=device) for u in (masked.motion, masked.attention, masked.scored, masked.flags)
        )
        for _ in range(int(random.integers(0, options.feedback + 1)) if options.feedback else 0):
            shown, hidden, scored = _feed(model, shown, hidden, scored, attention, music, options.feedback_frames)
        predicted = model(shown, hidden, attention, music)
        columns = None
        if masked.joints is not None and self.groups is not None:
            columns = torch.as_tensor(masked.joints[:, self.groups], device=device)
        counted = attention > 0 if self.settings.score == "all" else scored
        losses = self.settings(predicted.to(motion.dtype), motion, counted, columns, self.body)
        if draw.held_out and self.body is not None:
            unknown = torch.maximum(hidden, 1 - attention.unsqueeze(-1))
            other = self.settings(fill(shown, unknown), motion, counted, columns, self.body)
            losses |= {f"slerp_{k}": v for k, v in other.items() if k in ("features", "position", "velocity")}
        return losses

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


@torch.no_grad()
def _feed(
    model: Any,
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
