"""Recordings of a style, as clips that a dancer can learn from: on the default body, on a beat where one is found, with music."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from farandole.data.importers.recordings import SOUNDS
from farandole.data.starter.clips import FPS, body_dynamics, clip_features
from farandole.data.starter.free_clips import FREE_TEMPI, free_clips
from farandole.data.starter.recordings import SHORTEST, Recording, unknown_joints
from farandole.data.starter.salsa import floor_height
from farandole.errors import DataError, FarandoleError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.step_coherence import step_coherence
from farandole.motion.codecs import plain_body
from farandole.motion.dance_codec import DanceCodec, foot_contacts
from farandole.motion.edit import mirror
from farandole.motion.feet import clean_feet
from farandole.motion.files import READABLE, load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.rotations import Array
from farandole.music import dance_features, load_song
from farandole.music.conditioning import conditions

TEMPI = (60.0, 200.0)
"""Counts per minute among which the beat of a song is looked for."""
ON_BEAT = 0.03
"""Step coherence with a song's beats above that with stretched beats from which a dance counts as on the beat."""
HELD_OUT = 0.1
"""Share at the end of every recording that is kept from training, to measure on."""
LEAST_HELD_OUT = 4.5
"""Seconds that a held-out part needs; of recordings under ten times that nothing is held out."""


@dataclass(frozen=True, eq=False)
class LessonPart:
    """One sequence of training data.

    Attributes:
        name: Of the sequence.
        split: train or test.
        pose: Motion features, [T, D].
        music: Music features, [T, C].
        bpm: Counts per minute.
        on_beat: Whether its count can be trusted.
    """

    name: str
    split: str
    pose: Array
    music: Array
    bpm: float
    on_beat: bool = True


@dataclass(frozen=True, eq=False)
class Lesson:
    """A recording that was understood.

    Attributes:
        name: Of the file.
        motion: On the default body, 30 fps, floor at y = 0.
        count: Beat count per frame of `motion`, [T].
        bpm: Counts per minute.
        sound: The sound file that goes with it; None for none.
        fit: How well the movement fits the beat: of recordings alone `BeatFit.fit` (6 and more is good); with music the step
            coherence with its beats above chance.
        on_beat: Whether it is taught with its beat.
        unknown_joints: Joints that its body cannot tell.
        parts: What is trained on: mirrored and at several tempi.
    """

    name: str
    motion: Motion
    count: Array
    bpm: float
    sound: Path | None
    fit: float
    on_beat: bool
    unknown_joints: tuple[str, ...]
    parts: tuple[LessonPart, ...]


def find_lessons(sources: Sequence[Path]) -> list[tuple[Path, Path | None]]:
    """Motion files of folders (and those below them) or files, each with the sound file of its name beside it, or None.

    Raises:
        DataError: If a source does not exist, or there is no motion file at all.
    """
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            files += sorted(p for p in source.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif source.is_file():
            files.append(source)
        else:
            raise DataError(f"{source}: no such folder or motion file")
    motions = [p for p in dict.fromkeys(files) if p.suffix.lower() in READABLE]
    if not motions:
        raise DataError(f"{', '.join(map(str, sources))}: no recordings (needed are {', '.join(READABLE)})")
    return [(path, _sound_of(path)) for path in motions]


def read_lessons(
    pairs: Sequence[tuple[Path, Path | None]], style: str, *, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Lesson], list[dict[str, str]]]:
    """Lessons of recordings, and {"name", "problem"} of each that cannot be used."""
    lessons: list[Lesson] = []
    refused: list[dict[str, str]] = []
    for done, (path, sound) in enumerate(pairs, 1):
        try:
            lesson = _with_music(path, sound) if sound is not None else _alone(path, style)
            lessons.append(replace(lesson, name=_unused(lesson.name, [known.name for known in lessons])))
        except FarandoleError as problem:
            refused.append({"name": path.name, "problem": " ".join(str(problem).split())})
        if progress:
            progress(done, len(pairs))
    return lessons, refused


def _alone(path: Path, style: str) -> Lesson:
    """A recording without music: the beat that its steps keep, if they keep one, and songs composed on it."""
    clips = free_clips(Recording(path, style, "train", ""))
    own = next(clip for clip in clips if clip.name.endswith("_x100"))
    facts = own.facts
    on_beat = bool(facts["on_beat"])
    parts = [
        part
        for clip in clips
        for part in _parts(clip.name, *clip_features(clip), clip.bpm, own=clip is own, on_beat=on_beat)
    ]
    count, fit = np.asarray(own.count, dtype=float), float(facts["beat_fit"])
    return Lesson(
        path.stem, own.motion, count, own.bpm, None, fit, on_beat, tuple(facts["unknown_joints"]), tuple(parts)
    )  # fmt: skip


