"""Motions for many sequences of a feature folder, or many songs, at once, each with its own random numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole._io import atomic_path
from farandole.data.sounds import find_sound
from farandole.errors import DataError, MotionError
from farandole.generation.completer import MOTION, Completer, FeatureJob, GenerationSettings
from farandole.generation.inputs import TooShortError, sequence_job, song_job
from farandole.generation.required_abilities import require
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.view.takes import first_free

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.music.song import Song

log = logging.getLogger(__name__)

BATCH = 16
"""Sequences made at once."""
GENERATING = "generating from the beginnings of sequences"


@dataclass(frozen=True)
class Generated:
    """A motion that was made, and what it belongs to.

    Attributes:
        name: The sequence or song.
        features: Motion features, [T, D].
        motion: The same as motion; None for features that are no motion.
        begin: Time of its first frame in the music, s.
        further: What the model predicts beside it, by name of the feature, [T, D] each.
        seed: Of the job.
    """

    name: str
    features: Array
    motion: Motion | None
    begin: float
    further: Mapping[str, Array] = field(default_factory=dict)
    seed: int | None = None


def folder_jobs(
    completer: Completer,
    folder: FeatureFolder,
    names: Iterable[str],
    *,
    seed_sequence: str | None = None,
    strict: bool = True,
) -> list[FeatureJob]:
    """Inputs of sequences of a feature folder.

    Args:
        completer: The model.
        folder: Features, made as those of the training data.
        names: The sequences.
        seed_sequence: Whose beginning all of them begin from; by default each one's own.
        strict: Refuse sequences that are shorter than the model's window; otherwise they are left out with a warning.

    Raises:
        DataError: As for `inputs.sequence_job`; also if every sequence is too short.
    """
    require(completer.checkpoint, ["past"], GENERATING)
    jobs, short = [], []
    for name in dict.fromkeys(names):
        try:
            jobs.append(sequence_job(completer, folder, name, seed_sequence=seed_sequence))
        except TooShortError as problem:
            if strict:
                raise
            short.append(problem)
    if not jobs:
        raise short[0] if short else DataError(f"{folder.folder}: no sequence is named")
    if short:
        log.warning("%d of %d sequences left out: %s", len(short), len(short) + len(jobs), short[0])
    return jobs


def song_jobs(
    completer: Completer, songs: Mapping[str, Song], begin: FeatureJob | None = None, *, style: str | None = None
) -> list[FeatureJob]:
    """Inputs of songs by name; see `inputs.song_job`."""
    require(completer.checkpoint, ["past", "music"], "generating to songs")
    return [replace(song_job(completer, song, begin, style=style), name=name) for name, song in songs.items()]


def several(begun: Sequence[tuple[str, Sequence[FeatureJob]]], takes: int = 1) -> list[tuple[FeatureJob, str]]:
    """The same music danced from several beginnings, and from each several times, as jobs that one call of `generate` makes.

    Args:
        begun: Name of each beginning, and the jobs that begin so.
        takes: How often each is made; each time with random numbers of its own.

    Returns:
        Jobs called `<music>`, with `-from-<beginning>` where there are several, and `-1`, `-2` ... where there are several takes;
        each with the name of its music.
    """
    beginnings = first_free([name for name, _ in begun])
    ends = [f"-{k}" for k in range(1, takes + 1)] if takes > 1 else [""]
    names, made = [], []
    for beginning, (_, jobs) in zip(beginnings, begun, strict=True):
        for job in jobs:
            whole = f"{job.name}-from-{beginning}" if len(begun) > 1 else job.name
            names += [whole + end for end in ends]
            made += [job] * takes
    return [(replace(job, name=name), job.name) for name, job in zip(first_free(names), made, strict=True)]


def folder_sounds(folder: FeatureFolder, names: Iterable[str], sounds: Path | None = None) -> dict[str, Path | None]:
    """Sound file of each sequence, None where there is none; searched in `sounds`, by default beside the features."""
    return {name: find_sound(folder, name, sounds) for name in names}


def frames_of(completer: Completer, job: FeatureJob, settings: GenerationSettings, seconds: float | None) -> int:
    """Frames that will be made for some inputs.

    Raises:
        DataError: If the model reads no music that could end the motion, and `seconds` is not given.
        MotionError: If `seconds` is not positive.
    """
    if seconds is not None and not (np.isfinite(seconds) and seconds > 0):
        raise MotionError(f"a dance of {seconds:g} s: need a positive length")
    wanted = None if seconds is None else max(1, round(seconds * completer.fps))
    if wanted is not None and not completer.checkpoint.abilities.music:
        return wanted
    reach = completer.reach({name: len(array) for name, array in job.arrays.items()}, settings)
    return reach if wanted is None else min(reach, wanted)


def generate(
    completer: Completer,
    jobs: Sequence[FeatureJob],
    settings: GenerationSettings | None = None,
    *,
    seconds: float | None = None,
    with_seed: bool = False,
    batch: int = BATCH,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Generated]:
    """Motions, as soon as each batch is done; those of similar length share one.

    Args:
        completer: The model.
        jobs: What to dance to.
        settings: How to draw.
        seconds: Longest motion, s; None: as far as the music reaches.
        with_seed: Whether motions begin with the frames they were begun from.
        batch: Sequences made at once.
        progress: Called with the share that is done.

    Raises:
        DataError: As for `frames_of`, before any work.
        AbilityError: If the model cannot go on from a beginning.
    """
    settings = settings or GenerationSettings()
    require(completer.checkpoint, ["past"], GENERATING)
    if batch < 1:
        raise MotionError(f"a batch of {batch}: need at least 1")
    if not (np.isfinite(settings.temperature) and settings.temperature >= 0):
        raise MotionError(f"temperature {settings.temperature:g}: need 0 or more")
    lengths = [frames_of(completer, job, settings, seconds) for job in jobs]
    order = sorted(range(len(jobs)), key=lambda k: lengths[k])
    total, done = sum(lengths), 0
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        work = sum(lengths[k] for k in chosen)
        report = None
        if progress is not None:
            before, tell = done, progress
            report = lambda at, of: tell((before + work * at / of) / total)  # noqa: E731, B023
        made = completer.generate([jobs[k] for k in chosen], max(lengths[k] for k in chosen), settings, report)
        done += work
        for k, rows in zip(chosen, made, strict=True):
            yield _generated(completer, jobs[k], rows[: lengths[k]], with_seed, settings)


def save_features(features: Array, path: Path, *, force: bool = False) -> None:
    """Write features as an array, float32 [T, D]. Raises OutputError as `_io.atomic_path` does."""
    with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
        np.save(file, np.asarray(features, dtype=np.float32))


def _generated(
    completer: Completer, job: FeatureJob, made: Array, with_seed: bool, settings: GenerationSettings
) -> Generated:
    begin = completer.begins
    further = completer.further(job, made, settings)
    own = next((w for w in completer.reads if w.name == MOTION), None)
    if with_seed and own is not None:
        begin = own.offset
        made = np.concatenate((job.arrays[MOTION][own.offset : own.offset + own.frames], made))
    features = completer.unscale(made)
    motion = None
    if completer.checkpoint.config.codec is not None:
        motion = replace(completer.finished(features, settings), name=job.name)
    named = {completer.checkpoint.feature(name): rows for name, rows in further.items()}
    return Generated(job.name, features, motion, begin / completer.fps, named, job.seed)
