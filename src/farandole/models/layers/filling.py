"""Hidden frames filled without a network, in torch: the baseline that masked models add their correction to."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALL = 1e-7


def fill(features: Tensor, hidden: Tensor) -> Tensor:
    """Rotations slerped and the root interpolated between the nearest visible frames; held beyond the outermost ones.

    Args:
        features: Rotation matrices row by row and the root's position, [B, T, 9 J + 3] (see the codec `rotmat`).
        hidden: True or 1 for what is not to be read, [B, T, 1], or [B, T, J + 1] by joint, the root's position last.

    Returns:
        [B, T, 9 J + 3]; visible values unchanged. A joint that is hidden throughout is not turned, a root that is stays at 0.
    """
    turns, root = features[..., :-3].unflatten(-1, (-1, 9)), features[..., -3:]
    groups = turns.shape[2] + 1
    before, after, share = neighbours(~hidden.bool())
    share = share.to(features.dtype)
    index = [u.expand(-1, -1, groups) for u in (before.clamp(min=0), after.clamp(min=0), share)]
    first, second = (turns.gather(1, i[..., :-1, None].expand(-1, -1, -1, 9)).unflatten(-1, (3, 3)) for i in index[:2])
    between = slerp(first, second, index[2][..., :-1]).flatten(-2)
    lone = (before < 0).expand(-1, -1, groups)
    eye = torch.eye(3, dtype=features.dtype, device=features.device).flatten()
    between = torch.where(lone[..., :-1, None], eye, between)
    start, end = (root.gather(1, i[..., -1:].expand(-1, -1, 3)) for i in index[:2])
    path = torch.where(lone[..., -1:], 0.0, torch.lerp(start, end, index[2][..., -1:]))
    seen = ~hidden.bool().expand(-1, -1, groups)
    turns = torch.where(seen[..., :-1, None], turns, between)
    return torch.cat((turns.flatten(-2), torch.where(seen[..., -1:], root, path)), dim=-1)


def hold(features: Tensor, hidden: Tensor) -> Tensor:
    """What `fill` does beyond the outermost visible frames, for a fraction of its work; between them the frame before stays."""
    groups = (features.shape[-1] - 3) // 9 + 1
    before, _, _ = neighbours(~hidden.bool())
    lone = before < 0
    kept = before.clamp(min=0).expand(-1, -1, groups)
    turns = features[..., :-3].unflatten(-1, (-1, 9)).gather(1, kept[..., :-1, None].expand(-1, -1, -1, 9))
    eye = torch.eye(3, dtype=features.dtype, device=features.device).flatten()
    lone = lone.expand(-1, -1, groups)
    turns = torch.where(lone[..., :-1, None], eye, turns)
    root = torch.where(lone[..., -1:], 0.0, features[..., -3:].gather(1, kept[..., -1:].expand(-1, -1, 3)))
    return torch.cat((turns.flatten(-2), root), dim=-1)


def neighbours(visible: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For every frame the nearest visible ones around it.

    Args:
        visible: [B, T, G] bool.

    Returns:
        Index of the last visible frame up to t and of the first from t on, and how far t is from the one to the other, 0 to 1;
        each [B, T, G]. Beyond the outermost visible frame both are that one; -1 where nothing is visible.
    """
    frames = visible.shape[1]
    t = torch.arange(frames, device=visible.device)[None, :, None].expand_as(visible)
    # The k-th visible frame is the k-th of the sorted ones: a running maximum, by operations that ONNX has too.
    places = torch.where(visible, t, frames).sort(dim=1).values
    seen = visible.long().cumsum(dim=1)
    before = torch.where(seen > 0, places.gather(1, (seen - 1).clamp(min=0)), -1)
    ahead = seen - visible.long()
    after = torch.where(ahead < seen[:, -1:], places.gather(1, ahead.clamp(max=frames - 1)), frames)
    before, after = torch.where(before < 0, after, before), torch.where(after == frames, before, after)
    before, after = (torch.where(u == frames, -1, u) for u in (before, after))
    share = (t - before) / (after - before).clamp(min=1)
    return before, after, torch.where(after > before, share, 0.0)


def slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Rotation matrices on the shortest way from a to b, [..., 3, 3], at `share` [...] of it: a exp(share log(a^T b))."""
    axis, angle = axis_angle(a.mT @ b)
    return a @ turn(axis, share * angle)


def axis_angle(step: Tensor) -> tuple[Tensor, Tensor]:
    """Unit axes [..., 3] and angles [...] in rad, 0 to pi, of rotation matrices [..., 3, 3]."""
    skew = torch.stack(
        (
            step[..., 2, 1] - step[..., 1, 2],
            step[..., 0, 2] - step[..., 2, 0],
            step[..., 1, 0] - step[..., 0, 1],
        ),
        dim=-1,
    )
    sin = 0.5 * skew.norm(dim=-1)
    cos = 0.5 * (step.diagonal(dim1=-2, dim2=-1).sum(-1) - 1)
    angle = torch.atan2(sin, cos)
    # Half a turn has no skew part, but (R + 1) / 2 is the axis times itself: its longest row is along the axis, or against it.
    square = step + torch.eye(3, dtype=step.dtype, device=step.device)
    row = square.norm(dim=-1).argmax(dim=-1)[..., None, None].expand(*square.shape[:-2], 1, 3)
    along = square.gather(-2, row).squeeze(-2)
    along = torch.where((along * skew).sum(-1, keepdim=True) < 0, -along, along)
    half_turn = (sin < 1e-4) & (cos < 0)
    axis = torch.where(half_turn[..., None], along, skew)
    return axis / axis.norm(dim=-1, keepdim=True).clamp(min=_SMALL), angle


def turn(axis: Tensor, angle: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] about unit axes [..., 3] by angles [...] in rad (Rodrigues)."""
    x, y, z = axis.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=-1).unflatten(-1, (3, 3))
    angle = angle[..., None, None]
    eye = torch.eye(3, dtype=axis.dtype, device=axis.device)
    return eye + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)
