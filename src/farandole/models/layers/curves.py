"""Hidden frames filled by Hermite cubics, in torch: what `motion.interpolation.hermite_between` does, for batches of windows.

Turns of a joint are curves of rotation vectors in the axes of the visible frame before the gap; their end slopes are the angular
velocities there, carried over by the inverse right Jacobian of SO(3) (Chirikjian, 2012, section 10.8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from farandole.models.layers.filling import axis_angle, hold, turn

_SMALL = 1e-7


@dataclass(frozen=True)
class Surrounding:
    """Four visible frames around every hidden one, and whether they are there; each [B, T, G].

    Attributes:
        second_before, before, after, second_after: Their numbers; where one is missing, that of the nearest.
        inside: Whether a visible frame lies on either side.
        more_before, more_after: Whether a second one does.
    """

    second_before: Tensor
    before: Tensor
    after: Tensor
    second_after: Tensor
    inside: Tensor
    more_before: Tensor
    more_after: Tensor

    @classmethod
    def of(cls, visible: Tensor) -> Surrounding:
        """From flags [B, T, G] bool."""
        frames = visible.shape[1]
        t = torch.arange(frames, device=visible.device)[None, :, None].expand_as(visible)
        # The k-th visible frame is the k-th of the sorted ones: a running maximum, by operations that ONNX has too.
        places = torch.where(visible, t, frames).sort(dim=1).values
        seen = visible.long().cumsum(dim=1)
        ahead, count = seen - visible.long(), seen[:, -1:]
        ranks = (seen - 2, seen - 1, ahead, ahead + 1)
        at = [places.gather(1, r.clamp(min=0).clamp(max=frames - 1)).clamp(max=frames - 1) for r in ranks]
        there = [(r >= 0) & (r < count) for r in ranks]
        return cls(at[0], at[1], at[2], at[3], there[1] & there[2] & ~visible, there[0], there[3])


def hermite(features: Tensor, hidden: Tensor, reach: float = math.inf) -> Tensor:
    """Rotations and the root between visible frames by curves that keep the speed there; held beyond the outermost ones.

    Args:
        features: Rotation matrices row by row and the root's position, [B, T, 9 J + 3] (see the codec `rotmat`).
        hidden: True or 1 for what is not to be read, [B, T, 1], or [B, T, J + 1] by joint, the root's position last.
        reach: Frames within which the speed at a visible frame gives way to the line to the next one.

    Returns:
        [B, T, 9 J + 3]; visible values unchanged.
    """
    straight = hold(features, hidden)
    turns, root = straight[..., :-3].unflatten(-1, (-1, 3, 3)), straight[..., -3:]
    joints = turns.shape[2]
    around = Surrounding.of(~hidden.bool())
    frames = (around.second_before, around.before, around.after, around.second_after)
    index = [i.expand(-1, -1, joints + 1) for i in frames]
    pose = lambda i: turns.gather(1, i[..., :-1, None, None].expand(-1, -1, -1, 3, 3))  # noqa: E731
    # Of a visible frame the second one from it on is the next: its turn to that, made once, is all that is asked for.
    onward = _rotation_vector(turns.mT @ pose(index[3]))
    steps = [onward.gather(1, i[..., :-1, None].expand(-1, -1, -1, 3)) for i in index[:3]]
    curves = pose(index[1]) @ _rotation(_curve(_group(around, slice(None, -1)), *steps, reach=reach, turning=True))
    points = [root.gather(1, i[..., -1:].expand(-1, -1, 3)).unsqueeze(2) for i in index]
    steps = [b - a for a, b in pairwise(points)]
    path = points[1] + _curve(_group(around, slice(-1, None)), *steps, reach=reach, turning=False)
    inside = around.inside.expand(-1, -1, joints + 1)
    turns = torch.where(inside[..., :-1, None, None], curves, turns)
    return torch.cat((turns.flatten(-3), torch.where(inside[..., -1:], path.squeeze(2), root)), dim=-1)


def _group(around: Surrounding, part: slice) -> Surrounding:
    """The frames around some groups; those around all where there is one pattern for all."""
    if around.before.shape[-1] == 1:
        return around
    return Surrounding(*(getattr(around, name)[..., part] for name in Surrounding.__dataclass_fields__))


def _curve(around: Surrounding, past: Tensor, step: Tensor, future: Tensor, *, reach: float, turning: bool) -> Tensor:
    """The way from the visible frame before a gap, [B, T, G, 3]: a line, and at each end a cubic that fades within `reach`.

    Args:
        around: Where the visible frames lie.
        past, step, future: Ways from each of the four visible frames to the next, [B, T, G, 3].
        reach: Frames.
        turning: Whether ways are rotation vectors.
    """
    length = lambda a, b: (b - a).clamp(min=1).unsqueeze(-1).to(step.dtype)  # noqa: E731
    span = length(around.before, around.after)
    slope = step / span
    since = (
        (torch.arange(step.shape[1], device=step.device)[None, :, None] - around.before).unsqueeze(-1).to(step.dtype)
    )
    lengths = length(around.second_before, around.before), length(around.after, around.second_after)
    leave = _speed(past / lengths[0], slope, lengths[0], span, around.more_before)
    arrive = _speed(future / lengths[1], slope, lengths[1], span, around.more_after)
    if turning:
        arrive = _inverse_right_jacobian(step, arrive)
    fade = span.clamp(max=reach)
    pulse = lambda u: fade * u * (1 - u).relu() ** 2  # noqa: E731
    return since * slope + pulse(since / fade) * (leave - slope) - pulse((span - since) / fade) * (arrive - slope)


def _speed(outer: Tensor, inner: Tensor, length: Tensor, span: Tensor, more: Tensor) -> Tensor:
    """Speed at a visible frame: its own where the next frame beyond is visible, too, else that of a parabola, held back."""
    more = more.unsqueeze(-1)
    parabola = (span * outer + length * inner) / (span + length)
    size = lambda v: v.norm(dim=-1, keepdim=True)  # noqa: E731
    most = 3.0 * torch.minimum(size(outer), size(inner))
    parabola = parabola * (most / size(parabola).clamp(min=_SMALL)).clamp(max=1.0)
    return torch.where(more, torch.where(length == 1, outer, parabola), inner)


def _inverse_right_jacobian(v: Tensor, w: Tensor) -> Tensor:
    """See `motion.interpolation.inverse_right_jacobian`."""
    angle = v.norm(dim=-1, keepdim=True)
    small = angle < 1e-2
    safe = torch.where(small, 1.0, angle.clamp(max=math.pi - 1e-3))
    scale = torch.where(small, 1.0 / 12.0, 1.0 / safe**2 - (1.0 + safe.cos()) / (2.0 * safe * safe.sin()))
    across = torch.linalg.cross(v, w)
    return w + 0.5 * across + scale * torch.linalg.cross(v, across)


def _rotation_vector(turns: Tensor) -> Tensor:
    axis, angle = axis_angle(turns)
    return axis * angle.unsqueeze(-1)


def _rotation(vector: Tensor) -> Tensor:
    angle = vector.norm(dim=-1)
    return turn(vector / angle.unsqueeze(-1).clamp(min=_SMALL), angle)
