"""The losses of a finished run on any split of any folder of its features, scaled and labelled as in its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from farandole.checkpoints.weights import load_model
from farandole.data.feature_folder import FeatureFolder, Scaler
from farandole.errors import DataError
from farandole.models.objectives.objective import Draw
from farandole.models.registry import model_type
from farandole.training.data.stream_windows import MaskedSettings, StreamSettings
from farandole.training.recipe import make_data, objective_of, read_values

if TYPE_CHECKING:
    from farandole.checkpoints.checkpoint import Checkpoint
    from farandole.motion.codecs import Codec
    from farandole.motion.rotations import Array

MEASURED = ("streams", "masked")
"""Kinds of data whose windows depend on a folder's arrays and the checkpoint alone."""


def split_losses(
    checkpoint: Checkpoint,
    corpus: FeatureFolder,
    names: Sequence[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """Means over the held-out windows of some sequences: likelihood and bits per dimension, squared error, or masked losses.

    What is hidden is hidden as in validation, the same every time.

    Args:
        checkpoint: The model.
        corpus: Features made as those that it was trained on.
        names: Sequences.
        progress: Called with batches done and batches in all.

    Returns:
        Loss by name; empty for models that are not trained on such windows.

    Raises:
        DataError: If the features do not fit, a style is unknown to the model, or no sequence is long enough.
        MissingExtraError: If torch is not installed.
    """
    if not checkpoint.config.recipe or model_type(checkpoint.config.model).Objective.data not in MEASURED:
        return {}
    import torch

    model = load_model(checkpoint)
    recipe = read_values(checkpoint.config.recipe)
    recipe = replace(recipe, windows=_plain_windows(recipe.windows))
    data = make_data(recipe, model, _AsTrained(corpus, checkpoint, names))
    objective = objective_of(recipe.model)(model, recipe.objective, data.facts())
    stage = recipe.plan.stages[-1]
    batches = data.held_out(stage.batch_size, stage.options)
    sums: dict[str, float] = {}
    windows = 0
    for number in range(len(batches)):
        batch = batches[number]
        size = len(next(iter(batch.values())))
        with torch.inference_mode():
            losses = objective.losses(model, batch, stage.options, Draw(recipe.training.seed, number, held_out=True))
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + size * float(value)
        windows += size
        if progress:
            progress(number + 1, len(batches))
    return {name: value / windows for name, value in sums.items()}


def _plain_windows(settings: Any) -> Any:
    """The windows as they are validated on: every sequence, unchanged, by the checkpoint's statistics."""
    if isinstance(settings, StreamSettings):
        return replace(settings, augment=(), weights={}, sequences=0, ahead=0)
    assert isinstance(settings, MaskedSettings)
    return replace(settings, statistics="train", augment=(), weights={})


class _AsTrained(FeatureFolder):
    """Some sequences of a feature folder, with the statistics and labels of a checkpoint, in every split.

    Raises:
        DataError: If a sequence has a style that the model does not know.
    """

    def __init__(self, whole: FeatureFolder, checkpoint: Checkpoint, names: Sequence[str]) -> None:
        self.whole, self.names, self.labels = whole, list(names), list(checkpoint.config.labels)
        self.folder, self.is_plain, self.frame_rate = whole.folder, whole.is_plain, whole.frame_rate or checkpoint.fps
        self.sequences, self.features, self.codecs = whole.sequences, whole.features, whole.codecs
        self.licence, self.problems = whole.licence, whole.problems
        self._skeleton = whole._skeleton
        self.scales = {f: s for m, f in checkpoint.config.features.items() if (s := checkpoint.scalers.get(m))}
        for name in names if self.labels else ():
            style = whole.sequences[name].get("style", self.labels[0])
            if style not in self.labels:
                raise DataError(f"{name} has the style '{style}': the model knows {', '.join(self.labels)}")

    @property
    def styles(self) -> list[str]:
        """Those of the checkpoint, in its order."""
        return self.labels

    def split(self, name: str) -> list[str]:
        """The chosen sequences."""
        return self.names

    def load(self, sequence: str, feature: str) -> Array:
        """See `FeatureFolder.load`."""
        return self.whole.load(sequence, feature)

    def codec(self, feature: str) -> Codec:
        """See `FeatureFolder.codec`."""
        return self.whole.codec(feature)

    def scaler(self, feature: str) -> Scaler:
        """The checkpoint's statistics; the folder's own for features that it does not know."""
        return self.scales.get(feature) or self.whole.scaler(feature)
