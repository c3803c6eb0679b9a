"""`farandole dance FOLDER`: dances for all its songs, and a table of what came of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole.cli import console
from farandole.errors import OutputError

if TYPE_CHECKING:
    from farandole.batch.dance_folder import SongResult

_NUMBERS = 33  # columns right of the names


@dataclass(frozen=True)
class FolderRun:
    """Words of the command line that concern a folder of songs; `dance` tells what each is."""

    folder: Path
    out: Path | None
    formats: str | None
    takes: int
    model: str
    engine: str
    character: Path | None
    map_file: Path | None
    root: str
    workers: int | None
    cluster: str | None


def run_folder(run: FolderRun, options: Mapping[str, Any], *, force: bool, json: bool, quiet: bool) -> int:
    """Dance to every song of a folder and tell about it.

    Args:
        run: The folder and where to.
        options: More arguments of `generation.dance.dances`.
        force, json, quiet: As everywhere.

    Returns:
        The exit code: 0 if every song has its dances, 2 if some cannot be danced to, 1 if that is no fault of theirs.
    """
    from farandole.batch.dance_folder import dance_folder
    from farandole.batch.dance_song import DanceSettings
    from farandole.view.takes import FORMATS, character_formats, parse_formats

    if run.out is None or run.out.suffix.lower().lstrip(".") in FORMATS:
        raise OutputError(f"{run.folder} is a folder of songs: needed is a folder for the dances, -o dances/")
    default = "bvh,html" if run.character is None else f"{character_formats(run.character)[0]},html"
    formats = parse_formats(run.formats or default)
    settings = DanceSettings(formats, run.takes, run.model, run.engine, options, run.character, run.map_file, run.root)
    begun = time.perf_counter()
    with console.progress("dancing", quiet=quiet) as update:
        results = dance_folder(
            run.folder, run.out, settings, workers=run.workers, cluster=run.cluster, force=force, progress=update
        )
    took = time.perf_counter() - begun
    made = [r for r in results if r.record and not r.kept]
    failed = [r for r in results if r.problem]
    danced = sum(take["seconds"] for r in made for take in r.record["takes"])
    if json:
        facts = {"made": len(made), "kept": sum(r.kept for r in results), "failed": len(failed)}
        costs = {"wall_seconds": took, "times_real_time": danced / took, "worker_peak_mb": _peak(results) or None}
        console.result_json(
            {"folder": run.folder, "out": run.out, **facts, **costs, "songs": [_told(r) for r in results]}
        )
    else:
        for line in table(results, shutil.get_terminal_size((100, 24)).columns):
            console.result(line)
        for result in failed:
            console.warning(f"{result.name}: {result.problem}")
        note = f"{len(made)} songs danced to, {sum(r.kept for r in results)} there already, {len(failed)} problems"
        if made:
            note += f"; {danced:.0f} s of dance in {took:.0f} s, {danced / took:.0f} times faster than it plays"
            note += f"; {_peak(results):.0f} MB a worker" if _peak(results) else ""
        console.note(note, quiet=quiet)
    return 0 if not failed else 1 if any(r.bug for r in failed) else 2


def table(results: Sequence[SongResult], columns: int) -> list[str]:
    """A line for each song: name, length, tempo, share of steps that land on the beat (mean of the takes), what came of it."""
    room = max(12, columns - _NUMBERS)
    width = min(room, max(len("song"), *(len(r.name) for r in results)))
    lines = [f"{'song':{width}}  {'s':>6} {'bpm':>4} {'on beat':>7}  "]
    for result in results:
        name = result.name if len(result.name) <= width else f"…{result.name[1 - width :]}"
        if result.record:
            aligned = [take["landings_on_beat"] for take in result.record["takes"]]
            numbers = (
                f"{result.record['seconds']:6.1f} {result.record['tempo']:4.0f} {sum(aligned) / len(aligned):7.2f}"
            )
            lines.append(f"{name:{width}}  {numbers}  {'kept' if result.kept else 'made'}")
        else:
            lines.append(f"{name:{width}}  {'':6} {'':4} {'':7}  failed")
    return lines


def _told(result: SongResult) -> dict[str, Any]:
    what = "kept" if result.kept else "made" if result.record else "failed"
    record = {**result.record, "outputs": sorted(result.record["outputs"])} if result.record else {}
    problem = {"problem": result.problem} if result.problem else {}
    return {"name": result.name, "outcome": what, **record, **problem}


def _peak(results: Sequence[SongResult]) -> float:
    return max((r.memory_mb for r in results), default=0.0)
