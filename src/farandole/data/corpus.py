"""Corpora of recordings to feature folders: in parallel, resumable after any interruption, bad files told at the end.

While work goes on, each finished recording has a record in the folder's `journal`; corpus.json appears when everything is in place,
and keeps the records, so that a later run makes only what is missing or whose source has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farandole._memory import keep_freed_memory
from farandole.data import executors, journal
from farandole.data.feature_folder import SCHEMA, finish_folder, skeleton_to_json
from farandole.data.sequences import Recipe, Source, load_body, make_sequence
from farandole.errors import DataError, FarandoleError

JOURNAL = journal.FOLDER
Progress = Callable[[int, int, str], None]
Outcome = tuple[dict[str, Any], bool] | str
"""A record and whether it was made now; or what is wrong with the recording."""


@dataclass(frozen=True)
class Wanted:
    """What to make of a corpus.

    Attributes:
        motion: Names of motion codecs.
        music: Names of music features; left out if the corpus has no sound.
        fps: Frame rate of the features; None for that of the first motion.
        retarget: Put every motion on the house skeleton.
        mirror: Make mirrored copies, too.
        turns: Make copies turned about the vertical by these angles, too, degrees.
        tempi: Make copies at these factors of speed, too, 0.5 to 2.
        source_fps: Frame rate that motions must have; None for that of the first motion if `fps` is None, too, and else for any.
        licence: Terms of the recordings, kept in corpus.json.
    """

    motion: tuple[str, ...] = ("rot6d",)
    music: tuple[str, ...] = ("beats",)
    fps: float | None = None
    retarget: bool = False
    mirror: bool = False
    source_fps: float | None = None
    licence: str = "unknown: ask whoever made the recordings"
    turns: tuple[float, ...] = ()
    tempi: tuple[float, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """What came of it: numbers of recordings made now and found made already, and what was wrong with which."""

    made: int
    kept: int
    problems: list[dict[str, str]]


def prepare_corpus(
    sources: Sequence[Source],
    target: str | Path,
    wanted: Wanted,
    *,
    problems: Sequence[Mapping[str, str]] = (),
    workers: int | None = 1,
    cluster: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Make or complete a feature folder.

    Args:
        sources: The recordings.
        target: Folder to make; one that an interrupted or earlier run made with the same settings is completed.
        wanted: Features and settings.
        problems: What the importer found wrong: {"name", "problem"} each.
        workers: Processes; None for one per core.
        cluster: Address of a Ray cluster to run on, see `ray_cluster.RayCluster`; it must see the files under the same paths.
        force: Replace a folder that holds something else or was made with other settings.
        progress: Called with (done, total, name) after every recording.

    Raises:
        OutputError: If the target holds something else and not `force`.
        DataError: If no recording can be used, a worker process died, or there is no such cluster.
        MissingExtraError: If Ray is asked for and not installed.
    """
    if not sources:
        raise DataError("there are no recordings to prepare")
    folder = Path(target)
    found = [dict(p) for p in problems]
    recipe, found_first = _recipe(sources, wanted)
    results: dict[str, dict[str, Any]] = {}
    tasks = sorted((s for s in sources if s.name not in found_first), key=lambda s: (str(s.sound), s.name))
    found += [{"name": n, "problem": p} for n, p in found_first.items()]
    made = 0
    if cluster is not None:  # its workers have another working folder
        folder, tasks = folder.absolute(), [_absolute(s) for s in tasks]
    with _executor(workers, cluster) as executor:  # before anything is touched: there may be no such cluster
        known = journal.take_up(folder, recipe.key, force=force)
        jobs = ((s, recipe, folder, known.get(s.name)) for s in tasks)
        for done, (job, outcome) in enumerate(executors.run(executor, _outcome, jobs), 1):
            name = job[0].name
            if isinstance(outcome, executors.Lost | str):
                found.append({"name": name, "problem": outcome if isinstance(outcome, str) else outcome.reason})
            else:
                results[name], new = outcome
                if new:
                    made += 1
                    journal.record(folder, name, results[name])
            if progress:
                progress(done, len(tasks), name)
    if not results:
        some = "; ".join(f"{p['name']}: {p['problem']}" for p in found[:3])
        raise DataError(f"none of {len(sources)} recordings can be used: {some}")
    _finish(folder, sources, results, recipe, wanted, known, found)
    return Prepared(made, len(results) - made, sorted(found, key=lambda p: p["name"]))


def _recipe(sources: Sequence[Source], wanted: Wanted) -> tuple[Recipe, dict[str, str]]:
    """The recipe, fitted to the first recording that can be read, and what was wrong with those before."""
    from farandole.motion import codecs
    from farandole.music import features

    sound = any(s.sound for s in sources)
    for name in wanted.motion:
        codecs.entry(name)
    for name in wanted.music if sound else ():
        features.feature(name)
    bad: dict[str, str] = {}
    for source in sources:
        try:
            motion = load_body(source.motion, wanted.retarget, wanted.source_fps)
        except FarandoleError as error:
            bad[source.name] = str(error)
            continue
        source_fps = wanted.source_fps if wanted.source_fps or wanted.fps else motion.fps
        motion = motion.resample(wanted.fps or motion.fps)
        told = tuple(codecs.to_json(codecs.codec(name, motion)) for name in wanted.motion)
        body = skeleton_to_json(motion.skeleton)
        music = wanted.music if sound else ()
        recipe = Recipe(
            motion.fps, told, body, music, wanted.retarget, wanted.mirror, source_fps, wanted.turns, wanted.tempi
        )
        _check_names(sources, recipe)
        return recipe, bad
    some = next(iter(bad.values()))
    raise DataError(f"none of {len(sources)} motions can be read; the first: {some}")


