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
    """List the recipes: the model of each, the features that it needs, what it is, and how to make its features of SRC.

    prepare aistpp and prepare lafan1 take the same --motion and --music; farandole train RECIPE --help tells the keys of a recipe.

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
        console.result(f"    {row.data}")
