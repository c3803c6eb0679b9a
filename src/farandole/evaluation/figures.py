"""What each figure of a report is called, its unit, and which way is better. The table is `figures.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Literal, cast

Better = Literal["low", "high", "real"]
"""Lower is better, higher is better, or the closer to the real set the better."""

Scope = Literal["clip", "line", "set"]
"""Of single clips (a set's is the mean over its clips), of single clips against real takes, or of whole sets."""


@dataclass(frozen=True)
class Figure:
    """One line of a report.

    Attributes:
        scope: What it is a figure of.
        name: Key in report.json.
        label: What people call it.
        unit: Unit, empty for pure numbers.
        better: Which way is better. Most published figures can be beaten by tricks, so "real" is the honest reading of many.
        note: Definition in a line, with what to beware of.
    """

    scope: Scope
    name: str
    label: str
    unit: str
    better: Better
    note: str


def _read() -> tuple[Figure, ...]:
    text = resources.files("farandole.evaluation").joinpath("figures.csv").read_text(encoding="utf-8")
    figures = []
    for row in csv.DictReader(text.splitlines()):
        assert row["scope"] in ("clip", "line", "set"), row
        assert row["better"] in ("low", "high", "real"), row
        scope, better = cast(Scope, row["scope"]), cast(Better, row["better"])
        figures.append(Figure(scope, row["name"], row["label"], row["unit"], better, row["note"]))
    return tuple(figures)


FIGURES = {figure.name: figure for figure in _read()}
"""All figures by name, in the order of reports."""

CLIP_FIGURES = tuple(figure for figure in FIGURES.values() if figure.scope == "clip")
"""Figures of single clips; a set's is the mean over its clips."""

SET_FIGURES = tuple(figure for figure in FIGURES.values() if figure.scope == "set")
"""Figures of whole sets."""
