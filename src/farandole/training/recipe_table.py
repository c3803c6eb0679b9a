"""The published recipes as a table; needs neither torch nor the models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from farandole.training.recipe_files import read_recipe, recipe_folder, recipe_names, variants


@dataclass(frozen=True)
class RecipeRow:
    """One recipe, or a variant of one.

    Attributes:
        name: What `farandole train` calls it.
        model: Name of the model.
        needs: Features of the data, in words.
        steps: Optimiser steps.
        about: What it is.
    """

    name: str
    model: str
    needs: str
    steps: int
    about: str


def recipe_rows() -> Iterator[RecipeRow]:
    """All recipes and their variants, in order of name."""
    for name in recipe_names():
        path = recipe_folder() / f"{name}.yaml"
        for variant in ("", *variants(path)):
            values = read_recipe(path, variant)
            features, training = values.get("features") or {}, values.get("training") or {}
            needs = ", ".join(f"{f} ({m})" for m, f in features.items()) or "any motion feature"
            steps = sum(s.get("steps", training.get("steps", 0)) for s in training.get("stages") or [{}])
            full = f"{name}@{variant}" if variant else name
            yield RecipeRow(full, values["model"], needs, steps, values.get("about", ""))


def markdown() -> str:
    """The table of recipes/README.md."""
    lines = ["| recipe | model | features | steps | what it is |", "|---|---|---|---|---|"]
    lines += [f"| `{r.name}` | {r.model} | {r.needs} | {r.steps} | {r.about} |" for r in recipe_rows()]
    return "\n".join(lines) + "\n"
