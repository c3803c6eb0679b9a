"""A correction of motion: a turn of every joint in its own axes and a shift of the root, as numbers of the size of one."""

from __future__ import annotations

import torch
from torch import Tensor

from farandole.models.body import matrices_from_6d
from farandole.models.layers.frame_view import heading

CORRECTION = 0.3
"""Scale of corrections to slerp, in 6D units and m: corrections are small, and so should be the first steps of training."""
_UNIT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def corrected(base: Tensor, out: Tensor, ease: Tensor | None = None, *, headed: bool = False) -> Tensor:
    """Features [B, T, 9 J + 3] with a correction.

    Args:
        base: Features to correct.
        out: 6D turns of the joints without those of no turn, then the root's shift, [B, T, 6 J + 3].
        ease: How much it counts, [B, T, 1] or [B, T, J + 1] by joint, the root's position last; None: 1.
        headed: The shift is told in the heading of the base, not in the axes of the window.
    """
    out = out * _scale(out, ease)
    turns = base[..., :-3].unflatten(-1, (-1, 3, 3))
    shift = out[..., -3:]
    if headed:
        shift = (heading(turns[..., 0, :, :]) @ shift.unsqueeze(-1)).squeeze(-1)
    turns = turns @ matrices_from_6d(out[..., :-3].unflatten(-1, (-1, 6)) + out.new_tensor(_UNIT))
    return torch.cat((turns.flatten(-3), base[..., -3:] + shift), dim=-1)


def correction(base: Tensor, motion: Tensor, ease: Tensor | None = None, *, headed: bool = False) -> Tensor:
    """The inverse of `corrected`, [B, T, 6 J + 3]; 0 where a correction does not count."""
    own, wanted = (x[..., :-3].unflatten(-1, (-1, 3, 3)) for x in (base, motion))
    step = own.mT @ wanted
    turns = torch.cat((step[..., 0], step[..., 1]), dim=-1) - step.new_tensor(_UNIT)
    shift = motion[..., -3:] - base[..., -3:]
    if headed:
        shift = (heading(own[..., 0, :, :]).mT @ shift.unsqueeze(-1)).squeeze(-1)
    out = torch.cat((turns.flatten(-2), shift), dim=-1)
    scale = _scale(out, ease)
    return torch.where(scale > 0, out / torch.where(scale > 0, scale, 1.0), 0.0)


def _scale(out: Tensor, ease: Tensor | None) -> Tensor:
    """The scale of every number, [B, T, 1] or [B, T, 6 J + 3]."""
    if ease is None:
        return out.new_full((1, 1, 1), CORRECTION)
    if ease.shape[-1] > 1:
        ease = torch.cat((ease[..., :-1].repeat_interleave(6, dim=-1), ease[..., -1:].expand(-1, -1, 3)), dim=-1)
    return CORRECTION * ease.to(out.dtype)
