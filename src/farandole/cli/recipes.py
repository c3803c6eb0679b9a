"""`farandole recipes`: which trainings can be repeated, and what each needs."""

from __future__ import annotations

from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Json


def recipes(
    word: Annotated[
        str | None, typer.Argument(metavar="[WORD]", help="List those with this in their name, like tiny or masked.")
    ] = None,
    json: Json = False,
) -> None:
    """List the recipes: the model of each, the features that it needs, what it is.

    farandole prepare makes the features; farandole train RECIPE --help tells the keys of one.

    \b
    farandole recipes
    farandole recipes tiny
    """
    from farandole.training.recipe_table import recipe_rows

    rows = [row for row in recipe_rows() if word is None or word in row.name]
    if json:
        console.result_json({"recipes": [vars(row) for row in rows]})
        return
    for row in rows:
        console.result(f"{row.name}: {row.model}; needs {row.needs}")
        console.result(f"    {row.about}")
