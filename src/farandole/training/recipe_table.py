"""The published recipes as a table; needs neither torch nor the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from farandole.data.windows import STYLE_LABELS
from farandole.motion import codecs
from farandole.motion.dance_codec import DanceCodec
from farandole.music.features import names as music_names
from farandole.training.recipe_files import read_recipe, recipe_folder, recipe_names, variants


@dataclass(frozen=True)
class RecipeRow:
    """One recipe, or a variant of one.

    Attributes:
        name: What `farandole train` calls it.
        model: Name of the model.
        needs: Features of the data, in words.
        data: How `farandole prepare` makes them.
        steps: Optimiser steps.
        about: What it is.
    """

    name: str
    model: str
    needs: str
    data: str
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
            yield RecipeRow(full, values["model"], needs, prepared_by(features), steps, values.get("about", ""))


def prepared_by(features: Mapping[str, str]) -> str:
    """The command that makes the features of a recipe; SRC and DATA stand for folders."""
    wanted = list(features.values())
    if DanceCodec.name in wanted:
        return "farandole prepare starter SRC -o DATA"
    if not wanted:
        return "farandole prepare folder SRC -o DATA"
    motion = [f for f in wanted if f in codecs.names()]
    music = [f for f in wanted if set(f.split("+")) <= set(music_names())]
    labels = " --labels folders" if set(STYLE_LABELS) & set(wanted) else ""
    return f"farandole prepare folder SRC -o DATA --motion {','.join(motion)} --music {','.join(music) or repr('')}{labels}"


def markdown() -> str:
    """The table of recipes/README.md."""
    lines = ["| recipe | model | features | steps | what it is |", "|---|---|---|---|---|"]
    lines += [f"| `{r.name}` | {r.model} | {r.needs} | {r.steps} | {r.about} |" for r in recipe_rows()]
    return "\n".join(lines) + "\n"
