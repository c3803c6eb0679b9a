"""Networks inside couplings: from the kept channels and the conditioning to the parameters of the map.

Each is called as network(kept [B, T, K], cond, state) -> (parameters [B, T, P], state). Conditioning by channels has one
vector per frame, [B, T, D]; conditioning by tokens is a sequence of any length, [B, S, D].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.layers.convolution import GatedConvolutions
from farandole.models.layers.positions import Position
from farandole.models.layers.transformer_block import TransformerBlock


class ChannelTransformer(nn.Module):
    """A transformer over the frames, each frame's token being [kept; cond]."""

    def __init__(
        self,
        kept: int,
        cond: int,
        out: int,
        *,
        dim: int,
        layers: int,
        heads: int,
        length: int,
        positions: Sequence[Position] = (),
        dropout: float = 0.0,
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        self.block = TransformerBlock(
            kept + cond,
            dim,
            out,
            layers=layers,
            heads=heads,
            length=length,
            positions=positions,
            dropout=dropout,
            zero_output=zero_output,
        )

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        return self.block(torch.cat((kept, cond.to(kept.dtype)), dim=-1)), None


class TokenTransformer(nn.Module):
    """A transformer over the kept frames followed by the conditioning tokens; the frames' outputs are used."""

    def __init__(
        self,
        kept: int,
        cond: int,
        out: int,
        *,
        dim: int,
        layers: int,
        heads: int,
        length: int,
        positions: Sequence[Position] = (),
        dropout: float = 0.0,
        zero_output: bool = False,
    ) -> None:
        super().__init__()
        self.inlet = nn.Linear(kept, cond)
        self.block = TransformerBlock(
            cond,
            dim,
            out,
            layers=layers,
            heads=heads,
            length=length,
            positions=positions,
            dropout=dropout,
            zero_output=zero_output,
        )

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        frames = kept.shape[1]
        tokens = torch.cat((self.inlet(kept), cond.to(kept.dtype)), dim=1)
        return self.block(tokens, rows=slice(0, frames)), None


class RecurrentNetwork(nn.Module):
    """LSTM or GRU over the frames of [kept; cond], then a linear map that starts at zero; MoGlow, section 4.2."""

    def __init__(self, kept: int, cond: int, out: int, *, kind: Literal["lstm", "gru"], dim: int, layers: int) -> None:
        super().__init__()
        kinds = {"lstm": nn.LSTM, "gru": nn.GRU}
        require("recurrent network", [(kind in kinds, f"unknown kind {kind!r}; accepted: {', '.join(kinds)}")])
        self.recurrent = kinds[kind](kept + cond, dim, num_layers=layers, batch_first=True)
        self.outlet = nn.Linear(dim, out)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        x = torch.cat((kept, cond.to(kept.dtype)), dim=-1)
        # Under bfloat16 oneDNN has an LSTM only for processors with AVX-512, and PyTorch no other in its place.
        if (
            x.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
        ):
            with torch.autocast("cpu", enabled=False):
                y, state = self.recurrent(x.float(), state)
        else:
            y, state = self.recurrent(x, state)
        return self.outlet(y), state


class FeedForwardNetwork(nn.Module):
    """Two hidden ReLU layers, each frame by itself; the last layer starts at zero."""

    def __init__(self, kept: int, cond: int, out: int, *, dim: int) -> None:
        super().__init__()
        self.first, self.second, self.outlet = nn.Linear(kept + cond, dim), nn.Linear(dim, dim), nn.Linear(dim, out)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        hidden = F.relu(self.first(torch.cat((kept, cond.to(kept.dtype)), dim=-1)))
        return self.outlet(F.relu(self.second(hidden))), None


class ConvolutionNetwork(nn.Module):
    """Gated convolutions over the frames of [kept; cond], with optional self-attention; Flow++, section 3.3."""

    def __init__(
        self, kept: int, cond: int, out: int, *, dim: int, blocks: int, attention: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.convolutions = GatedConvolutions(
            kept + cond, dim, out, blocks=blocks, attention=attention, dropout=dropout
        )

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        return self.convolutions(torch.cat((kept, cond.to(kept.dtype)), dim=-1)), None
