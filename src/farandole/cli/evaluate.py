"""`farandole evaluate`: motion measured against real motion."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet
from farandole.errors import OutputError

if TYPE_CHECKING:
    from farandole.evaluation.measure import Settings
    from farandole.evaluation.report import Report


class Protocol(str, Enum):
    """What kind of motion is measured."""

    dance = "dance"
    lafan1 = "lafan1"


def evaluate(
    generated: Annotated[
        list[Path] | None,
        typer.Argument(metavar="GENERATED", help="Folder of motion files; several are compared.", show_default=False),
    ] = None,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            "-r",
            metavar="REAL",
            help="Folder of real motion, or 'starter': the held-out takes that come with farandole.",
        ),
    ] = "starter",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write report.json and a page there.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Put several GENERATED side by side.")] = False,
    play: Annotated[
        bool,
        typer.Option("--play", help="Also write pages that play the best and worst clips, linked from the report."),
    ] = False,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="dance; or lafan1: filled gaps (gap_5.npz ...) in GENERATED, the data set's BVH files in REAL."
        ),
    ] = Protocol.dance,
    absolute: Annotated[
        bool,
        typer.Option(
            "--absolute", help="Kinetic features of absolute positions (mint), not from the start (Bailando)."
        ),
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Measure the first so many seconds only (AIST++: 20).")
    ] = None,
    cut: Annotated[
        float | None,
        typer.Option(min=1, help="Cut clips into pieces of so many seconds, so that small sets give more of them."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [default: one per core]")] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure motion against real motion.

    Contact, smoothness, energy, rhythm, the published distances; each with its interval. A song or NAME.beats.json
    beside NAME.bvh gives the beats.

    \b
    farandole evaluate dances/
    farandole evaluate --compare runs/a/dances runs/b/dances --reference mocap/ -o report --play
    farandole evaluate filled/ --reference lafan1/ --protocol lafan1 -o report
    """
    sources = generated or []
    if protocol is Protocol.dance and not sources:
        raise typer.BadParameter("name a folder of motion files", param_hint="GENERATED")
    if len(sources) > 1 and not compare:
        raise typer.BadParameter("several folders need --compare", param_hint="GENERATED")
    if out is not None:
        _check_folder(out, force)
    if protocol is Protocol.lafan1:
        content, lines = _lafan1(sources, Path(reference), out, force)
    else:
        from farandole.evaluation.measure import Settings

        settings = Settings(seconds=seconds, cut=cut, root="absolute" if absolute else "start")
        content, lines = _dance(sources, reference, out, settings, workers, play, force, quiet)
    for text in content["warnings"]:
        console.warning(text)
    if json:
        console.result_json(content)
        return
    if out is not None:
        console.result(out / "index.html")
    for line in lines:
        console.result(line)


def _dance(
    sources: list[Path],
    reference: str,
    out: Path | None,
    settings: Settings,
    workers: int | None,
    play: bool,
    force: bool,
    quiet: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Content of report.json, and what to say about it."""
    from farandole.evaluation.report import evaluate as measure
    from farandole.evaluation.report import write_report

    with console.progress("measuring", quiet=quiet) as update:
        report = measure(sources, reference, settings=settings, workers=workers, progress=update)
    if out is not None:
        write_report(report, out, pages=(lambda folder: _play_pages(report, folder)) if play else None, force=force)
    lines = []
    for run in report.runs:
        passed = sum(check.passed for check in run.verdict)
        lines.append(f"{run.name}: {passed} of {len(run.verdict)} lines as good as {report.reference.name}")
        lines += [f"  {check}" for check in run.verdict]
    return report.as_dict(), lines


def _play_pages(report: Report, folder: Path) -> dict[str, str]:
    """Write pages for the best and worst clips of every run; returns "run/clip" -> address relative to the report."""
    from farandole.evaluation.clips import find_clips, load_sound
    from farandole.view.page import write_page

    links = {}
    for i, run in enumerate(report.runs):
        clips = {clip.name: clip for clip in find_clips(run.source)}
        for j, name in enumerate(dict.fromkeys(figures.name for figures in (*run.best(), *run.worst()))):
            clip = clips[name] if name in clips else clips[name.rpartition(" ")[0]]  # a piece is called "clip 3"
            motion, _ = clip.load()
            address = f"clips/{i}-{j}.html"
            song = None if clip.song is None else load_sound(clip.song)
            write_page([motion], folder / address, song=song, title=name)
            links[f"{run.name}/{name}"] = address
    return links


def _lafan1(sources: list[Path], reference: Path, out: Path | None, force: bool) -> tuple[dict[str, Any], list[str]]:
    """The same for the in-betweening benchmark."""
    from farandole.evaluation.lafan1 import lafan1_dict, load_lafan1, read_predictions, run_lafan1, write_lafan1
    from farandole.evaluation.report import plain

    predictions = {source.name: read_predictions(source) for source in sources}
    data = load_lafan1(reference)
    scores = run_lafan1(data, predictions)
    if out is not None:
        write_lafan1(data, scores, out, force=force)
    lines = [
        f"{name}, {gap} frames: L2Q {score.l2q:.4f}  L2P {score.l2p:.4f}  NPSS {score.npss:.4f}"
        for name, gaps in scores.items()
        for gap, score in gaps.items()
    ]
    return plain(lafan1_dict(data, scores)), lines


def _check_folder(out: Path, force: bool) -> None:
    """Tell before the work that the report cannot be written."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file: give the name of a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise OutputError(f"{out} exists already: choose another name or add --force")
