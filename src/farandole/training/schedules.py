"""Learning rates over time, as factors on the base rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes."""

    kind: Literal["constant", "multistep", "cosine", "noam", "linear"] = "constant"
    """constant; multistep: times `factor` at each milestone; cosine: half a cosine to `floor` at the end; linear: falls
    to `floor` at the end; noam: grows to the end of warm-up, then falls with the inverse square root, not below `floor`."""
    warmup: int = 0
    """The rate grows linearly over so many units first."""
    milestones: tuple[int, ...] = ()
    """For multistep."""
    factor: float = 0.1
    """For multistep."""
    floor: float = 0.0
    """Smallest factor of cosine, linear and noam."""
    unit: Literal["step", "epoch"] = "step"
    """What warm-up and milestones count."""

    def rate(self, step: int, total: int, epoch_steps: int = 1) -> float:
        """Factor for optimiser step `step` (from 0) out of `total`, with so many steps in an epoch."""
        scale = epoch_steps if self.unit == "epoch" else 1
        warmup = self.warmup * scale
        if step < warmup:
            return (step + 1) / warmup
        if self.kind == "multistep":
            return self.factor ** sum(step >= m * scale for m in self.milestones)
        if self.kind == "noam":
            return max(self.floor, math.sqrt(max(1, warmup) / max(1, step)))
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        if self.kind == "cosine":
            return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))
        if self.kind == "linear":
            return self.floor + (1 - self.floor) * (1 - done)
        return 1.0
