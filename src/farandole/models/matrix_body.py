"""Features of the codec `rotmat` in torch: where joints are, and windows without absolute place and heading."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from farandole.motion.skeleton import Skeleton


class MatrixBody(nn.Module):
    """Forward kinematics of local rotation matrices, level by level of the skeleton."""

    offsets: Tensor

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        self.levels = [level.tolist() for level in skeleton.levels]
        self.parents = skeleton.parents.tolist()
        self.register_buffer("offsets", torch.tensor(skeleton.offsets.copy(), dtype=torch.float32), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Features [..., 9 J + 3] -> joint positions [..., J, 3] m."""
        local = features[..., :-3].unflatten(-1, (-1, 3, 3))
        turns: dict[int, Tensor] = {0: local[..., 0, :, :]}
        places: dict[int, Tensor] = {0: features[..., -3:]}
        for joints in self.levels:
            base = torch.stack([turns[self.parents[j]] for j in joints], dim=-3)
            start = torch.stack([places[self.parents[j]] for j in joints], dim=-2)
            turned = (base @ local[..., joints, :, :]).unbind(-3)
            reached = (start + (base @ self.offsets[joints].unsqueeze(-1)).squeeze(-1)).unbind(-2)
            turns |= dict(zip(joints, turned, strict=True))
            places |= dict(zip(joints, reached, strict=True))
        return torch.stack([places[j] for j in range(len(self.parents))], dim=-2)


@dataclass(frozen=True)
class Placement:
    """Original place of windows that were moved to the origin.

    Attributes:
        yaw: Heading in rad about +y, [B].
        origin: Point on the floor, [B, 3] m, its height 0.
    """

    yaw: Tensor
    origin: Tensor


def to_canonical(features: Tensor, reference: Tensor) -> tuple[Tensor, Placement]:
    """Windows [B, T, 9 J + 3] moved and turned so that at frame `reference` [B] the root is above the origin with heading 0.

    The heading is the turn about the vertical in the root's rotation (swing-twist), for any axes of the skeleton's root.
    """
    row = torch.arange(len(features), device=features.device)
    m = features[row, reference, :9].unflatten(-1, (3, 3))
    yaw = torch.atan2(m[..., 0, 2] - m[..., 2, 0], m[..., 0, 0] + m[..., 2, 2])
    origin = features[row, reference, -3:] * features.new_tensor((1.0, 0.0, 1.0))
    moved = torch.cat((features[..., :-3], features[..., -3:] - origin[:, None]), dim=-1)
    return _turned(moved, -yaw), Placement(yaw, origin)


def from_canonical(features: Tensor, placement: Placement) -> Tensor:
    """The inverse of `to_canonical`."""
    turned = _turned(features, placement.yaw)
    return torch.cat((turned[..., :-3], turned[..., -3:] + placement.origin[:, None]), dim=-1)


def _turned(features: Tensor, angle: Tensor) -> Tensor:
    """Root's matrix and path turned about +y by angles [B] in rad."""
    sin, cos = angle.sin(), angle.cos()
    zero, one = torch.zeros_like(sin), torch.ones_like(sin)
    turn = torch.stack((cos, zero, sin, zero, one, zero, -sin, zero, cos), dim=-1).unflatten(-1, (3, 3))[:, None]
    root = (turn @ features[..., :9].unflatten(-1, (3, 3))).flatten(-2)
    path = (turn @ features[..., -3:, None]).squeeze(-1)
    return torch.cat((root, features[..., 9:-3], path), dim=-1)
