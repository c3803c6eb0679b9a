"""`farandole evaluate`: motion measured against real motion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.evaluate_runs import evaluate_runs
from farandole.cli.options import Force, Json, Quiet
from farandole.errors import OutputError

if TYPE_CHECKING:
    from farandole.evaluation.clip_figures import Settings
    from farandole.evaluation.reporting.dance_report import Run
    from farandole.motion import Motion
    from farandole.music import Song


class Protocol(str, Enum):
    """What kind of motion is measured."""

    dance = "dance"
    lafan1 = "lafan1"


def evaluate(
    generated: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="GENERATED",
            help="Folders of motion files, or with --data runs of farandole train; several stand side by side.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            "-r",
            metavar="REAL",
            help="Folder of real motion, file of figures, or 'starter': figures that come with farandole. [default: starter]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Write report.json, a page and a picture of dances there."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA", help="Let the runs GENERATED dance sequences of this feature folder on their own."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="With --data: which sequences: train, val or test.")] = "test",
    songs: Annotated[int | None, typer.Option(min=1, help="With --data: so many sequences. [default: all]")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="With --data: every sequence is danced so many times.")] = 1,
    play: Annotated[
        bool,
        typer.Option(
            "--play", help="With -o: also write pages that play the best and worst clips, linked from the report."
        ),
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

    Eleven lines beside the range of real takes, what tells dancing from moving about, the published metrics with
    intervals. A song or NAME.beats.json beside NAME.bvh gives the beats; a folder per style, or styles.json
    ({"NAME": "style"}), gives figures by style.

    \b
    farandole evaluate dances/
    farandole evaluate runs/a/dances runs/b/dances --reference mocap/ -o report --play
    farandole evaluate runs/a runs/b --data data/mine --seconds 180 --seeds 3 -o report
    farandole evaluate lafan1/ --protocol lafan1 --model runs/mine --every 15 -o report
    farandole evaluate filled/ --reference lafan1/ --protocol lafan1
    """
    sources = generated or []
    if protocol is Protocol.lafan1:
        ignored = {"--play": play, "--absolute": absolute, "--seconds": seconds, "--cut": cut, "--nearest": nearest}
        _refuse({**ignored, "--workers": workers}, "means nothing with --protocol lafan1")
    else:
        _refuse({"--model": model, "--test": test, "--every": every}, "needs --protocol lafan1")
        if not sources:
            raise typer.BadParameter("name a folder of motion files", param_hint="GENERATED")
    if data is not None:
        _refuse(
            {
                "--play": play,
                "--absolute": absolute,
                "--cut": cut,
                "--nearest": nearest,
                "--protocol": protocol != "dance",
            },
            "means nothing with --data",
        )
        if out is not None:
            _check_folder(out, force)
        evaluate_runs(
            sources, data, reference, out, split, songs, seeds, seconds or 60.0, force=force, json=json, quiet=quiet
        )
        return
    if play and out is None:
        raise typer.BadParameter("needs -o DIR: the pages lie beside the report", param_hint="--play")
    if out is not None:
        _check_folder(out, force)
    if protocol is Protocol.lafan1:
        content, lines = _gaps(sources, reference, out, model or (), test, every or (), force, quiet)
    else:
        from farandole.evaluation.clip_figures import Settings

        settings = Settings(seconds=seconds, cut=cut, root="absolute" if absolute else "start")
        options = {"settings": settings, "workers": workers, "nearest": nearest, "play": play}
        content, lines = _dances(sources, reference or "starter", out, force=force, quiet=quiet, **options)
    for text in content["warnings"]:
        console.warning(text)
    if json:
        console.result_json(content)
        return
    if out is not None:
        console.result(out / "index.html")
    for line in lines:
        console.result(line)


def _refuse(options: dict[str, object], why: str) -> None:
    """One line for the first option that was given and does nothing."""
    for name, value in options.items():
        if value:
            raise typer.BadParameter(why, param_hint=name)


def _dances(
    sources: list[Path],
    reference: str,
    out: Path | None,
    *,
    settings: Settings,
    workers: int | None,
    nearest: bool,
    play: bool,
    force: bool,
    quiet: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Content of report.json, and what to say about it."""
    from farandole.evaluation.nearest_takes import nearest_lines, nearest_takes
    from farandole.evaluation.reporting.dance_report import evaluate as measure
    from farandole.evaluation.reporting.dance_report_files import write_report
    from farandole.evaluation.reporting.play_pages import write_play_pages
    from farandole.evaluation.reporting.report_sheet import write_sheet

    distances = {}
    if nearest:
        with console.progress("looking for the nearest", quiet=quiet) as update:
            distances = nearest_takes(sources, reference, progress=update)
    with console.progress("measuring", quiet=quiet) as update:
        report = measure(sources, reference, settings=settings, workers=workers, progress=update)
    report = report.with_nearest(distances)
    if out is not None:
        pages = (lambda folder: write_play_pages(report, folder, _write_page)) if play else None
        write_report(
            report, out, pages=pages, sheet=lambda folder: write_sheet(report, folder, _write_sheet), force=force
        )
    lines = [text for run in report.runs for text in _run_lines(run)]
    return report.as_dict(), lines + nearest_lines(report.nearest, reference)


def _run_lines(run: Run) -> list[str]:
    """A run's scorecard line by line, and that of each style in one line."""
    from farandole.evaluation.scorecard import scorecard_lines

    lines = scorecard_lines(run.name, run.scorecard) if run.scorecard else []
    return lines + [f"  {style}: {card}" for style, card in run.by_style.items()]


def _write_page(motion: Motion, path: Path, song: Song | None, title: str) -> None:
    from farandole.view.page import write_page

    write_page([motion], path, song=song, title=title)


def _write_sheet(dances: Mapping[str, Motion], path: Path) -> None:
    from farandole.view.dance_sheet import write_dance_sheet

    write_dance_sheet(dances, path)


def _gaps(
    sources: list[Path],
    reference: str | None,
    out: Path | None,
    models: Sequence[str],
    test: str | None,
    every: Sequence[int],
    force: bool,
    quiet: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Content of report.json for in-betweening, and what to say about it."""
    from farandole.evaluation.gaps.gap_evaluation import evaluate_gaps
    from farandole.evaluation.gaps.lafan1_protocol import write_lafan1

    if reference is None and len(sources) != 1:
        raise typer.BadParameter("name one folder of BVH files, or filled gaps and --reference", param_hint="GENERATED")
    fills = {}
    if models:
        from farandole.generation.window_fills import window_fill

        fills = {Path(model).name: window_fill(model) for model in models}
    folder, filled = (sources[0], []) if reference is None else (Path(reference), sources)
    with console.progress("filling gaps", quiet=quiet) as update:
        result = evaluate_gaps(folder, filled=filled, models=fills, test=test, every=every, progress=update)
    if out is not None:
        write_lafan1(result.content, out, force=force)
    return result.content, result.lines()


def _check_folder(out: Path, force: bool) -> None:
    """Tell before the work that the report cannot be written."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file: give the name of a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise OutputError(f"{out} exists already: choose another name or add --force")
