"""The in-between model: corrections to a straight guess between kept frames, by a ConvBERT over frames.

What masked motion models before it lacked is here from the start: a learnt input projection, flags and distances that say which
frames are kept, rotary positions (any length), no absolute place or heading (see `motion.gaps`), and a correction that is zero by
construction at kept frames (residual to interpolation: Oreshkin et al., Motion In-Betweening via Deep Delta-Interpolator, 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farandole.models.errors import require
from farandole.models.layers.convbert import ConvBert, ConvBertConfig


@dataclass(frozen=True)
class InbetweenerConfig:
    """Sizes of an in-between model."""

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
        require("inbetweener", [(0 <= self.dropout < 1, "dropout must be in [0, 1)")])

    def encoder(self) -> ConvBertConfig:
        """Settings of the encoder; raises ConfigError where they do not fit together."""
        return ConvBertConfig(
            layers=self.layers, dim=self.width, heads=self.heads, inner=self.inner, kernel=self.kernel,
            dropout=self.dropout, attention_dropout=self.dropout, positions="rotary", types=1,
        )  # fmt: skip


class Inbetweener(nn.Module):
    """Fills missing frames of windows of one skeleton.

    Args:
        config: Sizes.
        dim: Features per frame D, see `motion.gaps.GapCodec`.
        joints: Joints J of the skeleton.
    """

    TURN, WAY = 0.3, 0.3
    """Unit of the corrections: 6D numbers, m."""

    def __init__(self, config: InbetweenerConfig, dim: int, joints: int) -> None:
        super().__init__()
        self.config, self.joints = config, joints
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))
        self.inlet = nn.Linear(dim, config.width)
        self.encoder = ConvBert(config.encoder())
        self.outlet = nn.Linear(config.width, 6 * joints + 3)
        # Training starts from the guess itself.
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def forward(self, features: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """Answer for windows.

        Args:
            features: [B, T, D].
            window: How much a correction counts, [B, T]: 0 at kept frames.

        Returns:
            Global rotations in the heading frame, 6D, not orthonormal, [B, T, J, 6]; and the way of the root from the guess's in
            the heading frame, [B, T, 3] m.
        """
        x = self.inlet((features - self.mean) / self.std)
        y = self.outlet(self.encoder(x)) * window.unsqueeze(-1)
        turns = features[..., : 6 * self.joints] + self.TURN * y[..., :-3]
        return turns.unflatten(-1, (self.joints, 6)), self.WAY * y[..., -3:]
