"""Plain nested values, as YAML gives them, to frozen dataclasses: unknown keys and wrong types are errors, all at once."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from farandole.errors import DataError, FarandoleError

T = TypeVar("T")


def build(cls: type[T], values: Mapping[str, Any], where: str, start: Any = None) -> T:
    """A dataclass from nested plain values.

    Args:
        cls: Dataclass whose fields are numbers, words, tuples, other dataclasses, or Literal choices.
        values: Field name -> value. Nested dataclasses are mappings, tuples lists; a number written as a word
            (YAML 1.1 reads a bare 7e-5 so) is understood.
        where: What to call this in errors.
        start: An instance that gives the values not named; None: the class's defaults do.

    Raises:
        DataError: Listing every unknown key, missing key and value of a wrong type.
    """
    problems: list[str] = []
    made = _build(cls, values, where, start, problems)
    if problems:
        raise DataError("; ".join(problems))
    return made


def plain(settings: Any) -> Any:
    """The inverse of `build`: nested dictionaries, lists and plain values."""
    if is_dataclass(settings) and not isinstance(settings, type):
        settings = asdict(settings)
    if isinstance(settings, Mapping):
        return {k: plain(v) for k, v in settings.items()}
    return [plain(v) for v in settings] if isinstance(settings, list | tuple) else settings


def _build(cls: type, values: Any, where: str, start: Any, problems: list[str]) -> Any:
    if not isinstance(values, Mapping):
        problems.append(f"{where}: needed is a mapping of names to values, not {values!r}")
        return None
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}
    for name in values:
        if name not in known:
            problems.append(f"{where} has no key '{name}'; there are: {', '.join(known)}")
    made, before = {}, len(problems)
    for name, field in known.items():
        inner = None if start is None else getattr(start, name)
        if name in values:
            made[name] = _value(hints[name], values[name], f"{where}.{name}", inner, problems)
        elif start is not None:
            made[name] = inner
        elif field.default is MISSING and field.default_factory is MISSING:
            problems.append(f"{where} needs the key '{name}'")
    if len(problems) > before:
        return None
    try:
        return cls(**made)
    except FarandoleError as error:
        problems.append(f"{where}: {error}")
        return None


def _value(hint: Any, value: Any, where: str, start: Any, problems: list[str]) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _build(hint, value, where, start if isinstance(start, hint) else None, problems)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(a for a in arguments if a is not type(None)), value, where, start, problems)
    if origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_value(arguments[0], v, f"{where}[{i}]", None, problems) for i, v in enumerate(value))
    elif origin is dict or hint is dict:
        if isinstance(value, Mapping):
            return dict(value)
    elif origin is Literal:
        if value in arguments:
            return value
        problems.append(f"{where}: {value!r} is not one of {', '.join(map(str, arguments))}")
        return None
    elif hint is float:
        if not isinstance(value, bool):
            try:
                return float(value)
            except (TypeError, ValueError):
                pass
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    problems.append(f"{where}: {value!r} is no {getattr(hint, '__name__', str(hint))}")
    return None
