"""Features to the width of an encoder."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Inlet(nn.Module):
    """Features [B, T, D] to the width of an encoder: a linear map, or zero padding."""

    def __init__(self, features: int, dim: int, kind: str) -> None:
        super().__init__()
        self.missing = dim - features
        self.project = nn.Linear(features, dim) if kind == "linear" else None

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, self.missing)) if self.project is None else self.project(x)
