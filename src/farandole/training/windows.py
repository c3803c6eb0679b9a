"""Training windows from sequences in memory, and an order of batches that can be taken up again in mid-epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from farandole.errors import DataError
from farandole.models.layers.multimodal import Modality


class MotionWindows(Dataset[dict[str, Tensor]]):
    """Every window of every sequence: what a model of the flow family is trained on.

    An item has `in_<modality>` for each input and `out_<modality>` for the target, float32 [frames, dim]; labels are
    int64 [1]. A window starts at every frame from which all modalities reach far enough: T - longest + 1 per
    sequence, longest being the largest offset + frames.

    Args:
        sequences: Each a mapping modality -> array [T, D] (labels: one number). Arrays are only read.
        inputs: Input windows of the model.
        target: Predicted window.
        names: Names of the sequences, for errors.

    Raises:
        DataError: If a modality is missing or has the wrong dimension, or no sequence is long enough for one window.
    """

    def __init__(
        self,
        sequences: Sequence[Mapping[str, np.ndarray]],
        inputs: Sequence[Modality],
        target: Modality,
        names: Sequence[str] | None = None,
    ) -> None:
        self.inputs, self.target = tuple(inputs), target
        names = list(names) if names is not None else [f"sequence {i}" for i in range(len(sequences))]
        self.sequences = []
        for name, sequence in zip(names, sequences, strict=True):
            for m in (*inputs, target):
                if m.name not in sequence:
                    raise DataError(f"{name}: has no {m.name}; there are: {', '.join(sequence)}")
                if not m.tokens and np.shape(sequence[m.name])[-1] != m.dim:
                    given = np.shape(sequence[m.name])[-1]
                    raise DataError(f"{name}: {m.name} has {given} features, but the model is made for {m.dim}")
            self.sequences.append({m.name: torch.as_tensor(np.asarray(sequence[m.name])) for m in (*inputs, target)})
        moving = [m for m in (*inputs, target) if not m.fixed]
        longest = [[len(s[m.name]) - m.offset - m.frames + 1 for m in moving] for s in self.sequences]
        self.counts = np.array([max(0, min(starts)) for starts in longest], dtype=np.int64)
        self.too_short = [name for name, count in zip(names, self.counts, strict=True) if count == 0]
        if not self.counts.sum():
            need = max(m.offset + m.frames for m in moving)
            raise DataError(f"none of {len(names)} sequences is as long as the model's window of {need} frames")
        self.ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        which = int(np.searchsorted(self.ends, index, side="right"))
        start = index - int(self.ends[which] - self.counts[which])
        sequence = self.sequences[which]
        item = {f"in_{m.name}": self._cut(sequence[m.name], m, start) for m in self.inputs}
        item[f"out_{self.target.name}"] = self._cut(sequence[self.target.name], self.target, start)
        return item

    @staticmethod
    def _cut(values: Tensor, m: Modality, start: int) -> Tensor:
        if m.tokens:
            return values.reshape(-1)[:1].long() if m.fixed else values[start + m.offset :][: m.frames].long()
        return values[start + m.offset : start + m.offset + m.frames].float()


class ShuffledBatches(Sampler[list[int]]):
    """Batches of indices in an order that depends on seed and epoch alone, so that it can be taken up anywhere.

    The incomplete batch at the end of an epoch is left out. With several processes, each takes its share of every
    batch: together they see the batches that one process would.

    Args:
        count: Items in the data set.
        batch_size: Items per batch over all processes.
        seed: Of the order.
        rank, world: This process and how many there are; batch_size must be divisible by world.
    """

    def __init__(self, count: int, batch_size: int, seed: int = 0, rank: int = 0, world: int = 1) -> None:
        if batch_size % world:
            raise DataError(f"batch size {batch_size} cannot be shared by {world} processes")
        if count < batch_size:
            raise DataError(f"{count} windows do not fill one batch of {batch_size}")
        self.count, self.batch_size, self.seed, self.rank, self.world = count, batch_size, seed, rank, world
        self.epoch, self.skip = 0, 0

    def __len__(self) -> int:
        return self.count // self.batch_size

    def start_at(self, epoch: int, batch: int = 0) -> None:
        """The next iteration is that of `epoch`, from batch number `batch` on; then come whole epochs, one after the other."""
        self.epoch, self.skip = epoch, batch

    def __iter__(self) -> Iterator[list[int]]:
        epoch, skip = self.epoch, self.skip
        self.epoch, self.skip = epoch + 1, 0
        order = torch.randperm(self.count, generator=torch.Generator().manual_seed(self.seed * 1_000_003 + epoch))
        share = self.batch_size // self.world
        for batch in range(skip, len(self)):
            first = batch * self.batch_size + self.rank * share
            yield order[first : first + share].tolist()
