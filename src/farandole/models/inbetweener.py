"""The in-between model: a ConvBERT over frames predicts corrections to an interpolation between key frames.

Beyond earlier masked motion models it has a learned input projection, mask flags and distances to key frames as inputs, rotary
positions (any length), features without absolute place and heading (see `motion.gaps`), and a correction that is zero by
construction at key frames (residual to interpolation: Oreshkin et al., Motion In-Betweening via Deep Delta-Interpolator, 2022).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.abilities import Abilities
from farandole.models.base import ModelConfig
from farandole.models.errors import require
from farandole.models.layers.convbert import ConvBert, ConvBertConfig
from farandole.models.model import Model
from farandole.models.networks import Network
from farandole.models.objectives.gap_objective import GapObjective
from farandole.models.registry import register


@dataclass(frozen=True)
class InbetweenerConfig(ModelConfig):
    """Sizes of an in-between model."""

    joints: int = 21
    """Joints J of the skeleton."""

    layers: int = 6
    """ConvBERT layers."""
    width: int = 192
    """Width of every layer."""
    heads: int = 8
    """Configured heads; half as many attend."""
    inner: int = 512
    """Width of the feed-forward part."""
    kernel: int = 9
    """Frames under the convolution, odd."""
    dropout: float = 0.0
    """Probability, everywhere in the encoder."""

    def __post_init__(self) -> None:
        require(
            "inbetweener",
            [
                (self.joints > 0, f"joints must be positive, got {self.joints}"),
                (0 <= self.dropout < 1, "dropout must be in [0, 1)"),
            ],
        )

    @property
    def dims(self) -> dict[str, int]:
        """Features of `motion.gaps.GapCodec`: per joint 6 of rotation and 3 of place (but the root's), 24 of the gap."""
        return {"motion": 9 * self.joints + 21}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> InbetweenerConfig:
        joints, rest = divmod(dims.get("motion", self.dims["motion"]) - 21, 9)
        require("inbetweener", [(rest == 0, f"needs 9 J + 21 motion features, got {dims.get('motion')}")])
        return replace(self, joints=joints)

    def encoder(self) -> ConvBertConfig:
        """Settings of the encoder; raises ConfigError where they do not fit together."""
        return ConvBertConfig(
            layers=self.layers, dim=self.width, heads=self.heads, inner=self.inner, kernel=self.kernel,
            dropout=self.dropout, attention_dropout=self.dropout, positions="rotary", types=1,
        )  # fmt: skip


@register("inbetweener")
class Inbetweener(Model):
    """Fills missing frames of windows of one skeleton.

    Attributes:
        mean, std: Scale of the features, [D]. A state dict need not hold them: then they stay as they are.
    """

    mean: Tensor
    std: Tensor

    Config = InbetweenerConfig
    Objective = GapObjective

    TURN, WAY = 0.3, 0.3
    """Scale of the corrections: 6D units, m."""

    def __init__(self, config: InbetweenerConfig) -> None:
        super().__init__()
        self.config, self.joints = config, config.joints
        dim, joints = config.dims["motion"], config.joints
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))
        self.inlet = nn.Linear(dim, config.width)
        self.encoder = ConvBert(config.encoder())
        self.outlet = nn.Linear(config.width, 6 * joints + 3)
        # Training starts from the interpolation itself.
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any, **named: Any) -> None:
        for scale in ("mean", "std"):
            state_dict.setdefault(prefix + scale, getattr(self, scale))
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)

    def abilities(self) -> Abilities:
        """See `Model.abilities`; the longest gap is the data's."""
        return Abilities(future=True)

    def completion(self) -> dict[str, Any]:
        """See `Model.completion`; windows and curves are the data's."""
        return {"kind": "curve_correction"}

    def networks(self) -> dict[str, Network]:
        """See `Model.networks`: windows of any number and length."""
        place = self.mean.device
        inputs = {
            "features": torch.randn(2, 40, len(self.mean), device=place),
            "window": torch.rand(2, 40, device=place),
        }
        return {
            "model": Network(self, inputs, ("turns", "shift"), {name: {0: "batch", 1: "frames"} for name in inputs})
        }

    def forward(self, features: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """Predict windows.

        Args:
            features: [B, T, D].
            window: Weight of the correction, [B, T]: 0 at key frames.

        Returns:
            Global rotations in the heading frame, 6D, not orthonormal, [B, T, J, 6]; offsets of the root from the
            interpolated position in the heading frame, [B, T, 3] m.
        """
        x = self.inlet((features - self.mean) / self.std)
        y = self.outlet(self.encoder(x)) * window.unsqueeze(-1)
        turns = features[..., : 6 * self.joints] + self.TURN * y[..., :-3]
        return turns.unflatten(-1, (self.joints, 6)), self.WAY * y[..., -3:]
