"""Fills the HTML templates of this folder's `templates/`: every page that farandole writes or serves comes from here."""

from __future__ import annotations

import re
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
    text = _source(name)
    if _BLOCK.search(text) is None and all(place in values for place in _PLACE.findall(text)):
        from markupsafe import escape

        return _PLACE.sub(lambda place: escape(values[place[1]]), text)
    return _environment().get_template(name).render(values)


_PLACE = re.compile(r"\{\{ (\w+) \}\}")
_BLOCK = re.compile(r"\{[%#]|\{\{(?! \w+ \}\})")
"""A template without these is text with values in it: filling it needs no template engine, whose loading takes longer than the
rest of writing a page."""


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
