"""3BERT: one encoder for motion, one for music, a third over their concatenated features (DanceBERT)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.layers.inlet import Inlet
from farandole.models.masked import MaskedMotionModel, zero_initialise
from farandole.models.masked_config import QUIRKS, MaskedConfig, fits
from farandole.models.registry import register


@dataclass(frozen=True)
class ThreeBertConfig(MaskedConfig):
    """Settings of 3BERT."""

    music: int = 35
    """Music features per frame."""
    encoder: ConvBertConfig = field(
        default_factory=lambda: ConvBertConfig(layers=5, dim=800, heads=10, positions="rotary")
    )
    """Of motion and of music, with weights of their own."""
    cross: ConvBertConfig = field(
        default_factory=lambda: ConvBertConfig(layers=5, dim=1600, heads=10, positions="rotary")
    )
    """Over both; twice as wide as `encoder`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            [
                (self.music > 0, f"music must be positive, got {self.music}"),
                (
                    self.cross.dim == 2 * self.encoder.dim,
                    f"cross.dim {self.cross.dim} is not twice encoder.dim {self.encoder.dim}",
                ),
                fits(self, self.seen, self.encoder, "motion"),
                fits(self, self.music, self.encoder, "music"),
            ]
        )

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.motion, "music": self.music}

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], ThreeBertConfig]]:
        return {"dancebert": _dancebert, "farandole": _farandole, "small": _small}


def _dancebert() -> ThreeBertConfig:
    encoder = ConvBertConfig(layers=5, dim=800, heads=10, length=300, mask_convolution=False)
    return ThreeBertConfig(encoder=encoder, cross=replace(encoder, dim=1600), **QUIRKS)


def _farandole() -> ThreeBertConfig:
    return ThreeBertConfig(contrast=True)


def _small() -> ThreeBertConfig:
    encoder = ConvBertConfig(layers=2, dim=96, heads=8, inner=192, dropout=0.0, positions="rotary")
    return ThreeBertConfig(encoder=encoder, cross=replace(encoder, dim=192, inner=384), contrast=True)


@register("threebert")
class ThreeBert(MaskedMotionModel):
    """Concatenates encoded motion and music along features; a third encoder reads both."""

    Config = ThreeBertConfig
    config: ThreeBertConfig

    def __init__(self, config: ThreeBertConfig) -> None:
        super().__init__(config)
        self.motion_inlet = Inlet(config.seen, config.encoder.dim, config.inlet)
        self.music_inlet = Inlet(config.music, config.encoder.dim, config.inlet)
        self.motion_encoder, self.music_encoder = ConvBert(config.encoder), ConvBert(config.encoder)
        self.cross = ConvBert(config.cross)
        self.outlet = nn.Linear(config.cross.dim, config.outputs)
        if config.residual:
            zero_initialise(self.outlet)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        motion_features = self.motion_encoder(self.motion_inlet(motion), attention)
        music_features = self.music_encoder(self.music_inlet(music), attention)
        return self.outlet(self.cross(torch.cat((motion_features, music_features), dim=-1), attention))
