"""What every kind of training data offers: batches that depend on the seed and the step alone, so that runs resume anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from farandole.errors import DataError
from farandole.models.objectives.facts import DataFacts

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder, Scaler
    from farandole.models.model import Model
    from farandole.motion.skeleton import Skeleton

Batch = dict[str, Tensor]
HELD_OUT = ("val", "test")
"""Splits that are looked for held-out sequences, in this order."""


class TrainingData(ABC):
    """Batches of windows of a feature folder.

    Args:
        corpus: The feature folder.
        model: The model, whose inputs tell what a window holds.
        features: Modality -> feature.
        settings: The recipe's `windows`, an instance of `Settings`.
        seed: Of order and chance.

    Raises:
        DataError: If recipe and data do not fit each other.
    """

    Settings: ClassVar[type]

    def __init__(
        self, corpus: FeatureFolder, model: Model, features: Mapping[str, str], settings: Any, seed: int
    ) -> None:
        self.corpus, self.features, self.settings, self.seed = corpus, features, settings, seed

    @classmethod
    def dims(cls, corpus: FeatureFolder, features: Mapping[str, str], settings: Any) -> dict[str, int]:
        """Columns per modality that the folder has; `settings` are the recipe's `windows`."""
        return {m: len(corpus.features[f]) for m, f in features.items() if f in corpus.features}

    @abstractmethod
    def batch(self, step: int, size: int, options: Any) -> Batch:
        """The batch of a step, over all processes.

        Args:
            step: Number of the batch since the beginning of the run.
            size: Windows.
            options: The objective's options of the stage.
        """

    @abstractmethod
    def held_out(self, size: int, options: Any) -> Sequence[Batch]:
        """Held-out batches, the same ones every time; empty without a held-out split."""

    def epoch_batches(self, size: int) -> int:
        """Batches after which as many windows were seen as there are; 0 where epochs have no meaning."""
        return 0

    @abstractmethod
    def facts(self) -> DataFacts:
        """See `DataFacts`."""

    @abstractmethod
    def scalers(self) -> dict[str, Scaler]:
        """Statistics by modality, as generation needs them."""

    def adopt(self, scalers: Mapping[str, Scaler]) -> bool:
        """Scale as weights do that are started from, whatever the statistics of these data; whether that makes a difference."""
        return False

    def completion(self) -> dict[str, Any]:
        """Fields of the checkpoint's `completion` that the data tell."""
        return {}

    def labels(self) -> tuple[str, ...]:
        """Names of the classes of a label input, in the order in which they are numbered."""
        return tuple(self.corpus.styles)


class LazyBatches(Sequence[Batch]):
    """Batches that are made when they are looked at."""

    def __init__(self, number: int, make: Callable[[int], Batch]) -> None:
        self.number, self.make = number, make

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.number:
            raise IndexError(index)
        return self.make(index)


def share(batch: Batch, rank: int, world: int) -> Batch:
    """The part of a batch that one of several processes takes.

    Raises:
        DataError: If they cannot share it evenly.
    """
    if world == 1:
        return batch
    size = len(next(iter(batch.values())))
    if size % world:
        raise DataError(f"batch size {size} cannot be shared by {world} processes")
    part = slice(rank * size // world, (rank + 1) * size // world)
    return {name: values[part] for name, values in batch.items()}


def check_features(corpus: FeatureFolder, features: Mapping[str, str], dims: Mapping[str, int]) -> None:
    """Raise DataError if the recipe names no feature for a modality, or the folder lacks it or has it in another width.

    Args:
        corpus: The feature folder.
        features: Modality -> feature.
        dims: Columns per modality that the model is made for.
    """
    for modality, columns in dims.items():
        if modality not in features:
            raise DataError(f"recipe.features names no feature for {modality}")
        name = features[modality]
        if name not in corpus.features:
            raise DataError(f"{corpus.folder} has no feature '{name}': there are {', '.join(corpus.features)}")
        given = len(corpus.features[name])
        if given != columns:
            raise DataError(
                f"{corpus.folder}: {name} ({modality}) has {given} features, but the model is made for {columns}"
            )


def body_of(corpus: FeatureFolder) -> Skeleton | None:
    """The body of a corpus; None for arrays that are no motion."""
    return corpus.skeleton if corpus.has_skeleton else None


def held_out_split(corpus: FeatureFolder, *, frames: int = 1) -> str | None:
    """The first of HELD_OUT with a sequence of so many frames; None if there is none."""
    for split in HELD_OUT:
        if any(corpus.sequences[n]["frames"] >= frames for n in corpus.split(split)):
            return split
    return None


def tensors(arrays: Mapping[str, np.ndarray]) -> Batch:
    """Arrays as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in arrays.items()}
