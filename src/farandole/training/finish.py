"""The end of a run: what its checkpoint says, and writing it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError
from torch import nn

from farandole._version import __version__
from farandole.checkpoints.checkpoint import Checkpoint
from farandole.checkpoints.schema import SCHEMA, CheckpointConfig, CodecFacts, DataFacts, faults
from farandole.checkpoints.write import export_checkpoint, package_versions, write_checkpoint
from farandole.data.feature_folder import Scaler
from farandole.errors import DataError, FarandoleError
from farandole.models.settings import plain

if TYPE_CHECKING:
    from farandole.models.model import Model
    from farandole.training.data.training_data import TrainingData
    from farandole.training.recipe import Recipe

log = logging.getLogger(__name__)


def save_run(
    target: Path,
    model: Model,
    recipe: Recipe,
    data: TrainingData,
    *,
    steps: int,
    held_out: Mapping[str, float],
    export: bool = False,
) -> Checkpoint:
    """Write a model that was trained as a checkpoint folder.

    Args:
        target: The folder.
        model: With the weights to keep, in evaluation mode.
        recipe: What it was trained by.
        data: What it was trained on.
        steps: Optimiser steps taken.
        held_out: Losses by name.
        export: Write the ONNX files, too.

    Raises:
        DataError: If the recipe's `completion` does not fit the model.
    """
    config = checkpoint_config(model, recipe, data, steps=steps, held_out=held_out)
    scalers = data.scalers() | _own_scalers(model)
    checkpoint = write_checkpoint(target, model, config, scalers, data.facts().skeleton)
    if export:
        try:
            export_checkpoint(checkpoint)
        except (FarandoleError, ImportError) as error:
            log.warning("the weights are kept, but not exported: %s", error)
    return checkpoint


def checkpoint_config(
    model: Model, recipe: Recipe, data: TrainingData, *, steps: int, held_out: Mapping[str, float]
) -> CheckpointConfig:
    """What config.json says; arguments as for `save_run`."""
    corpus, train = data.corpus, data.corpus.split("train")
    completion = model.completion() | data.completion() | recipe.completion
    if "styles" in data.completion():  # in the order of the labels, and of those only
        told, stated = data.completion()["styles"], recipe.completion.get("styles", {})
        completion["styles"] = {label: told[label] | stated.get(label, {}) for label in data.labels()}
    codec = corpus.codecs.get(recipe.features.get("motion", ""))
    stages = [stage.options for stage in recipe.plan.stages]
    abilities = plain(model.Objective.learnt(model.abilities(), stages))
    if not abilities["past"] and completion["kind"] == "curve_correction":
        abilities["longest_gap"] = completion["window"] - 2
    if completion["kind"] == "masked" and abilities["future"]:
        abilities["longest_gap"] = completion["window"] - 2
    values = {
        "schema": SCHEMA,
        "farandole": __version__,
        "packages": package_versions(),
        "model": recipe.model,
        "preset": recipe.preset,
        "parameters": sum(p.numel() for p in model.parameters()),
        "fps": float(corpus.fps),
        "features": recipe.features,
        "codec": None if codec is None else CodecFacts(**codec),
        "labels": data.labels(),
        "abilities": abilities,
        "completion": plain(completion),
        "config": plain(recipe.config),
        "recipe": recipe.to_json(),
        "steps": steps,
        "stored": recipe.training.stored,
        "held_out": {k: float(f"{v:.6g}") for k, v in held_out.items() if np.isfinite(v)},
        "data": DataFacts(
            name=corpus.folder.resolve().name,
            sequences=len(train),
            minutes=round(sum(corpus.sequences[n]["frames"] for n in train) / corpus.fps / 60, 2),
        ),
        "licence": corpus.licence,
        "terms": recipe.terms,
    }
    try:
        return CheckpointConfig.model_validate(values, strict=False)
    except ValidationError as error:
        raise DataError(f"recipe.completion does not fit the model: {faults(error)}") from error


def _own_scalers(model: nn.Module) -> dict[str, Scaler]:
    """Scales that a model keeps itself and generation needs, by modality."""
    own: Any = dict(model.named_buffers())
    empty = np.zeros(0)
    found = {}
    for name, mean, std in (("latent", "latent_mean", "latent_std"), ("features", "mean", "std")):
        if mean in own and std in own:
            found[name] = Scaler(own[mean].cpu().numpy(), own[std].cpu().numpy(), empty, empty)
    return found
