"""Linear maps whose weights are laid out once for the kernel that will read them: for generation, not for training."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.kernels.linear import FastLinear, onednn_is_faster

M = TypeVar("M", bound=nn.Module)


class PackedLinear(FastLinear):
    """`nn.Linear` with its weight in oneDNN's own order, and in no other: always float32, no gradients.

    Otherwise the kernel brings the weight into that order at every call, which for few rows costs more than the product.
    """

    packed: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """[..., in_features] -> [..., out_features]."""
        return torch.ops.mkldnn._linear_pointwise(input.float(), self.packed, self.bias, "none", [], "")

    def rows(self, x: Tensor, rows: slice) -> Tensor:
        """Some of the outputs; all are worked out."""
        return self(x)[..., rows]


def relu_of(layer: nn.Linear, x: Tensor) -> Tensor:
    """relu(layer(x)), x [..., I] -> [..., O]; of a packed layer within the product."""
    if isinstance(layer, PackedLinear):
        return torch.ops.mkldnn._linear_pointwise(x.float(), layer.packed, layer.bias, "relu", [], "")
    return F.relu(layer(x))


def sum_of(layer: nn.Linear, x: Tensor, other: Tensor) -> Tensor:
    """layer(x) + other, x [..., I] and other [..., O]; of a packed layer within the product."""
    if isinstance(layer, PackedLinear):
        other = other.float().contiguous()
        return torch.ops.mkldnn._linear_pointwise.binary(x.float(), other, layer.packed, layer.bias, "add")
    return layer(x) + other


def pack_linear(module: M, rows: int) -> M:
    """Pack every `nn.Linear` inside `module` for inputs of about `rows` vectors a call, in place; returns it.

    Does nothing to weights that are not float32 on the CPU, or where `onednn_is_faster` says no.
    """
    if not onednn_is_faster():
        return module
    for part in module.modules():
        if not isinstance(part, nn.Linear) or type(part) not in (nn.Linear, FastLinear):
            continue
        weight = part.weight.detach()
        if weight.device.type == "cpu" and weight.dtype == torch.float32:
            part.__class__ = PackedLinear
            packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
            part.register_buffer("packed", packed, persistent=False)
            part.register_parameter("weight", None)
    return module
