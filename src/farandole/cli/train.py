"""`farandole train`: a recipe and a feature folder to a checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet


def train(
    context: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE", help="Name of a recipe (see farandole recipes) or a .yaml file.", show_default=False
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DATA",
            help="Feature folder made by farandole prepare; given again, several as one.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="Folder of the run. [default: runs/RECIPE]")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Begin with the weights of this run, checkpoint or shipped model."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last state in RUN, by the recipe that it was begun with.")
    ] = False,
    help_: Annotated[
        bool, typer.Option("--help", "-h", help="Show this message, with RECIPE its keys, and exit.")
    ] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a model from a recipe.

    Its checkpoint is RUN/checkpoint, its logs are in RUN/logs (TensorBoard's; --training.loggers=[csv,wandb] for others). Any value
    of the recipe can be replaced by --its.name=value (of lists by number: --training.stages.0.steps=100); --trainer.name=value
    goes to Lightning's Trainer (devices, strategy ...). Ctrl-C saves the state; --resume goes on. Needs the packages of
    farandole[train].

    \b
    farandole train dance/starter --data data/starter
    farandole train dance/starter --data data/starter -o runs/quick --training.stages.1.steps=200
    farandole train flow/tiny/moglow --data data/mine --training.lr=5.0e-4 --trainer.devices=2
    farandole train flow/tiny/moglow --data data/mine --resume
    farandole train flow/tiny/moglow --help
    """
    from farandole.errors import MissingExtraError, OutputError
    from farandole.training.recipe_files import find_recipe, read_recipe

    recipe, changes = _recipe_and_changes([*([] if recipe is None else [recipe]), *context.args])
    if help_ and recipe is None:
        console.result(context.get_help())
        return
    if recipe is None:
        raise typer.BadParameter("name a recipe: farandole recipes lists them", param_hint="RECIPE")
    path, variant = find_recipe(recipe)
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    if help_:
        from farandole.training.recipe_help import recipe_help

        console.result(context.get_help())
        for line in recipe_help(path, variant):
            console.result(line)
        return
    if not data:
        raise typer.BadParameter("name the feature folder to train on", param_hint="--data")
    from farandole.training.run import train as train_model

    values = read_recipe(path, variant)
    run = out or Path("runs") / (path.stem + (f"_{variant}" if variant else ""))
    # Further processes of a parallel run are started by the first one, with the same words.
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if first and run.exists() and not force and not resume:
        raise OutputError(f"{run} exists already: choose another name or add --force (or --resume)")
    changes += [f"start={start}"] if start is not None else []
    with console.progress("training", quiet=quiet or not first) as update:
        results = train_model(values, data, run, resume=resume, changes=changes, progress=update)
    if not first:
        return
    if json:
        console.result_json({"run": run, "checkpoint": run / "checkpoint", "held_out": results})
    else:
        console.result(run / "checkpoint")
        console.note("held out: " + ", ".join(f"{k} {v:g}" for k, v in results.items()), quiet=quiet or not results)


def _recipe_and_changes(words: list[str]) -> tuple[str | None, list[str]]:
    """RECIPE among the words, None if it is not, and the others: an option of the recipe that stands first is taken for it."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 1 if "=" in words[place] else 2  # --its.name=value or --its.name value
    return (words[place], words[:place] + words[place + 1 :]) if place < len(words) else (None, words)