def _with_music(path: Path, sound: Path) -> Lesson:
    """A recording and its song, which begin together: nothing is cut or re-timed."""
    source = plain_body(load_motion(path))
    motion = retarget(source, house_skeleton()).resample(FPS)
    song = load_song(sound)
    frames = min(len(motion), round(song.seconds * FPS))
    if frames < SHORTEST * FPS:
        raise DataError(f"{path}: {frames / FPS:.1f} s with music, at least {SHORTEST:g} s are needed")
    motion = motion.slice(0, frames)
    floor = np.array([0.0, floor_height(motion), 0.0])
    motion = replace(motion, root_positions=motion.root_positions - floor, name=path.stem)
    motion = clean_feet(motion, foot_contacts(motion).astype(float))
    heard = conditions(song, FPS, tempo_range=TEMPI)
    index = np.minimum(np.arange(frames), len(heard) - 1)
    count = heard.count[index]
    aligned, chance = step_coherence(view_humanoid(motion), count)
    gain = float(aligned - chance)
    on_beat = gain >= ON_BEAT
    rows = (count, heard.tempo[index], heard.energy[index], heard.bands[index])
    bpm = float(np.median(rows[1]))
    parts = [part for scale in FREE_TEMPI for part in _at_tempo(motion, rows, bpm, scale, strict=on_beat)]
    return Lesson(
        path.stem, motion, count, bpm, sound, gain, on_beat, unknown_joints(source), tuple(parts)
    )  # fmt: skip


def _at_tempo(
    motion: Motion, rows: tuple[Array, Array, Array, Array], bpm: float, scale: float, *, strict: bool
) -> Iterator[LessonPart]:
    """A recording danced faster by a factor, with its music as much faster, and its mirror image four counts on."""
    body = replace(motion.resample(motion.fps / scale), fps=FPS)
    at = np.minimum(np.arange(len(body)) * scale, len(motion) - 1)
    stretch = lambda x: np.stack([np.interp(at, np.arange(len(x)), c) for c in x.reshape(len(x), -1).T], axis=-1)  # noqa: E731
    count, tempo, energy, bands = (stretch(x) for x in rows)
    precision = np.full(len(body), float(strict))
    codec = DanceCodec(FPS)
    for mirrored in (False, True):
        shift = 4.0 if mirrored else 0.0
        music = dance_features.dance_music_features(
            count[:, 0] + shift, tempo[:, 0] * scale, energy[:, 0], bands, precision, body_dynamics(body)
        )
        name = f"{motion.name}_x{round(100 * scale):03d}{'_mirrored' if mirrored else ''}"
        pose = codec.encode(mirror(body) if mirrored else body)
        yield from _parts(name, pose, music, bpm * scale, own=scale == 1.0 and not mirrored, on_beat=strict)


def _parts(name: str, pose: Array, music: Array, bpm: float, *, own: bool, on_beat: bool) -> Iterator[LessonPart]:
    """A sequence without its end, and the end where it is the recording as it was made: held out."""
    frames = len(pose)
    end = round(HELD_OUT * frames)
    if end < LEAST_HELD_OUT * FPS:
        yield LessonPart(name, "train", pose, music, bpm, on_beat)
        return
    yield LessonPart(name, "train", pose[: frames - end], music[: frames - end], bpm, on_beat)
    if own:
        yield LessonPart(f"{name}_end", "test", pose[frames - end :], music[frames - end :], bpm, on_beat)


def _sound_of(path: Path) -> Path | None:
    """The sound file of a motion file's name."""
    beside = {p.suffix.lower(): p for p in path.parent.glob(f"{_escaped(path.stem)}.*") if p != path}
    return next((beside[suffix] for suffix in SOUNDS if suffix in beside), None)


def _escaped(stem: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", stem)


def _unused(name: str, taken: Sequence[str]) -> str:
    """A name that no lesson has yet."""
    number = 2
    fresh = name
    while fresh in taken:
        fresh, number = f"{name}_{number}", number + 1
    return fresh
