"""In which order training meets its windows: a function of the seed and the epoch alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fnmatch import fnmatchcase

import torch

from farandole.data.windows import BySequence, Windows
from farandole.errors import DataError


class Order(ABC):
    """Numbers of windows, epoch after epoch; the incomplete batch at the end of an epoch is left out.

    Args:
        count: Windows.
        seed: Of the order.
        stride: An epoch sees one in so many of the windows, each time others.
    """

    def __init__(self, count: int, seed: int, stride: int = 1) -> None:
        self.count, self.seed, self.stride = count, seed, stride
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    def batches(self, size: int) -> int:
        """Batches in an epoch. Raises DataError if it does not fill one."""
        if self.count // self.stride < size:
            raise DataError(f"{self.count // self.stride} windows do not fill one batch of {size}")
        return self.count // self.stride // size

    def batch(self, step: int, size: int) -> tuple[int, list[int]]:
        """Epoch and windows of a step."""
        epoch, index = divmod(step, self.batches(size))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._of(epoch)
        return epoch, self._order[index * size : (index + 1) * size].tolist()

    @abstractmethod
    def _of(self, epoch: int) -> torch.Tensor:
        """Windows of an epoch in order, [count] or more than its batches take, int64."""


class Shuffled(Order):
    """Every window once."""

    def _of(self, epoch: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(self.count, generator=generator)


class Weighted(Order):
    """Windows drawn anew each time, those of some sequences more often.

    Args:
        windows: Where to draw.
        weights: By name of the sequence or pattern (gBR_*), see `sequence_weights`.
        seed: Of the order.
        stride: An epoch draws one in so many of the windows.

    Raises:
        DataError: If a weight is negative or a pattern fits no sequence, or no sequence with windows has a weight.
    """

    def __init__(self, windows: Windows, weights: Mapping[str, float], seed: int, stride: int = 1) -> None:
        super().__init__(len(windows), seed, stride)
        by_name = sequence_weights(windows.names, weights)
        often = {n: by_name[n] * float(c) for n, c in zip(windows.names, windows.counts, strict=True)}
        self._sampler = BySequence(windows, often, count=len(windows) // stride, seed=seed)

    def _of(self, epoch: int) -> torch.Tensor:
        self._sampler.epoch = epoch
        return torch.tensor([index for _, index in self._sampler], dtype=torch.int64)


def make_order(windows: Windows, weights: Mapping[str, float], seed: int, stride: int) -> Order:
    """The order of windows; shuffled where no sequence has a weight of its own."""
    return Weighted(windows, weights, seed, stride) if weights else Shuffled(len(windows), seed, stride)


def sequence_weights(names: tuple[str, ...], weights: Mapping[str, float]) -> dict[str, float]:
    """Weight of every sequence: of its own name, or else of the first pattern that fits; 1 where nothing does.

    Raises:
        DataError: If a weight is negative, or a name or pattern fits no sequence.
    """
    for pattern, weight in weights.items():
        if weight < 0:
            raise DataError(f"windows.weights.{pattern}: {weight:g} is negative")
        if not any(fnmatchcase(name, pattern) for name in names):
            raise DataError(f"windows.weights: no training sequence is called '{pattern}'; the first is {names[0]}")
    fitting = {n: [w for p, w in weights.items() if fnmatchcase(n, p)] for n in names}
    return {n: weights[n] if n in weights else (found[0] if found else 1.0) for n, found in fitting.items()}
