"""Weights of a checkpoint and the model they belong to. Needs torch."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from farandole.errors import CheckpointError, FarandoleError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.models.model import Model


def load_model(checkpoint: Checkpoint) -> Model:
    """The model of a checkpoint with its weights, in 32 bits and evaluation mode.

    Raises:
        MissingExtraError: If torch is not installed.
        CheckpointError: If weights and configuration do not fit each other.
    """
    try:
        import torch  # noqa: F401
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError("the torch engine", "train") from error
    from farandole.models.registry import model_type
    from farandole.models.settings import build

    where = checkpoint.folder / "config.json"
    try:
        kind = model_type(checkpoint.config.model)
        with warnings.catch_warnings():  # torch warns of layers without a weight, which the error below tells
            warnings.simplefilter("ignore")
            model = kind(build(kind.Config, checkpoint.config.config, "config"))
    except FarandoleError as error:
        raise CheckpointError(f"{where}: {error}") from error
    except (RuntimeError, MemoryError, ArithmeticError, TypeError, ValueError) as error:  # sizes that no model has
        raise CheckpointError(f"{where}: config: {' '.join(str(error).split())[:200]}") from error
    if not checkpoint.weights.is_file():
        raise CheckpointError(f"{checkpoint.folder} is not a checkpoint: {checkpoint.weights.name} is missing")
    try:
        model.load_state_dict({k: v.float() for k, v in load_file(checkpoint.weights).items()})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{checkpoint.weights} is damaged: {error}") from error
    except RuntimeError as error:
        detail = " ".join(str(error).splitlines()[-1].split())
        raise CheckpointError(f"{checkpoint.weights} does not fit {where.name} beside it: {detail}") from error
    return model.eval()


def write_weights(path: Path, model: Model, *, half: bool) -> None:
    """Write a safetensors file; with `half` parameters take 16 bits, buffers (scales) keep theirs.

    By way of bytes: safetensors' own writer makes files for the owner's eyes only, and whoever may read the rest of a checkpoint
    may read the weights.
    """
    from safetensors.torch import save

    parameters = dict(model.named_parameters()) if half else {}
    stored = {k: w.half() if k in parameters else w for k, w in model.state_dict().items()}
    path.write_bytes(save({k: w.detach().cpu().contiguous() for k, w in stored.items()}))
