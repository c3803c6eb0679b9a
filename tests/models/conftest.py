"""Parity vectors: arrays recorded from the earlier public implementation, by file, case and kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

SMALL = Path(__file__).parent / "data" / "parity.npz"


class Case:
    """The arrays `case/kind/name` of one case; see docs of the parity vectors for what the kinds are."""

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


@pytest.fixture
def parity(request: pytest.FixtureRequest):
    """A function (file, case) -> Case: from tests/models/data where it is kept there, else from ../shared/parity."""

    def load(file: str, case: str) -> Case:
        start = f"{file}/{case}/"
        with np.load(SMALL, allow_pickle=False) as archive:
            arrays = {k.removeprefix(start): archive[k] for k in archive.files if k.startswith(start)}
        if not arrays:
            path = request.getfixturevalue("shared") / "parity" / f"{file}.npz"
            if not path.is_file():
                pytest.skip(f"no {path.name} beside the repository")
            start = f"{case}/"
            with np.load(path, allow_pickle=False) as archive:
                arrays = {k.removeprefix(start): archive[k] for k in archive.files if k.startswith(start)}
        return Case(arrays)

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
