"""The dancer's two stages: an autoencoder of motion, then flow matching on its latents under random masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farandole.models.body import DanceBody
from farandole.models.objectives.facts import DataFacts
from farandole.models.objectives.objective import Batch, Draw, Objective
from farandole.motion.dance_codec import GROUPS, DanceCodec


@dataclass(frozen=True)
class DancerWeights:
    """Weights of the loss's terms, and how the flow is trained."""

    feature: float = 1.0
    """L1 of scaled features."""
    feature_step: float = 2.0
    """L1 of their steps from frame to frame."""
    position: float = 10.0
    """L1 of joint positions, m."""
    velocity: float = 2.0
    """L1 of joint velocities, m/s."""
    acceleration: float = 0.02
    """L1 of joint accelerations, m/s2."""
    kl: float = 3e-3
    """KL divergence of the latents from a standard normal, nats per number."""
    context_noise: float = 0.05
    """Noise on known latents, deviations: it forgives the small errors of what was generated before."""
    longest_prefix: int = 20
    """Known latents at the beginning of a window at most."""
    pinned_share: float = 0.35
    """Share of windows in which frames or joint groups are pinned."""


@dataclass(frozen=True)
class DancerOptions:
    """What a stage trains."""

    part: Literal["autoencoder", "flow"] = "flow"
    """autoencoder: motion to latents and back. flow: the generator of latents; the autoencoder stays as it is."""
    frames: int = 128
    """Length of a window."""


class DancerObjective(Objective):
    """Reconstruction of features and of where joints are; then velocities of the flow over tokens that must be made."""

    mean: Tensor
    std: Tensor

    Settings = DancerWeights
    Options = DancerOptions
    data = "dance"

    def __init__(self, model: Any, settings: Any, facts: DataFacts) -> None:
        super().__init__(model, settings, facts)
        assert facts.codec is not None  # data of the kind "dance" have one
        self.body = DanceBody(facts.codec)
        self.masks = MaskSampler(
            facts.codec,
            model.config.flow.tokens,
            longest_prefix=settings.longest_prefix,
            pinned_share=settings.pinned_share,
        )
        self.register_buffer("mean", torch.from_numpy(facts.mean), persistent=False)
        self.register_buffer("std", torch.from_numpy(facts.std), persistent=False)

    def trained(self, model: Any, options: DancerOptions) -> list[nn.Module]:
        """See `Objective.trained`."""
        return [model.flow] if options.part == "flow" else [model.encoder, model.decoder]

    @torch.no_grad()
    def begin_stage(self, model: Any, options: DancerOptions, first: Batch) -> None:
        """The flow works on latents of zero mean and unit deviation; weights that were started from keep the scale they know."""
        if options.part == "autoencoder":
            model.latent_mean.zero_()
            model.latent_std.fill_(1.0)
        else:
            latents, _ = model.encoder(first["pose"])
            fresh = (model.latent_std == 1.0).all()
            mean, std = latents.mean(dim=(0, 1)), latents.std(dim=(0, 1)).clamp_min(1e-3)
            model.latent_mean.copy_(torch.where(fresh, mean, model.latent_mean))
            model.latent_std.copy_(torch.where(fresh, std, model.latent_std))

    def losses(self, model: Any, batch: Batch, options: DancerOptions, draw: Draw) -> dict[str, Tensor]:
        """See `Objective.losses`."""
        random = draw.torch()
        if options.part == "flow":
            return {"loss": self._flow(model, batch, random)}
        terms = self._autoencoder(model, batch["pose"], random)
        loss = torch.stack([getattr(self.settings, name) * value for name, value in terms.items()]).sum()
        return {"loss": loss, **{name: value.detach() for name, value in terms.items()}}

    def _autoencoder(self, dancer: Any, pose: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        """Terms of the loss for scaled poses [B, T, D] by the name of their weight."""
        mean, log_variance = dancer.encoder(pose)
        noise = torch.randn(mean.shape, generator=random).to(mean)
        made = dancer.decoder(mean + noise * (0.5 * log_variance).exp())
        here, world = self.body(made * self.std + self.mean)
        with torch.no_grad():
            true_here, true_world = self.body(pose * self.std + self.mean)
        fps = self.body.fps
        return {
            "feature": F.l1_loss(made, pose),
            "feature_step": F.l1_loss(made.diff(dim=1), pose.diff(dim=1)),
            "position": F.l1_loss(here, true_here),
            "velocity": F.l1_loss(world.diff(dim=1), true_world.diff(dim=1)) * fps,
            "acceleration": F.l1_loss(world.diff(n=2, dim=1), true_world.diff(n=2, dim=1)) * fps**2,
            "kl": 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance).mean(),
        }

    def _flow(self, dancer: Any, batch: Batch, random: torch.Generator) -> Tensor:
        """Mean squared error of the velocity over tokens that must be made; one number."""
        pose = batch["pose"]
        normal = lambda like: torch.randn(like.shape, generator=random).to(like)  # noqa: E731
        with torch.no_grad():
            z = dancer.encode(pose)
            known = self.masks.known(len(z), random).to(z)
            pinned = self.masks.pinned(pose, random)
            t = torch.sigmoid(torch.randn(len(z), generator=random)).to(z)
            noise = normal(z)
            mix = (1 - t[:, None, None]) * noise + t[:, None, None] * z
            strength = torch.rand(len(z), 1, 1, generator=random).to(z)
            given = z + self.settings.context_noise * strength * normal(z)
            x = torch.where(known[..., None] > 0, given, mix)
            style = F.one_hot(batch["style"], dancer.config.flow.styles).to(z)[:, None].expand(-1, z.shape[1], -1)
        error = (dancer(x, t, known, batch["music"], style, pinned) - (z - noise)) ** 2
        unknown = 1 - known
        return (error.mean(-1) * unknown).sum() / unknown.sum()


