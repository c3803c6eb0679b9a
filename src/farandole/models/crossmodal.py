"""EnforceCrossModality: one encoder over motion and music, concatenated along time (DanceBERT)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.layers.inlet import Inlet
from farandole.models.masked import MaskedMotionModel, zero_initialise
from farandole.models.masked_config import QUIRKS, MaskedConfig, fits
from farandole.models.registry import register


@dataclass(frozen=True)
class CrossModalConfig(MaskedConfig):
    """Settings of EnforceCrossModality."""

    music: int = 35
    """Music features per frame."""
    encoder: ConvBertConfig = field(
        default_factory=lambda: ConvBertConfig(layers=5, dim=512, heads=8, positions="rotary")
    )
    """Of motion and of music, with weights of their own."""
    cross: ConvBertConfig = field(
        default_factory=lambda: ConvBertConfig(layers=10, dim=512, heads=8, length=600, positions="rotary")
    )
    """Over both sequences; a table of positions must cover both unless they share frame numbers (`modality`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        both = 1 if self.modality or self.cross.positions == "rotary" else 2
        self._require(
            [
                (self.music > 0, f"music must be positive, got {self.music}"),
                (
                    self.cross.dim == self.encoder.dim,
                    f"cross.dim {self.cross.dim} is not encoder.dim {self.encoder.dim}",
                ),
                (
                    self.cross.positions == "rotary" or self.cross.length >= both * self.encoder.length,
                    f"cross.length {self.cross.length} is less than {both} x encoder.length {self.encoder.length}",
                ),
                (not self.modality or self.cross.types >= 2, f"modality needs two types, cross.types is {self.cross.types}"),
                fits(self, self.seen, self.encoder, "motion"),
                fits(self, self.music, self.encoder, "music"),
            ]
        )  # fmt: skip

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.motion, "music": self.music}

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], CrossModalConfig]]:
        return {"dancebert": _dancebert, "farandole": _farandole, "small": _small}


def _dancebert() -> CrossModalConfig:
    encoder = ConvBertConfig(layers=5, dim=512, heads=8, length=300, mask_convolution=False)
    return CrossModalConfig(encoder=encoder, cross=replace(encoder, layers=10, length=600), **QUIRKS)


def _farandole() -> CrossModalConfig:
    return CrossModalConfig(contrast=True)


def _small() -> CrossModalConfig:
    encoder = ConvBertConfig(layers=2, dim=128, heads=8, inner=256, dropout=0.0, positions="rotary")
    return CrossModalConfig(encoder=encoder, cross=replace(encoder, layers=3, length=600), contrast=True)


@register("crossmodal")
class CrossModal(MaskedMotionModel):
    """Concatenates encoded motion and music along time; a third encoder attends over both."""

    Config = CrossModalConfig
    config: CrossModalConfig

    def __init__(self, config: CrossModalConfig) -> None:
        super().__init__(config)
        self.motion_inlet = Inlet(config.seen, config.encoder.dim, config.inlet)
        self.music_inlet = Inlet(config.music, config.encoder.dim, config.inlet)
        self.motion_encoder, self.music_encoder = ConvBert(config.encoder), ConvBert(config.encoder)
        self.cross = ConvBert(config.cross)
        self.outlet = nn.Linear(config.cross.dim, config.outputs)
        if config.residual:
            zero_initialise(self.outlet)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        frames = motion.shape[1]
        motion_features = self.motion_encoder(self.motion_inlet(motion), attention)
        music_features = self.music_encoder(self.music_inlet(music), attention)
        if not self.config.modality:
            mask = None if attention is None else attention.repeat(1, 2)
            return self.outlet(self.cross(torch.cat((motion_features, music_features), dim=1), mask)[:, :frames])
        # Empty frames between the two keep the convolution from mixing the end of the motion with the beginning of the music.
        gap = self.config.cross.kernel // 2
        mask = motion.new_ones(motion.shape[:2]) if attention is None else attention
        mask = torch.cat((mask, mask.new_zeros(len(mask), gap), mask), dim=1)
        clock = torch.arange(frames, device=motion.device)
        kind = torch.zeros_like(clock)
        encoded = self.cross(
            torch.cat((F.pad(motion_features, (0, 0, 0, gap)), music_features), dim=1),
            mask,
            types=torch.cat((kind, kind[:1].expand(gap), kind + 1)),
            times=torch.cat((clock, clock[:1].expand(gap), clock)),
        )
        return self.outlet(encoded[:, :frames])
