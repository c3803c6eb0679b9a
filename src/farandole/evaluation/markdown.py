"""A report as Markdown tables, for documentation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.report import Report


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
    """Which lines of the verdict each run passes."""
    checks = {check.name: check for run in report.runs for check in run.verdict}
    lines = [f"| needed | {' | '.join(run.name for run in report.runs)} |", f"|---|{'---:|' * len(report.runs)}"]
    for name, check in checks.items():
        bounds = [f"{sign} {b:.3g}" for sign, b in ((">=", check.low), ("<=", check.high)) if np.isfinite(b)]
        cells = []
        for run in report.runs:
            own = next((c for c in run.verdict if c.name == name), None)
            cells.append("-" if own is None else f"{_number(own.value)} {'yes' if own.passed else '**no**'}")
        label = FIGURES[name].label if name in FIGURES else name.capitalize()
        lines.append(f"| {label} {' and '.join(bounds)} {check.unit} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: Interval | None) -> str:
    if value is None or not np.isfinite(value.value):
        return "-"
    span = f" [{_number(value.low)}, {_number(value.high)}]" if np.isfinite(value.low) and value.count > 1 else ""
    return f"{_number(value.value)}{span}"


def _number(value: float) -> str:
    """Three digits; rounding errors as the zero they stand for; no exponent where a person would not write one."""
    if abs(value) < 1e-9:
        return "0"
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"