class MaskSampler:
    """What the flow is shown of the window it must produce.

    `known` tokens are given as clean latents: a prefix (dancing on), a prefix and a suffix (a gap), or nothing (beginning).
    `pinned` are motion features given frame by frame: keyframes, all but a span, or some joint groups throughout.
    """

    def __init__(self, codec: DanceCodec, tokens: int, *, longest_prefix: int = 20, pinned_share: float = 0.35) -> None:
        self.tokens, self.longest_prefix, self.pinned_share = tokens, longest_prefix, pinned_share
        self.columns = torch.zeros(len(GROUPS), codec.dim)
        for n, group in enumerate(GROUPS):
            self.columns[n, torch.from_numpy(codec.group_columns[group])] = 1.0

    def known(self, batch: int, random: torch.Generator) -> Tensor:
        """Flags of the tokens given clean, [B, N]: three quarters prefixes of random length (one in five empty), the rest gaps."""
        place = torch.arange(self.tokens)
        prefix = torch.randint(0, self.longest_prefix + 1, (batch, 1), generator=random)
        prefix = torch.where(torch.rand(batch, 1, generator=random) < 0.2, torch.zeros_like(prefix), prefix)
        gap = torch.randint(2, self.tokens - 4, (batch, 1), generator=random)
        is_gap = torch.rand(batch, 1, generator=random) < 0.25
        return ((place < prefix) | (is_gap & (place >= prefix + gap))).float()

    def pinned(self, pose: Tensor, random: torch.Generator) -> Tensor:
        """Pinned features and flags [B, T, D + G] for scaled poses [B, T, D]; all zero for most of the batch."""
        batch, frames, _ = pose.shape
        draw = lambda *shape: torch.rand(shape, generator=random)  # noqa: E731
        place = torch.arange(frames)
        every = torch.randint(4, 41, (batch, 1), generator=random)
        phase = (draw(batch, 1) * every).long()
        keyframes = (place - phase) % every == 0
        length = torch.randint(8, frames - 8, (batch, 1), generator=random)
        start = (draw(batch, 1) * (frames - length)).long()
        outside = (place < start) | (place >= start + length)
        kind = torch.randint(0, 3, (batch, 1), generator=random)
        in_time = torch.where(kind == 0, keyframes, torch.where(kind == 1, outside, torch.ones_like(outside)))
        some = draw(batch, len(GROUPS)) < 0.5
        groups = torch.where(kind == 2, some, torch.ones_like(some))
        chosen = draw(batch, 1) < self.pinned_share
        flags = (in_time & chosen).unsqueeze(-1) * groups.float().unsqueeze(1)
        flags = flags.to(pose)
        return torch.cat((pose * (flags @ self.columns.to(pose)), flags), dim=-1)
