"""Hidden frames restored: the error of what a masked model puts in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from farandole.data.masking import Masked, Masking
from farandole.errors import DataError
from farandole.models.abilities import Abilities, later
from farandole.models.errors import require
from farandole.models.layers.correction import CORRECTION, corrected
from farandole.models.layers.filling import fill, hold
from farandole.models.matrix_body import MatrixBody, to_canonical
from farandole.models.objectives.facts import DataFacts
from farandole.models.objectives.objective import Batch, Draw, Objective

SHORTEST = 20
"""Frames of the shortest period of what leads a window astray."""
RETURN = 10
"""Frames behind the last visible one in which it comes back."""


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
    guess: float = 0.0
    """Weight of the squared error of corrections, in deviations, where a guess is given. The mean of what may be is what rounds of
    denoising go by; distances alone lead them to its median."""

    def __post_init__(self) -> None:
        require("objective", [(min(self.position, self.velocity, self.guess) >= 0, "weights must not be negative")])

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
class MaskChoice:
    """One way of several to hide frames."""

    mask: Masking
    """How frames are hidden."""
    weight: float = 1.0
    """How often it is taken; that of the stage's `mask` is 1."""
    guess: float = 0.0
    """Share of windows whose hidden frames come with a guess."""
    stray: float = 0.0
    """See `MaskingOptions.stray`."""


@dataclass(frozen=True)
class MaskingOptions:
    """Which frames a stage hides."""

    mask: Masking = field(default_factory=Masking)
    """How frames are hidden."""
    others: tuple[MaskChoice, ...] = ()
    """Further ways to hide frames, one of which, or `mask`, is drawn for every batch; held-out batches have `mask`."""
    guess: float = 0.0
    """Share of windows whose hidden frames come with a guess: their true correction with noise in it (`config.guess`)."""
    stray: float = 0.0
    """Greatest deviation by which windows are led astray: slow turns of all joints, in 6D units, and shifts of the root that die
    away behind the last visible frame. So a model learns to come back when it goes on from frames of its own."""
    feedback: int = 0
    """Greatest number of times (drawn evenly from 0) that the model first fills in `feedback_frames` hidden frames itself and
    goes on from there: what it will meet when it continues its own motion."""
    feedback_frames: int = 20
    """Frames that the model adds each time."""

    def __post_init__(self) -> None:
        shares = (self.guess, *(m.guess for m in self.others))
        astray = (self.stray, *(m.stray for m in self.others))
        require(
            "stage",
            [
                (self.feedback >= 0 and self.feedback_frames > 0, "feedback must not be negative"),
                (all(0 <= s <= 1 for s in shares), "guess must be from 0 to 1"),
                (all(0 <= s <= 1 for s in astray), "stray must be from 0 to 1"),
                (all(m.weight > 0 for m in self.others), "weights of others must be positive"),
            ],
        )

    @property
    def ways(self) -> tuple[MaskChoice, ...]:
        """All ways to hide frames."""
        return MaskChoice(self.mask, 1.0, self.guess, self.stray), *self.others

    def choose(self, random: np.random.Generator) -> MaskChoice:
        """One way to hide frames; no chance is needed where there is one only."""
        ways = self.ways
        if len(ways) == 1:
            return ways[0]
        weights = np.array([way.weight for way in ways])
        return ways[int(random.choice(len(weights), p=weights / weights.sum()))]


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
        self.joint_flags, self.mask_flags, self.guesses = config.joint_flags, config.mask_flags, config.guess
        self.shift: float = config.shift
        self.skeleton = facts.skeleton

    @classmethod
    def learnt(cls, abilities: Abilities, options: Sequence[Any]) -> Abilities:
        """See `Objective.learnt`: gaps are filled in one pass without a guess, which is no use if every window had one."""
        guessed = all(way.guess >= 1 for stage in options for way in stage.ways)
        return replace(abilities, future=False) if guessed else abilities

    def start(self, model: Any, batch: Batch) -> None:
        """See `Objective.start`: the body, and the scale of what the model sees."""
        if self.skeleton is not None:
            model.fit(self.skeleton, batch["out_motion"])

    def losses(self, model: Any, batch: Batch, options: MaskingOptions, draw: Draw) -> dict[str, Tensor]:
        """See `Objective.losses`; on held-out batches the errors of slerp stand beside the model's."""
        masks = (options.mask, *(m.mask for m in options.others))
        if any(m.joint_share < 1 for m in masks) and self.mask_flags and not self.joint_flags:
            raise DataError("masks of joints (joint_share) need a model with joint_flags")
        if not self.guesses and (options.guess or any(m.guess for m in options.others)):
            raise DataError("a stage with guess needs a model that takes one (config.guess)")
        random = draw.numpy()
        way = MaskChoice(options.mask) if draw.held_out else options.choose(random)
        motion, masked = self.hide(batch["out_motion"], way.mask, random)
        device, music = motion.device, batch.get("in_music")
        shown, attention, scored, hidden = (
            torch.as_tensor(u, device=device) for u in (masked.motion, masked.attention, masked.scored, masked.flags)
        )
        if way.stray:
            motion = _astray(motion, hidden, way.stray, random)
            shown = torch.where((scored | (attention == 0)).unsqueeze(-1), shown, motion)
        for _ in range(int(random.integers(0, options.feedback + 1)) if options.feedback else 0):
            shown, hidden, scored = _feed(model, shown, hidden, scored, attention, music, options.feedback_frames)
        unknown = torch.maximum(hidden, 1 - attention.unsqueeze(-1))
        guessed: tuple[Tensor, ...] = ()
        base = clean = None
        if way.guess:
            # Nothing is known behind a suffix, where a baseline holds the last frame.
            base = hold(shown, unknown) if way.mask.pattern == "suffix" else model.baseline(shown, unknown)
            clean = model.guesses(motion, base, unknown)
            guessed = (*_guess(clean, way.guess, self.shift, random), base)
        predicted = model(shown, hidden, attention, music, *guessed)
        columns = None
        if masked.joints is not None and self.groups is not None:
            columns = torch.as_tensor(masked.joints[:, self.groups], device=device)
        counted = attention > 0 if self.settings.score == "all" else scored
        losses = self.settings(predicted.to(motion.dtype), motion, counted, columns, self.body)
        if base is not None and clean is not None and self.settings.guess:
            apart = (model.guesses(predicted, base, unknown) - clean).square() * hidden.amax(dim=-1, keepdim=True)
            losses["guess"] = apart.mean().detach()
            losses["loss"] = losses["loss"] + self.settings.guess * apart.mean()
        if draw.held_out and self.body is not None:
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


