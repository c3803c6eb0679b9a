"""The report: one or several sets of generated motion against a reference set, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.bootstrap import Interval
from farandole.evaluation.clip_figures import ClipFigures, Settings, measure_clips
from farandole.evaluation.dance_clips import find_clips
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.plain_values import plain
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.reference_file import find_reference
from farandole.evaluation.scorecard import Scorecard, score_clips
from farandole.evaluation.set_figures import (
    SetFigures,
    clip_means,
    constant_features,
    differences,
    kinetic_map,
    set_figures,
    small_set_warnings,
    strangeness,
)
from farandole.motion.rotations import Array

SCHEMA = "farandole.evaluation"
VERSION = 2
"""Raised when a key of report.json changes its meaning."""

SHOWN = 3
"""Best and worst clips that are named."""


@dataclass(frozen=True)
class Run:
    """One set of motion.

    Attributes:
        name: Name in the report.
        source: Where it was read from.
        clips: Figures of every clip.
        figures: Figures of the set.
        scorecard: Line by line beside the reference; None for the reference itself.
        by_style: The same of the clips of each style that has takes in the reference.
        differences: Other minus first run, per figure; empty for the first run.
        order: Clip indices from the most to the least like the reference.
        map: Where each clip lies on the plot of kinetic features, [N, 2].
    """

    name: str
    source: str
    clips: tuple[ClipFigures, ...]
    figures: SetFigures
    scorecard: Scorecard | None
    by_style: dict[str, Scorecard]
    differences: dict[str, Interval]
    order: tuple[int, ...]
    map: Array

    @property
    def seconds(self) -> float:
        """Length of all clips together."""
        return sum(clip.quality.seconds for clip in self.clips)

    @property
    def styles(self) -> tuple[str, ...]:
        """Styles of the clips, in order of their names."""
        return tuple(sorted({clip.style for clip in self.clips if clip.style}))

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
        nearest: Run -> clip -> mean distance to the nearest second of the reference, cm; empty if not asked for.
    """

    reference: Run
    runs: tuple[Run, ...]
    settings: Settings
    warnings: tuple[str, ...]
    nearest: dict[str, dict[str, float]] = field(default_factory=dict)

    def with_nearest(self, distances: Mapping[str, dict[str, float]]) -> Report:
        """The same with distances to the nearest second of the reference.

        Args:
            distances: Source -> clip -> cm, from `nearest_takes`.
        """
        return replace(self, nearest={run.name: distances[run.source] for run in self.runs if run.source in distances})

    def as_dict(self) -> dict[str, Any]:
        """The content of report.json, plain types only; NaN becomes None."""
        from farandole._version import __version__

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
                **({"nearest": self.nearest} if self.nearest else {}),
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
        reference: A folder of real motion, a file of figures (`reference_file`), or "starter" for those that come with the package.
        settings: How clips are measured; None for the defaults.
        workers: Processes; by default one per processor.
        progress: Called with clips done and clips in all.

    Raises:
        DataError: If a folder holds no motion, or the reference has no figures of pieces.
        RetargetError: If a skeleton cannot be mapped to the joints that a metric needs; names file and joints.
    """
    settings = settings or Settings()
    sources = [generated] if isinstance(generated, (str, Path)) else list(generated)
    if not sources:
        raise DataError("nothing to evaluate: name at least one folder of motion")
    real = _figures(reference, settings)
    read = sources if real else [reference, *sources]
    names = _names(read)
    sets = [find_clips(source) for source in read]
    flat = [clip for clips in sets for clip in clips]
    measured = measure_clips(flat, settings, workers=workers, progress=progress)
    ends = np.cumsum([len(clips) for clips in sets])
    parts = [
        tuple(piece for pieces in measured[end - len(clips) : end] for piece in pieces)
        for end, clips in zip(ends, sets, strict=True)
    ]
    for part, source in zip(parts, read, strict=True):
        if not part:
            raise DataError(
                f"{source}: no clip is {settings.cut:g} s long, so none can be cut into pieces of that length"
            )
    if real is None:
        real, parts, names = RealRange(names[0], parts[0]), parts[1:], names[1:]
    return build_report(real, parts, names, settings, [str(source) for source in (reference, *sources)])


def _figures(reference: str | Path, settings: Settings) -> RealRange | None:
    """A reference that holds figures. Raises DataError where clips are measured otherwise than its takes were."""
    real = find_reference(reference)
    if real is not None and (settings.seconds is not None or settings.cut is not None or settings.root != "start"):
        raise DataError(
            f"the reference '{reference}' holds figures of whole takes: to measure pieces or absolute positions, name a folder of "
            "real motion as reference"
        )
    return real


def build_report(
    real: RealRange,
    runs: Sequence[Sequence[ClipFigures]],
    names: Sequence[str],
    settings: Settings,
    sources: Sequence[str] | None = None,
) -> Report:
    """A report of clips that are measured already.

    Args:
        real: The reference set.
        runs: Sets to judge.
        names: Of each run.
        settings: How they were measured.
        sources: Where the reference and each run were read from; by default the names.
    """
    sources = sources or (real.name, *names)
    points = kinetic_map(real.clips, runs)
    built = []
    for clips, name, source, where in zip(runs, names, sources[1:], points[1:], strict=True):
        built.append(
            Run(
                name=name,
                source=source,
                clips=tuple(clips),
                figures=set_figures(clips, real.clips),
                scorecard=score_clips(clips, real),
                by_style=_by_style(clips, real),
                differences=differences(runs[0], clips) if built else {},
                order=tuple(np.argsort(strangeness(clips, real.clips), kind="stable").tolist()),
                map=where,
            )
        )
    order = tuple(np.argsort(strangeness(real.clips, real.clips), kind="stable").tolist())
    reference = Run(real.name, sources[0], real.clips, set_figures(real.clips, None), None, {}, {}, order, points[0])
    return Report(reference, tuple(built), settings, tuple(_warnings(reference, built)))


def _by_style(clips: Sequence[ClipFigures], real: RealRange) -> dict[str, Scorecard]:
    """Scorecards of the styles that both sides have, where the reference has several or the clips do."""
    styles = sorted({clip.style for clip in clips if clip.style} & set(real.styles))
    return {s: score_clips([clip for clip in clips if clip.style == s], real.of_style(s)) for s in styles}


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


def _names(sources: Sequence[str | Path]) -> list[str]:
    """Short names that differ: last parts of the paths, longer where they collide."""
    paths = [Path(source) for source in sources]
    for depth in range(1, max(len(path.parts) for path in paths) + 1):
        names = [Path(*path.parts[-depth:]).as_posix() for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.as_posix()} ({i})" if i else path.as_posix() for i, path in enumerate(paths)]


def _run_dict(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "clips": len(run.clips),
        "seconds": run.seconds,
        "figures": {name: asdict(run.figures.values[name]) for name in FIGURES if name in run.figures.values},
        "missing": run.figures.reasons,
        "scorecard": run.scorecard.as_dict() if run.scorecard else None,
        "by_style": {style: _style_dict(run, style) for style in run.styles},
        "differences_from_first": {name: asdict(gap) for name, gap in run.differences.items()},
        "best": [clip.name for clip in run.best()],
        "worst": [clip.name for clip in run.worst()],
        "sequences": [
            {
                "name": clip.name,
                "group": clip.group,
                "style": clip.style,
                "fps": clip.fps,
                "figures": clip.all_numbers(),
                "joint_speeds": clip.quality.joint_speeds,
                "map": where.tolist(),
            }
            for clip, where in zip(run.clips, run.map, strict=True)
        ],
    }


def _style_dict(run: Run, style: str) -> dict[str, Any]:
    """Figures of one style's clips, and their scorecard where the reference has takes of it."""
    clips = [clip for clip in run.clips if clip.style == style]
    card = run.by_style.get(style)
    return {
        "clips": len(clips),
        "figures": {name: asdict(mean) for name, mean in clip_means(clips).items()},
        "scorecard": card.as_dict() if card else None,
    }
