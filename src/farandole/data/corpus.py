"""Corpora of recordings to feature folders: in parallel, resumable after any interruption, bad files told at the end.

While work goes on, each finished recording has a record in the folder's `journal`; corpus.json appears when everything is in place,
and keeps the records, so that a later run makes only what is missing or whose source has changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farandole._memory import keep_freed_memory
from farandole.data import journal
from farandole.data.compile_once import compile_music
from farandole.data.feature_folder import SCHEMA, finish_folder, skeleton_to_json
from farandole.data.sequences import FeaturePlan, Source, load_body, make_sequence
from farandole.errors import DataError, FarandoleError, OutputError
from farandole.parallel import executors, open_executor

JOURNAL = journal.FOLDER
Progress = Callable[[int, int, str], None]
TaskResult = tuple[dict[str, Any], bool] | str | OutputError
"""A record and whether it was made now; or what is wrong with the recording, or with the folder that is written."""


@dataclass(frozen=True)
class CorpusSettings:
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
class PreparedCorpus:
    """What came of it: numbers of recordings made now and found made already, and what was wrong with which."""

    made: int
    kept: int
    problems: list[dict[str, str]]


def prepare_corpus(
    sources: Sequence[Source],
    target: str | Path,
    settings: CorpusSettings,
    *,
    problems: Sequence[Mapping[str, str]] = (),
    workers: int | None = 1,
    cluster: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> PreparedCorpus:
    """Make or complete a feature folder.

    Args:
        sources: The recordings.
        target: Folder to make; one that an interrupted or earlier run made with the same settings is completed. Features it has
            and that are not asked for now are kept, and made of new recordings, too.
        settings: Features and settings.
        problems: What the importer found wrong: {"name", "problem"} each.
        workers: Processes; None for one per core.
        cluster: Address of a Ray cluster to run on, see `ray_cluster.RayCluster`; it must see the files under the same paths.
        force: Make everything anew, and replace a folder that holds something else or was made with other settings.
        progress: Called with (done, total, name) after every recording.

    Raises:
        OutputError: If the target holds something else and not `force`, or cannot be written; what is finished by then is kept.
        DataError: If no recording can be used, a worker process died, or there is no such cluster.
        MissingExtraError: If Ray is asked for and not installed.
    """
    if not sources:
        raise DataError("there are no recordings to prepare")
    folder = Path(target)
    found = [dict(p) for p in problems]
    plan, found_first = _plan(sources, settings)
    results: dict[str, dict[str, Any]] = {}
    tasks = sorted((s for s in sources if s.name not in found_first), key=lambda s: (str(s.sound), s.name))
    found += [{"name": n, "problem": p} for n, p in found_first.items()]
    made = 0
    if cluster is not None:  # its workers have another working folder
        folder, tasks = folder.absolute(), [_absolute(s) for s in tasks]
    with open_executor(workers, cluster) as executor:  # before anything is touched: there may be no such cluster
        earlier = journal.take_up(folder, plan.key, force=force)
        plan, known = _with_earlier_features(plan, earlier.corpus, any(s.sound for s in sources)), earlier.records
        if executor.capacity > 1 and any(s.name not in known for s in tasks):
            compile_music(plan.music, plan.fps)  # processes that are forked now need not do it again
        jobs = ((s, plan, folder, known.get(s.name)) for s in tasks)
        for done, (job, outcome) in enumerate(executors.run(executor, _outcome, jobs), 1):
            name = job[0].name
            if isinstance(outcome, OutputError):  # a full disk is no recording's fault
                raise outcome
            if isinstance(outcome, executors.FailedTask | str):
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
    _finish(folder, sources, results, plan, settings, earlier, found)
    return PreparedCorpus(made, len(results) - made, sorted(found, key=lambda p: p["name"]))


def _plan(sources: Sequence[Source], settings: CorpusSettings) -> tuple[FeaturePlan, dict[str, str]]:
    """The plan, fitted to the first recording that can be read, and what was wrong with those before."""
    from farandole.motion import codecs
    from farandole.music import features

    sound = any(s.sound for s in sources)
    for name in settings.motion:
        codecs.entry(name)
    for name in settings.music if sound else ():
        features.feature(name)
    bad: dict[str, str] = {}
    for source in sources:
        try:
            motion = load_body(source.motion, settings.retarget, settings.source_fps)
        except FarandoleError as error:
            bad[source.name] = str(error)
            continue
        source_fps = settings.source_fps if settings.source_fps or settings.fps else motion.fps
        motion = motion.resample(settings.fps or motion.fps)
        fitted = tuple(codecs.to_json(codecs.codec(name, motion)) for name in settings.motion)
        body = skeleton_to_json(motion.skeleton)
        music = settings.music if sound else ()
        plan = FeaturePlan(
            motion.fps,
            fitted,
            body,
            music,
            settings.retarget,
            settings.mirror,
            source_fps,
            settings.turns,
            settings.tempi,
        )
        _check_names(sources, plan)
        return plan, bad
    some = next(iter(bad.values()))
    raise DataError(f"none of {len(sources)} motions can be read; the first: {some}")


def _with_earlier_features(plan: FeaturePlan, corpus: Mapping[str, Any], sound: bool) -> FeaturePlan:
    """The plan with the features that a folder has already; motion codecs stay as they were fitted then."""
    earlier = {name: codec for name, codec in corpus.get("codecs", {}).items() if _is_current(codec)}
    codecs = {codec["name"]: codec for codec in plan.codecs} | earlier
    music = [n for n in corpus.get("features", {}) if n not in corpus["codecs"] and _is_music(n)] if sound else []
    return replace(plan, codecs=tuple(codecs.values()), music=tuple(dict.fromkeys((*music, *plan.music))))


def _is_current(codec: Mapping[str, Any]) -> bool:
    from farandole.motion import codecs

    try:
        codecs.check_version(codec)
    except FarandoleError:
        return False
    return True


def _is_music(name: str) -> bool:
    from farandole.music import features

    return set(name.split("+")) <= set(features.names())


def _arrays_of_others(
    folder: Path, corpus: Mapping[str, Any], sequences: Mapping[str, Any], problems: list[dict[str, str]]
) -> dict[str, list[str]]:
    """Features of a folder that came as arrays (`prepare arrays`), with their columns; without those that lack a sequence."""
    kept = {}
    for name, columns in corpus.get("features", {}).items():
        if name in corpus["codecs"] or _is_music(name):
            continue
        missing = [n for n in sequences if not (folder / f"{n}.{name}.npy").is_file()]
        if missing:
            what = f"is no feature any more: {missing[0]}.{name}.npy is missing (farandole prepare arrays adds it)"
            problems.append({"name": name, "problem": what})
        else:
            kept[name] = columns
    return kept


def _check_names(sources: Sequence[Source], plan: FeaturePlan) -> None:
    taken: dict[str, str] = {}
    for source in sources:
        for variant in plan.variants:
            name = source.name + variant.suffix
            if name in taken:
                raise DataError(f"{taken[name]} and {source.motion} would both make {name}: give one another name")
            taken[name] = str(source.motion)


def _absolute(source: Source) -> Source:
    return replace(source, motion=source.motion.absolute(), sound=source.sound and source.sound.absolute())


def _outcome(job: tuple[Source, FeaturePlan, Path, Mapping[str, Any] | None]) -> TaskResult:
    """What a worker does."""
    keep_freed_memory()
    try:
        return make_sequence(*job)
    except OutputError as error:
        return error
    except FarandoleError as error:
        return str(error)
    except Exception as error:  # one odd file must not end a run of hours; it is told at the end
        return f"{type(error).__name__}: {error}"


def _finish(
    folder: Path,
    sources: Sequence[Source],
    results: Mapping[str, dict[str, Any]],
    plan: FeaturePlan,
    settings: CorpusSettings,
    earlier: journal.EarlierWork,
    problems: list[dict[str, str]],
) -> None:
    from farandole.data.feature_folder import skeleton_from_json
    from farandole.motion import codecs
    from farandole.music import features

    skeleton = skeleton_from_json(plan.skeleton)
    sequences: dict[str, dict[str, Any]] = {}
    for source in sorted(sources, key=lambda s: s.name):
        if source.name not in results:
            continue
        record = results[source.name]
        for name, facts in record["sequences"].items():
            # Copies are for training: in a held-out split they would count everything twice.
            split = source.split if name == source.name or source.split == "train" else ""
            copy = {} if name == source.name else {"copy_of": source.name}
            sequences[name] = {**facts, "split": split, **copy, **source.facts, "source": source.motion.name}
        problems += [{"name": source.name, "problem": note} for note in record["notes"]]
    columns = {t["name"]: list(codecs.from_json(t, plan.fps, skeleton).columns) for t in plan.codecs}
    columns |= {name: list(features.feature(name).columns) for name in plan.music}
    columns |= _arrays_of_others(folder, earlier.corpus, sequences, problems)
    corpus = {
        "schema": SCHEMA,
        "fps": plan.fps,
        "licence": settings.licence,
        "skeleton": plan.skeleton,
        "features": columns,
        "codecs": {t["name"]: t for t in plan.codecs},
        "recipe": plan.key,
        "sequences": sequences,
        "problems": sorted(problems, key=lambda p: p["name"]),
        "records": dict(sorted(results.items())),
    }
    current = {n for r in results.values() for n in r["outputs"]}
    for record in earlier.records.values():
        for name in set(record["outputs"]) - current:  # of recordings that are no more
            (folder / name).unlink(missing_ok=True)
    journal.sweep(folder)
    finish_folder(folder, corpus)
    shutil.rmtree(folder / JOURNAL)
