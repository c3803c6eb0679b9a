"""What a trained model makes of held-out sequences of a feature folder, on its own, beside the takes that lie there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.errors import DataError, FarandoleError, MotionError
from farandole.evaluation.free_running import FreeRun, free_running
from farandole.evaluation.real_range import RealRange, real_range
from farandole.evaluation.sequence_beats import sequence_beats
from farandole.generation.completer import MOTION, FeatureJob
from farandole.generation.completion import completions
from farandole.generation.generate import folder_jobs, generate
from farandole.generation.partial import PartialMotion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.generation.completer import Completer

EVERY = 15
"""Distance of the known frames that a model is shown which only fills gaps."""
TAKES = 24
"""Real takes that dances are judged beside at most."""

BROKEN = (FarandoleError, ArithmeticError, ValueError)
"""What becomes of a model whose numbers are none any more."""

Danced = dict[tuple[str, int], "Motion | None"]
"""Sequence and seed -> what the model made of it on the default body; None where its numbers were none any more."""


def judge_run(
    completer: Completer,
    corpus: FeatureFolder,
    names: Sequence[str],
    reference: RealRange | None = None,
    *,
    seconds: float = 60.0,
    seeds: Sequence[int] = (0,),
    progress: Callable[[int, int], None] | None = None,
) -> FreeRun[str]:
    """Let a model dance sequences on its own from their first frames, and judge the dances; music that ends early begins anew.

    The line about the beat is judged where the corpus has the feature `beats`.

    Args:
        completer: The model.
        corpus: Features, made as those of the training data.
        names: Sequences.
        reference: Real takes; those of the corpus by default.
        seconds: Length of every dance, s.
        seeds: Every sequence is danced with each.
        progress: Called with hundredths done and 100.

    Raises:
        DataError: If no sequence is long enough, or the corpus holds no motion.
    """
    reference = reference or corpus_range(corpus, motion_feature(completer, corpus))
    tell = (lambda share: progress(round(100 * share), 100)) if progress else None
    made = run_dances(completer, corpus, names, seconds=seconds, seeds=seeds, progress=tell)
    danced = list(dict.fromkeys(name for name, _ in made))
    pick = lambda name, _, seed: _checked(made[name, seed])  # noqa: E731
    begin = completer.begins if completer.checkpoint.abilities.past else 0
    count = lambda name: sequence_beats(corpus, name, begin=begin, seconds=seconds)  # noqa: E731
    return free_running(pick, danced, reference, seconds=seconds, seeds=seeds, beats=count)


def run_dances(
    completer: Completer,
    corpus: FeatureFolder,
    names: Sequence[str],
    *,
    seconds: float,
    seeds: Sequence[int] = (0,),
    progress: Callable[[float], None] | None = None,
) -> Danced:
    """What a model makes of the beginnings of sequences; of every 15th frame, if it only fills gaps (the same with every seed).

    Raises:
        DataError: If no sequence is long enough.
    """
    if completer.checkpoint.abilities.past:
        return _continued(completer, corpus, names, seconds, seeds, progress)
    filled = _filled(completer, corpus, names, seconds)
    return {(name, seed): motion for name, motion in filled.items() for seed in seeds}


def corpus_range(corpus: FeatureFolder, feature: str) -> RealRange:
    """The range of the takes of a corpus, held-out ones first."""
    names = [n for split in ("val", "test", "train") for n in corpus.split(split)][:TAKES]
    takes = [_on_default_body(_take(corpus, feature, name)) for name in names]
    return real_range(takes, [sequence_beats(corpus, name) for name in names], name=corpus.folder.resolve().name)


def motion_feature(completer: Completer, corpus: FeatureFolder) -> str:
    """The feature of a corpus that tells how people moved. Raises DataError if it holds no motion."""
    wanted = completer.checkpoint.config.features.get("motion", "")
    for name in (wanted, *corpus.codecs):
        if name in corpus.codecs:
            return name
    raise DataError(f"{corpus.folder} holds no motion: dances cannot be judged beside it")


def _continued(
    completer: Completer,
    corpus: FeatureFolder,
    names: Sequence[str],
    seconds: float,
    seeds: Sequence[int],
    progress: Callable[[float], None] | None,
) -> Danced:
    begun = [_looped(job, completer, seconds) for job in folder_jobs(completer, corpus, names, strict=False)]
    jobs = [replace(job, seed=seed) for job in begun for seed in seeds]
    try:
        return _danced(completer, jobs, seconds, progress)
    except BROKEN:  # maybe one only
        made: Danced = {}
        for job in jobs:
            try:
                made |= _danced(completer, [job], seconds, None)
            except BROKEN:
                made[job.name, job.seed or 0] = None
        return made


def _danced(
    completer: Completer, jobs: Sequence[FeatureJob], seconds: float, progress: Callable[[float], None] | None
) -> Danced:
    """Dances of jobs at once; raises one of BROKEN if one of them cannot be made."""
    made = generate(completer, jobs, seconds=seconds, progress=progress)
    return {(d.name, d.seed or 0): None if d.motion is None else _on_default_body(d.motion) for d in made}


def _looped(job: FeatureJob, completer: Completer, seconds: float) -> FeatureJob:
    """The same inputs with music over and over again, for dances longer than it."""
    arrays = dict(job.arrays)
    for window in completer.reads:
        if not window.fixed and not window.tokens and window.name != MOTION:
            rows, needed = arrays[window.name], completer.begins + window.frames + round(seconds * completer.fps)
            arrays[window.name] = np.tile(rows, (-(-needed // len(rows)), 1))
    return replace(job, arrays=arrays)


def _filled(completer: Completer, corpus: FeatureFolder, names: Sequence[str], seconds: float) -> dict[str, Motion]:
    made: dict[str, Motion] = {}
    for name in names:
        take = _take(corpus, motion_feature(completer, corpus), name)
        take = take.slice(0, round(seconds * take.fps))
        known = np.arange(len(take)) % EVERY == 0
        known[-1] = True
        made[name] = _on_default_body(completions(PartialMotion(take, known), completer)[0])
    return made


def _take(corpus: FeatureFolder, feature: str, name: str) -> Motion:
    return corpus.codec(feature).decode(np.asarray(corpus.load(name, feature)))


def _on_default_body(motion: Motion) -> Motion:
    body = house_skeleton()
    try:
        return motion if motion.skeleton == body else retarget(motion, body)
    except FarandoleError:
        return motion  # no person: figures of feet will be missing


def _checked(motion: Motion | None) -> Motion:
    if motion is None:
        raise MotionError("the model broke: its numbers are none any more")
    return motion


def as_plain(
    runs: Mapping[str, FreeRun[Any]], losses: Mapping[str, Mapping[str, float]] | None = None
) -> dict[str, Any]:
    """Scorecards of runs by name, and their losses where there are any, plain types."""
    content: dict[str, Any] = {name: run.as_dict() for name, run in runs.items()}
    for name, values in (losses or {}).items():
        if values:
            content.setdefault(name, {})["losses"] = dict(values)
    return content
