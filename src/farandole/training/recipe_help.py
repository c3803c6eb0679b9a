"""What the keys of a recipe mean: names, types, values and a line on each, taken from the classes that read them."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from farandole.models.settings import plain
from farandole.training.plan import StageKeys
from farandole.training.recipe import objective_of, read_values
from farandole.training.recipe_files import read_recipe

WIDTH = 100


def recipe_help(path: Path, variant: str = "") -> Iterator[str]:
    """Lines that tell every key of a recipe: `--its.name=value  type: what it means`."""
    recipe = read_values(read_recipe(path, variant))
    yield ""
    yield f"Keys of {path.stem}{f'@{variant}' if variant else ''}, with its values:"
    if recipe.about:
        yield from textwrap.wrap(recipe.about, WIDTH, initial_indent="  ", subsequent_indent="  ")
    sections = {
        "": recipe,
        "config": recipe.config,
        "windows": recipe.windows,
        "objective": recipe.objective,
        "training": recipe.training,
    }
    for name, settings in sections.items():
        skipped = tuple(sections) if not name else ()
        yield from _keys(f"{name}." if name else "", settings, skipped)
    objective = objective_of(recipe.model)
    yield ""
    yield "Each of training.stages (--training.stages.0.NAME=value) may say:"
    for kind in (StageKeys, objective.Options):
        yield from _keys("training.stages.N.", kind(), ())


def _keys(prefix: str, settings: Any, skipped: tuple[str, ...]) -> Iterator[str]:
    told = docs(type(settings))
    for f in fields(settings):
        value = getattr(settings, f.name)
        if f.name in skipped:
            continue
        if is_dataclass(value) and not isinstance(value, type):
            yield from _keys(f"{prefix}{f.name}.", value, ())
            continue
        shown = json.dumps(plain(value))
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        yield f"  --{prefix}{f.name}={shown}  ({_type(f.type)})"
        text = told.get(f.name, "")
        yield from textwrap.wrap(text, WIDTH - 6, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _type(hint: Any) -> str:
    return str(hint).replace("Literal", "one of ").replace("'", "").replace('"', "")


@cache
def docs(kind: type) -> dict[str, str]:
    """Field -> the docstring under it, of a dataclass and those it inherits from."""
    result: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        if not is_dataclass(cls):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, after in zip(body.body, body.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    result[statement.target.id] = " ".join(text.value.split())
    return result
