"""Linear maps whose weights are laid out once for the kernel that will read them: for generation, not for training."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from farandole.models.layers.linear import FastLinear, linear, onednn_is_faster

M = TypeVar("M", bound=nn.Module)


class PackedLinear(FastLinear):
    """`nn.Linear` with a second copy of its weight in oneDNN's own order.

    With few rows per call a linear map takes as long as reading its weight; in that order it is read at twice the speed.
    The copy does not follow the weight: change the weight, pack again. No gradients.
    """

    packed: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """[..., in_features] -> [..., out_features]."""
        if input.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return linear(input, self.weight, self.bias)
        return torch.ops.mkldnn._linear_pointwise(input, self.packed, self.bias, "none", [], "")


def pack_linear(module: M, rows: int) -> M:
    """Pack every `nn.Linear` inside `module` for inputs of `rows` vectors a call, in place; returns it.

    Other numbers of rows work, if a little slower. Does nothing to weights that are not float32 on the CPU, or where
    `onednn_is_faster` says no. Costs the memory of the weights once more.
    """
    if not onednn_is_faster():
        return module
    for part in module.modules():
        if type(part) not in (nn.Linear, FastLinear):
            continue
        weight = part.weight.detach()
        if weight.device.type == "cpu" and weight.dtype == torch.float32:
            part.packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
            part.__class__ = PackedLinear
    return module
