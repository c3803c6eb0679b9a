"""The models by the names that recipes and checkpoints call them: built-in ones, and those of installed plug-ins."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from farandole.errors import DataError

GROUP = "farandole.models"
"""Group of entry points by which a package adds models of its own: `name = "package.module:Class"`."""

C = TypeVar("C", bound=type)
_REGISTERED: dict[str, type] = {}
_DECORATOR = re.compile(r'^@register\("([^"]+)"\)', re.MULTILINE)


def register(name: str) -> Callable[[C], C]:
    """A class decorator: the model's name in recipes and checkpoints, kept as the attribute `name`.

    Args:
        name: Of a built-in model that of its module.

    Raises:
        DataError: If another class has that name, or the class has no `Config`.
    """

    def add(cls: C) -> C:
        if not isinstance(getattr(cls, "Config", None), type):
            raise DataError(f"model '{name}': {cls.__qualname__} states no settings: give it a class attribute Config")
        known = _REGISTERED.get(name)
        if known is not None and _path(known) != _path(cls):  # the same class again: its module was loaded anew
            raise DataError(f"model '{name}' is registered already, by {_path(known)}; {_path(cls)} needs another name")
        cls.name = name
        _REGISTERED[name] = cls
        return cls

    return add


def model_names() -> tuple[str, ...]:
    """Names of all models in alphabetical order. Imports none of them."""
    return tuple(sorted({*_built_in(), *_plug_ins(), *_REGISTERED}))


def model_type(name: str) -> Any:
    """The class of a model; its module is imported now.

    Raises:
        DataError: If there is no such model, listing the names; or its plug-in cannot be imported or does not register it.
    """
    known = isinstance(name, str)
    if known and name not in _REGISTERED:
        if name in _built_in():
            importlib.import_module(_built_in()[name])
        elif plug_in := _plug_ins().get(name):  # asked last: it reads what is told of every installed package
            _load(plug_in)
        else:
            known = False
    if not known:
        raise DataError(f"no model {name!r}; there are: {', '.join(model_names())}")
    return _REGISTERED[name]


def _load(plug_in: EntryPoint) -> None:
    where = f"model '{plug_in.name}' ({plug_in.value})"
    try:
        plug_in.load()
    except (ImportError, AttributeError) as error:
        raise DataError(f"{where} cannot be imported: {error}") from error
    if plug_in.name not in _REGISTERED:
        raise DataError(
            f'{where} is not registered under that name: decorate its class with @register("{plug_in.name}")'
        )


@cache
def _built_in() -> dict[str, str]:
    """Name -> module of every file in this folder that registers a model, read without importing it (torch is slow)."""
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for name in _DECORATOR.findall(path.read_text(encoding="utf-8")):
            found[name] = f"{__package__}.{path.stem}"
    return found


def _plug_ins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in _built_in()}


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
