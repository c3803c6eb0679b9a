"""The next few seconds of dance in one go: a conditional flow over a window of latent tokens.

A velocity field carries noise to data along straight lines (flow matching: Lipman et al., 2022, arXiv:2210.02747; rectified flow:
Liu et al., 2022, arXiv:2209.03003): a continuous normalizing flow that is trained without simulating it. Known tokens
(before or after a gap) enter without noise and with a flag; pinned frames or joints are extra inputs. So one network dances,
continues, fills gaps and completes bodies.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farandole.models.autoencoder import FRAMES_PER_TOKEN
from farandole.models.layers.containers import ModuleList


@dataclass(frozen=True)
class WindowFlowConfig:
    """Sizes of a `WindowFlow`."""

    latent_dim: int = 40
    """Features per latent token, Z."""
    music_dim: int = 17
    """Music features per frame, C."""
    pose_dim: int = 129
    """Motion features per frame, D."""
    groups: int = 6
    """Joint groups that can be pinned separately, G."""
    styles: int = 3
    """Number of style tokens."""
    tokens: int = 32
    """Window length, N."""
    width: int = 224
    layers: int = 4
    heads: int = 7
    dropout: float = 0.0


class Block(nn.Module):
    """Transformer block whose normalisations are shifted and scaled by the flow time (Peebles and Xie, 2022, arXiv:2212.09748).

    The modulation is shared by all blocks but for a learnt offset (adaLN-single: Chen et al., 2023, arXiv:2310.00426).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.modulation = nn.Parameter(torch.randn(6, width) / width**0.5)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """x [B, N, W], modulation [B, 1, 6 W] -> [B, N, W]."""
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = (modulation + self.modulation.flatten()).chunk(6, dim=-1)
        h = F.layer_norm(x, x.shape[-1:]) * (1 + scale_a) + shift_a
        batch, tokens, width = x.shape
        q, k, v = (
            part.reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(h).chunk(3, dim=-1)
        )
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + gate_a * F.dropout(self.out(h), self.dropout, self.training)
        h = F.layer_norm(x, x.shape[-1:]) * (1 + scale_m) + shift_m
        return x + gate_m * F.dropout(self.mlp(h), self.dropout, self.training)


class WindowFlow(nn.Module):
    """Velocity of every latent token of a window at flow time t (0 noise, 1 data)."""

    frequencies: Tensor

    def __init__(self, config: WindowFlowConfig) -> None:
        super().__init__()
        self.config = config
        w = config.width
        self.latent_in = nn.Linear(config.latent_dim, w)
        self.music_in = nn.Linear(FRAMES_PER_TOKEN * config.music_dim, w)
        self.pinned_in = nn.Linear(FRAMES_PER_TOKEN * (config.pose_dim + config.groups), w)
        self.style = nn.Embedding(config.styles, w)
        self.position = nn.Parameter(0.02 * torch.randn(config.tokens, w))
        self.known = nn.Parameter(0.02 * torch.randn(w))
        inner, last = nn.Linear(w, w), nn.Linear(w, 6 * w)
        self.time = nn.Sequential(inner, nn.SiLU(), last)
        self.blocks = ModuleList(Block(w, config.heads, config.dropout) for _ in range(config.layers))
        self.out = nn.Linear(w, config.latent_dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        half = torch.arange(w // 2) / (w // 2)
        self.register_buffer("frequencies", torch.exp(half * 6.9) * 2.0, persistent=False)

    def forward(self, x: Tensor, t: Tensor, known: Tensor, music: Tensor, style: Tensor, pinned: Tensor) -> Tensor:
        """Velocities, [B, N, Z].

        Args:
            x: Latents: noisy at time t where unknown, clean where known, [B, N, Z].
            t: Flow time in [0, 1], [B].
            known: 1 for known tokens, 0 for those to generate, [B, N].
            music: Music features of the window's frames, [B, 4 N, C].
            style: Weights of the styles at every token, [B, N, S]; they add up to 1.
            pinned: Pinned motion features, zero where not pinned, followed by one flag per joint group, [B, 4 N, D + G].
        """
        batch, tokens, _ = x.shape
        h = self.latent_in(x) + self.position[:tokens] + known.unsqueeze(-1) * self.known
        h = h + self.music_in(music.reshape(batch, tokens, -1)) + self.pinned_in(pinned.reshape(batch, tokens, -1))
        h = h + style @ self.style.weight
        phase = t.unsqueeze(-1) * self.frequencies
        modulation = self.time(torch.cat((phase.sin(), phase.cos()), dim=-1)).unsqueeze(1)
        for block in self.blocks:
            h = block(h, modulation)
        return self.out(F.layer_norm(h, h.shape[-1:]))
