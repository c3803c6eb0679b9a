"""Gated residual convolutions over time, after the coupling network of Flow++ (Ho et al., 2019, section 3.3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import require
from farandole.models.layers.containers import ModuleList
from farandole.models.layers.transformer_block import SelfAttention


def _concat_elu(x: Tensor) -> Tensor:
    """[B, C, T] -> [B, 2C, T]: ELU of x and of -x, so that no unit is ever silent."""
    return F.elu(torch.cat((x, -x), dim=1))


def sinusoidal_positions(length: int, dim: int, device: torch.device | None = None) -> Tensor:
    """Sines and cosines of the frame number, wavelengths from 2 pi to 20000 pi frames, [T, D]; D even."""
    rates = torch.exp(-math.log(10_000.0) * torch.arange(0, dim, 2, device=device) / dim)
    angles = torch.arange(length, device=device)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), dim=-1)


class GatedBlock(nn.Module):
    """Gated convolution, add, norm; optionally gated self-attention, add, norm."""

    HEADS = 4

    def __init__(self, dim: int, attention: bool, dropout: float) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.widen = norm(nn.Conv1d(2 * dim, dim, 3, padding=1))
        self.gate = norm(nn.Conv1d(2 * dim, 2 * dim, 1))
        self.dropout = nn.Dropout1d(dropout)
        self.norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, self.HEADS) if attention else None
        if attention:
            self.attention_gate = nn.Linear(dim, 2 * dim)
            self.attention_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, D] -> [B, T, D]."""
        h = self.gate(self.dropout(_concat_elu(self.widen(_concat_elu(x.mT))))).mT
        x = self.norm(x + F.glu(h, dim=-1))
        if self.attention is not None:
            at = torch.arange(x.shape[1], device=x.device)
            h = x + sinusoidal_positions(*x.shape[1:], device=x.device).to(x.dtype)
            h = F.glu(self.attention_gate(self.attention(h, h, at, at, None)), dim=-1)
            x = self.attention_norm(x + h)
        return x


class GatedConvolutions(nn.Module):
    """Convolution in, `blocks` gated blocks, convolution out.

    The original convolves an image of width one with 3x3 kernels, of which only the middle column ever meets data;
    here that column alone exists.
    """

    def __init__(
        self, input_dim: int, dim: int, output_dim: int, *, blocks: int, attention: bool, dropout: float
    ) -> None:
        super().__init__()
        require(
            "gated convolutions",
            [(not attention or dim % 4 == 0, f"attention needs a width divisible by 4, got {dim}")],
        )
        norm = nn.utils.parametrizations.weight_norm
        self.inlet = norm(nn.Conv1d(input_dim, dim, 3, padding=1))
        self.blocks = ModuleList(GatedBlock(dim, attention, dropout) for _ in range(blocks))
        self.outlet = norm(nn.Conv1d(dim, output_dim, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, input_dim] -> [B, T, output_dim]."""
        x = self.inlet(x.mT).mT
        for block in self.blocks:
            x = block(x)
        return self.outlet(x.mT).mT
