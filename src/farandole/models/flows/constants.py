"""What a flow computes from its weights alone, worked out once: for sampling, where the weights do not change."""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from farandole.models.flows.bijection import Bijection, per_sample
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear

M = TypeVar("M", bound=nn.Module)


class ConstantMixing(Bijection):
    """The inverse of a layer that mixes channels, its matrix found once in float64; `forward` does not exist."""

    def __init__(self, mixing: InvertibleLinear | FactoredLinear) -> None:
        super().__init__()
        self.matrix = mixing.inverse_matrix().detach().mT.contiguous()
        self.log_det = torch.linalg.slogdet(self.matrix)[1]

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """y [B, T, C] -> x [B, T, C], log |det dx/dy| [B]."""
        with torch.autocast(y.device.type, enabled=False):
            return y @ self.matrix, per_sample(self.log_det, y)


@torch.no_grad()
def with_constants(model: M) -> M:
    """Replace mixing matrices by their inverses and weight norms by the weights, in place; returns the model.

    It samples the same numbers up to rounding, and has no likelihood any more.
    """
    for part in list(model.modules()):
        if parametrize.is_parametrized(part):
            _fix(part)
        for name, child in list(part.named_children()):
            if isinstance(child, InvertibleLinear | FactoredLinear):
                setattr(part, name, ConstantMixing(child))
    return model


def _fix(part: nn.Module) -> None:
    """Turn parametrised tensors of a module into plain ones. torch's own removal would also break the copies of the module."""
    names = cast("nn.ModuleDict", part.parametrizations)
    values = {name: getattr(part, name).detach() for name in names}
    part.__class__ = parametrize.type_before_parametrizations(part)
    del part.parametrizations
    for name, value in values.items():
        part.register_parameter(name, nn.Parameter(value))
