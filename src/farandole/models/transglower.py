"""Transglower: the multimodal transformer of Transflower conditioning the recurrent Glow of MoGlow, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.base import MotionModel, WindowConfig, Windows, motion_and_audio
from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.flows.builders import GlowConfig, build_glow
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.multimodal import EncoderConfig, Modality, MultimodalEncoder
from farandole.models.layers.signal import Signal, SignalConfig
from farandole.models.moglow import sliding_windows
from farandole.models.registry import register


@dataclass(frozen=True)
class TransglowerConfig(WindowConfig):
    """Settings of Transglower."""

    inputs: tuple[Modality, ...]
    """What the transformer sees for one frame; in training the windows are longer by `frames` - 1."""
    target: Modality
    """The frame that follows: offset and features (its `frames` are set by the field below)."""
    frames: int = 3
    """Frames predicted per training window."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """The transformer."""
    glow: GlowConfig = field(default_factory=lambda: GlowConfig(dim=800))
    """The flow."""
    residual: bool = False
    """Predict a mean as well, and let the flow model what is left."""
    signal: SignalConfig = field(default_factory=SignalConfig)
    """What is predicted of the target's frames."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        require(
            "transglower",
            [
                (len(self.inputs) > 0, "needs at least one input modality"),
                (self.frames > 0, f"frames must be positive, got {self.frames}"),
            ],
        )

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], TransglowerConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}


def _config(encoder: EncoderConfig, **changes) -> TransglowerConfig:
    """transglower_expmap_cr: 67 and 85 features, 120 + 140 frames in, 3 frames a window, 12 layers of width 800."""
    return TransglowerConfig(
        motion_and_audio(67, 85, 120, 140), Modality("motion", 67, 1, 120), encoder=encoder, **changes
    )


def _paper() -> TransglowerConfig:
    """Trained position tables, as the options intend; no dropout."""
    return _config(EncoderConfig(input_positions=("table",), cross_positions=("table",)))


def _as_released() -> TransglowerConfig:
    """The tables are frozen zeros, and dropout is 0.1 in spite of the recipe's 0."""
    positions = ("frozen-table",)
    return _config(EncoderConfig(input_positions=positions, cross_positions=positions, dropout=0.1))


def _farandole() -> TransglowerConfig:
    """Read at the predicted frame, rotary positions, more frames a window for the recurrent part to learn from."""
    encoder = EncoderConfig(input_positions=("rotary",), cross_positions=("rotary",), clock="frame", queries="target")
    return _config(encoder, frames=8, glow=GlowConfig(dim=512, permutation="factored"))


@register("transglower")
class Transglower(MotionModel):
    """For each frame the transformer reads its window into one vector; these condition the flow over the frames."""

    Config = TransglowerConfig

    def __init__(self, config: TransglowerConfig) -> None:
        super().__init__()
        self.config = config
        extra, dim = config.frames - 1, config.encoder.dim
        self.inputs = tuple(m if m.fixed else replace(m, frames=m.frames + extra) for m in config.inputs)
        self.target = replace(config.target, frames=config.frames)
        self.signal = Signal(config.inputs, config.target, config.signal)
        self.latent_channels = channels = self.signal.channels
        outputs = 2 if config.residual else 1
        self.encoder = MultimodalEncoder(config.inputs, outputs, dim, config.target.offset, config.encoder)
        self.mean = nn.Linear(dim, channels) if config.residual else None
        self.flow = build_glow(channels, dim, config.glow)

    @property
    def generation_inputs(self) -> tuple[Modality, ...]:
        return self.config.inputs

    @property
    def generation_frames(self) -> int:
        return 1

    def condition(self, windows: Windows) -> tuple[Tensor, Tensor | None]:
        """One vector per frame [B, L, encoder dim], and the signal's mean [B, L, channels] if there is one.

        All L windows of all rows go through the transformer as one batch.
        """
        batch = next(iter(windows.values())).shape[0]
        h = self.encoder(self._windows_of_frames(windows)).unflatten(0, (batch, -1))  # [B, L, 1 or 2, dim]
        return h[:, :, 0], None if self.mean is None else self.mean(h[:, :, 1])

    def _windows_of_frames(self, windows: Windows) -> Mapping[str, Tensor]:
        """[B, frames + L - 1, D] -> [B * L, frames, D]; labels are repeated."""
        moving = next(m for m in self.config.inputs if not m.fixed)
        frames = windows[moving.name].shape[1] - moving.frames + 1
        cut = {}
        for m in self.config.inputs:
            if m.fixed:
                cut[m.name] = windows[m.name].repeat_interleave(frames, dim=0)
            else:
                cut[m.name] = sliding_windows(windows[m.name], m.frames).flatten(0, 1)
        return cut

    def log_prob(self, windows: Windows, target: Tensor) -> Tensor:
        """log p(target | windows) in nats, [B], recurrent states starting at zero."""
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        return self.flow.log_prob(x if mean is None else x - mean.to(x.dtype), h)

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        """Bits per frame, for the residual model plus 100 times the squared error."""
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        if mean is None:
            nll = bits_per_frame(self.flow.log_prob(x, h), x.shape[1])
            return {"loss": nll, "nll": nll.detach()}
        mean = mean.to(x.dtype)
        nll = bits_per_frame(self.flow.log_prob(x - mean, h), x.shape[1])
        mse = F.mse_loss(mean, x)
        return {"loss": nll + 100 * mse, "nll": nll.detach(), "mse": mse.detach()}

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
        x, state = self.flow.sample(h, 1, noise=noise, temperature=temperature, generator=generator, state=state)
        return self.signal.decode(x if mean is None else x + mean.to(x.dtype), windows), state

    @torch.no_grad()
    def initialize(self, windows: Windows, target: Tensor) -> None:
        self.check(windows, target)
        h, mean = self.condition(windows)
        x = self.signal.encode(target, windows)
        self.flow.initialize(x if mean is None else x - mean.to(x.dtype), h)
