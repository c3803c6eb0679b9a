"""`farandole train`: a recipe and a feature folder to a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet


def train(
    context: typer.Context,
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="Name of a published recipe or a .yaml file.", show_default=False)
    ],
    data: Annotated[Path, typer.Option(metavar="DATA", help="Feature folder made by farandole prepare.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run. [default: runs/RECIPE]")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the last state in RUN, which a run that was killed left (flow family)."
        ),
    ] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model from a recipe.

    Its checkpoint is RUN/checkpoint, logs are TensorBoard's. Any value of the recipe can be replaced by --its.name=value;
    --trainer.name=value goes to Lightning's Trainer (devices, strategy ...). Needs the packages of farandole[train].

    \b
    farandole train starter --data data/starter
    farandole train starter --data data/starter -o runs/quick --flow_stage.steps=200
    farandole train tiny_moglow --data data/mine --training.lr=5.0e-4 --trainer.devices=2
    farandole train tiny_moglow --data data/mine --resume
    """
    from farandole.errors import OutputError
    from farandole.training.recipes import find_recipe, read_recipe

    path = find_recipe(recipe)
    values = read_recipe(path, context.args)
    run = out or Path("runs") / path.stem
    # Further processes of a parallel run are started by the first one, with the same words.
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if first and run.exists() and not force and not resume:
        raise OutputError(f"{run} exists already: choose another name or add --force (or --resume)")
    with console.progress("training", quiet=quiet or not first) as update:
        results = _train(values, data, run, resume=resume, progress=update)
    if not first:
        return
    if json:
        console.result_json({"run": run, "checkpoint": run / "checkpoint", "held_out": results})
    else:
        console.result(run / "checkpoint")
        console.note("held out: " + ", ".join(f"{k} {v:g}" for k, v in results.items()), quiet=quiet or not results)


def _train(
    values: dict[str, Any], data: Path, run: Path, *, resume: bool, progress: console.Progress
) -> dict[str, float]:
    """Hand the recipe to the training of its family, told by `model`; the starter's has none."""
    from farandole.errors import DataError, MissingExtraError
    from farandole.generation.masked import MODELS as masked_models

    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    if values.get("model") == "inbetweener":
        from farandole.training.inbetween_run import train_inbetween

        if resume:
            raise DataError("in-between models train in one go and cannot be resumed: leave out --resume")
        return train_inbetween(values, data, run, progress=progress, **_trainer(values))
    if values.get("model") in masked_models:
        from farandole.training.masked_run import train_masked

        return train_masked(values, data, run, resume=resume, progress=progress, **_trainer(values))
    if "model" in values:
        from farandole.training.motion_run import train_motion

        return train_motion(values, data, run, resume=resume, progress=progress, **_trainer(values))
    from farandole.training.starter_run import StarterRecipe, train_starter

    if resume:
        raise DataError("this recipe trains in minutes and cannot be resumed: leave out --resume")
    return train_starter(StarterRecipe.from_mapping(values), data, run)


def _trainer(values: dict[str, Any]) -> dict[str, Any]:
    """What a recipe says to Lightning's Trainer, taken out of it."""
    from farandole.errors import DataError

    told = values.pop("trainer", {})
    if not isinstance(told, dict):
        raise DataError(f"trainer: needed is a mapping of names to values, not {told!r}")
    return told
