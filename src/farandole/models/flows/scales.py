"""Several scales of time: squeeze frames into channels, let half of the channels go, work on with the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from farandole.models.flows.bijection import Bijection
from farandole.models.layers.containers import ModuleList


def squeeze(x: Tensor) -> Tensor:
    """[B, T, C] -> [B, T/2, 2C]: channel 2c + p of frame t is channel c of frame 2t + p. T must be even."""
    return x.unflatten(1, (-1, 2)).mT.flatten(2)


def unsqueeze(x: Tensor) -> Tensor:
    """[B, T, 2C] -> [B, 2T, C], the inverse of `squeeze`."""
    return x.unflatten(2, (-1, 2)).mT.flatten(1, 2)


class MultiScale(Bijection):
    """One flow per scale; between scales time is halved, and half of the channels skip what follows.

    z has the shape of x. Glow (Kingma and Dhariwal, 2018), figure 2b, along time. Channels stay C on every scale;
    conditioning by channels grows from D to 2D, 4D...

    Args:
        flows: One bijection on C channels for each scale, finest first.
        squeeze_cond: True when conditioning is by channels (one vector per frame), False when by tokens.
    """

    def __init__(self, flows: list[Bijection], squeeze_cond: bool = True) -> None:
        super().__init__()
        self.flows: ModuleList[Bijection] = ModuleList(flows)
        self.squeeze_cond = squeeze_cond

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._down(x, cond, 0)

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._up(y, cond, 0)

    def _next_cond(self, cond: Tensor | None) -> Tensor | None:
        return squeeze(cond) if cond is not None and self.squeeze_cond else cond

    def _down(self, x: Tensor, cond: Tensor | None, scale: int) -> tuple[Tensor, Tensor]:
        x, log_det = self.flows[scale](x, cond)
        if scale + 1 == len(self.flows):
            return x, log_det
        on, off = squeeze(x).chunk(2, dim=-1)
        on, more = self._down(on, self._next_cond(cond), scale + 1)
        return unsqueeze(torch.cat((on, off), dim=-1)), log_det + more

    def _up(self, y: Tensor, cond: Tensor | None, scale: int) -> tuple[Tensor, Tensor]:
        more = None
        if scale + 1 < len(self.flows):
            on, off = squeeze(y).chunk(2, dim=-1)
            on, more = self._up(on, self._next_cond(cond), scale + 1)
            y = unsqueeze(torch.cat((on, off), dim=-1))
        x, log_det = self.flows[scale].inverse(y, cond)
        return x, log_det if more is None else log_det + more

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        x = self.flows[0].initialize(x, cond)
        if len(self.flows) == 1:
            return x
        on, off = squeeze(x).chunk(2, dim=-1)
        rest = MultiScale(list(self.flows)[1:], self.squeeze_cond)
        return unsqueeze(torch.cat((rest.initialize(on, self._next_cond(cond)), off), dim=-1))
