"""`farandole prepare`: corpora to feature folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet

prepare = typer.Typer(rich_markup_mode=None)


@prepare.callback()
def _group() -> None:
    """Make the feature folder that training reads.

    \b
    farandole prepare starter -o data/starter
    """


@prepare.command()
def starter(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DATA", help="The feature folder to make.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes. [default: one per core]")] = os.cpu_count() or 1,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The corpus of the shipped model: salsa takes and procedural groove, each with songs synthesised on its beats.

    Always the same, to the last bit, on one machine.

    \b
    farandole prepare starter -o data/starter
    """
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.starter import prepare_starter

    with console.progress("preparing", quiet=quiet) as update:
        prepare_starter(out, workers=workers, force=force, progress=update)
    folder = FeatureFolder(out)
    sizes = {name: len(folder.split(name)) for name in ("train", "test")}
    if json:
        console.result_json({"folder": out, "fps": folder.fps, **sizes})
    else:
        console.result(out)
        console.note(f"{sizes['train']} sequences to train on, {sizes['test']} held out", quiet=quiet)
