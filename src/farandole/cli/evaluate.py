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
        str | None,
        typer.Option(
            "--reference",
            "-r",
            metavar="REAL",
            help="Folder of real motion, or 'starter': the held-out takes that come with farandole. [default: starter]",
        ),
    ] = None,
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
            help="dance; or lafan1, in-betweening: GENERATED is a folder of BVH files whose gaps are filled and scored, or one of "
            "gaps filled elsewhere (gap_5.npz ...) with the BVH files in REAL."
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
    nearest: Annotated[
        bool,
        typer.Option("--nearest", help="dance: how far each clip is from the nearest second of REAL (replay is 0 cm)."),
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="lafan1: an in-between model to measure beside the baselines; may be repeated.", show_default=False
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="lafan1: names of the files to test on, like '*_subject5.bvh'; the others give L2P's deviations.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="lafan1: also with every N-th frame given as a key frame; may be repeated.",
            show_default=False,
        ),
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
    farandole evaluate lafan1/ --protocol lafan1 --model runs/mine --every 15 -o report
    farandole evaluate filled/ --reference lafan1/ --protocol lafan1
    """
    sources = generated or []
    if protocol is Protocol.dance and not sources:
        raise typer.BadParameter("name a folder of motion files", param_hint="GENERATED")
    if len(sources) > 1 and not compare:
        raise typer.BadParameter("several folders need --compare", param_hint="GENERATED")
    if out is not None:
        _check_folder(out, force)
    if protocol is Protocol.lafan1:
        from farandole.cli.evaluate_gaps import evaluate_gaps

        real = None if reference is None else Path(reference)
        content, lines = evaluate_gaps(
            sources, real, out, models=model or (), test=test, every=every or (), force=force, quiet=quiet
        )
    else:
        from farandole.evaluation.measure import Settings

        gaps_only = [n for n, v in (("--model", model), ("--test", test), ("--every", every)) if v]
        if gaps_only:
            raise typer.BadParameter("needs --protocol lafan1", param_hint=gaps_only[0])
        settings = Settings(seconds=seconds, cut=cut, root="absolute" if absolute else "start")
        content, lines = _dance(sources, reference or "starter", out, settings, workers, play, force, quiet)
        if nearest:
            content["nearest"], more = _nearest(sources, reference or "starter", quiet)
            lines += more
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


def _nearest(sources: list[Path], reference: str, quiet: bool) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Distances to the nearest second of the reference, and what to say about them."""
    from statistics import fmean

    from farandole.cli.evaluate_gaps import nearest_windows

    found = nearest_windows([str(source) for source in sources], reference, quiet=quiet)
    lines = [
        f"{source}: {fmean(clips.values()):.1f} cm from the nearest second of {reference}, the nearest clip "
        f"{min(clips, key=clips.__getitem__)} {min(clips.values()):.1f} cm"
        for source, clips in found.items()
    ]
    return found, lines


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


def _check_folder(out: Path, force: bool) -> None:
    """Tell before the work that the report cannot be written."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file: give the name of a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise OutputError(f"{out} exists already: choose another name or add --force")
