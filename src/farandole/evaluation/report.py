"""The report: one or several sets of generated motion against a reference set, as data. `page` turns it into HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.clips import find_clips
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.measure import ClipFigures, Settings, measure_clips
from farandole.evaluation.quality import Check, average, compare_dance
from farandole.evaluation.sets import (
    SetFigures,
    constant_features,
    differences,
    kinetic_map,
    set_figures,
    small_set_warnings,
    strangeness,
)
from farandole.motion.rotations import Array

SCHEMA = "farandole.evaluation"
VERSION = 1
"""Raised when a key of report.json changes its meaning."""

SHOWN = 3
"""How many best and worst clips are named."""


@dataclass(frozen=True)
class Run:
    """One set of motion.

    Attributes:
        name: Name in the report.
        source: Where it was read from.
        clips: Figures of every clip.
        figures: Figures of the set.
        verdict: Line by line against the reference; empty for the reference itself.
        differences: Other minus first run, per figure; empty for the first run.
        order: Clip indices from the most to the least like the reference.
        map: Where each clip lies on the plot of kinetic features, [N, 2].
    """

    name: str
    source: str
    clips: tuple[ClipFigures, ...]
    figures: SetFigures
    verdict: tuple[Check, ...]
    differences: dict[str, Interval]
    order: tuple[int, ...]
    map: Array

    @property
    def seconds(self) -> float:
        """Length of all clips together."""
        return sum(clip.quality.seconds for clip in self.clips)

    def best(self) -> list[ClipFigures]:
        """Clips most like the reference."""
        return [self.clips[i] for i in self.order[:SHOWN]]

    def worst(self) -> list[ClipFigures]:
        """Clips least like it, worst first, without those among the best."""
        return [self.clips[i] for i in self.order[SHOWN:][::-1][:SHOWN]]


@dataclass(frozen=True)
class Report:
    """An evaluation.

    Attributes:
        reference: Real motion.
        runs: Generated motion.
        settings: How clips were measured.
        warnings: What a reader should know before believing a number.
    """

    reference: Run
    runs: tuple[Run, ...]
    settings: Settings
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The content of report.json, plain types only; NaN becomes None."""
        from farandole import __version__

        return plain(
            {
                "schema": SCHEMA,
                "version": VERSION,
                "farandole": __version__,
                "settings": asdict(self.settings),
                "definitions": {name: asdict(figure) for name, figure in FIGURES.items()},
                "reference": _run_dict(self.reference),
                "runs": [_run_dict(run) for run in self.runs],
                "warnings": list(self.warnings),
            }
        )


