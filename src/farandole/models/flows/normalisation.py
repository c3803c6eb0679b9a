"""Per-channel normalisation as flow layers: actnorm and batch norm.

Both start as the identity, and take their scale and shift from the first batch when `initialize` is called.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

from farandole.models.flows.bijection import Bijection, per_sample


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population variance of each channel over batch and time, over all processes of a parallel run."""
    mean, square = x.mean(dim=(0, 1)), None
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        both = torch.stack((mean, x.square().mean(dim=(0, 1))))
        distributed.all_reduce(both)
        mean, square = both / distributed.get_world_size()
        return mean, square - mean.square()
    return mean, x.var(dim=(0, 1), correction=0)


class ActNorm(Bijection):
    """y = (x + shift) * exp(log_scale), per channel; Glow (Kingma and Dhariwal, 2018), section 3.1.

    After `initialize` the first batch comes out with mean 0 and standard deviation `target`, and both parameters
    are free from then on.
    """

    def __init__(self, channels: int, target: float = 1.0) -> None:
        super().__init__()
        self.target = target
        self.shift = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return (x + self.shift) * self.log_scale.exp(), per_sample(self.log_scale.sum(), x)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return y * (-self.log_scale).exp() - self.shift, per_sample(-self.log_scale.sum(), y)

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        mean, variance = _moments(x)
        self.shift.copy_(-mean)
        self.log_scale.copy_(torch.log(self.target / (variance.sqrt() + 1e-6)))
        return self(x)[0]


class ScaleActNorm(Bijection):
    """y = (x - mean) * inverse_std: actnorm with the scale itself as parameter, as transflower-lightning has it.

    The scale is unconstrained, so training may drive it through zero, where the log-determinant is -inf;
    new models use `ActNorm`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(channels))
        self.inverse_std = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return (x - self.mean) * self.inverse_std, per_sample(self.inverse_std.log().sum(), x)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return y / self.inverse_std + self.mean, per_sample(-self.inverse_std.log().sum(), y)

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        mean, variance = _moments(x)
        self.mean.copy_(mean)
        self.inverse_std.copy_(1 / (variance.sqrt() + 1e-6))
        return self(x)[0]


class BatchNorm(Bijection):
    """y = (x - mean) / (sqrt(variance) + 1e-5) * gamma - beta with running moments; after Real NVP, section 3.7.

    In training mode the moments are blended with those of the batch *before* they are used, without gradient; the
    first batch sets them. In evaluation they stand still, and only then is the map the same from call to call.

    Args:
        channels: C.
        momentum: Weight of the batch in the blend.
        positive: Store log(gamma), so that gamma stays positive; False stores gamma, as transflower-lightning does.
    """

    mean: Tensor
    variance: Tensor
    started: Tensor

    EPSILON = 1e-5

    def __init__(self, channels: int, momentum: float = 0.1, positive: bool = True) -> None:
        super().__init__()
        self.momentum, self.positive = momentum, positive
        self.gamma = nn.Parameter(torch.zeros(channels) if positive else torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("started", torch.zeros(()))

    def _scale(self) -> tuple[Tensor, Tensor]:
        """Scale of each channel and its logarithm, [C]."""
        log_gamma = self.gamma if self.positive else self.gamma.log()
        gamma = self.gamma.exp() if self.positive else self.gamma
        std = self.variance.sqrt() + self.EPSILON
        return gamma / std, log_gamma - std.log()

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if self.training:
            self._update(x)
        scale, log_scale = self._scale()
        return (x - self.mean) * scale - self.beta, per_sample(log_scale.sum(), x)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scale, log_scale = self._scale()
        return (y + self.beta) / scale + self.mean, per_sample(-log_scale.sum(), y)

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        self.started.zero_()
        self._update(x)
        scale, _ = self._scale()
        return (x - self.mean) * scale - self.beta

    @torch.no_grad()
    def _update(self, x: Tensor) -> None:
        mean, variance = _moments(x)
        weight = torch.where(self.started > 0, self.momentum, 1.0)
        # New tensors, not in place: the graph of an earlier forward may still hold the old ones.
        self.mean = torch.lerp(self.mean, mean.to(self.mean.dtype), weight.to(self.mean.dtype))
        self.variance = torch.lerp(self.variance, variance.to(self.mean.dtype), weight.to(self.mean.dtype))
        self.started.fill_(1.0)
