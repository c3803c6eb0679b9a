"""Mixtures of logistic distributions: cumulative distribution as a map of the real line onto itself, and its inverse."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mixture_logit(x: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor) -> tuple[Tensor, Tensor]:
    """y = logit(CDF(x)) of a mixture of K logistics, and log dy/dx.

    Worked out in logarithms on both tails, so that no probability is rounded to 0 or 1 on the way.

    Args:
        x: [...].
        log_weights, means, log_scales: [..., K]; the weights sum to 1.
    Returns:
        y [...], log dy/dx [...].
    References:
        Flow++ (Ho et al., 2019), eq. 12-15. https://arxiv.org/abs/1902.00275
    """
    u = (x[..., None] - means) * (-log_scales).exp()
    log_below, log_above = F.logsigmoid(u), F.logsigmoid(-u)
    log_cdf = torch.logsumexp(log_weights + log_below, dim=-1)
    log_survival = torch.logsumexp(log_weights + log_above, dim=-1)
    log_density = torch.logsumexp(log_weights + log_below + log_above - log_scales, dim=-1)
    return log_cdf - log_survival, log_density - log_cdf - log_survival


@torch.no_grad()
def invert_mixture_logit(y: Tensor, log_weights: Tensor, means: Tensor, log_scales: Tensor, steps: int = 100) -> Tensor:
    """The x with mixture_logit(x) = y: Newton's method kept inside a shrinking bracket.

    The answer lies between the smallest and the largest of the x at which a single component alone would give y
    (x_k = mean_k + scale_k y), so the bracket is exact from the start. A Newton step that leaves the bracket is
    replaced by its middle.

    Args:
        y: [...].
        log_weights, means, log_scales: [..., K].
        steps: At most so many steps; stops when nothing moves any more.
    """
    alone = means + log_scales.exp() * y[..., None]
    low, high = alone.amin(dim=-1), alone.amax(dim=-1)
    x = (low + high) / 2
    for _ in range(steps):
        value, log_slope = mixture_logit(x, log_weights, means, log_scales)
        low, high = torch.where(value < y, x, low), torch.where(value < y, high, x)
        step = (value - y) * (-log_slope).exp()
        newton = x - step
        inside = (newton >= low) & (newton <= high)
        moved = torch.where(inside, newton, (low + high) / 2)
        if torch.equal(moved, x):
            break
        x = moved
    return x
