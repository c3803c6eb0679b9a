"""What an in-between model is trained for: the missing frames of windows, as rotations, places and speeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.body import matrices_from_6d
from farandole.models.inbetweener import Inbetweener
from farandole.models.layers.linear import use_fast_linear
from farandole.motion.skeleton import Skeleton
from farandole.training.starter import StarterTask


@dataclass(frozen=True)
class Weights:
    """Weight of each term of the loss; all are means over missing frames of windows."""

    rotation: float = 1.0
    """Norm over all joints of the error of global rotations (in quaternion units for small errors, as L2Q)."""
    position: float = 0.5
    """Norm over all joints of the error of places in deviations (as L2P)."""
    velocity: float = 1.0
    """Error of joint velocities, m/s."""
    sliding: float = 1.0
    """Speed of feet that rest in the truth, m/s."""


class GlobalBody(nn.Module):
    """Joint positions from global rotations: sums of bones along the way to the root, without a chain of products."""

    def __init__(self, skeleton: Skeleton) -> None:
        super().__init__()
        count = len(skeleton)
        above = torch.eye(count)
        for j in range(1, count):
            above[j] += above[skeleton.parents[j]]
        above[:, 0] = 0.0  # the root's place is given
        self.parents = [max(int(p), 0) for p in skeleton.parents]
        self.register_buffer("above", above, persistent=False)
        self.register_buffer("offsets", torch.tensor(skeleton.offsets.copy(), dtype=torch.float32), persistent=False)

    def forward(self, turns: Tensor) -> Tensor:
        """Global rotations [..., J, 3, 3] -> places relative to the root [..., J, 3] m."""
        bones = (turns[..., self.parents, :, :] * self.offsets[:, None, :]).sum(-1)
        return self.above @ bones


class InbetweenTask(StarterTask):
    """Loss, optimisation and averaged weights of an in-between model.

    Args:
        net: The model.
        skeleton: The body.
        fps: Frame rate.
        deviation: Spread of joints along the floor and in height, [J, 2] m, see `inbetween_data.deviations`.
        feet: Foot joints.
        weights: Weights of the loss's terms.
        steps, lr, ema, seed: Optimisation.
    """

    def __init__(
        self, net: Inbetweener, skeleton: Skeleton, fps: float, deviation: Tensor, feet: list[int], weights: Weights, *,
        steps: int, lr: float = 1e-3, ema: float = 0.999, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(use_fast_linear(net), steps=steps, lr=lr, ema=ema, seed=seed)
        self.save_hyperparameters({"weights": asdict(weights), "steps": steps, "lr": lr, "ema": ema, "seed": seed})
        self.body, self.fps, self.feet, self.weights = GlobalBody(skeleton), fps, feet, weights
        flat, high = deviation.unbind(-1)
        self.register_buffer("deviation", torch.stack((flat, high, flat), dim=-1), persistent=False)

    def terms(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms of the loss by the name of their weight."""
        turns, shift = net(batch["features"], batch["window"])
        facing = matrices_from_6d(turns)
        places = _to_world(self.body(facing) + shift.unsqueeze(-2), batch["heading"]) + batch["roots"].unsqueeze(-2)
        missing = ~batch["keep"]
        wrong = places - batch["positions"]
        rotation = ((facing - batch["facing"]) ** 2).sum(dim=(-3, -2, -1)) / 8
        position = ((wrong / self.deviation) ** 2).sum(dim=(-2, -1))
        step = missing[:, 1:] | missing[:, :-1]
        result = {
            "rotation": _mean((rotation + 1e-6).sqrt(), missing),
            "position": _mean((position + 1e-6).sqrt(), missing),
            "velocity": _mean(wrong.diff(dim=1).norm(dim=-1).mean(-1) * self.fps, step),
        }
        if self.feet:
            speed = places[:, :, self.feet].diff(dim=1).norm(dim=-1) * self.fps
            resting = batch["contacts"][:, 1:]
            result["sliding"] = _mean((speed * resting).sum(-1) / resting.sum(-1).clamp_min(1.0), step)
        return result

    def loss(self, terms: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the terms."""
        return torch.stack([getattr(self.weights, k) * v for k, v in terms.items()]).sum()

    def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
        """Loss of one batch; logs its terms."""
        terms = self.terms(self.net, batch)
        self.log_dict({f"inbetween/{k}": v for k, v in terms.items()})
        loss = self.loss(terms)
        self.log("inbetween/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: dict[str, Tensor], index: int) -> None:
        """Log the held-out loss of the averaged weights, and that of the straight guess."""
        told: Any = {"net": self.average, "guess": self._guess}
        for name, net in told.items():
            terms = self.terms(net, batch)
            prefix = "inbetween/held_out" if name == "net" else "inbetween/guess_held_out"
            self.log_dict({f"{prefix}_{k}": v for k, v in terms.items()}, batch_size=len(batch["keep"]))

    def _guess(self, features: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        joints = len(self.body.parents)
        return features[..., : 6 * joints].unflatten(-1, (joints, 6)), torch.zeros_like(features[..., :3])


def _to_world(places: Tensor, heading: Tensor) -> Tensor:
    """Places [B, T, J, 3] of heading frames turned about the vertical by cosine and sine [B, T, 2]."""
    cos, sin = heading.unsqueeze(-2).unbind(-1)
    x, y, z = places.unbind(-1)
    return torch.stack((cos * x + sin * z, y, cos * z - sin * x), dim=-1)


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of values [B, T] over chosen frames."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
