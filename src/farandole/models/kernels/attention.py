"""Scaled dot-product attention with dropout, a few windows at a time.

A training step that holds the weights of all heads of a whole batch, [B, H, Q, T], spends most of its time on fetching fresh memory
for them. Here they exist for as many windows as fit the processor's cache; for the way back they are worked out again from queries
and keys (as in T. Dao et al., FlashAttention, NeurIPS 2022, section 3.1), which is one product of matrices more, beside six.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from farandole.models.kernels.dropout import draw, drop
from farandole.models.kernels.once import once

_AT_ONCE = 1 << 20
"""Attention weights held at a time: 4 MB."""


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, p: float) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) v (Vaswani et al., 2017, equation 1) with dropout of the weights.

    PyTorch's own where there is nothing to drop, elsewhere than on the CPU, and under torch.compile and ONNX export.

    Args:
        q: Queries [B, H, Q, C].
        k, v: Keys and values [B, H, T, C].
        bias: Added to the scores, broadcastable to [B, H, Q, T], or None.
        p: Chance of a weight to be dropped, 0..1.
    Returns:
        [B, H, Q, C].
    """
    if not _by_portions(q, p):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=_as(bias, q), dropout_p=p)
    return _Attention.apply(q, k, v, _four(bias), p)


def self_attention(qkv: Tensor, heads: int, bias: Tensor | None, p: float) -> Tensor:
    """`attention` of queries, keys and values side by side, each for all heads: [B, T, 3 * H * C] -> [B, T, H * C]."""
    if _by_portions(qkv, p):
        return _SelfAttention.apply(qkv, heads, _four(bias), p)
    y = F.scaled_dot_product_attention(*_split(qkv, heads), attn_mask=_as(bias, qkv), dropout_p=p)
    return y.transpose(1, 2).flatten(-2)


def _by_portions(x: Tensor, p: float) -> bool:
    elsewhere = x.device.type != "cpu" or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
    return p > 0 and not elsewhere


def _as(bias: Tensor | None, x: Tensor) -> Tensor | None:
    return bias if bias is None else bias.to(x.dtype)


def _four(bias: Tensor | None) -> Tensor | None:
    return bias if bias is None else bias[(None,) * (4 - bias.dim())]


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, p: float) -> Tensor:
        y, kept = _forward(q, k, v, bias, p)
        ctx.save_for_backward(q, k, v, bias, kept)
        ctx.p = p
        return y

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        q, k, v, bias, kept = ctx.saved_tensors
        to = _like(q, q), _like(k, k), _like(v, v)
        to_bias = torch.zeros_like(bias) if ctx.needs_input_grad[3] else None
        _backward(grad, (q, k, v), bias, kept, ctx.p, to, to_bias)
        return *to, to_bias, None


class _SelfAttention(torch.autograd.Function):
    """With the gradients side by side as their values are, so that nothing has to be put together."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: int, bias: Tensor | None, p: float) -> Tensor:
        y, kept = _forward(*_split(qkv, heads), bias, p)
        ctx.save_for_backward(qkv, bias, kept)
        ctx.p, ctx.heads = p, heads
        return y.transpose(1, 2).flatten(-2)

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        qkv, bias, kept = ctx.saved_tensors
        to = torch.empty_like(qkv)
        to_bias = torch.zeros_like(bias) if ctx.needs_input_grad[2] else None
        grad = grad.unflatten(-1, (ctx.heads, -1)).transpose(1, 2)
        _backward(grad, _split(qkv, ctx.heads), bias, kept, ctx.p, _split(to, ctx.heads), to_bias)
        return to, None, to_bias, None


Three = tuple[Tensor, Tensor, Tensor]


def _forward(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, p: float) -> tuple[Tensor, Tensor]:
    """The result [B, H, Q, C] and which weights were kept, [B, H, Q, T]."""
    batch, heads, queries, _ = q.shape
    kept = torch.empty(batch, heads, queries, k.shape[2], dtype=torch.uint8)
    y = _like(q, v)
    for some in _portions(kept):
        weights = _weights(q[some], k[some], _of(bias, some))
        kept[some] = draw(weights.shape, p)
        y[some] = drop(weights, kept[some], p).to(v.dtype) @ v[some]
    return y, kept


def _backward(
    grad: Tensor, qkv: Three, bias: Tensor | None, kept: Tensor, p: float, to: Three, to_bias: Tensor | None
) -> None:
    """Write the gradients of queries, keys and values into `to`, and add that of the bias to `to_bias`."""
    q, k, v = qkv
    to_q, to_k, to_v = to
    for some in _portions(kept):
        weights, pull = _weights(q[some], k[some], _of(bias, some)), grad[some]
        to_v[some] = drop(weights, kept[some], p).to(v.dtype).mT @ pull
        to_weights = drop((pull @ v[some].mT).float(), kept[some], p)
        to_scores = torch._softmax_backward_data(to_weights, weights, -1, weights.dtype)
        if to_bias is not None:
            part = to_bias if len(to_bias) == 1 else to_bias[some]
            part.add_(to_scores.sum_to_size(part.shape))
        to_scores = to_scores.mul_(q.shape[-1] ** -0.5).to(q.dtype)
        to_q[some] = to_scores @ k[some]
        to_k[some] = to_scores.mT @ q[some]


def _split(qkv: Tensor, heads: int) -> Three:
    """Views [B, H, T, C] of [B, T, 3 * H * C]."""
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    return q, k, v


def _weights(q: Tensor, k: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(C) + bias) [b, H, Q, T], always float32."""
    scores = (q @ k.mT).float().mul_(q.shape[-1] ** -0.5)
    return torch.softmax(scores if bias is None else scores.add_(bias), dim=-1)


def _portions(kept: Tensor) -> Iterator[slice]:
    """Slices of a batch, each with at most about `_AT_ONCE` weights."""
    size = max(1, _AT_ONCE // max(1, kept[0].numel())) if len(kept) else 1
    return (slice(at, at + size) for at in range(0, len(kept), size))


def _of(bias: Tensor | None, some: slice) -> Tensor | None:
    """The part of a bias [1 or B, ...] for some of the windows."""
    return bias if bias is None or len(bias) == 1 else bias[some]


def _like(rows: Tensor, values: Tensor) -> Tensor:
    """Room for [B, H, T, C], laid out so that heads side by side, [B, T, H * C], are a view of it."""
    batch, heads, length, _ = rows.shape
    return values.new_empty(batch, length, heads, values.shape[-1]).transpose(1, 2)
