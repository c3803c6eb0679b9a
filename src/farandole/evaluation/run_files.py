"""The report of runs that danced on their own: figures, the dances as files, a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from farandole._io import atomic_directory
from farandole.evaluation.free_running import FreeRun
from farandole.evaluation.run_dances import as_plain
from farandole.evaluation.scorecard import scorecard_table
from farandole.motion.motion import Motion


def write_runs(
    runs: Mapping[str, FreeRun[Any]],
    folder: str | Path,
    sheet: Callable[[Mapping[str, Motion], Path], object],
    *,
    losses: Mapping[str, Mapping[str, float]] | None = None,
    force: bool = False,
) -> None:
    """Write report.json, report.md, dances.png and the dances of every run (RUN/NAME.npz) into a new folder.

    Args:
        runs: Name -> what it danced.
        folder: Where to write; whole or not at all.
        sheet: Draws dances by name into a file.
        losses: Of runs by name, for report.json.
        force: Replace a folder with something in it.

    Raises:
        OutputError: If the folder exists and not `force`, or cannot be written.
    """
    with atomic_directory(folder, force=force) as work:
        text = json.dumps(as_plain(runs, losses), indent=1, allow_nan=False)
        (work / "report.json").write_text(text + "\n", encoding="utf-8")
        if runs:
            table = scorecard_table({name: run.scorecard for name, run in runs.items()})
            (work / "report.md").write_text(table + "\n", encoding="utf-8")
        dances = {}
        for name, run in runs.items():
            run.save(work / Path(name).name)
            first = next((d for d in run.dances if d.motion is not None), None)
            if first is not None and first.motion is not None:
                dances[f"{Path(name).name}: {first.name}"] = first.motion
        if dances:
            sheet(dances, work / "dances.png")
