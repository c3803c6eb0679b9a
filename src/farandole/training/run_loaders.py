"""Loaders over training data: the batch of every step, shared by the processes, taken up where a run stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from farandole.training.data.training_data import Batch, TrainingData, share
from farandole.training.plan import Plan, Stage


class StepBatches(IterableDataset[Batch]):
    """Batches from a step on, without end: that of step n is the same whenever and wherever it is drawn."""

    def __init__(self, data: TrainingData, plan: Plan, accumulate: int, begin: int, rank: int, world: int) -> None:
        self.data, self.plan, self.accumulate = data, plan, accumulate
        self.begin, self.rank, self.world = begin, rank, world

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        step = self.begin + number
        while True:
            _, stage, _ = self.plan.at(step // self.accumulate)
            yield share(self.data.batch(step, stage.batch_size, stage.options), self.rank, self.world)
            step += count


class HeldOutBatches(IterableDataset[Batch]):
    """Held-out batches of the stage that is trained when they are looked at."""

    def __init__(self, data: TrainingData, stage: Callable[[], Stage]) -> None:
        self.data, self.stage = data, stage

    def __iter__(self) -> Iterator[Batch]:
        stage = self.stage()
        batches = self.data.held_out(stage.batch_size, stage.options)
        yield from (batches[k] for k in range(len(batches)))


class ResumableLoader(DataLoader):
    """A loader that Lightning knows to resume anywhere: the module that makes it says from where."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: `RunLoaders` keeps the step."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing."""


class RunLoaders(lightning.LightningDataModule):
    """Training batches of a plan, and held-out batches of the stage that is trained.

    Args:
        data: The data.
        plan: Its stages say how large batches are.
        accumulate: Batches per optimiser step.
        workers: Processes that read.
        seed: Of the loader's own numbers; batches depend on the data's.
    """

    def __init__(self, data: TrainingData, plan: Plan, *, accumulate: int = 1, workers: int = 0, seed: int = 0) -> None:
        super().__init__()
        self.data, self.plan, self.accumulate, self.workers, self.seed = data, plan, accumulate, workers, seed
        self._seen = 0

    def first_batch(self) -> Batch:
        """The first batch, over all processes."""
        stage = self.plan.stages[0]
        return self.data.batch(0, stage.batch_size, stage.options)

    def held_out(self) -> bool:
        """Whether there are held-out batches."""
        stage = self.plan.stages[-1]
        return len(self.data.held_out(stage.batch_size, stage.options)) > 0

    def train_dataloader(self) -> DataLoader:
        """Each process gets its share of every batch."""
        trainer = self.trainer
        assert trainer is not None
        place = (self._seen, trainer.global_rank, trainer.world_size)
        return ResumableLoader(
            StepBatches(self.data, self.plan, self.accumulate, *place),
            batch_size=None,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(self.seed),  # else it would draw from the global numbers
        )

    def val_dataloader(self) -> DataLoader | list[Any]:
        """Held-out batches of the stage that is trained."""
        trainer = self.trainer
        assert trainer is not None
        if not self.held_out():
            return []
        batches = HeldOutBatches(self.data, lambda: self.plan.at(max(0, trainer.global_step - 1))[1])
        return DataLoader(batches, batch_size=None, generator=torch.Generator().manual_seed(self.seed))

    def state_dict(self) -> dict[str, Any]:
        """Batches seen since the beginning."""
        assert self.trainer is not None
        return {"batches": self.trainer.fit_loop.epoch_loop.batch_progress.total.ready}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from there."""
        self._seen = state_dict["batches"]
