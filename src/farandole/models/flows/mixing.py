"""Layers that mix channels: invertible matrices ("1x1 convolutions") and fixed permutations."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from farandole.models.flows.bijection import Bijection, per_sample


def _random_rotation(channels: int, generator: torch.Generator | None) -> Tensor:
    """A random orthogonal matrix [C, C]: no volume change at the start."""
    return torch.linalg.qr(torch.randn(channels, channels, generator=generator, dtype=torch.float64))[0]


def _full_precision(x: Tensor) -> torch.autocast:
    """Matrices and their inverses stay in the signal's own precision under autocast."""
    return torch.autocast(x.device.type, enabled=False)


class InvertibleLinear(Bijection):
    """y_t = W x_t with a free matrix W; Glow (Kingma and Dhariwal, 2018), section 3.2. log-det = T log |det W|."""

    def __init__(self, channels: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(_random_rotation(channels, generator).float())

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        with _full_precision(x):
            return x @ self.weight.mT, per_sample(torch.linalg.slogdet(self.weight)[1], x)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        with _full_precision(y):
            x = torch.linalg.solve(self.weight, y.flatten(0, 1).mT).mT.reshape(y.shape)
            return x, per_sample(-torch.linalg.slogdet(self.weight)[1], y)

    def inverse_matrix(self) -> Tensor:
        """W^-1 [C, C], found in float64."""
        return torch.linalg.inv(self.weight.double()).to(self.weight.dtype)


class FactoredLinear(Bijection):
    """y_t = P L (U + diag(sign * exp(log_diagonal))) x_t: a matrix by its PLU factors; Glow, eq. 10.

    The permutation P and the signs are fixed; of `lower` and `upper` the strict triangles are used.
    log-det = T sum(log_diagonal), without a determinant.
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(_random_rotation(channels, generator))
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation.float())
        self.register_buffer("sign", diagonal.sign().float())
        self.lower = nn.Parameter(lower.tril(-1).float())
        self.upper = nn.Parameter(upper.triu(1).float())
        self.log_diagonal = nn.Parameter(diagonal.abs().log().float())

    def _factors(self) -> tuple[Tensor, Tensor]:
        """Unit lower and full upper factor, [C, C] each."""
        one = torch.eye(self.lower.shape[0], dtype=self.lower.dtype, device=self.lower.device)
        return self.lower.tril(-1) + one, self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp())

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        with _full_precision(x):
            lower, upper = self._factors()
            return x @ (self.permutation @ lower @ upper).mT, per_sample(self.log_diagonal.sum(), x)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        with _full_precision(y):
            lower, upper = self._factors()
            x = (y.flatten(0, 1) @ self.permutation).mT  # P^T y, as columns
            x = torch.linalg.solve_triangular(lower, x, upper=False, unitriangular=True)
            x = torch.linalg.solve_triangular(upper, x, upper=True)
            return x.mT.reshape(y.shape), per_sample(-self.log_diagonal.sum(), y)

    def inverse_matrix(self) -> Tensor:
        """W^-1 [C, C], found in float64."""
        lower, upper = self._factors()
        weight = self.permutation.double() @ lower.double() @ upper.double()
        return torch.linalg.inv(weight).to(self.lower.dtype)


class Permutation(Bijection):
    """y_c = x_{order[c]}: a fixed reordering of channels. log-det = 0."""

    order: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        self.register_buffer("order", order)

    @classmethod
    def reverse(cls, channels: int) -> Permutation:
        """Last channel first."""
        return cls(torch.arange(channels - 1, -1, -1))

    @classmethod
    def shuffle(cls, channels: int, generator: torch.Generator | None = None) -> Permutation:
        """A random order, drawn once."""
        return cls(torch.randperm(channels, generator=generator))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return x[..., self.order], x.new_zeros(x.shape[0])

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return y[..., self.order.argsort()], y.new_zeros(y.shape[0])
