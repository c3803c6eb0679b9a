"""Pages made from templates: whatever a song, a clip or a run is called, it stays text."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from farandole.evaluation.reporting.gap_report_page import render_gaps
from farandole.live.outputs.live_page import live_page_html
from farandole.view.html_templates import rendered
from farandole.view.page import page_html, page_script

NASTY = "<b>\"x'&"


class Page(HTMLParser):
    """What a browser would find: texts of the elements by tag, and the values of attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.values: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.setdefault(tag, []).append("")
        self.values |= {value for _, value in attrs if value}
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:  # some tags have no end
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data


def test_the_viewer_keeps_titles_and_names_as_text(steps) -> None:
    page = Page(page_html([steps], title=NASTY, names=["<script>"]))
    assert page.texts["title"] == [NASTY]
    assert "b" not in page.texts
    data, script = page.texts["script"]
    assert (json.loads(data)["title"], json.loads(data)["takes"][0]["name"]) == (NASTY, "<script>")
    assert script == page_script("viewer")[0]


def test_the_live_page_carries_its_script_unchanged(monkeypatch) -> None:
    monkeypatch.setattr("farandole.view.page.resources.files", lambda _: _Bundle())
    text, policy = live_page_html()
    assert Page(text).texts["script"] == [_Bundle.SCRIPT]
    assert "script-src 'sha256-" in policy


class _Bundle:
    """Stands for the folder of the package and for the script in it."""

    SCRIPT = "if (1 < 2 && '{{ x }}' > \"{% y\") { /* {# */ }"

    def __truediv__(self, name: str) -> _Bundle:
        return self

    def is_file(self) -> bool:
        return True

    def read_text(self, encoding: str) -> str:
        return self.SCRIPT


def test_the_gap_report_keeps_methods_and_warnings_as_text() -> None:
    interval = {"value": 0.5, "low": 0.25, "high": 0.75, "count": 4, "level": 0.95}
    scores = {"5": {"l2q": interval, "l2p": interval, "npss": 0.125}}
    methods = {NASTY: scores, "<script>": scores}
    page = Page(render_gaps({"windows": 4, "methods": methods, "keyframes": methods, "warnings": [NASTY]}))
    assert "script" not in page.texts
    tables = 3 + 3  # of gaps, and of key frames
    assert page.texts["b"] == [NASTY, "<script>"] * tables
    assert NASTY in page.texts["li"]
    assert page.texts["td"].count("0.1250") == 4
    assert page.texts["small"] == ["0.25–0.75"] * 8


def test_the_title_of_a_report_is_text() -> None:
    values = {"warnings": [], "windows": 0, "gap_tables": [], "keyframe_tables": [], "sources": ""}
    page = Page(rendered("gap_report.html", title=NASTY, **values))
    assert (page.texts["title"], page.texts["h1"]) == ([NASTY], [NASTY])
    assert "b" not in page.texts


def test_a_forgotten_value_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(UndefinedError, match="data"):
        rendered("viewer.html", title="a", script="", script_digest="")


def test_starting_the_command_does_not_import_the_template_engine() -> None:
    code = "import sys, farandole.cli.app, farandole.view.page; print('jinja2' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
