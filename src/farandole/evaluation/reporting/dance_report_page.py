"""The report as one self-contained web page: chooses what `dance_report.html` shows. No scripts, nothing from the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from farandole.evaluation.figures import FIGURES, Figure
from farandole.evaluation.quality import FPS
from farandole.evaluation.reporting import published_figures as published
from farandole.evaluation.reporting.dance_report import Report, Run
from farandole.evaluation.reporting.number_text import number_text, range_text
from farandole.evaluation.reporting.svg_plots import bars, scatter, speed_plot
from farandole.evaluation.reporting.table_cells import Cell, interval_cell, plain_cell
from farandole.evaluation.scorecard import Scorecard, lines_passed
from farandole.evaluation.set_figures import table
from farandole.view.html_templates import rendered

_BARS = ("coherence", "support_median", "joint_speed", "peak_acceleration", "bas_bailando", "pfc")
_MOST_BARS = 60
_ARROWS = {"low": "↓", "high": "↑", "real": "≈"}
_PUBLISHED = ("fid_k", "fid_g", "dist_k", "dist_g", "bas_bailando")


@dataclass(frozen=True)
class _Set:
    """A set of clips on the page.

    Attributes:
        kind: CSS class, which gives its colour: "real" for the reference, "run0" to "run5" for runs.
        run: The clips and their figures.
    """

    kind: str
    run: Run

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def clips(self) -> int:
        return len(self.run.clips)

    @property
    def length(self) -> str:
        seconds = self.run.seconds
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def render_page(report: Report, links: Mapping[str, str], picture: str = "") -> str:
    """HTML of a report.

    Args:
        report: From `evaluate`.
        links: "run/clip" -> address of a page that plays the clip, relative to this one.
        picture: Address of a picture of dances, relative to this page.
    """
    runs = [_Set(f"run{i % 6}", run) for i, run in enumerate(report.runs)]
    sets = [_Set("real", report.reference), *runs]
    settings = report.settings
    return rendered(
        "dance_report.html",
        title=f"{', '.join(run.name for run in report.runs)} against {report.reference.name}",
        warnings=report.warnings,
        sets=sets,
        scorecards=_scorecards(report),
        figure_rows=_figure_rows(report),
        arrows=_ARROWS,
        speed_plots=_speed_plots(sets),
        map_plot=scatter([(s.name, s.kind, s.run.map, [clip.name for clip in s.run.clips]) for s in sets]),
        bar_plots=_bar_plots(report, runs),
        examples=_examples(report, links),
        picture=picture,
        published=_published_table(report),
        measured_part="whole clips" if settings.seconds is None else f"the first {settings.seconds:g} s of each clip",
        root="first root position subtracted" if settings.root == "start" else "absolute positions",
        definitions=FIGURES.values(),
    )


def _scorecards(report: Report) -> list[dict[str, Any]]:
    """The lines of all runs side by side, then style by style."""
    cards = {run.name: run.scorecard for run in report.runs if run.scorecard}
    tables = [_scorecard("As good as the real takes?", cards)] if cards else []
    for style in sorted({style for run in report.runs for style in run.by_style}):
        of_style = {run.name: run.by_style[style] for run in report.runs if style in run.by_style}
        tables.append(_scorecard(f"Style: {style}", of_style))
    return tables


def _scorecard(title: str, cards: Mapping[str, Scorecard]) -> dict[str, Any]:
    """One row per line, one column per run; all cards have the same real takes."""
    first = next(iter(cards.values()))
    groups = (
        ("As good as real", [card.lines for card in cards.values()]),
        ("Danced, not noodled", [card.danced for card in cards.values()]),
    )
    return {
        "title": title,
        "reference": first.reference,
        "names": list(cards),
        "groups": [
            {
                "title": group,
                "passed": [lines_passed(lines) for lines in columns],
                "rows": [
                    {
                        "figure": FIGURES[row[0].figure],
                        "source": row[0].range.source,
                        "real": number_text(row[0].range.real),
                        "accepted": range_text(row[0].range.low, row[0].range.high),
                        "cells": [(number_text(line.value), line) for line in row],
                    }
                    for row in zip(*columns, strict=True)
                ],
            }
            for group, columns in groups
        ],
    }


def _figure_rows(report: Report) -> list[tuple[Figure, list[Cell]]]:
    """Every figure that some set has, with a cell for the reference and one for each run."""
    rows = []
    for name, figure in FIGURES.items():
        values = [run.figures.values.get(name) for run in (report.reference, *report.runs)]
        if any(value is not None and value.count for value in values):
            differs = [False, *(_differs(run, name) for run in report.runs)]
            rows.append((figure, [interval_cell(v, differs=d) for v, d in zip(values, differs, strict=True)]))
    return rows


def _differs(run: Run, figure: str) -> bool:
    """Whether the interval of the run's difference from the first run leaves out zero."""
    gap = run.differences.get(figure)
    return gap is not None and gap.count > 0 and not gap.low <= 0 <= gap.high


def _speed_plots(sets: list[_Set]) -> list[tuple[_Set, str, Markup]]:
    """Speed against the beats: the most typical clip with beats of every set."""
    plots = []
    for s in sets:
        clip = next((s.run.clips[i] for i in s.run.order if len(s.run.clips[i].beats)), None)
        if clip is not None:
            plots.append((s, clip.name, speed_plot(clip.speed, FPS, clip.beats, s.kind)))
    return plots


def _bar_plots(report: Report, runs: list[_Set]) -> list[dict[str, Any]]:
    plots = []
    for name in _BARS:
        figure, real = FIGURES[name], table(report.reference.clips, name)
        real = real[np.isfinite(real)]
        band = (float(real.min()), float(real.max())) if len(real) else None
        rows = [
            (clip.name, s.kind, value)
            for s in runs
            for clip, value in sorted(
                zip(s.run.clips, table(s.run.clips, name), strict=True), key=lambda pair: pair[0].name
            )
        ]
        if not any(np.isfinite(value) for _, _, value in rows):
            continue
        shown = rows[:_MOST_BARS]
        plots.append(
            {
                "label": figure.label,
                "shown": len(shown),
                "hidden": len(rows) - len(shown),
                "markup": bars(shown, band, figure.unit),
            }
        )
    return plots


def _examples(report: Report, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """Best and worst clips, linked to pages that play them where there are any."""
    groups = [
        (run.name, description, clips)
        for run in report.runs
        for description, clips in (("most like the real takes", run.best()), ("least like them", run.worst()))
    ]
    return [
        {
            "run": run,
            "description": description,
            "clips": [(clip.name, links.get(f"{run}/{clip.name}")) for clip in clips],
        }
        for run, description, clips in groups
        if clips
    ]


def _published_table(report: Report) -> dict[str, Any]:
    """AIST++ numbers of other people beside ours."""
    return {
        "columns": published.AISTPP_COLUMNS,
        "measured": [
            (run.name, [interval_cell(run.figures.values.get(name)) for name in _PUBLISHED]) for run in report.runs
        ],
        "published": [(method, [plain_cell(v) for v in values]) for method, *values in published.AISTPP],
    }
