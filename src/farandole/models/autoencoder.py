"""Motion as a short sequence of latents: a small convolutional variational autoencoder over time.

Four frames become one latent token: a generator works at a quarter of the frame rate, and the decoder, whose tokens overlap,
smooths its output. Variational autoencoder: Kingma and Welling, 2013, arXiv:1312.6114.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of a `MotionAutoencoder`."""

    dim: int = 129
    """Motion features per frame, D."""
    latent_dim: int = 40
    """Features per latent token, Z."""
    encoder_width: int = 128
    decoder_width: int = 192


FRAMES_PER_TOKEN = 4


class TimeConv(nn.Module):
    """Convolution over time with replicated edges, [B, T, C] -> [B, T / stride, C'].

    Written as one matrix product over neighbouring frames: on CPUs several times faster than `nn.Conv1d` at these sizes.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.left = (kernel - stride) // 2
        self.right = kernel - stride - self.left
        self.linear = nn.Linear(kernel * channels_in, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel == 1:
            return self.linear(x)
        frames = x.shape[1]
        x = torch.cat((x[:, :1].expand(-1, self.left, -1), x, x[:, -1:].expand(-1, self.right, -1)), dim=1)
        stop = frames - self.stride + 1
        return self.linear(torch.cat([x[:, k : k + stop : self.stride] for k in range(self.kernel)], dim=-1))


class ResidualBlock(nn.Module):
    """x + convolutions(x); starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = TimeConv(width, width, 3)
        self.second = TimeConv(width, width, 3)
        nn.init.zeros_(self.second.linear.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class MotionEncoder(nn.Module):
    """Features [B, T, D] -> mean and log-variance of the latents, each [B, T / 4, Z]."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        w = config.encoder_width
        self.layers = nn.Sequential(
            TimeConv(config.dim, w, 5),
            ResidualBlock(w),
            TimeConv(w, w, 4, stride=2),
            ResidualBlock(w),
            TimeConv(w, w, 4, stride=2),
            ResidualBlock(w),
            nn.SiLU(),
            TimeConv(w, 2 * config.latent_dim, 1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.layers(x).chunk(2, dim=-1)
        return mean, log_variance.clamp(-10.0, 4.0)


class MotionDecoder(nn.Module):
    """Latents [B, N, Z] -> features [B, 4 N, D]."""

    MARGIN = 8
    """Tokens on either side beyond which a token cannot influence the output: enough context to decode piece by piece."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        w = config.decoder_width
        self.start = nn.Sequential(TimeConv(config.latent_dim, w, 3), ResidualBlock(w))
        self.middle = nn.Sequential(TimeConv(w, w, 3), ResidualBlock(w))
        self.end = nn.Sequential(TimeConv(w, w, 3), ResidualBlock(w), nn.SiLU(), TimeConv(w, config.dim, 5))

    def forward(self, z: Tensor) -> Tensor:
        x = self.middle(_twice(self.start(z)))
        return self.end(_twice(x))


def _twice(x: Tensor) -> Tensor:
    """Every step of time twice, [B, T, C] -> [B, 2 T, C]."""
    batch, frames, channels = x.shape
    return x.unsqueeze(2).expand(-1, -1, 2, -1).reshape(batch, 2 * frames, channels)


class MotionAutoencoder(nn.Module):
    """Encoder and decoder; `forward` reconstructs through a random latent."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = MotionEncoder(config)
        self.decoder = MotionDecoder(config)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Reconstruction [B, T, D] of features [B, T, D], T divisible by 4; KL of the latents from N(0, 1), nats per element."""
        mean, log_variance = self.encoder(x)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance)
        return self.decoder(mean + noise * (0.5 * log_variance).exp()), kl.mean()
