"""Windows of a feature folder as torch and Lightning want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import lightning
import torch
from torch.utils.data import DataLoader

from farandole.data.feature_folder import FeatureFolder
from farandole.data.windows import BySequence, Change, Stream, Windows
from farandole.training.windows import MultimodalWindows, ShuffledBatches


class MultimodalData(lightning.LightningDataModule):
    """Loaders over the splits of a feature folder.

    Args:
        data: The feature folder.
        inputs, outputs: Streams of every window.
        batch_size: Windows per batch over all processes.
        fix_lengths: Cut streams of one sequence to the shortest.
        sequences: Train on so many sequences, drawn by `seed`; 0 for all.
        weights: Draw training sequences by these weights instead of meeting every window once.
        augment: Changes of training windows.
        workers: Processes that read.
        seed: Of order, choice and augmentation. The number of workers changes none of them.
    """

    def __init__(
        self,
        data: str | Path,
        inputs: Sequence[Stream],
        outputs: Sequence[Stream],
        *,
        batch_size: int = 84,
        fix_lengths: bool = False,
        sequences: int = 0,
        weights: Mapping[str, float] | None = None,
        augment: Sequence[Change] = (),
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.folder = FeatureFolder(data)
        self.inputs, self.outputs, self.fix_lengths = tuple(inputs), tuple(outputs), fix_lengths
        self.batch_size, self.workers, self.seed = batch_size, workers, seed
        self.sequences, self.weights, self.augment = sequences, weights, tuple(augment)
        self._epoch = 0

    def windows(self, split: str) -> Windows:
        """The windows of a split; those of training are augmented."""
        train = split == "train"
        return Windows.of(
            self.folder,
            split,
            self.inputs,
            self.outputs,
            fix_lengths=self.fix_lengths,
            sequences=self.sequences if train else 0,
            augment=self.augment if train else (),
            seed=self.seed,
        )

    def train_dataloader(self) -> DataLoader:
        """Whole batches in random order: every window once, or sequences by weight."""
        windows = self.windows("train")
        trainer = self.trainer
        epoch = trainer.current_epoch if trainer else 0
        windows.set_epoch(epoch)
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if self.weights is not None:
            # Every process draws its own share.
            sampler = BySequence(windows, self.weights, count=len(windows) // world, seed=self.seed * world + rank)
            sampler.epoch = epoch
            return self._loader(windows, sampler=sampler, batch_size=self.batch_size // world, drop_last=True)
        batches = ShuffledBatches(len(windows), self.batch_size, self.seed, rank, world)
        batches.start_at(epoch)
        return self._loader(windows, batch_sampler=batches)

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """All windows of the val split in order, the last batch too; nothing if the split is empty."""
        return self._in_order("val")

    def test_dataloader(self) -> DataLoader | list[DataLoader]:
        """All windows of the test split in order."""
        return self._in_order("test")

    def _in_order(self, split: str) -> DataLoader | list[DataLoader]:
        if not self.folder.split(split):
            return []
        return self._loader(self.windows(split), batch_size=self.batch_size)

    def _loader(self, windows: Windows, **options: object) -> DataLoader:
        return DataLoader(
            MultimodalWindows(windows),
            num_workers=self.workers,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator().manual_seed(self.seed),
            **options,  # type: ignore[arg-type]
        )
