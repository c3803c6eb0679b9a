"""What every flow layer is: an invertible map with a known volume change, remembering nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.layers.containers import ModuleList

State = Any
"""Recurrent state of a layer: a tensor, a tuple of states, or None. It goes in and comes out; no module keeps one."""


class Bijection(nn.Module):
    """An invertible map y = f(x; c) of signals x [B, T, C] given conditioning c.

    `forward` and `inverse` both return the mapped signal and log |det| of their own Jacobian, one value per sample [B].
    `initialize` sets data-dependent parameters from a first batch; nothing else may. Layers with recurrent networks
    inside are run piece by piece with `stream` and `stream_inverse`, which take and return the state.
    """

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [B, T, C] -> y [B, T, C], log |det dy/dx| [B]."""
        raise NotImplementedError

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """y [B, T, C] -> x [B, T, C], log |det dx/dy| [B]."""
        raise NotImplementedError

    def stream(self, x: Tensor, cond: Tensor | None = None, state: State = None) -> tuple[Tensor, Tensor, State]:
        """As `forward`, continuing from `state` (None: the start of a sequence)."""
        return *self(x, cond), None

    def stream_inverse(
        self, y: Tensor, cond: Tensor | None = None, state: State = None
    ) -> tuple[Tensor, Tensor, State]:
        """As `inverse`, continuing from `state` (None: the start of a sequence)."""
        return *self.inverse(y, cond), None

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """Set data-dependent parameters from x [B, T, C] and return y, which initialises the next layer."""
        return self(x, cond)[0]


class Chain(Bijection):
    """Layers applied in order; the inverse applies their inverses in reverse order."""

    def __init__(self, layers: Iterable[Bijection]) -> None:
        super().__init__()
        self.layers: ModuleList[Bijection] = ModuleList(layers)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.stream(x, cond)[:2]

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.stream_inverse(y, cond)[:2]

    def stream(self, x: Tensor, cond: Tensor | None = None, state: State = None) -> tuple[Tensor, Tensor, State]:
        states = [None] * len(self.layers) if state is None else list(state)
        total = x.new_zeros(x.shape[0])
        for i, layer in enumerate(self.layers):
            x, log_det, states[i] = layer.stream(x, cond, states[i])
            total = total + log_det
        return x, total, tuple(states)

    def stream_inverse(
        self, y: Tensor, cond: Tensor | None = None, state: State = None
    ) -> tuple[Tensor, Tensor, State]:
        states = [None] * len(self.layers) if state is None else list(state)
        total = y.new_zeros(y.shape[0])
        for i in range(len(self.layers) - 1, -1, -1):
            y, log_det, states[i] = self.layers[i].stream_inverse(y, cond, states[i])
            total = total + log_det
        return y, total, tuple(states)

    @torch.no_grad()
    def initialize(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        for layer in self.layers:
            x = layer.initialize(x, cond)
        return x


def per_sample(log_det_of_frame: Tensor, x: Tensor) -> Tensor:
    """A log-determinant that is the same for every frame (scalar) -> that of each whole sample [B]."""
    return (log_det_of_frame * x.shape[1]).expand(x.shape[0])
