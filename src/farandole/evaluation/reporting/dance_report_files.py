"""The report as files: report.json and a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from farandole._io import atomic_directory
from farandole.evaluation.reporting.dance_report import Report
from farandole.evaluation.reporting.dance_report_page import render_page


def write_report(
    report: Report,
    folder: str | Path,
    *,
    pages: Callable[[Path], dict[str, str]] | None = None,
    sheet: Callable[[Path], str] | None = None,
    force: bool = False,
) -> Path:
    """Write report.json and index.html into a new folder; returns the page.

    Args:
        report: From `evaluate`.
        folder: Is made; appears whole or not at all.
        pages: Writes pages that play clips into the folder it is given and returns "run/clip" -> their address in it.
        sheet: Writes a picture of dances into the folder it is given and returns its address in it.
        force: Replace the folder if it exists.

    Raises:
        OutputError: If the folder exists and not `force`, or cannot be written.
    """
    folder = Path(folder)
    with atomic_directory(folder, force=force) as target:
        text = json.dumps(report.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (target / "report.json").write_text(text, encoding="utf-8")
        links = pages(target) if pages else {}
        picture = sheet(target) if sheet else ""
        (target / "index.html").write_text(render_page(report, links, picture), encoding="utf-8")
    return folder / "index.html"
