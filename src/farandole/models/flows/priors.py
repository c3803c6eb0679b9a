"""Distributions of the latent z [B, T, C]."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class StandardNormal(nn.Module):
    """Every number of z independent, mean 0, variance 1."""

    def log_prob(self, z: Tensor) -> Tensor:
        """z [B, T, C] -> log-density in nats [B]."""
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=(1, 2))

    def sample(self, shape: tuple[int, int, int], generator: torch.Generator | None = None, **place) -> Tensor:
        """Draw z of a shape [B, T, C]; `place` is device and dtype."""
        return _randn(shape, generator, **place)


class StudentT(nn.Module):
    """Multivariate Student distribution over the channels of each frame, location 0, scale matrix 1; frames independent.

    log p = ln G((v+C)/2) - ln G(v/2) - C/2 ln(pi v) - (v+C)/2 ln(1 + |z|^2 / v), v degrees of freedom.
    Robust model training with Student's t flows: Alexanderson and Henter, 2020, eq. 5.
    """

    def __init__(self, degrees: float = 50.0) -> None:
        super().__init__()
        self.degrees = degrees

    def log_prob(self, z: Tensor) -> Tensor:
        """z [B, T, C] -> log-density in nats [B]."""
        v, channels = self.degrees, z.shape[-1]
        constant = math.lgamma((v + channels) / 2) - math.lgamma(v / 2) - channels / 2 * math.log(math.pi * v)
        return (constant - (v + channels) / 2 * torch.log1p(z.square().sum(dim=-1) / v)).sum(dim=1)

    def sample(self, shape: tuple[int, int, int], generator: torch.Generator | None = None, **place) -> Tensor:
        """Draw z of a shape [B, T, C]: a Gaussian over sqrt(chi-square / v), one chi-square per frame.

        The chi-square is a sum of v squared Gaussians (v must be whole to be drawn), so that one generator decides all.
        """
        v = round(self.degrees)
        chi_square = _randn((*shape[:2], v), generator, **place).square().sum(dim=-1, keepdim=True)
        return _randn(shape, generator, **place) * (v / chi_square).sqrt()


def _randn(shape: tuple[int, ...], generator: torch.Generator | None, device=None, dtype=None) -> Tensor:
    """Gaussian numbers drawn where the generator lives, then moved: the same seed gives the same z on every device."""
    source = device if generator is None else generator.device
    return torch.randn(shape, generator=generator, device=source, dtype=dtype).to(device)
