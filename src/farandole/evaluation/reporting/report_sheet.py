"""A picture for the report: the best and the worst dance of every run beside real takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from farandole.evaluation.dance_clips import Clip, find_clips
from farandole.evaluation.reference_file import find_reference
from farandole.evaluation.reporting.dance_report import Report, Run
from farandole.motion import Motion

SHEET = "dances.png"
"""Name of the picture in the report's folder."""

WriteSheet = Callable[[Mapping[str, Motion], Path], object]
"""name -> motion, file: writes a picture with a row for each motion."""


def write_sheet(report: Report, folder: Path, write: WriteSheet) -> str:
    """Write the picture into the folder of a report; returns its address there.

    Args:
        report: Whose clips still lie where they were read from. Of a reference that holds figures alone no take is shown.
        folder: Of the report.
        write: Draws it.
    """
    rows: dict[str, Motion] = {}
    if find_reference(report.reference.source) is None:
        rows |= _motions(report.reference, report.reference.order[:1], "real")
    for run in report.runs:
        rows |= _motions(run, run.order[:1], f"{run.name}, most like real")
        rows |= _motions(run, run.order[1:][-1:], f"{run.name}, least like real")
    write(rows, folder / SHEET)
    return SHEET


def _motions(run: Run, picked: Sequence[int], label: str) -> dict[str, Motion]:
    clips = {clip.name: clip for clip in find_clips(run.source)}
    return {f"{label}: {run.clips[i].name}": clip_of_piece(clips, run.clips[i].name).load()[0] for i in picked}


def clip_of_piece(clips: Mapping[str, Clip], name: str) -> Clip:
    """The clip of that name, or the one whose piece it is: pieces are called "clip 3"."""
    return clips[name] if name in clips else clips[name.rpartition(" ")[0]]
