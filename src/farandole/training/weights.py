"""Weights of a checkpoint folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

WEIGHTS = "model.safetensors"


def write_weights(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Write `folder`/model.safetensors.

    By way of bytes: safetensors' own writer makes files for the owner's eyes only, and whoever may read the rest of a checkpoint
    may read the weights.
    """
    (folder / WEIGHTS).write_bytes(save({name: w.detach().cpu().contiguous() for name, w in weights.items()}))
