"""What a multimodal transformer predicts beside its target: each further window by a cross-modal transformer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.flows.builders import FlowConfig, build_flow
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.containers import ModuleDict
from farandole.models.layers.multimodal import CrossModal, EncoderConfig, Modality


class FurtherOutput(nn.Module):
    """Encodings of the inputs -> a window of another modality: its mean, or a flow over it.

    Args:
        inputs: Of the model.
        target: The window.
        encoder: Settings of the cross-modal transformer.
        flow: Settings of the flow; None: the mean alone, trained on the squared error.
    """

    def __init__(
        self, inputs: tuple[Modality, ...], target: Modality, encoder: EncoderConfig, flow: FlowConfig | None
    ) -> None:
        super().__init__()
        self.target = target
        width = target.dim if flow is None else encoder.dim
        self.head = CrossModal(inputs, target.frames, width, target.offset, encoder)
        self.flow = None if flow is None else build_flow(target.dim, target.frames, encoder.dim, target.frames, flow)

    def loss(self, parts: list[Tensor], frames: Tensor) -> Tensor:
        """Bits per frame, or the squared error of the mean, of frames [B, T, D]."""
        h = self.head.join(parts)
        if self.flow is None:
            return F.mse_loss(h.to(frames.dtype), frames)
        return bits_per_frame(self.flow.log_prob(frames, h), frames.shape[1])

    def sample(self, parts: list[Tensor], temperature: float, generator: torch.Generator | None) -> Tensor:
        """Frames [B, T, D]."""
        h = self.head.join(parts)
        if self.flow is None:
            return h
        return self.flow.sample(h, self.target.frames, temperature=temperature, generator=generator)[0]

    @torch.no_grad()
    def initialize(self, parts: list[Tensor], frames: Tensor) -> None:
        """Data-dependent start of the flow."""
        if self.flow is not None:
            self.flow.initialize(frames, self.head.join(parts))


def fits_beside(inputs: tuple[Modality, ...], target: Modality, also: tuple[Modality, ...]) -> list[tuple[bool, str]]:
    """What must hold of further windows, and what to say where it does not."""
    names = [m.name for m in also]
    taken = sorted({target.name, *(m.name for m in inputs)} & set(names))
    return [
        (
            not taken,
            f"also: {', '.join(taken)} is read, or the target, already: what a model goes on from is its target",
        ),
        (len(set(names)) == len(names), "also: each further window needs a name of its own"),
        (not any(m.tokens for m in also), "also: labels are not predicted"),
    ]


class FurtherOutputs(nn.Module):
    """All further outputs of a model, by modality; see `fits_beside`."""

    def __init__(
        self,
        inputs: tuple[Modality, ...],
        also: tuple[Modality, ...],
        encoder: EncoderConfig,
        flow: FlowConfig | None = None,
    ) -> None:
        super().__init__()
        self.outputs = ModuleDict({m.name: FurtherOutput(inputs, m, encoder, flow) for m in also})

    def losses(self, parts: list[Tensor], frames: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Loss of each, given the frames to predict."""
        return {name: output.loss(parts, frames[name]) for name, output in self.outputs.items()}

    def sample(
        self, parts: list[Tensor], temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Frames of each, [B, T, D]."""
        return {name: output.sample(parts, temperature, generator) for name, output in self.outputs.items()}

    def initialize(self, parts: list[Tensor], frames: Mapping[str, Any]) -> None:
        """Data-dependent start of all."""
        for name, output in self.outputs.items():
            output.initialize(parts, frames[name])
