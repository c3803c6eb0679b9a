"""Residualflower: a deterministic transformer predicts the mean, a Transflower what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from farandole.models.base import ModelConfig, MotionModel, Windows, motion_and_audio
from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.flows.builders import FlowConfig
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.registry import register
from farandole.models.transflower import Transflower, TransflowerConfig
from farandole.models.transformer import Transformer, TransformerConfig


@dataclass(frozen=True)
class ResidualflowerConfig(ModelConfig):
    """Settings of Residualflower: both parts see the same inputs and predict the same window."""

    mean: TransformerConfig
    """The deterministic part."""
    residual: TransflowerConfig
    """The flow on what the mean leaves."""
    detach: bool = False
    """Keep the likelihood from moving the mean."""

    def __post_init__(self) -> None:
        require(
            "residualflower",
            [
                (self.mean.inputs == self.residual.inputs, "mean and residual must have the same inputs"),
                (self.mean.target == self.residual.target, "mean and residual must predict the same window"),
                (self.mean.signal.still == self.residual.signal.still, "mean and residual must model the same columns"),
                (
                    self.residual.signal.predict != "steps",
                    "a residual has no last pose: let it predict poses or increments",
                ),
            ],
        )

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], ResidualflowerConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}

    @property
    def dims(self) -> dict[str, int]:
        return self.mean.dims

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> ResidualflowerConfig:
        return replace(self, mean=self.mean.fitted(dims, still), residual=self.residual.fitted(dims, still))


def _config(mean: EncoderConfig, residual: EncoderConfig, flow: FlowConfig, frames: int = 4) -> ResidualflowerConfig:
    """72 motion and 23 audio features at 20 Hz, 120 + 140 frames in."""
    inputs, target = motion_and_audio(72, 23, 120, 140), Modality("motion", 72, frames, 120)
    return ResidualflowerConfig(
        TransformerConfig(inputs, target, mean), TransflowerConfig(inputs, target, residual, flow)
    )


def _paper() -> ResidualflowerConfig:
    """residualflower2: 6 layers of width 800 each, two scales of 4 steps.

    The recipe asks for 3 frames, which two scales cannot halve; 4 frames are the nearest that they can.
    """
    encoder = EncoderConfig(layers=6, input_positions=("relative",))
    return _config(encoder, encoder, FlowConfig(steps=(4, 4), positions=("relative",)))


def _as_released() -> ResidualflowerConfig:
    """The same with dropout 0.1 and position tables of frozen zeros."""
    mean = EncoderConfig(layers=6, input_positions=("frozen-table",), dropout=0.1)
    flow = FlowConfig(steps=(4, 4), positions=("frozen-table",), dropout=0.1)
    return _config(mean, replace(mean, input_positions=()), flow)


def _farandole() -> ResidualflowerConfig:
    """Read at the predicted frames, rotary positions, positive scales; the likelihood does not move the mean."""
    encoder = EncoderConfig(
        layers=6, input_positions=("rotary",), cross_positions=("rotary",), clock="frame", queries="target"
    )
    flow = FlowConfig(
        steps=(8,), norm="actnorm", positive_norm=True, positions=("relative",), scale="exponential", zero_output=True
    )
    return replace(_config(encoder, encoder, flow, frames=10), detach=True)


@register("residualflower")
class Residualflower(MotionModel):
    """Sum of a predicted mean and a sampled residual; loss = 100 * squared error + bits per frame of the residual."""

    Config = ResidualflowerConfig

    def __init__(self, config: ResidualflowerConfig) -> None:
        super().__init__()
        self.config = config
        self.inputs, self.target = config.mean.inputs, config.mean.target
        self.mean = Transformer(config.mean)
        self.residual = Transflower(config.residual)
        self.latent_channels = self.residual.latent_channels

    def _residual(self, mean: Tensor, target: Tensor) -> Tensor:
        return target - (mean.detach() if self.config.detach else mean)

    def log_prob(self, windows: Windows, target: Tensor) -> Tensor:
        """log p(target | windows) in nats, [B]."""
        self.check(windows, target)
        return self.residual.log_prob(windows, target - self.mean.mean(windows).to(target.dtype))

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        self.check(windows, target)
        mean = self.mean.mean(windows).to(target.dtype)
        nll = bits_per_frame(self.residual.log_prob(windows, self._residual(mean, target)), target.shape[1])
        select = self.mean.signal.select
        mse = F.mse_loss(select(mean), select(target))
        return {"loss": 100 * mse + nll, "nll": nll.detach(), "mse": mse.detach()}

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
        left, _ = self.residual.sample(windows, noise=noise, temperature=temperature, generator=generator)
        return left + self.mean.mean(windows).to(left.dtype), None

    @torch.no_grad()
    def initialize(self, windows: Windows, target: Tensor) -> None:
        self.check(windows, target)
        self.residual.initialize(windows, target - self.mean.mean(windows).to(target.dtype))
