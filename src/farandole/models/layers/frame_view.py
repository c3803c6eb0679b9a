"""What a masked model sees of every frame: the body from its own place and heading, and how far visible frames are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.layers.filling import neighbours

FAR = 60.0
"""Distance to a visible frame at which the measure of distance is 1, frames; that of a side without one."""
SOFTENING = 2.0
"""Distance from the nearest visible frame at which a correction counts half, frames."""
RATE = 30.0
"""Factor on changes per frame, so that they are of the size of places in m."""
LEAST = 0.05
"""Least deviation by which a column is divided: columns that hardly change must not be blown up when they do."""


class FrameView(nn.Module):
    """Windows of the codec `rotmat` without absolute place and heading, frame by frame.

    Of each frame, all in its heading: rotations of all joints (6D), their places from the root, its height, their velocities, their
    ways from the visible frame before to the one after and how far they are off the straight line between, the turn of the
    heading, distances to these frames. A foot that stands is on that line, in any baseline only if the root is right.

    Args:
        joints: J.

    Attributes:
        bones: Offset of every joint from its parent, [J, 3] m.
        parents: [J]; the root's is -1.
        mean, std: Scale of the columns, [columns].
    """

    bones: Tensor
    parents: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, joints: int) -> None:
        super().__init__()
        self.register_buffer("bones", torch.zeros(joints, 3))
        self.register_buffer("parents", torch.full((joints,), -1))
        self.tree: tuple[int, ...] = (-1,) * joints
        """`parents` as numbers, so that no value of a tensor decides what is computed: an export could not follow that."""
        self.register_buffer("mean", torch.zeros(self.columns(joints)))
        self.register_buffer("std", torch.ones(self.columns(joints)))

    @staticmethod
    def columns(joints: int) -> int:
        """Columns for so many joints."""
        return 18 * joints + 1 + 1 + 4

    @torch.no_grad()
    def fit(self, bones: Tensor, parents: Tensor, motion: Tensor) -> None:
        """Take a body and the scale of windows [B, T, 9 J + 3] with every other frame visible."""
        self.bones.copy_(bones)
        self.parents.copy_(parents)
        self.tree = tuple(int(parent) for parent in parents.tolist())
        visible = torch.arange(motion.shape[1], device=motion.device) % 2 == 0
        seen = self._raw(motion, visible[None, :, None].expand(len(motion), -1, 1)).flatten(0, 1)
        self.mean.copy_(seen.mean(dim=0))
        self.std.copy_(seen.std(dim=0).clamp_min(LEAST))
        self.mean[-4:], self.std[-4:] = 0.0, 1.0

    def forward(self, motion: Tensor, visible: Tensor) -> Tensor:
        """Filled windows [B, T, 9 J + 3] and visible frames [B, T, G] bool -> [B, T, columns], scaled."""
        return (self._raw(motion, visible) - self.mean) / self.std

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any, **named: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)
        if f"{prefix}parents" in state_dict:
            self.tree = tuple(int(parent) for parent in self.parents.tolist())

    def _raw(self, motion: Tensor, visible: Tensor) -> Tensor:
        turns, root = motion[..., :-3].unflatten(-1, (-1, 3, 3)), motion[..., -3:]
        facing = heading(turns[..., 0, :, :])
        upright = facing.mT @ turns[..., 0, :, :]
        local = torch.cat((upright.unsqueeze(-3), turns[..., 1:, :, :]), dim=-3)
        places = self._places(local)
        world = places @ facing.mT + root.unsqueeze(-2)
        before, after = (i.expand(-1, -1, 3 * world.shape[-2]) for i in _around(visible))
        flat = world.flatten(-2)
        begin = flat.gather(1, before)
        across = flat.gather(1, after) - begin
        off = flat - begin - _progress(visible).to(motion.dtype) * across
        step = torch.cat((torch.zeros_like(world[:, :1]), world.diff(dim=1)), dim=1)
        course = facing[:, :-1].mT @ facing[:, 1:]
        turned = torch.atan2(course[..., 0, 2], course[..., 0, 0])
        turned = torch.cat((torch.zeros_like(turned[:, :1]), turned), dim=1).unsqueeze(-1)
        ways = [(w.unflatten(-1, (-1, 3)) @ facing).flatten(-2) for w in (RATE * step.flatten(-2), across, off)]
        columns = local[..., :2].flatten(-3), places.flatten(-2), root[..., 1:2], *ways, RATE * turned
        return torch.cat((*columns, _distances(visible).to(motion.dtype)), dim=-1)

    def _places(self, local: Tensor) -> Tensor:
        """Places of joints relative to the root, [..., J, 3]."""
        turns, places = [local[..., 0, :, :]], [torch.zeros_like(local[..., 0, :, 0])]
        for joint, parent in enumerate(self.tree[1:], 1):
            over = max(parent, 0)
            places.append(places[over] + turns[over] @ self.bones[joint])
            turns.append(turns[over] @ local[..., joint, :, :])
        return torch.stack(places, dim=-2)


def heading(turns: Tensor) -> Tensor:
    """The turn about the vertical in rotation matrices [..., 3, 3] (swing-twist), as matrices."""
    yaw = torch.atan2(turns[..., 0, 2] - turns[..., 2, 0], turns[..., 0, 0] + turns[..., 2, 2])
    sin, cos, zero = yaw.sin(), yaw.cos(), torch.zeros_like(yaw)
    return torch.stack((cos, zero, sin, zero, zero + 1, zero, -sin, zero, cos), dim=-1).unflatten(-1, (3, 3))


def ease(visible: Tensor) -> Tensor:
    """How much a correction counts, [B, T, G]: 0 at visible frames, growing with the distance from them."""
    before, after, _ = neighbours(visible)
    t = torch.arange(visible.shape[1], device=visible.device)[None, :, None]
    near = torch.minimum((t - before).abs(), (after - t).abs())
    return near / (near + SOFTENING)


def _around(visible: Tensor) -> tuple[Tensor, Tensor]:
    """Visible frames before and after every frame, [B, T, 1] each."""
    before, after, _ = neighbours(visible.all(dim=-1, keepdim=True))
    return before.clamp(min=0), after.clamp(min=0)


def _progress(visible: Tensor) -> Tensor:
    """How much of the time from the visible frame before every frame to the one after has passed, [B, T, 1]."""
    before, after = _around(visible)
    t = torch.arange(visible.shape[1], device=visible.device)[None, :, None]
    return ((t - before) / (after - before).clamp(min=1)).clamp(0, 1)


def _distances(visible: Tensor) -> Tensor:
    """Distances to the visible frames before and after, and whether there is none, [B, T, 4]."""
    visible = visible.all(dim=-1, keepdim=True)
    before, after, _ = neighbours(visible)
    t = torch.arange(visible.shape[1], device=visible.device)[None, :, None]
    since, until = t - before, after - t
    open_before, open_after = (since < 0) | (before < 0), (until < 0) | (after < 0)
    far = [torch.where(none, FAR, d).clamp(max=FAR) / FAR for d, none in ((since, open_before), (until, open_after))]
    return torch.cat((*far, open_before.to(far[0].dtype), open_after.to(far[0].dtype)), dim=-1)
