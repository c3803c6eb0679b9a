"""`farandole train`: a recipe and a feature folder to a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model from a recipe.

    Its checkpoint, ready for `farandole dance --model`, is RUN/checkpoint. Logs are TensorBoard's.
    Any value of the recipe can be replaced by --its.name=value. Needs the packages of farandole[train].

    \b
    farandole train starter --data data/starter
    farandole train starter --data data/starter -o runs/quick --flow_stage.steps=200
    """
    from farandole.errors import MissingExtraError, OutputError
    from farandole.training.recipes import find_recipe, read_recipe

    path = find_recipe(recipe)
    values = read_recipe(path, context.args)
    run = out or Path("runs") / path.stem
    if run.exists() and not force:
        raise OutputError(f"{run} exists already: choose another name or add --force")
    try:
        from farandole.training.starter_run import StarterRecipe, train_starter
    except ImportError as error:
        raise MissingExtraError("training", "train") from error

    results = train_starter(StarterRecipe.from_mapping(values), data, run)
    if json:
        console.result_json({"run": run, "checkpoint": run / "checkpoint", "held_out": results})
    else:
        console.result(run / "checkpoint")
        console.note("held out: " + ", ".join(f"{k} {v:g}" for k, v in results.items()), quiet=quiet)