def evaluate(
    generated: str | Path | Sequence[str | Path],
    reference: str | Path,
    *,
    settings: Settings | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure sets of motion against a reference set.

    Args:
        generated: A folder of motion files (.bvh .glb .npz .pkl), or several that are put side by side. Songs or `.beats.json`
            files of the same name give the beats; see `clips.find_clips`.
        reference: A folder of real motion, or "starter" for the held-out takes of the starter corpus.
        settings: How clips are measured; None for the defaults.
        workers: Processes; by default one per processor.
        progress: Called with clips done and clips in all.

    Raises:
        DataError: If a folder holds no motion.
        RetargetError: If a skeleton cannot be mapped to the joints that a metric needs; names file and joints.
    """
    settings = settings or Settings()
    sources = [generated] if isinstance(generated, (str, Path)) else list(generated)
    if not sources:
        raise DataError("nothing to evaluate: name at least one folder of motion")
    sets = [find_clips(source) for source in (reference, *sources)]
    flat = [clip for clips in sets for clip in clips]
    measured = measure_clips(flat, settings, workers=workers, progress=progress)
    ends = np.cumsum([len(clips) for clips in sets])
    parts = [
        tuple(piece for pieces in measured[end - len(clips) : end] for piece in pieces)
        for end, clips in zip(ends, sets, strict=True)
    ]
    for part, source in zip(parts, (reference, *sources), strict=True):
        if not part:
            raise DataError(
                f"{source}: no clip is {settings.cut:g} s long, so none can be cut into pieces of that length"
            )
    where = [str(source) for source in (reference, *sources)]
    return build_report(parts[0], parts[1:], _names(reference, sources), settings, where)


def build_report(
    real: Sequence[ClipFigures],
    runs: Sequence[Sequence[ClipFigures]],
    names: Sequence[str],
    settings: Settings,
    sources: Sequence[str] | None = None,
) -> Report:
    """A report of clips that are measured already.

    Args:
        real: The reference set.
        runs: Sets to judge.
        names: Of the reference and of each run.
        settings: How they were measured.
        sources: Where each set was read from; by default the names.
    """
    sources = sources or names
    points = kinetic_map(real, runs)
    yardstick = average([clip.quality for clip in real])
    built = []
    for clips, name, source, where in zip(runs, names[1:], sources[1:], points[1:], strict=True):
        built.append(
            Run(
                name=name,
                source=source,
                clips=tuple(clips),
                figures=set_figures(clips, real),
                verdict=tuple(compare_dance(average([clip.quality for clip in clips]), yardstick)),
                differences=differences(runs[0], clips) if built else {},
                order=tuple(np.argsort(strangeness(clips, real), kind="stable").tolist()),
                map=where,
            )
        )
    order = tuple(np.argsort(strangeness(real, real), kind="stable").tolist())
    reference = Run(names[0], sources[0], tuple(real), set_figures(real, None), (), {}, order, points[0])
    return Report(reference, tuple(built), settings, tuple(_warnings(reference, built)))


def _warnings(reference: Run, runs: Sequence[Run]) -> list[str]:
    found = small_set_warnings({run.name: len(run.clips) for run in (reference, *runs)})
    if constant := constant_features(reference.clips):
        found.append(
            f"{constant} of 32 geometric features never vary in {reference.name}: left out of FID_g, Dist_g and multimodality"
        )
    for run in runs:
        if run.figures.reasons.get("fpd"):
            found.append(f"{run.name}: no Frechet pose distance: {run.figures.reasons['fpd']}")
        silent = sum("bas_mint" not in clip.numbers for clip in run.clips)
        if silent:
            found.append(
                f"{run.name}: {silent} of {len(run.clips)} clips have neither a song nor beats: no rhythm figures for them"
            )
    rates = {round(clip.fps, 2) for run in (reference, *runs) for clip in run.clips}
    if rates != {60.0}:
        listed = ", ".join(f"{rate:g}" for rate in sorted(rates))
        found.append(
            f"published AIST++ figures are made from 60 fps recordings; these clips have {listed} fps and were interpolated"
        )
    return found


def _names(reference: str | Path, sources: Sequence[str | Path]) -> list[str]:
    """Short names that differ: last parts of the paths, longer where they collide."""
    paths = [Path(source) for source in (reference, *sources)]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = [Path(*path.parts[-depth:]).as_posix() for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.as_posix()} ({i})" if i else path.as_posix() for i, path in enumerate(paths)]


def _run_dict(run: Run) -> dict[str, Any]:
    lines = [{**asdict(check), "passed": check.passed} for check in run.verdict]
    return {
        "name": run.name,
        "clips": len(run.clips),
        "seconds": run.seconds,
        "figures": {name: asdict(run.figures.values[name]) for name in FIGURES if name in run.figures.values},
        "missing": run.figures.reasons,
        "verdict": lines,
        "differences_from_first": {name: asdict(gap) for name, gap in run.differences.items()},
        "best": [clip.name for clip in run.best()],
        "worst": [clip.name for clip in run.worst()],
        "sequences": [
            {
                "name": clip.name,
                "group": clip.group,
                "fps": clip.fps,
                "figures": clip.all_numbers(),
                "joint_speeds": clip.quality.joint_speeds,
                "map": where.tolist(),
            }
            for clip, where in zip(run.clips, run.map, strict=True)
        ],
    }


def plain(value: Any) -> Any:
    """Values as JSON knows them, NaN as None; six digits are more than any figure has."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def write_report(
    report: Report, folder: str | Path, *, pages: Callable[[Path], dict[str, str]] | None = None, force: bool = False
) -> Path:
    """Write report.json and index.html into a new folder; returns the page.

    Args:
        report: From `evaluate`.
        folder: Is made; appears whole or not at all.
        pages: Writes pages that play clips into the folder it is given and returns "run/clip" -> their address in it.
        force: Replace the folder if it exists.

    Raises:
        OutputError: If the folder exists and not `force`, or cannot be written.
    """
    from farandole._io import atomic_directory
    from farandole.evaluation.page import render_page

    folder = Path(folder)
    with atomic_directory(folder, force=force) as target:
        text = json.dumps(report.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (target / "report.json").write_text(text, encoding="utf-8")
        links = pages(target) if pages else {}
        (target / "index.html").write_text(render_page(report, links), encoding="utf-8")
    return folder / "index.html"
