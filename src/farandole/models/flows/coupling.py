"""Coupling layers: one part of the channels is transformed by parameters computed from the other part and the conditioning."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.flows.bijection import Bijection, State
from farandole.models.flows.logistic import invert_mixture_logit, mixture_logit


class BoundedScale(nn.Module):
    """scale = sigmoid(a + 2) + 1 - sigmoid(2) with a = gain * tanh(raw): exactly 1 at raw = 0, never near zero.

    The gain is kept as gain * direction / |direction|, one number of each per channel, as in transflower-lightning:
    only the sign of `direction` matters.
    """

    MINIMUM = 1.0 - 1.0 / (1.0 + math.exp(-2.0))

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.direction = nn.Parameter(torch.ones(channels))

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """raw [B, T, C] -> scale and log scale, [B, T, C] each."""
        a = self.gain * (self.direction / self.direction.abs()) * raw.tanh()
        scale = torch.sigmoid(a + 2.0) + self.MINIMUM
        return scale, scale.log()


class SigmoidScale(nn.Module):
    """scale = sigmoid(raw + 2) + 1e-6; Glow's code and MoGlow."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """raw [B, T, C] -> scale and log scale, [B, T, C] each."""
        scale = torch.sigmoid(raw + 2.0) + 1e-6
        return scale, scale.log()


class ExponentialScale(nn.Module):
    """log scale = 2 tanh(raw / 2): scale 1 at raw = 0, between 1/7.4 and 7.4, symmetric."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """raw [B, T, C] -> scale and log scale, [B, T, C] each."""
        log_scale = 2.0 * torch.tanh(raw / 2.0)
        return log_scale.exp(), log_scale


Scale = Literal["bounded", "sigmoid", "exponential"]
SCALES: dict[str, type[nn.Module]] = {"bounded": BoundedScale, "sigmoid": SigmoidScale, "exponential": ExponentialScale}
Layout = Literal["grouped", "interleaved"]
MINIMUM_LOG_SCALE = -7.0
"""Sharpest logistic of a mixture: e^-7 in units of the channel."""


class Coupling(Bijection):
    """y = (f(x) + shift) * scale on one part of the channels, identity on the other.

    f is the identity (affine coupling; Real NVP, Dinh et al., 2016, section 3.2) or, with `components` > 0, the logit
    of the distribution function of a mixture of logistics (Flow++, Ho et al., 2019, section 3.2).

    Args:
        channels: C; ceil(C/2) channels are changed.
        network: network(kept, cond, state) -> (parameters [B, T, parameters_of(C, components)], state).
        changed: Which part is changed: "first" (transflower) or "last" (MoGlow).
        scale: How raw numbers become positive scales, a key of SCALES.
        layout: "grouped": all raw scales, then all shifts, then the mixture's weights, means, log-scales (component by
            component); "interleaved": shift, raw scale, shift, raw scale... (no mixture).
        components: Logistics in the mixture, 0 for an affine coupling.
    """

    def __init__(
        self,
        channels: int,
        network: nn.Module,
        *,
        changed: Literal["first", "last"] = "first",
        scale: Scale = "exponential",
        layout: Layout = "grouped",
        components: int = 0,
    ) -> None:
        super().__init__()
        self.changed, self.kept = channels - channels // 2, channels // 2
        self.first = changed == "first"
        self.interleaved = layout == "interleaved"
        self.components = components
        self.network = network
        self.scale = SCALES[scale](self.changed)

    @staticmethod
    def parameters_of(channels: int, components: int = 0) -> int:
        """Numbers the network must return per frame."""
        return (channels - channels // 2) * (2 + 3 * components)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.stream(x, cond)[:2]

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.stream_inverse(y, cond)[:2]

    def stream(self, x: Tensor, cond: Tensor | None = None, state: State = None) -> tuple[Tensor, Tensor, State]:
        changed, kept = self._split(x)
        scale, log_scale, shift, mixture, state = self._map_parameters(kept, cond, state)
        log_det = log_scale
        if mixture is not None:
            changed, log_slope = mixture_logit(changed, *mixture)
            log_det = log_det + log_slope
        return self._join((changed + shift) * scale, kept), log_det.sum(dim=(1, 2)), state

    def stream_inverse(
        self, y: Tensor, cond: Tensor | None = None, state: State = None
    ) -> tuple[Tensor, Tensor, State]:
        changed, kept = self._split(y)
        scale, log_scale, shift, mixture, state = self._map_parameters(kept, cond, state)
        changed, log_det = changed / scale - shift, -log_scale
        if mixture is not None:
            changed = invert_mixture_logit(changed, *mixture)
            log_det = log_det - mixture_logit(changed, *mixture)[1]
        return self._join(changed, kept), log_det.sum(dim=(1, 2)), state

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.first:
            return x[..., : self.changed], x[..., self.changed :]
        return x[..., self.kept :], x[..., : self.kept]

    def _join(self, changed: Tensor, kept: Tensor) -> Tensor:
        return torch.cat((changed, kept) if self.first else (kept, changed), dim=-1)

    def _map_parameters(self, kept: Tensor, cond: Tensor | None, state: State) -> tuple:
        """Scale, log scale, shift [B, T, changed], mixture (three of [B, T, changed, K]) or None, state."""
        raw, state = self.network(kept, cond, state)
        raw = raw.to(kept.dtype)  # the network may run in bfloat16, the map itself does not
        n = self.changed
        if self.interleaved:
            return *self.scale(raw[..., 1::2]), raw[..., 0::2], None, state
        scale, log_scale = self.scale(raw[..., :n])
        shift, mixture = raw[..., n : 2 * n], None
        if self.components:
            groups = raw[..., 2 * n :].unflatten(-1, (3, self.components, n)).movedim(-1, -2)  # [B, T, 3, n, K]
            weights, means, log_scales = groups.unbind(dim=2)
            mixture = (F.log_softmax(weights, dim=-1), means, log_scales.clamp_min(MINIMUM_LOG_SCALE))
        return scale, log_scale, shift, mixture, state
