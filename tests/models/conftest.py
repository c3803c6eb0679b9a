"""Parity vectors: arrays recorded from the earlier public implementation, by file, case and kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

RECORDED = Path(__file__).parent / "data" / "parity.npz"


def recorded() -> dict[str, np.ndarray]:
    """All arrays by `file/case/kind/name`: data/README.md tells how they are packed."""
    with np.load(RECORDED, allow_pickle=False) as archive:
        values, index = archive["values"], json.loads(archive["index"].tobytes())
    arrays = {}
    for name, entry in index.items():
        if isinstance(entry, dict):
            arrays[name] = np.array(entry["value"], dtype=entry["dtype"])
        else:
            begin, shape = entry
            arrays[name] = values[begin : begin + math.prod(shape)].reshape(shape)
    return arrays


class Case:
    """The arrays `case/kind/name` of one case; see data/README.md for what the kinds are."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    def all(self, kind: str) -> dict[str, Any]:
        """Every array of a kind, as tensors by name."""
        start = f"{kind}/"
        return {k.removeprefix(start): torch.as_tensor(v) for k, v in self._arrays.items() if k.startswith(start)}

    def get(self, kind: str, name: str) -> Any:
        """One array as a tensor."""
        return torch.as_tensor(self._arrays[f"{kind}/{name}"])

    def __contains__(self, key: str) -> bool:
        return key in self._arrays

    @property
    def config(self) -> dict[str, Any]:
        """Sizes and switches as Python values."""
        return {k.removeprefix("cfg/"): v.tolist() for k, v in self._arrays.items() if k.startswith("cfg/")}


@pytest.fixture(scope="session")
def parity():
    """A function (file, case) -> Case."""
    arrays = recorded()

    def load(file: str, case: str) -> Case:
        start = f"{file}/{case}/"
        found = {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
        assert found, start
        return Case(found)

    return load


@pytest.fixture
def same():
    """A function (actual, expected, tolerance): equal to a tolerance, absolute plus relative, but for axes of length 1."""

    def compare(actual, expected, tolerance: float) -> None:
        expected = expected.reshape(actual.shape).to(actual.dtype)
        torch.testing.assert_close(actual.detach(), expected, rtol=tolerance, atol=tolerance)

    return compare


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same random state and leaves torch as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
