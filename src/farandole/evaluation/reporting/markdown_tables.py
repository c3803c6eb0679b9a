"""A report as Markdown tables, for documentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.reporting.dance_report import Report
from farandole.evaluation.reporting.number_text import number_text
from farandole.evaluation.scorecard import scorecard_table


def figures_table(report: Report, names: Sequence[str] | None = None) -> str:
    """One line per figure, one column per set, the reference first; intervals in brackets.

    Args:
        report: From `evaluate`.
        names: Figures to show; by default all that any set has.
    """
    sets = (report.reference, *report.runs)
    lines = [
        f"| figure | {' | '.join(f'{run.name} ({len(run.clips)})' for run in sets)} |",
        f"|---|{'---:|' * len(sets)}",
    ]
    for name in names or FIGURES:
        cells = [run.figures.values.get(name) for run in sets]
        if any(cell is not None and cell.count for cell in cells):
            figure = FIGURES[name]
            label = f"{figure.label}, {figure.unit}" if figure.unit else figure.label
            lines.append(f"| {label} | {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def verdict_table(report: Report) -> str:
    """The scorecards of all runs side by side."""
    return scorecard_table({run.name: run.scorecard for run in report.runs if run.scorecard})


def _cell(value: Interval | None) -> str:
    if value is None or not np.isfinite(value.value):
        return "-"
    span = (
        f" [{number_text(value.low)}, {number_text(value.high)}]" if np.isfinite(value.low) and value.count > 1 else ""
    )
    return f"{number_text(value.value)}{span}"