def _check_names(sources: Sequence[Source], recipe: Recipe) -> None:
    taken: dict[str, str] = {}
    for source in sources:
        for variant in recipe.variants:
            name = source.name + variant.suffix
            if name in taken:
                raise DataError(f"{taken[name]} and {source.motion} would both make {name}: give one another name")
            taken[name] = str(source.motion)


def _executor(workers: int | None, cluster: str | None) -> executors.Executor:
    if cluster is None:
        return executors.Cores(workers or os.cpu_count() or 1)
    from farandole.data.ray_cluster import RayCluster

    return RayCluster(cluster, workers)


def _absolute(source: Source) -> Source:
    return replace(source, motion=source.motion.absolute(), sound=source.sound and source.sound.absolute())


def _outcome(job: tuple[Source, Recipe, Path, Mapping[str, Any] | None]) -> Outcome:
    """What a worker does: a record and whether it was made now; or what is wrong with the recording."""
    keep_freed_memory()
    try:
        return make_sequence(*job)
    except FarandoleError as error:
        return str(error)
    except Exception as error:  # one odd file must not end a run of hours; it is told at the end
        return f"{type(error).__name__}: {error}"


def _finish(
    folder: Path,
    sources: Sequence[Source],
    results: Mapping[str, dict[str, Any]],
    recipe: Recipe,
    wanted: Wanted,
    known: Mapping[str, dict[str, Any]],
    problems: list[dict[str, str]],
) -> None:
    from farandole.data.feature_folder import skeleton_from_json
    from farandole.motion import codecs
    from farandole.music import features

    skeleton = skeleton_from_json(recipe.skeleton)
    sequences: dict[str, dict[str, Any]] = {}
    for source in sorted(sources, key=lambda s: s.name):
        if source.name not in results:
            continue
        record = results[source.name]
        for name, told in record["sequences"].items():
            # Copies are for training: in a held-out split they would count everything twice.
            split = source.split if name == source.name or source.split == "train" else ""
            copy = {} if name == source.name else {"copy_of": source.name}
            sequences[name] = {**told, "split": split, **copy, **source.facts, "source": source.motion.name}
        problems += [{"name": source.name, "problem": note} for note in record["notes"]]
    columns = {t["name"]: list(codecs.from_json(t, recipe.fps, skeleton).columns) for t in recipe.codecs}
    columns |= {name: list(features.feature(name).columns) for name in recipe.music}
    corpus = {
        "schema": SCHEMA,
        "fps": recipe.fps,
        "licence": wanted.licence,
        "skeleton": recipe.skeleton,
        "features": columns,
        "codecs": {t["name"]: t for t in recipe.codecs},
        "recipe": recipe.key,
        "sequences": sequences,
        "problems": sorted(problems, key=lambda p: p["name"]),
        "records": dict(sorted(results.items())),
    }
    current = {n for r in results.values() for n in r["outputs"]}
    for record in known.values():
        for name in set(record["outputs"]) - current:  # of recordings that are no more
            (folder / name).unlink(missing_ok=True)
    journal.sweep(folder)
    finish_folder(folder, corpus)
    shutil.rmtree(folder / JOURNAL)


def with_splits(
    sources: Sequence[Source], lists: Mapping[str, Sequence[str]], *, strict: str = ""
) -> tuple[list[Source], list[dict[str, str]]]:
    """Sources with their splits from lists of names, and the names that have no source.

    Args:
        sources: Recordings.
        lists: Split -> names.
        strict: What the lists are called, if a name without a recording is an error.

    Raises:
        DataError: If `strict` and a listed sequence does not exist.
    """
    of = {name: split for split, names in lists.items() for name in names}
    there = {s.name for s in sources}
    missing = [n for n in of if n not in there]
    if missing and strict:
        raise DataError(f"{strict} names sequence '{missing[0]}', for which there is no recording")
    problems = [{"name": n, "problem": f"listed in split {of[n]}, but there is no recording"} for n in missing]
    return [replace(s, split=of.get(s.name, "")) for s in sources], problems


def hold_out(sources: Sequence[Source], *, val: float = 0.05, test: float = 0.1) -> list[Source]:
    """Sources with splits drawn by name, the same ones every time; small corpora give at least one to test."""
    order = sorted(sources, key=lambda s: hashlib.sha256(s.name.encode()).hexdigest())
    tests = max(round(test * len(order)), int(len(order) >= 4))
    vals = max(round(val * len(order)), int(len(order) >= 10))
    of = {s.name: "test" for s in order[:tests]} | {s.name: "val" for s in order[tests : tests + vals]}
    return [replace(s, split=of.get(s.name, "train")) for s in sources]
