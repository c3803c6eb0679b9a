"""Reading the parity vectors: arrays recorded from the earlier public implementation, by case and kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Case:
    """The arrays `case/kind/name` of one case in a parity file."""

    def __init__(self, path: Path, case: str) -> None:
        self._archive, self.case = np.load(path, allow_pickle=False), case

    def names(self, kind: str) -> list[str]:
        """Names stored under a kind."""
        start = f"{self.case}/{kind}/"
        return [key.removeprefix(start) for key in self._archive.files if key.startswith(start)]

    def all(self, kind: str) -> dict[str, Tensor]:
        """Every array of a kind, as tensors."""
        return {name: self.get(kind, name) for name in self.names(kind)}

    def get(self, kind: str, name: str) -> Tensor:
        """One array as a tensor."""
        return torch.as_tensor(self._archive[f"{self.case}/{kind}/{name}"])

    def config(self) -> dict[str, Any]:
        """Sizes and switches as Python values."""
        return {name: self._archive[f"{self.case}/cfg/{name}"].tolist() for name in self.names("cfg")}


def close(actual: Tensor, expected: Tensor, tolerance: float, what: str = "") -> None:
    """Equal to a tolerance, absolute plus relative, after removing axes of length one."""
    expected = expected.reshape(actual.shape).to(actual.dtype)
    torch.testing.assert_close(
        actual.detach(), expected, rtol=tolerance, atol=tolerance, msg=lambda text: f"{what}: {text}"
    )
