"""Recipe files: YAML that says everything needed to repeat a training run, and words that change some of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from farandole.errors import DataError, MissingExtraError

SUFFIXES = (".yaml", ".yml")


def recipe_folder() -> Path:
    """Where the published recipes lie: in the installed package, or in the checkout of an editable install."""
    package = Path(__file__).resolve().parents[1]
    installed, checkout = package / "recipes", package.parents[1] / "recipes"
    return installed if installed.is_dir() else checkout


def recipe_names() -> tuple[str, ...]:
    """Names of the published recipes: their paths without suffix, dance/starter, flow/tiny/moglow ..."""
    folder = recipe_folder()
    return tuple(sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml")))


def find_recipe(name: str | Path) -> tuple[Path, str]:
    """The file of a recipe and the name of its variant ("" for none).

    A published recipe is found by its name, or by the last part of it where that is unique; others by the path of a .yaml file.
    RECIPE@NAME is a variant.

    Raises:
        DataError: If there is none, listing those that exist; for a name of an older version, with the new one.
    """
    base, _, variant = str(name).partition("@")
    path = Path(base)
    if path.suffix in SUFFIXES:
        if path.is_file():
            return path, variant
        raise DataError(f"{path}: no such file")
    names, word = recipe_names(), base.strip("/")
    renamed = _renamed().get(word, "")
    found = [n for n in names if n == word] or [n for n in names if n.endswith(f"/{word}")]
    if renamed and renamed.rpartition("/")[2] == word:
        found = [renamed]
    elif renamed:
        raise DataError(f"the recipe '{name}' is now {renamed}")
    if len(found) > 1:
        raise DataError(f"recipe '{name}' may be {' or '.join(found)}")
    if not found:
        raise DataError(f"no recipe '{name}'; there are: {', '.join(names)}; or give the path of a .yaml file")
    return recipe_folder() / f"{found[0]}.yaml", variant


def read_recipe(path: Path, variant: str = "") -> dict[str, Any]:
    """The nested values of a recipe file, or of one of its variants.

    Raises:
        DataError: If the file is no YAML, or no mapping, or has no such variant.
        MissingExtraError: If PyYAML is not installed.
    """
    values = _read(path)
    known = _variants(values.pop("variants", None))
    if not variant:
        return values
    if variant not in known:
        raise DataError(f"{path}: no variant '{variant}'; there are: {', '.join(known) or 'none'}")
    for name, value in known[variant].items():
        _put(values, str(name).split("."), copy.deepcopy(value), f"{path}: variants.{variant}.{name}")
    return values


def variants(path: Path) -> dict[str, str]:
    """Names of the variants of a recipe file, and what each is."""
    return {name: str(changes.get("about", "")) for name, changes in _variants(_read(path).get("variants")).items()}


def _variants(found: Any) -> dict[str, dict[str, Any]]:
    """Variants of a recipe file as it gives them; what is no mapping is none."""
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name): changes for name, changes in pairs if isinstance(changes, dict)}


def _read(path: Path) -> dict[str, Any]:
    yaml = _yaml()
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path}: is no YAML: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: is no recipe: needed is a mapping of names to values")
    return values


def override(values: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """The values of a recipe with some of them replaced.

    Args:
        values: Nested values; not changed.
        changes: Words like "training.stages.0.steps=100" (leading dashes are ignored); what follows "=" is read as YAML. Where a
            word has no "=", the next one is its value. Elements of lists are told by their number.

    Raises:
        DataError: If a word is no option of a recipe.
    """
    result = copy.deepcopy(dict(values))
    yaml, words = _yaml(), list(changes)
    while words:
        word = words.pop(0)
        name, equals, text = word.lstrip("-").partition("=")
        if not equals and word.startswith("-") and words and not words[0].startswith("--"):
            text, equals = words.pop(0), "="
        if not equals:
            raise DataError(f"{word}: options of the recipe are written --some.name=value")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise DataError(f"{word}: '{text}' is no YAML value") from error
        _put(result, name.replace("-", "_").split("."), value, word)
    return result


def _put(values: Any, path: list[str], value: Any, word: str) -> None:
    *parents, last = path
    inner = values
    for number, parent in enumerate(parents):
        inner = _step(inner, parent, word, fresh=number < len(parents))
    if isinstance(inner, list):
        inner[_place(inner, last, word)] = value
    elif isinstance(inner, dict):
        inner[last] = value
    else:
        raise DataError(f"{word}: '{'.'.join(parents)}' is a value, it holds nothing by name")


def _step(inner: Any, name: str, word: str, *, fresh: bool) -> Any:
    if isinstance(inner, list):
        return inner[_place(inner, name, word)]
    if not isinstance(inner, dict):
        raise DataError(f"{word}: there is nothing of the name '{name}'")
    if inner.get(name) is None and fresh:
        inner[name] = {}
    if not isinstance(inner[name], dict | list):
        raise DataError(f"{word}: '{name}' is a value, it holds nothing by name")
    return inner[name]


def _place(inner: list[Any], name: str, word: str) -> int:
    if not name.isdecimal() or int(name) >= len(inner):
        raise DataError(f"{word}: '{name}' is no element: there are 0 to {len(inner) - 1}")
    return int(name)


def _renamed() -> dict[str, str]:
    """Names of older versions -> names now."""
    path = recipe_folder() / "renamed.txt"
    if not path.is_file():
        return {}
    pairs = (
        line.split() for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    )
    return dict(pairs)


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("reading recipes", "train") from error
    return yaml
