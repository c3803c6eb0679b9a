"""Training of the starter model: an autoencoder of motion, then a flow over windows of its latents."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from farandole.models.autoencoder import AutoencoderConfig, MotionAutoencoder
from farandole.models.body import DanceBody
from farandole.models.layers.linear import use_fast_linear
from farandole.models.window_flow import WindowFlow, WindowFlowConfig
from farandole.motion.dance_codec import DanceCodec
from farandole.training.starter_data import MaskSampler


def warmup_cosine(step: int, *, total: int, warmup: int = 100, floor: float = 0.02) -> float:
    """Learning-rate factor: linear warm-up, then half a cosine down to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def _growing_average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """Exponential moving average whose memory grows with training, so that it never holds on to the initial weights."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        n = float(count)
        torch._foreach_lerp_(averaged, current, 1.0 - min(decay, (1.0 + n) / (10.0 + n)))

    return update


class StarterTask(lightning.LightningModule):
    """What both stages share: AdamW, warm-up and cosine, an exponential moving average of the weights."""

    def __init__(self, net: nn.Module, *, steps: int, lr: float, ema: float, seed: int) -> None:
        super().__init__()
        self.net = use_fast_linear(net)
        self.steps, self.lr = steps, lr
        self.average = AveragedModel(net, multi_avg_fn=_growing_average(ema))
        self.random = torch.Generator().manual_seed(seed)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and half a cosine."""
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=self.lr, betas=(0.9, 0.98), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: warmup_cosine(s, total=self.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_batch_end(self, *_: Any) -> None:
        """Follow the weights with their average."""
        self.average.update_parameters(self.net)

    def randn(self, shape: torch.Size) -> Tensor:
        """Standard normal numbers from the task's own generator."""
        return torch.randn(shape, generator=self.random)


class AutoencoderTask(StarterTask):
    """Reconstruction of features, of joint positions, and of joint velocities in the world; a small KL term."""

    def __init__(
        self, config: AutoencoderConfig, codec: DanceCodec, mean: Tensor, std: Tensor, *, steps: int, lr: float = 1e-3,
        kl: float = 3e-3, ema: float = 0.998, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(MotionAutoencoder(config), steps=steps, lr=lr, ema=ema, seed=seed)
        self.save_hyperparameters(
            {"config": asdict(config), "steps": steps, "lr": lr, "kl": kl, "ema": ema, "seed": seed}
        )
        self.kl = kl
        self.body = DanceBody(codec)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def losses(self, net: nn.Module, pose: Tensor) -> dict[str, Tensor]:
        """Terms of the loss for scaled poses [B, T, D]."""
        made, kl = net(pose, self.random)
        here, world = self.body(made * self.std + self.mean)
        with torch.no_grad():
            true_here, true_world = self.body(pose * self.std + self.mean)
        fps = self.body.fps
        return {
            "feature": F.l1_loss(made, pose),
            "feature_step": F.l1_loss(made.diff(dim=1), pose.diff(dim=1)),
            "position_m": F.l1_loss(here, true_here),
            "velocity_m_s": F.l1_loss(world.diff(dim=1), true_world.diff(dim=1)) * fps,
            "acceleration_m_s2": F.l1_loss(world.diff(n=2, dim=1), true_world.diff(n=2, dim=1)) * fps**2,
            "kl": kl,
        }

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of one batch; logs its terms."""
        terms = self.losses(self.net, batch["pose"])
        self.log_dict({f"autoencoder/{k}": v for k, v in terms.items()}, prog_bar=False)
        loss = (
            terms["feature"] + 2.0 * terms["feature_step"] + 10.0 * terms["position_m"] + 2.0 * terms["velocity_m_s"]
            + 0.02 * terms["acceleration_m_s2"] + self.kl * terms["kl"]
        )  # fmt: skip
        self.log("autoencoder/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Log the held-out loss of the averaged weights."""
        terms = self.losses(self.average, batch["pose"])
        self.log_dict({f"autoencoder/held_out_{k}": v for k, v in terms.items()}, batch_size=len(batch["pose"]))


class WindowFlowTask(StarterTask):
    """Flow matching on latents of the frozen autoencoder under random masks."""

    def __init__(
        self, config: WindowFlowConfig, encoder: nn.Module, codec: DanceCodec, latent_mean: Tensor, latent_std: Tensor, *,
        steps: int, lr: float = 1e-3, ema: float = 0.999, seed: int = 0, context_noise: float = 0.05, seam_weight: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(WindowFlow(config), steps=steps, lr=lr, ema=ema, seed=seed)
        self.save_hyperparameters({"config": asdict(config), "steps": steps, "lr": lr, "ema": ema, "seed": seed})
        self.encoder = use_fast_linear(encoder.eval().requires_grad_(False))
        self.masks = MaskSampler(codec, config.tokens)
        self.context_noise = context_noise
        self.register_buffer("latent_mean", latent_mean, persistent=False)
        self.register_buffer("latent_std", latent_std, persistent=False)

    def loss(self, net: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Mean squared error of the velocity over tokens that must be made; one number."""
        pose = batch["pose"]
        with torch.no_grad():
            z, _ = self.encoder(pose)
            z = (z - self.latent_mean) / self.latent_std
            known = self.masks.known(len(z), self.random)
            pinned = self.masks.pinned(pose, self.random)
            t = torch.sigmoid(torch.randn(len(z), generator=self.random))
            noise = self.randn(z.shape)
            mix = (1 - t[:, None, None]) * noise + t[:, None, None] * z
            # A little noise on the context forgives the small errors of what was generated before.
            given = z + self.context_noise * torch.rand(len(z), 1, 1, generator=self.random) * self.randn(z.shape)
            x = torch.where(known[..., None] > 0, given, mix)
        error = (net(x, t, known, batch["music"], batch["style"], pinned) - (z - noise)) ** 2
        unknown = 1 - known
        return (error.mean(-1) * unknown).sum() / unknown.sum()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of one batch; logs its terms."""
        loss = self.loss(self.net, batch)
        self.log("flow/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Log the held-out loss of the averaged weights."""
        self.log("flow/held_out_loss", self.loss(self.average, batch), batch_size=len(batch["pose"]))
