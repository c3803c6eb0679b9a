"""Forward kinematics of the dance features in torch, for losses that care where hands and feet are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farandole.motion.dance_codec import DanceCodec


def matrices_from_6d(x: Tensor) -> Tensor:
    """First two columns [..., 6] -> rotation matrices [..., 3, 3] by Gram-Schmidt (Zhou et al., 2019, arXiv:1812.07035)."""
    a = F.normalize(x[..., :3], dim=-1)
    b = F.normalize(x[..., 3:] - (a * x[..., 3:]).sum(-1, keepdim=True) * a, dim=-1)
    return torch.stack((a, b, torch.linalg.cross(a, b)), dim=-1)


class DanceBody(nn.Module):
    """Joint positions of unscaled dance features (see `DanceCodec`)."""

    offsets: Tensor

    def __init__(self, codec: DanceCodec) -> None:
        super().__init__()
        self.fps = codec.fps
        self.joints = list(codec.joints)
        self.rotations = codec.slices["rotations"]
        self.parents = codec.skeleton.parents.tolist()
        self.levels = [level.tolist() for level in codec.skeleton.levels]
        self.register_buffer(
            "offsets", torch.tensor(codec.skeleton.offsets.copy(), dtype=torch.float32), persistent=False
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, T, D] -> positions in each frame's heading frame and in the world (starting at the origin, facing +z).

        Both are [B, T, J, 3] m.
        """
        local = matrices_from_6d(features[..., self.rotations].unflatten(-1, (-1, 6)))
        moving = {joint: n for n, joint in enumerate(self.joints)}
        root = torch.zeros_like(features[..., :3])
        root[..., 1] = features[..., 0]
        positions, turns = {0: root}, {0: local[..., 0, :, :]}
        for level in self.levels:
            for j in level:
                base = turns[self.parents[j]]
                positions[j] = positions[self.parents[j]] + base @ self.offsets[j]
                turns[j] = base @ local[..., moving[j], :, :] if j in moving else base
        here = torch.stack([positions[j] for j in range(len(self.parents))], dim=-2)
        angle = torch.cumsum(features[..., 3], dim=-1) / self.fps
        sin, cos = angle.sin(), angle.cos()
        left, forward = features[..., 1], features[..., 2]
        path = torch.stack((cos * left + sin * forward, torch.zeros_like(sin), cos * forward - sin * left), dim=-1)
        path = torch.cumsum(path, dim=-2) / self.fps
        x, y, z = here.unbind(-1)
        sin, cos = sin.unsqueeze(-1), cos.unsqueeze(-1)
        world = torch.stack((cos * x + sin * z, y, cos * z - sin * x), dim=-1) + path.unsqueeze(-2)
        return here, world
