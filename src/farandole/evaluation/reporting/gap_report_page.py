"""The in-betweening report as a web page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.gaps.benchmark_windows import GAPS
from farandole.evaluation.reporting import published_figures as published
from farandole.evaluation.reporting.table_cells import Cell, interval_cell, plain_cell
from farandole.view.html_templates import rendered

GAP_METRICS = ("L2Q", "L2P", "NPSS")


def render_gaps(content: Mapping[str, Any]) -> str:
    """HTML of the LAFAN1 protocol.

    Args:
        content: From `lafan1.lafan1_dict`.
    """
    spacings = sorted({int(n) for gaps in content["keyframes"].values() for n in gaps})
    return rendered(
        "gap_report.html",
        title="LAFAN1 in-betweening",
        windows=content["windows"],
        warnings=content["warnings"],
        gap_tables=[
            {
                "metric": metric,
                "columns": [f"{gap} frames" for gap in GAPS],
                "measured": _measured_rows(content["methods"], metric, GAPS),
                "published": [
                    (method, [plain_cell(v) for v in values]) for method, *values in published.LAFAN1[metric]
                ],
            }
            for metric in GAP_METRICS
        ],
        keyframe_tables=[
            {
                "metric": metric,
                "columns": [f"every {n}" for n in spacings],
                "measured": _measured_rows(content["keyframes"], metric, spacings),
                "published": [],
            }
            for metric in (GAP_METRICS if spacings else ())
        ],
        sources=published.LAFAN1_SOURCES,
    )


def _measured_rows(methods: Mapping[str, Any], metric: str, columns: Sequence[int]) -> list[tuple[str, list[Cell]]]:
    """Name and cells of every method."""
    return [
        (method, [_cell(gaps.get(str(column), {}).get(metric.lower())) for column in columns])
        for method, gaps in methods.items()
    ]


def _cell(value: Mapping[str, Any] | float | None) -> Cell:
    return interval_cell(Interval(**value)) if isinstance(value, Mapping) else plain_cell(value, ".4f")
