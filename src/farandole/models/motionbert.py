"""MotionBERT: the masked model of motion alone, published on LAFAN1 (DanceBERT's third model)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import ShapeError, one_of
from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.layers.inlet import Inlet
from farandole.models.masked import MaskedMotionModel, zero_initialise
from farandole.models.masked_config import QUIRKS, MaskedConfig, fits
from farandole.models.registry import register


@dataclass(frozen=True)
class MotionBertConfig(MaskedConfig):
    """Settings of the model of motion alone."""

    encoder: ConvBertConfig = field(default_factory=lambda: ConvBertConfig(positions="rotary"))
    """The encoder."""
    hidden: int = 256
    """Channels between the two convolutions of the head."""
    activation: bool = True
    """A GELU between the two convolutions."""
    window_norm: Literal["none", "frames-features"] = "none"
    """frames-features: one LayerNorm over all frames and features of the window jointly, with one scale and shift per entry, as
    published. It fixes the length of windows to `frames`, and padding influences every output through it."""
    frames: int = 300
    """Frames per window, for `window_norm`."""
    middle_norm: bool = False
    """LayerNorm of each frame between the first convolution and its activation, so that the activation cannot go dead: what all
    frames have in common is most of the encoder's output, and one bad stage makes that negative in every channel for good."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            [
                fits(self, self.seen, self.encoder, "motion"),
                (self.hidden > 0 and self.frames > 0, "hidden and frames must be positive"),
                one_of("window_norm", self.window_norm, ("none", "frames-features")),
                (
                    self.window_norm == "none" or self.encoder.positions == "rotary" or self.frames <= self.encoder.length,
                    f"{self.frames} frames, but positions for {self.encoder.length}",
                ),
            ]
        )  # fmt: skip

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], MotionBertConfig]]:
        return {"dancebert": _dancebert, "farandole": _farandole, "small": _small}


def _dancebert() -> MotionBertConfig:
    encoder = ConvBertConfig(layers=10, dim=512, heads=8, length=300, mask_convolution=False)
    quirks = {**QUIRKS, "tanh": False}
    return MotionBertConfig(motion=201, encoder=encoder, activation=False, window_norm="frames-features", **quirks)


def _farandole() -> MotionBertConfig:
    encoder = ConvBertConfig(layers=10, dim=512, heads=8, positions="rotary")
    return MotionBertConfig(motion=201, encoder=encoder, contrast=True, middle_norm=True)


def _small() -> MotionBertConfig:
    encoder = ConvBertConfig(layers=3, dim=128, heads=8, inner=256, dropout=0.0, positions="rotary")
    return MotionBertConfig(motion=201, encoder=encoder, hidden=128, contrast=True, middle_norm=True)


@register("motionbert")
class MotionBert(MaskedMotionModel):
    """ConvBERT, a convolution over three frames, one over a single frame."""

    Config = MotionBertConfig
    config: MotionBertConfig

    def __init__(self, config: MotionBertConfig) -> None:
        super().__init__(config)
        dim = config.encoder.dim
        self.inlet = Inlet(config.seen, dim, config.inlet)
        self.encoder = ConvBert(config.encoder)
        self.widen = nn.Conv1d(dim, config.hidden, kernel_size=3, padding=1)
        self.middle = nn.LayerNorm(config.hidden) if config.middle_norm else None
        self.outlet = nn.Conv1d(config.hidden, config.outputs, kernel_size=1)
        whole = config.window_norm == "frames-features"
        self.norm = nn.LayerNorm([config.frames, config.outputs]) if whole else None
        self.fixed_length = config.frames if whole else 0
        if config.residual:
            zero_initialise(self.outlet)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        if self.norm is not None and motion.shape[1] != self.config.frames:
            raise ShapeError(f"motion: this model takes windows of {self.config.frames} frames, got {motion.shape[1]}")
        x = self.encoder(self.inlet(motion), attention)
        if attention is not None and self.config.encoder.mask_convolution:
            x = x * attention.unsqueeze(-1)
        x = self.widen(x.mT)
        if self.middle is not None:
            x = self.middle(x.mT).mT
        out = self.outlet(F.gelu(x) if self.config.activation else x).mT
        return out if self.norm is None else self.norm(out)
