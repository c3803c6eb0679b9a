"""Cells of the tables on report pages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.reporting.number_text import grouped_number


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: The number, or "–" where there is none.
        interval: The range in which it lies, in small print; empty for none.
    """

    text: str = "–"
    interval: str = ""


def interval_cell(value: Interval | None, *, differs: bool = False) -> Cell:
    """An estimate with its interval; a star where it differs from the first run."""
    if value is None or not np.isfinite(value.value):
        return Cell()
    text = f"{grouped_number(value.value, 4)}{'*' if differs else ''}"
    if not np.isfinite(value.low) or value.count <= 1:
        return Cell(text)
    return Cell(text, f"{grouped_number(value.low, 3)}–{grouped_number(value.high, 3)}")


def plain_cell(value: float | None, form: str = "g") -> Cell:
    """A number that has no interval, written in this format; "–" for None."""
    return Cell() if value is None else Cell(format(value, form))
