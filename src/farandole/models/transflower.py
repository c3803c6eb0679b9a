"""Transflower: a flow over the next poses given past poses and music (Valle-Pérez et al., 2021, arXiv:2106.13871)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.base import MotionModel, WindowConfig, Windows, motion_and_audio
from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.flows.builders import FlowConfig, build_flow
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.further_outputs import FurtherOutputs, fits_beside
from farandole.models.layers.multimodal import EncoderConfig, Modality, MultimodalEncoder
from farandole.models.layers.signal import Signal, SignalConfig
from farandole.models.registry import register


@dataclass(frozen=True)
class TransflowerConfig(WindowConfig):
    """Settings of Transflower."""

    inputs: tuple[Modality, ...]
    """Input windows, in the order in which they are joined."""
    target: Modality
    """Predicted window."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """The network that conditions the flow."""
    flow: FlowConfig = field(default_factory=FlowConfig)
    """The flow."""
    condition_tokens: int | None = None
    """Vectors that condition the flow, K; None means one per predicted frame."""
    residual: bool = False
    """Predict a mean as well, and let the flow model what is left."""
    signal: SignalConfig = field(default_factory=SignalConfig)
    """What is predicted of the target's frames."""
    also: tuple[Modality, ...] = ()
    """Further predicted windows, of other modalities and with lengths and offsets of their own: each by a cross-modal transformer
    of its own (and a flow); the losses are added."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "also", tuple(self.also))
        fits = [(len(self.inputs) > 0, "needs at least one input modality")]
        require("transflower", [*fits, *fits_beside(self.inputs, self.target, self.also)])

    @property
    def tokens(self) -> int:
        """K as a number."""
        return self.target.frames if self.condition_tokens is None else self.condition_tokens

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], TransflowerConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}


def _paper() -> TransflowerConfig:
    """Sections 4 and 5 of the paper: 67 features, relative positions in all transformers, no dropout, 16 flow steps."""
    encoder = EncoderConfig(input_positions=("relative",), cross_positions=("relative",))
    flow = FlowConfig(positions=("relative",))
    return TransflowerConfig(motion_and_audio(67, 85, 120, 140), Modality("motion", 67, 3, 120), encoder, flow)


def _as_released() -> TransflowerConfig:
    """transflower_expmap: 69 features, dropout 0.1 in spite of the recipe's 0, position tables of frozen zeros."""
    flow = FlowConfig(positions=("frozen-table",), dropout=0.1)
    return TransflowerConfig(
        motion_and_audio(69, 85, 120, 140), Modality("motion", 69, 3, 120), EncoderConfig(dropout=0.1), flow
    )


def _farandole() -> TransflowerConfig:
    """The same sizes, read at the predicted frames, ten frames at a time, with rotary positions and positive scales."""
    encoder = EncoderConfig(input_positions=("rotary",), cross_positions=("rotary",), clock="frame", queries="target")
    flow = FlowConfig(
        norm="actnorm", positive_norm=True, positions=("relative",), scale="exponential", zero_output=True
    )
    return TransflowerConfig(motion_and_audio(67, 85, 120, 140), Modality("motion", 67, 10, 120), encoder, flow)


@register("transflower")
class Transflower(MotionModel):
    """Multimodal encoder conditioning a flow; trained on the likelihood of the next frames."""

    Config = TransflowerConfig

    def __init__(self, config: TransflowerConfig) -> None:
        super().__init__()
        self.config, self.inputs, self.target = config, config.inputs, config.target
        target, tokens, dim = config.target, config.tokens, config.encoder.dim
        self.signal = Signal(config.inputs, target, config.signal)
        self.latent_channels = channels = self.signal.channels
        outputs = tokens + (target.frames if config.residual else 0)
        self.encoder = MultimodalEncoder(config.inputs, outputs, dim, target.offset, config.encoder)
        self.mean = nn.Linear(dim, channels) if config.residual else None
        self.flow = build_flow(channels, target.frames, dim, tokens, config.flow)
        if config.also:
            self.further = FurtherOutputs(config.inputs, config.also, config.encoder, config.flow)

    def condition(self, windows: Windows) -> tuple[Tensor, Tensor | None]:
        """Conditioning of the flow [B, K, encoder dim], and the signal's mean [B, frames, channels] if there is one."""
        h = self.encoder(windows)
        if self.mean is None:
            return h, None
        tokens = self.config.tokens
        return h[:, :tokens], self.mean(h[:, tokens:])

    def log_prob(self, windows: Windows, target: Tensor) -> Tensor:
        """log p(target | windows) in nats, [B]."""
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        return self.flow.log_prob(x if mean is None else x - mean.to(x.dtype), h)

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        """Bits per frame; for the residual model mixed with the squared error by a weight that grows with the error."""
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        if mean is None:
            nll = bits_per_frame(self.flow.log_prob(x, h), x.shape[1])
            return {"loss": nll, "nll": nll.detach()}
        mean = mean.to(x.dtype)
        nll = bits_per_frame(self.flow.log_prob(x - mean, h), x.shape[1])
        mse = 100 * F.mse_loss(mean, x)
        weight = torch.sigmoid(mse / 5)
        return {"loss": (1 - weight) * nll + weight * mse, "nll": nll.detach(), "mse": mse.detach() / 100}

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
        h, mean = self.condition(windows)
        x, _ = self.flow.sample(h, self.target.frames, noise=noise, temperature=temperature, generator=generator)
        return self.signal.decode(x if mean is None else x + mean.to(x.dtype), windows), None

    @torch.no_grad()
    def initialize(self, windows: Windows, target: Tensor) -> None:
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        self.flow.initialize(x if mean is None else x - mean.to(x.dtype), h)
