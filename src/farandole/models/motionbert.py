"""MotionBERT: the masked model of motion alone, published on LAFAN1 (DanceBERT's third model)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import ShapeError, one_of
from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.masked import QUIRKS, Inlet, MaskedConfig, MaskedMotionModel, fits, start_at_nothing


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
    """frames-features: one LayerNorm over all frames and features of the window jointly, with a scale and a shift of its own for
    each, as published. It fixes the length of windows to `frames`, and empty frames reach every output through it."""
    frames: int = 300
    """Frames per window, for `window_norm`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            [
                fits(self, self.motion + self.flags, self.encoder, "motion"),
                (self.hidden > 0 and self.frames > 0, "hidden and frames must be positive"),
                one_of("window_norm", self.window_norm, ("none", "frames-features")),
                (
                    self.window_norm == "none" or self.encoder.positions == "rotary" or self.frames <= self.encoder.length,
                    f"{self.frames} frames, but positions for {self.encoder.length}",
                ),
            ]
        )  # fmt: skip

    @classmethod
    def _presets(cls):
        return {"dancebert": _dancebert, "farandole": _farandole, "small": _small}


def _dancebert() -> MotionBertConfig:
    encoder = ConvBertConfig(layers=10, dim=512, heads=8, length=300, mask_convolution=False)
    quirks = {**QUIRKS, "tanh": False}
    return MotionBertConfig(motion=201, encoder=encoder, activation=False, window_norm="frames-features", **quirks)


def _farandole() -> MotionBertConfig:
    return MotionBertConfig(motion=201, encoder=ConvBertConfig(layers=10, dim=512, heads=8, positions="rotary"))


def _small() -> MotionBertConfig:
    encoder = ConvBertConfig(layers=3, dim=128, heads=8, inner=256, dropout=0.0, positions="rotary")
    return MotionBertConfig(motion=201, encoder=encoder, hidden=128)


class MotionBert(MaskedMotionModel):
    """ConvBERT, a convolution over three frames, one over a single frame."""

    Config = MotionBertConfig
    config: MotionBertConfig
    needs_music = False

    def __init__(self, config: MotionBertConfig) -> None:
        super().__init__(config)
        dim = config.encoder.dim
        self.inlet = Inlet(config.motion + config.flags, dim, config.inlet)
        self.encoder = ConvBert(config.encoder)
        self.widen = nn.Conv1d(dim, config.hidden, kernel_size=3, padding=1)
        self.outlet = nn.Conv1d(config.hidden, config.outputs, kernel_size=1)
        whole = config.window_norm == "frames-features"
        self.norm = nn.LayerNorm((config.frames, config.outputs)) if whole else None
        if config.residual:
            start_at_nothing(self.outlet)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        if self.norm is not None and motion.shape[1] != self.config.frames:
            raise ShapeError(f"motion: this model takes windows of {self.config.frames} frames, got {motion.shape[1]}")
        x = self.encoder(self.inlet(motion), attention)
        if attention is not None and self.config.encoder.mask_convolution:
            x = x * attention.unsqueeze(-1)
        x = self.widen(x.mT)
        out = self.outlet(F.gelu(x) if self.config.activation else x).mT
        return out if self.norm is None else self.norm(out)
