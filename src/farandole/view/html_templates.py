"""Fills the HTML templates of this folder's `templates/`: every page that farandole writes or serves comes from here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(name: str, **values: Any) -> str:
    """HTML of one template.

    Text is escaped wherever it stands in the template; only `markupsafe.Markup` (markup that we made) goes in as it is.

    Args:
        name: File name in `templates/`.
        values: What the template's names stand for.

    Raises:
        jinja2.UndefinedError: If the template uses a name that has no value.
    """
    return _environment().get_template(name).render(values)


_PLACE = re.compile(r"\{\{ (\w+) \}\}")


def pieces(name: str, **values: str | Iterable[str]) -> Iterator[str]:
    """HTML of a template that holds nothing but `{{ names }}`, piece by piece: pages hold megabytes, and whole songs.

    It needs no template engine, whose loading takes longer than the rest of writing a page.

    Args:
        name: File name in `templates/`.
        values: What the names stand for: text, which is escaped, or pieces of markup that we made, which go in as they are.

    Raises:
        KeyError: If the template uses a name that has no value.
    """
    from markupsafe import escape

    text = _source(name)
    for number, part in enumerate(_PLACE.split(text)):  # text and names by turns
        if number % 2 == 0:
            yield part
        elif isinstance(value := values[part], str):
            yield escape(value)
        else:
            yield from value


@cache
def _source(name: str) -> str:
    return (resources.files("farandole.view") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("farandole.view"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # templates do not change while we run: no look at the disk for every page
    )
