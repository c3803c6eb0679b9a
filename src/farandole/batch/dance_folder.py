"""Dances for all songs of a folder: on many cores or machines, taken up again after any interruption, bad songs told at the end.

While work goes on, `OUT/.dance` holds a record of every finished song. At the end `dances.json` takes its place, which tells what
was made of which song, and lets a later run with the same settings make only what is missing or whose song has changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farandole import _io
from farandole.batch.dance_song import DanceSettings, DanceTask, dance_song, try_settings
from farandole.batch.song_folder import FolderSong, find_songs
from farandole.errors import FarandoleError, OutputError
from farandole.parallel import executors, open_executor
from farandole.parallel.records import Records, alone

JOURNAL, SUMMARY, SCHEMA = ".dance", "dances.json", 1
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class SongResult:
    """What came of a song.

    Attributes:
        name: The song's path below the folder.
        record: What was made: hashes of outputs, length, tempo, figures of the takes; empty if it could not be danced to.
        kept: Whether an earlier run had made it.
        problem: Why it could not be danced to, in one line; "" if it was.
        bug: Whether that is no fault of the song's.
        memory_mb: Peak memory of the process that danced, MB; 0 if nothing was made or it is not known.
    """

    name: str
    record: Mapping[str, Any]
    kept: bool = False
    problem: str = ""
    bug: bool = False
    memory_mb: float = 0.0


def dance_folder(
    folder: str | Path,
    out: str | Path,
    settings: DanceSettings,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> list[SongResult]:
    """Dance to every song of a folder. One song's dance is, byte for byte, that of `farandole dance SONG` with the same settings.

    Args:
        folder: Where the songs are.
        out: Where the dances go; a folder that an interrupted or earlier run with the same settings made is completed.
        settings: What is wanted of each song.
        workers: Songs at a time; None for one per core.
        cluster: Address of a Ray cluster to run on, see `ray_cluster.RayCluster`; it must see the files under the same paths.
        force: Make everything anew, and replace files that exist.
        progress: Called with (done, songs, name) after every song.

    Returns:
        What came of each song, by name.

    Raises:
        AudioError: If there are no songs.
        OutputError: If files that are to be written exist already, the folder was made with other settings, or another process is
            at work on it.
        FarandoleError: If the settings, or a character or model that they name, cannot be used.
    """
    source, target = Path(folder).absolute(), Path(out).absolute()
    songs, settings = find_songs(source, target, settings.formats, settings.takes), settings.absolute()
    if target.exists() and not target.is_dir():
        raise OutputError(f"{out} is a file: a folder of songs needs a folder for the dances")
    with ExitStack() as stack:
        executor = stack.enter_context(open_executor(workers, cluster))
        for _, problem in executors.run(executor, _checked, [settings]):  # before anything is touched
            if problem is not None:
                raise problem if isinstance(problem, FarandoleError) else OutputError(problem.reason)
        stack.enter_context(alone(target / f"{JOURNAL}.lock", str(out)))
        records = Records(target / JOURNAL)
        known = _take_up(target, records, songs, settings.key(), force=force)
        tasks = [DanceTask(song, target, settings, known.get(song.name)) for song in songs]
        results = []
        for done, (task, outcome) in enumerate(executors.run(executor, _outcome, tasks), 1):
            result = outcome if isinstance(outcome, SongResult) else _lost(task, outcome)
            if result.record and not result.kept:
                records.add(result.name, result.record)
            results.append(result)
            if progress:
                progress(done, len(tasks), result.name)
        results.sort(key=lambda result: result.name)
        _finish(target, records, songs, known, results)
    return results


def _checked(settings: DanceSettings) -> FarandoleError | None:
    """What a worker does first: what is wrong with the settings, whatever the song."""
    try:
        try_settings(settings)
    except FarandoleError as error:
        return error
    return None


def _outcome(task: DanceTask) -> SongResult:
    """What a worker does with a song."""
    name = task.song.name
    try:
        record, new = dance_song(task)
        return SongResult(name, record, kept=not new, memory_mb=_peak_memory() if new else 0.0)
    except (FarandoleError, OSError) as error:
        return SongResult(name, {}, problem=" ".join(str(error).removeprefix(f"{task.song.path}: ").split()))
    except Exception as error:  # one odd song must not end a run of hours; it is told at the end
        return SongResult(name, {}, problem=f"{type(error).__name__}: {' '.join(str(error).split())}", bug=True)


def _lost(task: DanceTask, failed: executors.FailedTask) -> SongResult:
    return SongResult(task.song.name, {}, problem=failed.reason, bug=True)


def _peak_memory() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, kilobytes here
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _take_up(
    target: Path, records: Records, songs: Sequence[FolderSong], key: str, *, force: bool
) -> dict[str, dict[str, Any]]:
    """Set up the records; returns those of earlier runs with the same settings, by song.

    Whatever an earlier run was about to write is ours to overwrite; anything else is not.
    """
    summary, begun = _read_summary(target / SUMMARY), records.folder / "begun.json"
    earlier = records.key or summary.get("settings")
    if earlier not in (None, key) and not force:
        raise OutputError(f"{target} was danced with other settings: choose another folder or add --force")
    if force or earlier != key:
        records.remove()
        known = {}
    else:
        known = (summary["songs"] if summary.get("settings") == key else {}) | records.read()
    ours = {name for record in known.values() for name in record["outputs"]}
    ours |= set(_io.read_json(begun)) if begun.is_file() else set()
    outputs = {path.relative_to(target).as_posix(): path for song in songs for path in song.outputs.all}
    for name, path in outputs.items():
        _io.check_output(path, force=force or name in ours)
    with _io.atomic_path(begun, force=True) as temporary:
        temporary.write_text(json.dumps(sorted(ours | set(outputs))))
    records.begin(key)
    _io.remove_unfinished(outputs.values())
    return known


def _read_summary(path: Path) -> dict[str, Any]:
    """The content of a dances.json; empty if there is none. Raises OutputError if it is somebody else's."""
    if not path.is_file():
        return {}
    summary = _io.read_json(path)
    if not isinstance(summary, dict) or summary.get("schema") != SCHEMA or not isinstance(summary.get("songs"), dict):
        raise OutputError(f"{path} is none that this version wrote: choose another folder")
    return summary


def _finish(
    target: Path,
    records: Records,
    songs: Sequence[FolderSong],
    known: Mapping[str, dict[str, Any]],
    results: Sequence[SongResult],
) -> None:
    """Put dances.json in the place of the records."""
    made = {result.name: dict(result.record) for result in results if result.record}
    problems = {result.name: result.problem for result in results if result.problem}
    summary = {
        "schema": SCHEMA,
        "settings": records.key,
        "songs": dict(sorted((dict(known) | made).items())),
        "problems": problems,
    }
    with _io.atomic_path(target / SUMMARY, force=True) as temporary:
        temporary.write_text(
            json.dumps(summary, indent=1, ensure_ascii=False), encoding="utf-8", errors="backslashreplace"
        )
    _io.remove_unfinished([path for song in songs for path in song.outputs.all])
    records.remove()
