"""Dropout (Srivastava et al., 2014) on the CPU with masks from 16 random bits a number.

PyTorch draws a Bernoulli number for every entry, which takes about as long as the matrix product before it. Here one 64-bit number
decides four entries: the chance to drop is a multiple of 2^-16, and the scale is that of the chance taken, so means stay exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.kernels.once import once

_LEVELS = 1 << 16
_FEW = 1 << 13  # words for which a generator of their own costs more than it saves


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """x [...] with each entry zero with chance `p`, the others scaled so that the mean stays."""
    if not training or p == 0:
        return x
    if x.device.type != "cpu" or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export():
        return F.dropout(x, p)
    return _Dropout.apply(x, p)


def dropout_plus(x: Tensor, other: Tensor, p: float) -> Tensor:
    """dropout(x) + other, both [...]."""
    if p == 0 or x.device.type != "cpu" or torch.compiler.is_compiling() or x.dtype != other.dtype:
        return dropout(x, p) + other
    return _DropoutPlus.apply(x, other, p)


def relu_dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """dropout(relu(x)), x [...]: only the result is kept for the way back, for where it is positive the gradient passes."""
    if not training or p == 0 or x.device.type != "cpu" or torch.compiler.is_compiling():
        return dropout(F.relu(x), p, training)
    return _ReluDropout.apply(x, p)


def draw(shape: Sequence[int], p: float) -> Tensor:
    """Which entries stay: 1, or with chance `p` (to 2^-16) 0; uint8 of `shape`, which multiplies faster than bool."""
    count = math.prod(shape)
    words = _random_words((count + 3) // 4)
    return (words.view(torch.int16)[:count] >= _dropped(p) - _LEVELS // 2).view(torch.uint8).view(*shape)


def _random_words(count: int) -> Tensor:
    """int64 [count], any of the 2^64 values: torch's generator seeds SFC64, which is twice as fast."""
    if count < _FEW:
        return torch.empty(count, dtype=torch.int64).random_(-(2**63), None)
    seed = int(torch.randint(2**62, ()))
    words = np.random.Generator(np.random.SFC64(seed)).integers(-(2**63), 2**63 - 1, count, np.int64, endpoint=True)
    return torch.from_numpy(words)


def drop(x: Tensor, kept: Tensor, p: float, plus: Tensor | None = None) -> Tensor:
    """x [...] where `kept` [...] is 1, else 0, over the chance to stay; also the gradient of that. `plus` [...] is added."""
    factor = kept.to(x.dtype)  # two passes, and no room but the result's
    return torch.addcmul(x.new_zeros(()) if plus is None else plus, x, factor, value=_scale(p), out=factor)


def _dropped(p: float) -> int:
    return min(round(p * _LEVELS), _LEVELS)


def _scale(p: float) -> float:
    stay = _LEVELS - _dropped(p)
    return _LEVELS / stay if stay else 0.0


class Dropout(nn.Dropout):
    """`nn.Dropout` through `dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """[...] -> [...]."""
        return dropout(input, self.p, self.training)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        kept = draw(x.shape, p)
        ctx.save_for_backward(kept)
        ctx.p = p
        return drop(x, kept, p)

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (grad,) = grads
        return drop(grad, ctx.saved_tensors[0], ctx.p), None


class _DropoutPlus(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, other: Tensor, p: float) -> Tensor:
        kept = draw(x.shape, p)
        ctx.save_for_backward(kept)
        ctx.p = p
        return drop(x, kept, p, other)

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad,) = grads
        return drop(grad, ctx.saved_tensors[0], ctx.p), grad, None


class _ReluDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        y = drop(torch.relu(x), draw(x.shape, p), p)
        ctx.save_for_backward(y)
        ctx.p = p
        return y

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (grad,) = grads
        return torch.ops.aten.threshold_backward(grad, ctx.saved_tensors[0], 0).mul_(_scale(ctx.p)), None
