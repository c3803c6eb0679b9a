"""Training windows as torch wants them, and an order of batches that can be taken up again in mid-epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from farandole.data.feature_folder import FeatureFolder
from farandole.data.windows import Stream, Windows
from farandole.errors import DataError
from farandole.models.layers.multimodal import Modality


class MultimodalWindows(Dataset[dict[str, Tensor]]):
    """`data.windows.Windows` with tensors: `in_<name>` and `out_<name>`, float32 [length, D] or int64 [length]."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {key: torch.from_numpy(np.ascontiguousarray(values)) for key, values in self.windows[index].items()}


def model_windows(
    folder: FeatureFolder, split: str, features: Mapping[str, str], inputs: Sequence[Modality], target: Modality
) -> MultimodalWindows:
    """Every window that a model sees of the sequences of a split: `in_<modality>` and `out_<modality>`.

    Numbers are standardised with the folder's statistics; labels are numbers of classes.

    Args:
        folder: The corpus.
        split: train, val or test.
        features: Modality -> name of its feature.
        inputs: Input windows of the model.
        target: Predicted window.

    Raises:
        DataError: If a modality has no feature or one of another width, or no sequence is long enough for one window.
    """
    modalities = (*inputs, target)
    missing = sorted({m.name for m in modalities} - features.keys())
    if missing:
        raise DataError(f"recipe.features names no feature for {', '.join(missing)}")
    for m in modalities:
        columns = folder.features.get(features[m.name])
        if columns is not None and not m.tokens and len(columns) != m.dim:
            what = f"{folder.folder}: {features[m.name]} ({m.name})"
            raise DataError(f"{what} has {len(columns)} features, but the model is made for {m.dim}")
    streams = [_stream(m, features[m.name]) for m in modalities]
    return MultimodalWindows(Windows.of(folder, split, streams[:-1], streams[-1:]))


def _stream(m: Modality, feature: str) -> Stream:
    label = m.tokens > 0
    return Stream(
        feature,
        m.frames,
        m.offset,
        kind="discrete" if label else "continuous",
        fix="single" if m.fixed else "end",
        tokens=m.tokens,
        scaling="none" if label else "standard",
        name=m.name,
    )


class ShuffledBatches(Sampler[list[int]]):
    """Batches of indices in an order that depends on seed and epoch alone, so that it can be taken up anywhere.

    The incomplete batch at the end of an epoch is left out. With several processes, each takes its share of every
    batch: together they see the batches that one process would.

    Args:
        count: Items in the data set.
        batch_size: Items per batch over all processes.
        seed: Of the order.
        rank, world: This process and how many there are; batch_size must be divisible by world.
        stride: An epoch sees one in so many of the items, each time others.

    Raises:
        DataError: If the processes cannot share a batch, or an epoch does not fill one.
    """

    def __init__(
        self, count: int, batch_size: int, seed: int = 0, rank: int = 0, world: int = 1, stride: int = 1
    ) -> None:
        if batch_size % world:
            raise DataError(f"batch size {batch_size} cannot be shared by {world} processes")
        if count // stride < batch_size:
            raise DataError(f"{count // stride} windows do not fill one batch of {batch_size}")
        self.count, self.batch_size, self.seed, self.rank, self.world = count, batch_size, seed, rank, world
        self.stride = stride
        self.epoch, self.skip = 0, 0

    def __len__(self) -> int:
        return self.count // self.stride // self.batch_size

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
