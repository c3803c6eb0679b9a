"""What every objective offers to the training stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from farandole.models.abilities import Abilities
from farandole.models.objectives.facts import DataFacts

Batch = dict[str, Tensor]

DataKind = Literal["streams", "masked", "gaps", "dance"]
"""Kinds of training data, see `training.data`."""


@dataclass(frozen=True)
class NoSettings:
    """Of an objective without any."""


@dataclass(frozen=True)
class Draw:
    """Where an objective takes its random numbers from, so that a resumed run sees those it would have seen.

    Attributes:
        seed: Of the run.
        step: Optimiser step, or number of the held-out batch.
        rank: Process.
        part: Batch within an accumulated step.
        held_out: Whether the batch is held out; the same numbers come each time.
    """

    seed: int
    step: int
    rank: int = 0
    part: int = 0
    held_out: bool = False

    def numpy(self) -> np.random.Generator:
        """A generator for NumPy."""
        if self.held_out:
            return np.random.default_rng([self.seed, 1, self.rank, self.step])
        return np.random.default_rng([self.seed, 0, self.rank, self.step, self.part])

    def torch(self) -> torch.Generator:
        """A generator for torch, on the CPU: draw there and move what was drawn."""
        return torch.Generator().manual_seed(int(self.numpy().integers(2**63)))


class Objective(nn.Module):
    """Losses of a model on batches of its kind of data; may hold buffers, but no weights.

    Args:
        model: The model.
        settings: The recipe's `objective`, an instance of `Settings`.
        facts: What the data tells beside its batches: skeleton, codec, scales.
    """

    Settings: ClassVar[type] = NoSettings
    """What a recipe says of the objective throughout."""
    Options: ClassVar[type] = NoSettings
    """What a recipe says of it stage by stage."""
    data: ClassVar[DataKind] = "streams"
    """Kind of training data that it wants."""

    def __init__(self, model: Any, settings: Any, facts: DataFacts) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    def learnt(cls, abilities: Abilities, options: Sequence[Any]) -> Abilities:
        """What a model can do of what it is made for, trained by stages of these options. All by default."""
        return abilities

    def losses(self, model: Any, batch: Batch, options: Any, draw: Draw) -> dict[str, Tensor]:
        """Losses of a batch: "loss" is minimised, other entries are for the record (scalars).

        Args:
            model: With the weights to train or to validate.
            batch: On the model's device.
            options: The stage's, an instance of `Options`.
            draw: Random numbers.
        """
        raise NotImplementedError

    def start(self, model: Any, batch: Batch) -> None:
        """Data-dependent start of fresh weights from a first batch."""

    def begin_stage(self, model: Any, options: Any, first: Batch) -> None:
        """Make weights and buffers ready for a stage, whose first batch is given. Nothing to do by default."""

    def trained(self, model: Any, options: Any) -> list[nn.Module]:
        """Parts of the model that a stage trains; the rest stays as it is."""
        return [model]
