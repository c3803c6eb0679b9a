"""Linear maps on the CPU by oneDNN where PyTorch's own choice, MKL, is slow.

MKL picks its AVX2 kernels on processors of other makers even where they have AVX-512; oneDNN asks the processor what it
can do. On a Zen 5 core the products of a training step run at twice the rate (docs/performance.md), in the same
precision. Nothing but the kernel changes: parameters, names and state dict stay those of `nn.Linear`.
"""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.kernels.once import once

M = TypeVar("M", bound=nn.Module)
SMALLEST_WORK = 1 << 21
"""Multiplications below which the call itself costs more than the better kernel saves."""
_TURNED = 1 << 20  # numbers turned at a time: 4 MB


@lru_cache(maxsize=1)
def onednn_is_faster() -> bool:
    """Whether this machine is one where MKL holds back: AVX-512, not made by Intel, PyTorch built with both.

    Asked of the machine's name and not of a clock, so that two runs on one machine use the same kernels.
    """
    has_both = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    if not has_both or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return "AVX512" in torch.backends.cpu.get_cpu_capability() and "intel" not in _maker().lower()


def _maker() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("vendor_id"))
    except (OSError, StopIteration):
        return os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor() or "intel"  # unknown: leave things alone


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear` (x [..., I], weight [O, I], bias [O] -> [..., O]) by the faster kernel where there is one."""
    if not _applies(x, weight):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return _Linear.apply(x, weight, bias)
    return _product(x, weight, bias)


def _applies(x: Tensor, weight: Tensor) -> bool:
    # torch.compile and ONNX export see the plain operation, and must not be asked about sizes.
    if torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export() or torch.jit.is_tracing():
        return False
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.numel() * weight.shape[0] >= SMALLEST_WORK
        and onednn_is_faster()
        and not torch.is_autocast_enabled("cpu")
    )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    # For a slice of columns oneDNN has only a reference kernel, a thousand times slower.
    if not (weight.is_contiguous() or weight.t().is_contiguous()):
        weight = weight.contiguous()
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def _of_weight(grad: Tensor, x: Tensor) -> Tensor:
    """grad^T x: [N, O], [N, I] -> [O, I]. The kernel wants one of them turned; that is done to the narrower, while in the cache."""
    left, right = (x, grad) if x.shape[1] < grad.shape[1] else (grad, x)
    parts = max(1, left.numel() // _TURNED)
    total = None
    for a, b in zip(left.tensor_split(parts), right.tensor_split(parts), strict=True):
        product = _product(a.t().contiguous(), b.t(), None)
        total = product if total is None else total.add_(product)
    assert total is not None
    return total if left is grad else total.t()


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        rows = grad.reshape(-1, grad.shape[-1])
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        return (
            _product(grad, weight.t(), None) if wants_x else None,
            _of_weight(rows, x.reshape(-1, x.shape[-1])) if wants_weight else None,
            rows.sum(dim=0) if wants_bias else None,
        )


class FastLinear(nn.Linear):
    """`nn.Linear` through `linear`; gradients of first order only."""

    def forward(self, input: Tensor) -> Tensor:
        """[..., in_features] -> [..., out_features]."""
        return linear(input, self.weight, self.bias)

    def rows(self, x: Tensor, rows: slice) -> Tensor:
        """Some of the outputs alone."""
        return linear(x, self.weight[rows], None if self.bias is None else self.bias[rows])


def rows_of(layer: nn.Linear, x: Tensor, rows: slice) -> Tensor:
    """Some of a layer's outputs: x [..., I] -> [..., rows], by the kernel that the layer itself would take."""
    if isinstance(layer, FastLinear):
        return layer.rows(x, rows)
    return F.linear(x, layer.weight[rows], None if layer.bias is None else layer.bias[rows])


def use_fast_linear(module: M) -> M:
    """Give every plain `nn.Linear` inside `module` (own or from a library) the faster kernel, in place; returns it.

    Does nothing where `onednn_is_faster` says no. Second derivatives are then not available.
    """
    if onednn_is_faster():
        for part in module.modules():
            if type(part) is nn.Linear:
                part.__class__ = FastLinear
    return module
