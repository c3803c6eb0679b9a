"""Missing frames of windows: errors of rotations, places and speeds, and feet that slide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from farandole.models.body import matrices_from_6d
from farandole.models.objectives.facts import DataFacts
from farandole.models.objectives.objective import Batch, Draw, Objective
from farandole.motion.skeleton import Skeleton


@dataclass(frozen=True)
class GapWeights:
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

    above: Tensor
    offsets: Tensor

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


class GapObjective(Objective):
    """Loss of an in-between model; held out, that of the curves it corrects stands beside it."""

    deviation: Tensor

    Settings = GapWeights
    data = "gaps"

    def __init__(self, model: Any, settings: Any, facts: DataFacts) -> None:
        super().__init__(model, settings, facts)
        assert facts.skeleton is not None  # data of the kind "gaps" have one
        self.body, self.fps, self.feet = GlobalBody(facts.skeleton), facts.fps, facts.feet
        flat, high = torch.from_numpy(facts.deviation).float().clamp_min(0.01).unbind(-1)
        self.register_buffer("deviation", torch.stack((flat, high, flat), dim=-1), persistent=False)

    def start(self, model: Any, batch: Batch) -> None:
        """Scale the model's features by the data's."""
        x = batch["features"].flatten(0, 1)
        model.mean.copy_(x.mean(dim=0))
        # Columns that hardly change must not be blown up when they do.
        model.std.copy_(x.std(dim=0).clamp_min(0.05))

    def losses(self, model: Any, batch: Batch, options: Any, draw: Draw) -> dict[str, Tensor]:
        """See `Objective.losses`."""
        turns, shift = model(batch["features"], batch["window"])
        terms = self.terms(turns, shift, batch)
        loss = torch.stack([getattr(self.settings, k) * v for k, v in terms.items()]).sum()
        losses = {"loss": loss, **{k: v.detach() for k, v in terms.items()}}
        if draw.held_out:
            curves = self.terms(*self._curves(batch["features"]), batch)
            losses |= {f"curves_{k}": v for k, v in curves.items()}
        return losses

    def terms(self, turns: Tensor, shift: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Terms of the loss by the name of their weight, for rotations [B, T, J, 6] and ways of the root [B, T, 3]."""
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

    def _curves(self, features: Tensor) -> tuple[Tensor, Tensor]:
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
