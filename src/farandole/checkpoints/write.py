"""Writing checkpoint folders, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole._io import atomic_directory, atomic_paths
from farandole.checkpoints.card import card
from farandole.checkpoints.checkpoint import WEIGHTS, Checkpoint
from farandole.checkpoints.export import TOLERANCE, export_networks
from farandole.checkpoints.schema import CheckpointConfig, ExportFacts
from farandole.checkpoints.weights import load_model, write_weights

if TYPE_CHECKING:
    from farandole.data.feature_folder import Scaler
    from farandole.models.model import Model
    from farandole.motion.skeleton import Skeleton

PACKAGES = ("torch", "librosa")
"""Packages whose release may change what a model or a music feature gives."""


def write_checkpoint(
    target: Path,
    model: Model,
    config: CheckpointConfig,
    scalers: Mapping[str, Scaler],
    skeleton: Skeleton | None,
) -> Checkpoint:
    """Write everything that generation needs into the folder `target`, replacing it whole.

    Weights that are stored with 16 bits are rounded in `model` too, so that all engines compute with the same ones.

    Args:
        target: The folder.
        model: With the weights to keep, in evaluation mode.
        config: What config.json says.
        scalers: Statistics by modality.
        skeleton: The body; None for features that are no motion.
    """
    import torch

    half = config.stored == "float16"
    if half:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(parameter.half().float())
    with atomic_directory(target, force=True) as folder:
        write_weights(folder / WEIGHTS, model, half=half)
        (folder / "scalers.json").write_text(_scalers(scalers), encoding="utf-8")
        (folder / "skeleton.json").write_text(_skeleton(skeleton), encoding="utf-8")
        for name, text in texts(config, name=target.parent.name).items():
            (folder / name).write_text(text, encoding="utf-8")
    return Checkpoint(target)


def export_checkpoint(checkpoint: Checkpoint, *, tolerance: float = TOLERANCE) -> float:
    """Write the ONNX files of a checkpoint from its weights, replacing those that are there, and say so on its card.

    Returns:
        The largest difference from torch.

    Raises:
        CheckpointError: If the model cannot be exported, or a file does not give torch's numbers: then nothing is written.
    """
    half = checkpoint.config.stored == "float16"
    difference = export_networks(load_model(checkpoint), checkpoint.folder, half=half, tolerance=tolerance)
    rewrite_texts(checkpoint, exported=ExportFacts(difference=float(f"{difference:.3g}"), tolerance=tolerance))
    return difference


def rewrite_texts(checkpoint: Checkpoint, **changes: Any) -> None:
    """Change fields of a checkpoint's config.json, and make its card again."""
    config = checkpoint.config.model_copy(update=changes)
    made = texts(config, name=checkpoint.name)
    with atomic_paths([checkpoint.folder / name for name in made], force=True) as temporaries:
        for path, text in zip(temporaries, made.values(), strict=True):
            path.write_text(text, encoding="utf-8")


def texts(config: CheckpointConfig, *, name: str) -> dict[str, str]:
    """config.json and card.md."""
    return {"config.json": config.model_dump_json(indent=1, by_alias=True) + "\n", "card.md": card(config, name)}


def package_versions() -> dict[str, str]:
    """Releases of PACKAGES that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _scalers(scalers: Mapping[str, Scaler]) -> str:
    return json.dumps({name: scaler.to_json() for name, scaler in scalers.items()}) + "\n"


def _skeleton(skeleton: Skeleton | None) -> str:
    from farandole.data.feature_folder import skeleton_to_json

    return json.dumps(None if skeleton is None else skeleton_to_json(skeleton), indent=1) + "\n"
