"""Equations become MathML while the pages are built, so that no script has to be loaded to show them."""

from __future__ import annotations

import html
import re
from typing import Any

import latex2mathml.converter

_MARKED = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)


def on_page_content(text: str, **_: Any) -> str:
    """Replace what pymdownx.arithmatex marked."""
    return _MARKED.sub(_mathml, text)


def _mathml(found: re.Match[str]) -> str:
    block = found["tag"] == "div"
    made = latex2mathml.converter.convert(html.unescape(found["tex"]), display="block" if block else "inline")
    return f'<div class="equation">{made}</div>' if block else made
