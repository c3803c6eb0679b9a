"""Recipes: YAML files that say everything needed to repeat a training run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from farandole.errors import DataError, MissingExtraError


def recipe_folder() -> Path:
    """Where the published recipes lie: in the installed package, or in the checkout of an editable install."""
    package = Path(__file__).resolve().parents[1]
    installed, checkout = package / "recipes", package.parents[1] / "recipes"
    return installed if installed.is_dir() else checkout


def find_recipe(name: str | Path) -> Path:
    """A recipe by the name of a published one, or by path.

    Raises:
        DataError: If there is none, listing those that exist.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
        raise DataError(f"{path}: no such file")
    published = recipe_folder() / f"{name}.yaml"
    if published.is_file():
        return published
    names = ", ".join(sorted(p.stem for p in recipe_folder().glob("*.yaml")))
    raise DataError(f"no recipe '{name}'; there are: {names}; or give the path of a .yaml file")


def read_recipe(path: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """The nested values of a recipe, with some of them replaced.

    Args:
        path: A YAML file.
        overrides: Words like "flow_stage.steps=100" (leading dashes are ignored); the value is read as YAML.

    Raises:
        DataError: If the file or an override is no YAML, or an override has no "=".
        MissingExtraError: If PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("reading recipes", "train") from error
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no YAML: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: is no recipe: needed is a mapping of names to values")
    for word in overrides:
        name, equals, text = word.lstrip("-").partition("=")
        if not equals:
            raise DataError(f"{word}: options of the recipe are written --some.name=value")
        *parents, last = name.replace("-", "_").split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise DataError(f"{word}: '{parent}' is a value, it holds nothing by name")
        try:
            inner[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise DataError(f"{word}: '{text}' is no YAML value") from error
    return values
