"""Writing checkpoints of the flow family: weights, configuration, scalers, skeleton, card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole import __version__
from farandole._io import atomic_directory, atomic_paths
from farandole.data.feature_folder import FeatureFolder, skeleton_to_json
from farandole.generation.checkpoint import SCHEMA
from farandole.generation.motion_checkpoint import TARGET, InputWindow, MotionCheckpoint
from farandole.models.base import MotionModel
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.settings import plain
from farandole.training.weights import write_weights

if TYPE_CHECKING:
    from farandole.training.motion_run import MotionRecipe

PACKAGES = ("torch", "librosa")
"""Packages whose release may change what a model or a music feature gives."""


def write_motion_checkpoint(
    target: Path,
    model: MotionModel,
    recipe: MotionRecipe,
    corpus: FeatureFolder,
    *,
    steps: int,
    held_out: Mapping[str, float],
) -> MotionCheckpoint:
    """Write everything generation needs into the folder `target`, replacing it whole.

    Args:
        target: The folder.
        model: With the weights to keep.
        recipe: What it was made by.
        corpus: What it was trained on.
        steps: Optimiser steps taken.
        held_out: Losses by name.
    """
    modalities = {m.name: m for m in (*model.inputs, model.target)}
    scalers = {
        name: corpus.scaler(recipe.features[name]).to_json() for name, m in modalities.items() if not m.tokens
    }  # fmt: skip
    with atomic_directory(target, force=True) as folder:
        write_weights(folder, model.state_dict())
        (folder / "scalers.json").write_text(json.dumps(scalers) + "\n")
        (folder / "skeleton.json").write_text(json.dumps(skeleton_to_json(corpus.skeleton), indent=1) + "\n")
        facts = motion_facts(model, recipe, corpus, steps, held_out)
        for name, text in texts(facts).items():
            (folder / name).write_text(text, encoding="utf-8")
    return MotionCheckpoint(target)


def motion_facts(
    model: MotionModel, recipe: MotionRecipe, corpus: FeatureFolder, steps: int, held_out: Mapping[str, float]
) -> dict[str, Any]:
    """What config.yaml says, in plain values."""
    train = corpus.split("train")
    seconds = sum(corpus.sequences[name]["frames"] for name in train) / corpus.fps
    return {
        "schema": SCHEMA,
        "farandole": __version__,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "model": recipe.model,
        "preset": recipe.preset,
        "parameters": sum(p.numel() for p in model.parameters()),
        "fps": corpus.fps,
        "features": recipe.features,
        "codec": corpus.codecs.get(recipe.features[TARGET]),
        "styles": corpus.styles,
        "sampling": _sampling(model),
        "config": plain(recipe.config),
        "training": plain(recipe.training),
        "steps": steps,
        "held_out": {k: float(f"{v:.6g}") for k, v in held_out.items()},
        "data": {"name": corpus.folder.resolve().name, "sequences": len(train), "minutes": round(seconds / 60, 2)},
        "licence": corpus.licence,
    }


def rewrite_texts(checkpoint: MotionCheckpoint, **changes: Any) -> None:
    """Add facts to a checkpoint's config.yaml, and make its card again."""
    made = texts({**checkpoint.config, **changes})
    with atomic_paths([checkpoint.folder / name for name in made], force=True) as temporaries:
        for path, text in zip(temporaries, made.values(), strict=True):
            path.write_text(text, encoding="utf-8")


def texts(facts: Mapping[str, Any]) -> dict[str, str]:
    """config.yaml (written as JSON, which is YAML too) and card.md."""
    return {"config.yaml": json.dumps(facts, indent=1) + "\n", "card.md": _card(facts)}


def _sampling(model: MotionModel) -> dict[str, Any]:
    """Windows that a step reads and predicts, and the distribution of its noise."""
    window = lambda m: {k: getattr(m, k) for k in InputWindow.__dataclass_fields__}  # noqa: E731
    prior = next((m.prior for m in model.modules() if isinstance(m, ConditionalFlow)), None)
    return {
        "inputs": [window(m) for m in model.generation_inputs],
        "target": {**window(model.target), "frames": model.generation_frames},
        "latent_channels": model.latent_channels,
        "degrees": getattr(prior, "degrees", None),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _card(facts: Mapping[str, Any]) -> str:
    features, sampling = facts["features"], facts["sampling"]
    windows = "; ".join(
        f"{w['name']} ({features[w['name']]}), " + ("a label" if w["tokens"] else f"{w['frames']} frames of {w['dim']}")
        for w in sampling["inputs"]
    )
    target, data = sampling["target"], facts["data"]
    packages = ", ".join(f"{k} {v}" for k, v in facts["packages"].items())
    trained = f"Trained for {facts['steps']} steps of {facts['training']['batch_size']} windows"
    lines = [
        f"# {facts['model']}, preset {facts['preset']}",
        "",
        f"Continues motion to music at {facts['fps']:g} frames per second; {facts['parameters'] / 1e6:.2f} M parameters.",
        "",
        f"* Reads {windows}.",
        f"* Predicts {target['name']} ({features[target['name']]}), {target['frames']} frames from frame {target['offset']} on.",
        f"* Made with farandole {facts['farandole']} ({packages}); every setting is in config.yaml.",
        f"* {trained} of {data['sequences']} sequences ({data['minutes']:g} min) of {data['name']}.",
        *([] if "onnx" not in facts else [_exported(facts["onnx"])]),
        "",
        "| held-out loss | value |",
        "|---|---|",
        *(f"| {k.removeprefix('held_out/')} | {v:g} |" for k, v in facts["held_out"].items()),
        "",
        "## Terms of the data",
        "",
        facts["licence"].strip(),
        "",
        "Whether and how these weights may be used and shipped depends on them.",
    ]
    return "\n".join(lines) + "\n"


def _exported(onnx: Mapping[str, Any]) -> str:
    return (
        f"* model.onnx is one sampling step. Largest difference from torch over {onnx['steps']} steps: "
        f"{onnx['difference']:.1e} standard deviations of the features (tolerance {onnx['tolerance']:g})."
    )
