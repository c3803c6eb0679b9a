"""The work behind `teach`: training data of lessons and rehearsals, a recipe for them, training, and what is kept of it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from farandole.checkpoints.checkpoint import Checkpoint
from farandole.checkpoints.weights import load_model
from farandole.checkpoints.write import export_checkpoint, rewrite_texts, write_checkpoint
from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.errors import AbilityError
from farandole.models.abilities import DanceStyle, LatentFlow
from farandole.models.registry import model_type
from farandole.models.settings import plain
from farandole.music import dance_features
from farandole.training.recipe import Recipe, read_values
from farandole.training.run import train
from farandole.training.start import blended, start_from
from farandole.training.teaching.judge import forgetting, held_out_losses
from farandole.training.teaching.rehearsal import RehearsalPlan, rehearse

if TYPE_CHECKING:
    from farandole.generation.latent_flow.dancer import LatentDancer
    from farandole.models.model import Model
    from farandole.training.teaching.lessons import Lesson

RATE = 0.4
"""Learning rate, as a share of the one that the weights were trained with."""
MEMORY = 0.99
"""Of the average of the weights."""
NEW_SHARE = 0.55
"""Share of training windows that are of the new style; the others rehearse the old ones."""
FORGOTTEN = 0.03
"""Greatest relative rise of an old style's loss that is accepted: beyond it the weights go back towards the old ones."""
BLENDS = (0.85, 0.7, 0.55, 0.4, 0.25, 0.1)
"""Shares of the way from the old weights to the new ones that are tried, in this order, where too much was forgotten."""
WIDEST = 1.25
"""How far a style's tempi reach beyond those of its recordings, as a factor."""


def write_lessons(
    target: Path,
    lessons: Sequence[Lesson],
    dancer: LatentDancer,
    style: str,
    plan: RehearsalPlan,
    progress: Callable[[int, int], None] | None = None,
) -> FeatureFolder:
    """The training data: recordings in the new style, and dances of the model in the styles that it knows."""
    checkpoint, codec = dancer.checkpoint, dancer.codec
    licence = (
        f"Recordings of '{style}': terms are those of whoever made them. Rehearsals are dances of the model {checkpoint.name}, "
        f"which was made from: {checkpoint.config.licence or 'data of unknown terms'}"
    )
    features = {codec.name: codec.columns, checkpoint.feature("music"): dance_features.COLUMNS}
    options = {"fps": dancer.fps, "skeleton": codec.skeleton, "features": features, "codecs": [codec]}
    with FeatureFolderWriter(target, licence=licence, **options) as writer:
        sequences = [(style, part) for lesson in lessons for part in lesson.parts]
        for label, part in (*sequences, *((t, p) for t, p in rehearse(dancer, plan, progress=progress) if t != style)):
            arrays = {codec.name: part.pose, checkpoint.feature("music"): part.music}
            writer.add(part.name, arrays, split=part.split, style=label, bpm=part.bpm, on_beat=part.on_beat)
    return FeatureFolder(target)


def style_of(lessons: Sequence[Lesson], style: str, known: Mapping[str, DanceStyle]) -> DanceStyle:
    """What the checkpoint says of the new style: tempi of its recordings, spread as is usual for the others."""
    counted = [lesson for lesson in lessons if lesson.on_beat] or list(lessons)
    tempi = np.array([lesson.bpm for lesson in counted])
    middle = float(np.average(tempi, weights=[lesson.motion.seconds for lesson in counted]))
    others = [other for name, other in known.items() if name != style]
    return DanceStyle(
        family=style,
        tempo=(round(float(tempi.min()) / WIDEST, 1), round(float(tempi.max()) * WIDEST, 1)),
        steady_tempo=round(middle, 1),
        spread=float(np.median([other.spread for other in others])) if others else 1.0,
    )


def fine_tuning_values(start: Checkpoint, name: str, entry: DanceStyle, steps: int, seed: int) -> dict[str, Any]:
    """The recipe that the start was trained by, made one that goes on from it with one more style.

    Raises:
        AbilityError: If the start does not tell what it was trained by.
    """
    values = copy.deepcopy(start.config.recipe)
    stages = (values.get("training") or {}).get("stages") or []
    if not stages:
        raise AbilityError(
            f"the model {start.name} does not tell the recipe that it was trained by, and cannot be taught"
        )
    rate = float(stages[-1].get("lr") or values["training"]["lr"])
    stage = {**stages[-1], "steps": steps, "lr": RATE * rate, "ema": MEMORY}
    training = {
        "stages": [stage],
        "seed": seed,
        "keep": "last",
        "validate_every": steps,
        "save_every": max(steps, 1),
        "save_minutes": 0.0,
        "export": False,
        "dances": {"every": 0},
    }
    completion = plain(start.completion)
    completion.pop("kind")
    stated = {key: value for key, value in plain(entry).items() if value}  # the dynamics of its phrases are the data's
    completion["styles"] = {**completion["styles"], name: stated}
    old = [label for label in start.config.labels if label != name]
    shares = {label: round((1.0 - NEW_SHARE) / len(old), 4) for label in old} | {name: NEW_SHARE}
    return values | {
        "about": f"The model {start.name}, taught '{name}'.",
        "dims": "data",
        "start": start.argument,
        "windows": {**(values.get("windows") or {}), "style_weights": shares},
        "training": values["training"] | training,
        "completion": completion,
        "terms": "",
    }


def fine_tune(
    values: Mapping[str, Any],
    corpus: FeatureFolder,
    run: Path,
    start: Checkpoint,
    name: str,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Checkpoint, dict[str, tuple[float, float]], float]:
    """Train, and go back towards the old weights as far as is needed to keep the old styles.

    Returns:
        The checkpoint; held-out losses before and after by style; the share of the way that was kept.
    """
    train(values, corpus.folder, run, progress=progress)
    checkpoint = Checkpoint(run / "checkpoint")
    recipe = read_values(values, corpus)
    labels = checkpoint.config.labels
    old = model_type(recipe.model)(recipe.config)
    start_from(old, recipe, labels)
    new = load_model(checkpoint)
    losses = lambda model: held_out_losses(model.eval(), recipe, corpus, labels, start.scalers)  # noqa: E731
    others = [label for label in start.config.labels if label != name]
    before, after, share = losses(old), losses(new), 1.0
    for smaller in BLENDS:
        if forgetting(before, after, others) <= FORGOTTEN:
            break
        share = smaller
        _rewrite(checkpoint, _between(recipe, old, new, share))
        after = losses(load_model(checkpoint))
    export_checkpoint(checkpoint)
    shutil.rmtree(run / "states", ignore_errors=True)
    return checkpoint, {label: (before[label], after[label]) for label in before if label in after}, share


def _between(recipe: Recipe, old: Model, new: Model, share: float) -> Model:
    mixed = model_type(recipe.model)(recipe.config)
    mixed.load_state_dict(blended(old.state_dict(), new.state_dict(), share))
    return mixed.eval()


def _rewrite(checkpoint: Checkpoint, model: Model) -> None:
    write_checkpoint(checkpoint.folder, model, checkpoint.config, checkpoint.scalers, checkpoint.skeleton)


def with_style(checkpoint: Checkpoint, name: str, **changes: Any) -> Checkpoint:
    """The checkpoint with fields of one of its styles changed, on disk too."""
    facts = cast("LatentFlow", checkpoint.completion)
    styles = facts.styles | {name: replace(facts.styles[name], **changes)}
    rewrite_texts(checkpoint, completion=replace(facts, styles=styles))
    return Checkpoint(checkpoint.folder)
