"""Dropout (Srivastava et al., 2014) on the CPU with masks from 16 random bits a number.

PyTorch draws a Bernoulli number for every entry, which takes about as long as the matrix product before it. Here one 64-bit number
decides four entries: the chance to drop is a multiple of 2^-16, and the scale is that of the chance taken, so means stay exact.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

_LEVELS = 1 << 16


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """x [...] with each entry zero with chance `p`, the others scaled so that the mean stays."""
    if not training or p == 0:
        return x
    if x.device.type != "cpu" or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export():
        return F.dropout(x, p)
    return _Dropout.apply(x, p)  # pyright: ignore[reportReturnType]


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, p: float) -> Tensor:
    """Scaled dot-product attention with dropout of its weights: q [B, H, Q, C], k and v [B, H, T, C] -> [B, H, Q, C].

    `bias` is added to the scores, broadcastable to [B, H, Q, T], or None. PyTorch's own, where there is nothing to drop.
    """
    if p == 0 or q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=p)
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT
    weights = torch.softmax(scores if bias is None else scores + bias, dim=-1)
    return dropout(weights, p) @ v


class Dropout(nn.Dropout):
    """`nn.Dropout` through `dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """[...] -> [...]."""
        return dropout(input, self.p, self.training)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        dropped = min(round(p * _LEVELS), _LEVELS)
        ctx.scale = _LEVELS / (_LEVELS - dropped) if dropped < _LEVELS else 0.0
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        kept = (words.view(torch.int16)[: x.numel()] >= dropped - _LEVELS // 2).view(x.shape)
        ctx.save_for_backward(kept)
        return torch.ops.aten.native_dropout_backward(x, kept, ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (kept,) = ctx.saved_tensors
        return torch.ops.aten.native_dropout_backward(grad, kept, ctx.scale), None