def _guess(clean: Tensor, share: float, shift: float, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """True corrections [B, T, U] with noise in them, and the share of noise, [B, 1]: 1, and no guess, for the other windows."""
    batch, like = len(clean), {"dtype": clean.dtype, "device": clean.device}
    chosen = torch.as_tensor(random.random((batch, 1)) < share, device=clean.device)
    noise = torch.where(chosen, torch.as_tensor(later(random.random((batch, 1)), shift), **like), 1.0)
    drawn = torch.as_tensor(random.standard_normal(tuple(clean.shape)), **like)
    mixed = torch.lerp(clean, drawn, noise.unsqueeze(-1))
    return torch.where(chosen.unsqueeze(-1), mixed, 0.0), noise


def _astray(motion: Tensor, hidden: Tensor, most: float, random: np.random.Generator) -> Tensor:
    """Windows [B, T, D] turned slowly about, less and less behind the last visible frame; see `MaskingOptions.stray`."""
    batch, frames, columns = motion.shape
    width, t = 6 * ((columns - 3) // 9) + 3, np.arange(frames)[:, None]
    speed = 2 * np.pi / SHORTEST * random.random((batch, 1, width))
    waves = random.standard_normal((2, batch, 1, width))
    way = most * random.random((batch, 1, 1)) * (waves[0] * np.cos(speed * t) + waves[1] * np.sin(speed * t))
    seen = np.where(hidden.amax(dim=-1).cpu().numpy() > 0, -1, t.T).max(axis=1)
    since = np.clip((t.T - seen[:, None]) / RETURN, 0, 1)
    way *= 0.5 * (1 + np.cos(np.pi * since))[..., None] / CORRECTION
    return corrected(motion, torch.as_tensor(way, dtype=motion.dtype, device=motion.device))


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
