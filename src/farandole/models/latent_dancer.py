"""The model of `farandole dance`: an autoencoder of motion and a flow over windows of its latent tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.abilities import Abilities
from farandole.models.autoencoder import FRAMES_PER_TOKEN, AutoencoderConfig, MotionAutoencoder
from farandole.models.base import ModelConfig
from farandole.models.errors import require
from farandole.models.model import Model
from farandole.models.networks import Network
from farandole.models.objectives.dancer_objective import DancerObjective
from farandole.models.registry import register
from farandole.models.window_flow import WindowFlow, WindowFlowConfig
from farandole.motion.dance_codec import GROUPS


@dataclass(frozen=True)
class LatentDancerConfig(ModelConfig):
    """Sizes of both networks."""

    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    """Motion to latent tokens and back."""
    flow: WindowFlowConfig = field(default_factory=WindowFlowConfig)
    """The generator of latent tokens."""

    def __post_init__(self) -> None:
        sizes, flow = self.autoencoder, self.flow
        require(
            "latent_dancer",
            [
                (
                    sizes.latent_dim == flow.latent_dim,
                    f"autoencoder.latent_dim {sizes.latent_dim} is not flow.latent_dim {flow.latent_dim}",
                ),
                (sizes.dim == flow.pose_dim, f"autoencoder.dim {sizes.dim} is not flow.pose_dim {flow.pose_dim}"),
            ],
        )

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.autoencoder.dim, "music": self.flow.music_dim}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> LatentDancerConfig:
        """See `ModelConfig.fitted`; `style` is the number of style tokens; constant columns are kept."""
        dim = dims.get("motion", self.autoencoder.dim)
        music, styles = dims.get("music", self.flow.music_dim), dims.get("style", self.flow.styles)
        flow = replace(self.flow, pose_dim=dim, music_dim=music, styles=styles)
        return replace(self, autoencoder=replace(self.autoencoder, dim=dim), flow=flow)


class LatentMean(nn.Module):
    """An encoder without its variance: what generation needs."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pose: Tensor) -> Tensor:
        """Scaled motion features [B, 4 N, D] -> latents [B, N, Z]."""
        return self.encoder(pose)[0]


@register("latent_dancer")
class LatentDancer(Model):
    """Generates windows of dance from music, a style, and whichever tokens, frames or joints are known.

    Attributes:
        encoder, decoder: Motion features to latents and back, of `MotionAutoencoder`.
        flow: Velocities of scaled latents, see `WindowFlow`.
        latent_mean, latent_std: Scale of the latents, [Z]. A state dict need not hold them: then they stay as they are.
    """

    latent_mean: Tensor
    latent_std: Tensor

    Config = LatentDancerConfig
    Objective = DancerObjective

    def __init__(self, config: LatentDancerConfig) -> None:
        super().__init__()
        self.config = config
        autoencoder = MotionAutoencoder(config.autoencoder)
        self.encoder, self.decoder = autoencoder.encoder, autoencoder.decoder
        self.flow = WindowFlow(config.flow)
        self.register_buffer("latent_mean", torch.zeros(config.autoencoder.latent_dim))
        self.register_buffer("latent_std", torch.ones(config.autoencoder.latent_dim))

    def abilities(self) -> Abilities:
        """See `Model.abilities`."""
        return Abilities(nothing=True, past=True, future=True, music=True, labels=True, random=True)

    def completion(self) -> dict[str, Any]:
        """See `Model.completion`; styles are the recipe's."""
        flow = self.config.flow
        return {
            "kind": "latent_flow",
            "groups": tuple(GROUPS),
            "tokens": flow.tokens,
            "frames_per_token": FRAMES_PER_TOKEN,
        }

    def networks(self) -> dict[str, Network]:
        """See `Model.networks`: encoder and decoder of unscaled latents, and the flow's velocity."""
        c, place = self.config.flow, self.latent_mean.device
        frames = FRAMES_PER_TOKEN * c.tokens
        flow = {
            "x": torch.randn(2, c.tokens, c.latent_dim, device=place),
            "t": torch.rand(2, device=place),
            "known": torch.zeros(2, c.tokens, device=place),
            "music": torch.randn(2, frames, c.music_dim, device=place),
            "style": torch.full((2, c.tokens, c.styles), 1.0 / c.styles, device=place),
            "pinned": torch.zeros(2, frames, c.pose_dim + c.groups, device=place),
        }
        pose = {"pose": torch.randn(2, 40, c.pose_dim, device=place)}
        latents = {"latents": torch.randn(2, 10, c.latent_dim, device=place)}
        return {
            "encoder": Network(LatentMean(self.encoder), pose, ("latents",), {"pose": {0: "batch", 1: "4*tokens"}}),
            "decoder": Network(self.decoder, latents, ("pose",), {"latents": {0: "batch", 1: "tokens"}}),
            "flow": Network(self.flow, flow, ("velocity",), {name: {0: "batch"} for name in flow}),
        }

    def encode(self, features: Tensor) -> Tensor:
        """Scaled motion features [B, 4 N, D] -> scaled latents [B, N, Z], without chance."""
        return (self.encoder(features)[0] - self.latent_mean) / self.latent_std

    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, N, Z] -> scaled motion features [B, 4 N, D]."""
        return self.decoder(latents * self.latent_std + self.latent_mean)

    def forward(self, x: Tensor, t: Tensor, known: Tensor, music: Tensor, style: Tensor, pinned: Tensor) -> Tensor:
        """Velocities of scaled latents, [B, N, Z]; see `WindowFlow.forward`."""
        return self.flow(x, t, known, music, style, pinned)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any, **named: Any) -> None:
        for scale in ("latent_mean", "latent_std"):
            state_dict.setdefault(prefix + scale, getattr(self, scale))
        super()._load_from_state_dict(state_dict, prefix, *rest, **named)
