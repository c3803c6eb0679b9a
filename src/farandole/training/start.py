"""Weights to begin with: those of another checkpoint, with rows for labels that it did not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.errors import CheckpointError
from farandole.models.settings import plain
from farandole.training.recipe import Recipe, difference

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.models.model import Model


def start_checkpoint(recipe: Recipe) -> Checkpoint:
    """The checkpoint of the recipe's `start`. Raises CheckpointError if that is another model, or none."""
    checkpoint = find_checkpoint(recipe.start)
    if checkpoint.config.model != recipe.model:
        raise CheckpointError(
            f"{checkpoint.folder} is a {checkpoint.config.model}, but the recipe trains a {recipe.model}: start from one of those"
        )
    return checkpoint


def start_from(model: Model, recipe: Recipe, labels: Sequence[str] = ()) -> None:
    """Give a model the weights of the recipe's `start`.

    Embeddings with a row per label are matched by the labels' names: a label that the start does not know begins with the mean of
    all rows, and one that is not taught any more is dropped.

    Args:
        model: Fresh, of the recipe.
        recipe: Of the run.
        labels: Names of the classes of its data, in their order.

    Raises:
        CheckpointError: If that is another model, or one of other settings.
    """
    from farandole.checkpoints.weights import load_model

    checkpoint = start_checkpoint(recipe)
    changed = difference(checkpoint.config.config, plain(recipe.config), "config")
    known = load_model(checkpoint)
    state = known.state_dict()
    for name in _label_tables(known, len(checkpoint.config.labels)) & _label_tables(model, len(labels)):
        state[name] = _by_label(state[name], checkpoint.config.labels, labels)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint.folder} has other settings than the recipe ({changed}): give the recipe the same preset and config"
        ) from error


def blended(old: Mapping[str, Tensor], new: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights on the line from old to new ones (Wortsman et al., Robust fine-tuning, 2022): old at share 0, new at 1.

    Weights of another shape, as tables of labels that have grown, are the new ones.
    """
    mixed = {}
    for name, weight in new.items():
        other = old.get(name)
        line = other is not None and other.shape == weight.shape and weight.is_floating_point()
        mixed[name] = torch.lerp(other, weight, share) if other is not None and line else weight
    return mixed


def _label_tables(model: nn.Module, labels: int) -> set[str]:
    """Names of the embeddings of a model that have one row per label."""
    parts = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Embedding)]
    return {f"{name}.weight" for name, part in parts if labels and part.num_embeddings == labels}


def _by_label(rows: Tensor, old: Sequence[str], new: Sequence[str]) -> Tensor:
    """Rows [S, W] of the labels `old` as rows of the labels `new`."""
    mean = rows.mean(dim=0)
    return torch.stack([rows[old.index(label)] if label in old else mean for label in new])
