"""A conditional density made of a prior and a bijection."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from farandole.models.errors import ShapeError
from farandole.models.flows.bijection import Bijection, State
from farandole.models.flows.priors import StandardNormal, StudentT


class ConditionalFlow(nn.Module):
    """p(x | c): x is mapped to a latent z = f(x; c) with a simple prior. Signals are [B, T, C]."""

    def __init__(self, channels: int, bijection: Bijection, prior: StandardNormal | StudentT) -> None:
        super().__init__()
        self.channels, self.bijection, self.prior = channels, bijection, prior

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [B, T, C] -> z [B, T, C], log |det dz/dx| [B]."""
        return self.bijection(self._checked(x), cond)

    def log_prob(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        r"""log p(x | c) = log p_z(f(x; c)) + log |det df/dx| in nats.

        Args:
            x: Signals [B, T, C].
            cond: Conditioning, [B, T, D] by channels or [B, S, D] by tokens.
        Returns:
            One value per sample, [B]; over T C ln 2 it gives bits per dimension.
        Raises:
            ShapeError: If x does not have C channels.
        References:
            Density estimation using Real NVP (Dinh et al., 2016), eq. 3. https://arxiv.org/abs/1605.08803
        """
        z, log_det = self(x, cond)
        return self.prior.log_prob(z) + log_det

    def stream_log_prob(self, x: Tensor, cond: Tensor | None, state: State) -> tuple[Tensor, State]:
        """As `log_prob`, continuing from a recurrent state, and returning the next one."""
        z, log_det, state = self.bijection.stream(self._checked(x), cond, state)
        return self.prior.log_prob(z) + log_det, state

    def sample(
        self,
        cond: Tensor,
        frames: int,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        state: State = None,
    ) -> tuple[Tensor, State]:
        """Draw x given the conditioning.

        Args:
            cond: [B, T, D] or [B, S, D].
            frames: T.
            noise: The latent z [B, T, C]; None draws it from the prior.
            temperature: z is multiplied by this: below 1 nearer the typical, 0 the image of the prior's centre.
            generator: Source of randomness.
            state: Recurrent state to continue from, None at the start.
        Returns:
            x [B, T, C] and the next state.
        """
        z = noise
        if z is None:
            shape = (cond.shape[0], frames, self.channels)
            z = self.prior.sample(shape, generator, device=cond.device, dtype=next(self.parameters()).dtype)
        x, _, state = self.bijection.stream_inverse(z * temperature, cond, state)
        return x, state

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> None:
        """Data-dependent start of all layers from a first batch x [B, T, C]."""
        self.bijection.initialize(self._checked(x), cond)

    def _checked(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.channels:
            raise ShapeError(f"the flow works on [batch, frames, {self.channels}], but was given {tuple(x.shape)}")
        return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def bits_per_frame(log_prob: Tensor, frames: int) -> Tensor:
    """-log p in nats [B] -> mean bits per frame, the published loss (a sum over channels)."""
    return -log_prob.mean() / (math.log(2) * frames)
