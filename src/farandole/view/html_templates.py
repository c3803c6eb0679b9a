"""Fills the HTML templates of this folder's `templates/`: every page that farandole writes or serves comes from here."""

from __future__ import annotations

from functools import cache
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
