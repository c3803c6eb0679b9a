"""One sampling step of a model as a function of tensors: windows, noise and recurrent states in, frames and states out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.errors import ConfigError
from farandole.models.flows.constants import with_constants
from farandole.models.flows.coupling import Coupling
from farandole.models.networks import Network

BATCH = 2


class SamplingStep(nn.Module):
    """`MotionModel.sample` on tensors in a row: windows, noise (if the model has latents), states."""

    def __init__(self, model: Any, state: Any) -> None:
        super().__init__()
        self.model, self.names, self.template = model, [m.name for m in model.generation_inputs], state

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Frames [B, frames, D], then the next states."""
        rest = iter(inputs)
        windows = {name: next(rest) for name in self.names}
        noise = next(rest) if self.model.latent_channels else None
        drawn, state = self.model.sample(windows, noise=noise, state=_rebuilt(self.template, rest))
        return drawn, *_tensors(state)


def sampling_network(model: Any) -> Network:
    """A sampling step of a `MotionModel`, on a copy that shares its weights.

    Raises:
        ConfigError: If the model has no such function: couplings whose inverse is a search of unknown length.
    """
    if any(isinstance(module, Coupling) and module.components for module in model.modules()):
        raise ConfigError("couplings by mixtures of logistics cannot be exported: generate with --engine torch")
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    fixed = with_constants(copy.deepcopy(model, shared)).eval()
    place = next(model.parameters()).device
    inputs: dict[str, Tensor] = {}
    axes: dict[str, dict[int, str]] = {}
    for m in model.generation_inputs:
        labels = torch.zeros(BATCH, m.frames, dtype=torch.int64, device=place)
        inputs[m.name] = labels if m.tokens else torch.randn(BATCH, m.frames, m.dim, device=place)
        axes[m.name] = {0: "batch"}
    noise = None
    if model.latent_channels:
        inputs["noise"] = noise = torch.randn(BATCH, model.generation_frames, model.latent_channels, device=place)
        axes["noise"] = {0: "batch"}
    with torch.no_grad():
        _, state = fixed.sample({m.name: inputs[m.name] for m in model.generation_inputs}, noise=noise)
    names = [f"state_{k}" for k in range(len(_tensors(state)))]
    inputs |= dict(zip(names, _tensors(state), strict=True))
    axes |= {name: {1: "batch"} for name in names}
    outputs = ("frames", *(f"next_{name}" for name in names))
    return Network(SamplingStep(fixed, state).eval(), inputs, outputs, axes, variadic=True)


def _tensors(state: Any) -> list[Tensor]:
    """The tensors of nested tuples, in order."""
    if isinstance(state, Tensor):
        return [state]
    return [] if state is None else [t for part in state for t in _tensors(part)]


def _rebuilt(template: Any, tensors: Iterator[Tensor]) -> Any:
    """The inverse of `_tensors`: nested tuples such as the template."""
    if isinstance(template, Tensor):
        return next(tensors)
    return None if template is None else tuple(_rebuilt(part, tensors) for part in template)
