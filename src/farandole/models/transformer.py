"""The deterministic multimodal transformer, baseline of the family ("AI Choreographer", Li et al., 2021, arXiv:2101.08779)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from farandole.models.base import MotionModel, WindowConfig, Windows, motion_and_audio
from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.layers.further_outputs import FurtherOutputs, fits_beside
from farandole.models.layers.multimodal import EncoderConfig, Modality, MultimodalEncoder
from farandole.models.layers.signal import Signal, SignalConfig
from farandole.models.registry import register


@dataclass(frozen=True)
class TransformerConfig(WindowConfig):
    """Settings of the deterministic transformer."""

    inputs: tuple[Modality, ...]
    """Input windows, in the order in which they are joined."""
    target: Modality
    """Predicted window."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """The network."""
    signal: SignalConfig = field(default_factory=SignalConfig)
    """What is predicted of the target's frames."""
    also: tuple[Modality, ...] = ()
    """Further predicted windows, of other modalities and with lengths and offsets of their own: each by a cross-modal transformer
    of its own; the losses are added."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "also", tuple(self.also))
        fits = [(len(self.inputs) > 0, "needs at least one input modality")]
        require("transformer", [*fits, *fits_beside(self.inputs, self.target, self.also)])

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], TransformerConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}


def _paper() -> TransformerConfig:
    """Table 5 of Transflower: 2, 2 and 12 layers of width 800, relative positions, 120 + 140 frames in, 20 supervised."""
    encoder = EncoderConfig(dim=800, heads=10, layers=12, input_positions=("relative",), cross_positions=("relative",))
    return TransformerConfig(motion_and_audio(67, 85, 120, 140), Modality("motion", 67, 20, 120), encoder)


def _as_released() -> TransformerConfig:
    """transformer_expmap: width 1200, dropout 0.1 in spite of the recipe's 0, position tables of frozen zeros."""
    encoder = EncoderConfig(dim=1200, heads=10, layers=12, input_positions=("frozen-table",), dropout=0.1)
    return TransformerConfig(motion_and_audio(69, 85, 120, 160), Modality("motion", 69, 3, 120), encoder)


def _farandole() -> TransformerConfig:
    """Queries at the predicted frames, one clock for music and motion, rotary positions."""
    encoder = EncoderConfig(
        dim=800,
        heads=10,
        layers=12,
        input_positions=("rotary",),
        cross_positions=("rotary",),
        clock="frame",
        queries="target",
    )
    return TransformerConfig(motion_and_audio(67, 85, 120, 140), Modality("motion", 67, 10, 120), encoder)


@register("transformer")
class Transformer(MotionModel):
    """Multimodal encoder whose output is the next frames; trained on the mean squared error."""

    Config = TransformerConfig

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config, self.inputs, self.target = config, config.inputs, config.target
        self.signal = Signal(config.inputs, config.target, config.signal)
        self.encoder = MultimodalEncoder(
            config.inputs, config.target.frames, self.signal.channels, config.target.offset, config.encoder
        )
        if config.also:
            self.further = FurtherOutputs(config.inputs, config.also, config.encoder)

    def mean(self, windows: Windows) -> Tensor:
        """The predicted frames, [B, frames, dim]."""
        return self.signal.decode(self.encoder(windows), windows)

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        self.check(windows, target)
        mean = self.mean(windows).to(target.dtype)
        loss = F.mse_loss(self.signal.select(mean), self.signal.select(target))
        return {"loss": loss, "mse": loss.detach()}

    def sample(
        self,
        windows: Windows,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        state: State = None,
    ) -> tuple[Tensor, State]:
        self.check(windows)
        return self.mean(windows), None
