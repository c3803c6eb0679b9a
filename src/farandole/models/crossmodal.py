"""EnforceCrossModality: motion and music one after the other along time through one encoder (DanceBERT)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.masked import QUIRKS, Inlet, MaskedConfig, MaskedMotionModel, fits, start_at_nothing


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
    """Over both sequences; a table of positions must reach over both unless they share a clock (`modality`)."""

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
                fits(self, self.motion + self.flags, self.encoder, "motion"),
                fits(self, self.music, self.encoder, "music"),
            ]
        )  # fmt: skip

    @classmethod
    def _presets(cls):
        return {"dancebert": _dancebert, "farandole": CrossModalConfig, "small": _small}


def _dancebert() -> CrossModalConfig:
    encoder = ConvBertConfig(layers=5, dim=512, heads=8, length=300, mask_convolution=False)
    return CrossModalConfig(encoder=encoder, cross=replace(encoder, layers=10, length=600), **QUIRKS)


def _small() -> CrossModalConfig:
    encoder = ConvBertConfig(layers=2, dim=128, heads=8, inner=256, dropout=0.0, positions="rotary")
    return CrossModalConfig(encoder=encoder, cross=replace(encoder, layers=3, length=600))


class CrossModal(MaskedMotionModel):
    """Motion and music joined along time."""

    Config = CrossModalConfig
    config: CrossModalConfig

    def __init__(self, config: CrossModalConfig) -> None:
        super().__init__(config)
        self.motion_inlet = Inlet(config.motion + config.flags, config.encoder.dim, config.inlet)
        self.music_inlet = Inlet(config.music, config.encoder.dim, config.inlet)
        self.motion_encoder, self.music_encoder = ConvBert(config.encoder), ConvBert(config.encoder)
        self.cross = ConvBert(config.cross)
        self.outlet = nn.Linear(config.cross.dim, config.outputs)
        if config.residual:
            start_at_nothing(self.outlet)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        frames = motion.shape[1]
        moved = self.motion_encoder(self.motion_inlet(motion), attention)
        heard = self.music_encoder(self.music_inlet(music), attention)
        if not self.config.modality:
            mask = None if attention is None else attention.repeat(1, 2)
            return self.outlet(self.cross(torch.cat((moved, heard), dim=1), mask)[:, :frames])
        # Empty frames between the two, so that the convolution does not take the first music for the next motion.
        gap = self.config.cross.kernel // 2
        mask = motion.new_ones(motion.shape[:2]) if attention is None else attention
        mask = torch.cat((mask, mask.new_zeros(len(mask), gap), mask), dim=1)
        clock = torch.arange(frames, device=motion.device)
        kind = torch.zeros_like(clock)
        encoded = self.cross(
            torch.cat((moved, moved.new_zeros(len(moved), gap, moved.shape[-1]), heard), dim=1),
            mask,
            types=torch.cat((kind, kind[:1].expand(gap), kind + 1)),
            times=torch.cat((clock, clock[:1].expand(gap), clock)),
        )
        return self.outlet(encoded[:, :frames])
