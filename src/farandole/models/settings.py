"""Plain nested values, as YAML and JSON give them, to frozen dataclasses; all problems are reported at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from farandole.errors import DataError

T = TypeVar("T")
_KINDS = {
    "int_type": "int",
    "float_type": "float",
    "bool_type": "bool",
    "string_type": "str",
    "tuple_type": "list",
    "dict_type": "mapping",
    "finite_number": "finite number",
}
"""Type of a pydantic error -> what was wanted."""


def build(cls: type[T], values: Any, where: str, start: T | None = None) -> T:
    """A dataclass from nested plain values.

    Args:
        cls: Dataclass whose fields are numbers, words, tuples, dictionaries, other dataclasses, or Literal choices.
        values: Field name -> value. Nested dataclasses are mappings, tuples lists; for a float a number written as a word
            (YAML 1.1 reads a bare 7e-5 so) is understood. Nothing else is converted: 1.0 is no int, true no number.
        where: What to call this in errors.
        start: An instance that gives the values not named; None: the class's defaults do.

    Raises:
        DataError: Listing every unknown key, missing key and value of a wrong type.
    """
    try:
        text = json.dumps([_over(start, values)], default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{where}: {values!r} are no nested plain values: {error}") from error
    adapter = _adapter(cls)
    try:
        return adapter.validate_json(text)[0]
    except ValidationError as error:
        words = [e["loc"] for e in error.errors(include_url=False) if e["type"] == "float_type" and _number(e["input"])]
        problems = error
    if words:
        nested = json.loads(text)
        for place in words:
            _set(nested, place)
        try:
            return adapter.validate_json(json.dumps(nested))[0]
        except ValidationError as error:
            problems = error
    raise DataError("; ".join(_message(cls, where, dict(e)) for e in problems.errors(include_url=False)))


def plain(settings: Any) -> Any:
    """The inverse of `build`: nested dictionaries, lists and plain values."""
    return to_jsonable_python(settings)


@cache
def _adapter(cls: type) -> TypeAdapter[list[Any]]:
    # A list, for a dataclass would not take these settings from outside; dataclasses within inherit them.
    of_class: Any = GenericAlias(list, (cls,))
    return TypeAdapter(of_class, config=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))


def _over(start: Any, values: Any) -> Any:
    """Values over those of an instance, dataclass by dataclass."""
    if not is_dataclass(start) or not isinstance(values, Mapping):
        return values
    own = {f.name: getattr(start, f.name) for f in fields(start) if f.init}
    return {k: plain(v) for k, v in own.items()} | {k: _over(own.get(k), v) for k, v in values.items()}


def _number(word: Any) -> bool:
    try:
        return isinstance(word, str) and float(word) is not None
    except ValueError:
        return False


def _set(nested: Any, place: tuple[int | str, ...]) -> None:
    """Make the word at a place of nested lists and dictionaries a number."""
    *way, last = place
    for part in way:
        nested = nested[part]
    nested[last] = float(nested[last])


def _message(cls: type, where: str, error: dict[str, Any]) -> str:
    """One problem in a few words, with the path of the value."""
    kind, value, place = error["type"], error["input"], error["loc"][1:]
    parent = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[:-1])
    path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    if kind == "unexpected_keyword_argument":
        known = ", ".join(f.name for f in fields(_class_at(cls, place[:-1])) if f.init)
        return f"{parent} has no key '{place[-1]}'; there are: {known}"
    if kind == "missing" and isinstance(place[-1], str):
        return f"{parent} needs the key '{place[-1]}'"
    if kind == "dataclass_type":
        return f"{path}: needed is a mapping of names to values, not {value!r}"
    if kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{path}: {value!r} is not one of {choices}"
    if kind == "value_error":  # what the dataclass itself found
        return f"{path}: {error['ctx']['error']}"
    return f"{path}: {value!r} is no {_KINDS[kind]}" if kind in _KINDS else f"{path}: {error['msg']}"


def _class_at(cls: Any, place: tuple[int | str, ...]) -> Any:
    """The dataclass at a place within another one."""
    for part in place:
        hint = cls if isinstance(part, int) else get_type_hints(cls)[part]
        while not is_dataclass(hint) and get_args(hint):  # tuple[X, ...], X | None
            hint = next((a for a in get_args(hint) if is_dataclass(a)), get_args(hint)[-1])
        cls = hint
    return cls
