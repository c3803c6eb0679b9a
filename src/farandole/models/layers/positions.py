"""Positions in a transformer: tables, additive biases, rotations; attention masks."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Position = Literal["table", "frozen-table", "pairwise", "relative", "rotary"]
"""One way to inject positions; a block may combine several.

table         one trained vector per position, added to the input (Vaswani et al., 2017, section 3.5, learned variant)
frozen-table  the same, never trained: as released by transflower-lightning, where it stays zero and does nothing
pairwise      one trained number per (query, key) pair, added to the scores of all heads and layers
relative      one trained number per head and distance, shared by all layers (Raffel et al., 2020, section 2.1)
rotary        queries and keys turned by an angle proportional to their time (Su et al., 2021, eq. 34)
"""
POSITIONS: tuple[Position, ...] = ("table", "frozen-table", "pairwise", "relative", "rotary")


class RelativeBias(nn.Module):
    """Score bias by signed distance in frames, one row per head; distances beyond `reach` share the last entry."""

    def __init__(self, heads: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.weight = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Times of the queries [Q] and keys [K] in frames (integers) -> bias [heads, Q, K]."""
        distance = (keys[None, :] - queries[:, None]).clamp(-self.reach, self.reach) + self.reach
        return self.weight[:, distance]


def rotate_by_time(x: Tensor, times: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn feature pairs (i, i + d/2) by time / base^(2i/d): scores then depend on time differences only.

    Args:
        x: Queries or keys, [B, H, T, d] with even d.
        times: Frame numbers, [T].
        base: Longest wavelength is about 2 pi base frames.
    References:
        RoFormer (Su et al., 2021), eq. 34. https://arxiv.org/abs/2104.09864
    """
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angles = times.to(torch.float32)[:, None] * rates  # [T, d/2]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def prefix_causal_mask(length: int, prefix: int = 0, device: torch.device | None = None) -> Tensor:
    """Causal mask with a prefix: every query attends to the first `prefix` keys and to no later key than itself; bool [T, T]."""
    at = torch.arange(length, device=device)
    return (at[None, :] <= at[:, None]) | (at[None, :] < prefix)
