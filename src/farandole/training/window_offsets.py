"""Windows that begin before the others: negative offsets in a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farandole.models.settings import plain


def from_zero(values: Any, start: Any = None) -> Any:
    """A model's settings with all its windows moved by as many frames, so that the first begins at frame 0 of an example.

    Only what stands between windows matters to a model: one of music at -20 beside one of motion at 0 is as one at 0 beside 20.
    Windows of labels, which do not move, stay where they are.

    Args:
        values: Nested plain values of a recipe's `config`; not changed.
        start: Settings that give what `values` does not name; None: nothing.

    Returns:
        `values`, or where an offset is negative those and the windows of `start`, all moved.
    """
    first = min((m["offset"] for m in _windows(values)), default=0)
    return values if first >= 0 else _moved(_over(plain(start), values), -first)


def _windows(values: Any) -> Iterator[dict[str, Any]]:
    """Every window in nested values that tells a whole number for its offset."""
    if isinstance(values, Mapping):
        if _is_window(values) and isinstance(values.get("offset"), int):
            yield dict(values)
        for value in values.values():
            yield from _windows(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _windows(value)


def _is_window(values: Mapping[str, Any]) -> bool:
    return {"name", "frames"} <= values.keys() and not values.get("fixed")


def _moved(values: Any, frames: int) -> Any:
    if isinstance(values, list | tuple):
        return [_moved(value, frames) for value in values]
    if not isinstance(values, Mapping):
        return values
    if _is_window(values):
        return {**values, "offset": values.get("offset", 0) + frames}
    return {key: _moved(value, frames) for key, value in values.items()}


def _over(start: Any, values: Any) -> Any:
    """Nested values over others; lists as a whole."""
    if not isinstance(start, Mapping) or not isinstance(values, Mapping):
        return values
    return {**start, **{key: _over(start.get(key), value) for key, value in values.items()}}
