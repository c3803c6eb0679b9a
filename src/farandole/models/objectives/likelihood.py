"""Exact likelihood, or squared error for deterministic models: the model's own loss on windows of input and target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from farandole.errors import DataError
from farandole.models.errors import require
from farandole.models.objectives.objective import Batch, Draw, Objective


@dataclass(frozen=True)
class LikelihoodOptions:
    """What a stage feeds back."""

    rollout: int = 0
    """Greatest number of predictions (drawn evenly from 0) that the model makes on its own before the one that is scored, which
    begins with these frames for its past: what it meets when it runs free. Needs `windows.ahead` for the frames in between."""
    kept: int = 1
    """Frames kept of each of these predictions."""
    temperature: float = 1.0
    """Factor on the random numbers of these predictions."""

    def __post_init__(self) -> None:
        fine = self.rollout >= 0 and self.kept > 0 and self.temperature >= 0
        require("stage", [(fine, "rollout and temperature must not be negative, kept must be positive")])


class Likelihood(Objective):
    """The "loss" that a `MotionModel` gives, and bits per dimension where it has a likelihood."""

    Options = LikelihoodOptions
    data = "streams"

    def losses(self, model: Any, batch: Batch, options: LikelihoodOptions, draw: Draw) -> dict[str, Tensor]:
        """See `Objective.losses`; the model is a `MotionModel`. Held-out windows are scored as they are."""
        given, frames = _streams(model, batch)
        first = 0
        if options.rollout and not draw.held_out:
            given, first = _rolled_out(model, given, options, draw.torch())
        windows = _cut(model.inputs, given, first)
        losses = dict(model(windows, _target(model, frames, first)))
        if "nll" in losses:
            losses["bits_per_dimension"] = losses["nll"] / model.latent_channels
        if model.also:
            further = model.further_losses(windows, _further(model, batch, first))
            losses |= {f"{name}_loss": value.detach() for name, value in further.items()}
            losses["loss"] = losses["loss"] + sum(further.values())
        return losses

    def start(self, model: Any, batch: Batch) -> None:
        """See `Objective.start`."""
        given, frames = _streams(model, batch)
        windows = _cut(model.inputs, given, 0)
        model.initialize(windows, _target(model, frames, 0))
        if model.also:
            model.further.initialize(model.encoder.read(windows), _further(model, batch, 0))


def _streams(model: Any, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
    """A batch as streams of the inputs, and of the target; both may be longer than the model's windows."""
    inputs = {k.removeprefix("in_"): v for k, v in batch.items() if k.startswith("in_")}
    return inputs, batch[f"out_{model.target.name}"]


def _cut(modalities: Any, given: Mapping[str, Tensor], first: int) -> dict[str, Tensor]:
    """Windows of inputs that begin `first` frames late."""
    return {m.name: given[m.name] if m.fixed else given[m.name][:, first : first + m.frames] for m in modalities}


def _target(model: Any, frames: Tensor, first: int) -> Tensor:
    return frames[:, first : first + model.target.frames]


def _further(model: Any, batch: Batch, first: int) -> dict[str, Tensor]:
    """Windows that are predicted beside the target, `first` frames late."""
    return {m.name: batch[f"out_{m.name}"][:, first : first + m.frames] for m in model.also}


@torch.no_grad()
def _rolled_out(
    model: Any, given: Mapping[str, Tensor], options: LikelihoodOptions, random: torch.Generator
) -> tuple[dict[str, Tensor], int]:
    """Inputs in which the model's own frames stand, and how many frames those are.

    Raises:
        DataError: If the model does not look at its own frames, keeps more than it predicts, or windows are too short.
    """
    target = model.target
    own = next((m for m in model.inputs if m.name == target.name), None)
    if own is None:
        raise DataError(f"rollout is for models that look at the {target.name} before")
    if options.kept > model.generation_frames:
        raise DataError(
            f"kept must be from 1 to the model's {model.generation_frames} predicted frames, got {options.kept}"
        )
    ahead, needed = given[own.name].shape[1] - own.frames, options.rollout * options.kept
    if ahead < needed:
        raise DataError(
            f"rollout {options.rollout} of {options.kept} frames needs windows.ahead: {needed}, got {ahead}"
        )
    rounds = int(torch.randint(options.rollout + 1, (), generator=random))
    streams = {**given, own.name: given[own.name].clone()}
    training, state = model.training, None
    model.eval()
    for first in range(0, rounds * options.kept, options.kept):
        windows = _cut(model.generation_inputs, streams, first)
        drawn, state = model.sample(windows, temperature=options.temperature, generator=random, state=state)
        place = target.offset - own.offset + first
        streams[own.name][:, place : place + options.kept] = drawn[:, : options.kept].to(streams[own.name].dtype)
    model.train(training)
    return streams, rounds * options.kept
