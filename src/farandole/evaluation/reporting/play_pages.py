"""Pages that play the clips a report names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.evaluation.dance_clips import find_clips, load_sound
from farandole.evaluation.reporting.dance_report import Report
from farandole.evaluation.reporting.report_sheet import clip_of_piece
from farandole.motion import Motion

if TYPE_CHECKING:
    from farandole.music import Song

WritePage = Callable[[Motion, Path, "Song | None", str], object]
"""motion, file, song, title: writes one page that plays the motion."""


def write_play_pages(report: Report, folder: Path, write_page: WritePage) -> dict[str, str]:
    """Write pages for the best and worst clips of every run into `folder`/clips.

    Args:
        report: Whose clips still lie where they were read from.
        folder: Of the report.
        write_page: Writes one page.

    Returns:
        "run/clip" -> address of its page relative to the report, as `write_report` takes it.
    """
    links = {}
    for i, run in enumerate(report.runs):
        clips = {clip.name: clip for clip in find_clips(run.source)}
        for j, name in enumerate(dict.fromkeys(figures.name for figures in (*run.best(), *run.worst()))):
            clip = clip_of_piece(clips, name)
            motion, _ = clip.load()
            address = f"clips/{i}-{j}.html"
            write_page(motion, folder / address, None if clip.song is None else load_sound(clip.song), name)
            links[f"{run.name}/{name}"] = address
    return links
