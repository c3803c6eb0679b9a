"""One recording to its feature files: what a worker process of `prepare` does."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_path
from farandole.data.compile_once import compile_music
from farandole.data.skeleton_json import skeleton_from_json
from farandole.data.variants import Variant, variants, vary
from farandole.errors import DataError, FrameRateError
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

TOLERANCE = 0.1
"""Seconds by which motion and sound may differ in length without a note."""


@dataclass(frozen=True)
class Source:
    """One recording of a corpus.

    Attributes:
        name: Name of the sequence.
        motion: Motion file.
        sound: Sound file that starts with it; None if there is no music.
        split: train, val, test, or "" for none.
        facts: More that corpus.json tells of it.
        longer_sound: Whether the sound goes on after the motion by design, so that this needs no note.
    """

    name: str
    motion: Path
    sound: Path | None = None
    split: str = "train"
    facts: Mapping[str, Any] = field(default_factory=dict)
    longer_sound: bool = False


@dataclass(frozen=True)
class FeaturePlan:
    """What is made of every recording.

    Attributes:
        fps: Frame rate of all features.
        codecs: Motion features, each as `codecs.to_json` tells it.
        skeleton: The corpus's body, as `skeleton_to_json` tells it.
        music: Names of music features.
        retarget: Whether motions are put on that body first; otherwise they must be on it.
        mirror: Whether `<sequence>_mirrored` is made, too.
        source_fps: Frame rate that motions must have; None if any will do.
        turns: Angles in degrees of turned copies.
        tempi: Factors of speed of faster and slower copies.
    """

    fps: float
    codecs: tuple[dict[str, Any], ...]
    skeleton: dict[str, Any]
    music: tuple[str, ...]
    retarget: bool = False
    mirror: bool = False
    source_fps: float | None = None
    turns: tuple[float, ...] = ()
    tempi: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        """Changes with everything that changes all outputs; features may be added under the same key."""
        from farandole._version import __version__

        settings = {k: v for k, v in vars(self).items() if k not in ("codecs", "music")}
        return _hash([__version__, settings])

    @property
    def features(self) -> dict[str, str]:
        """Names of the features, each with a key that changes with what is computed."""
        motion = {codec["name"]: _hash(codec) for codec in self.codecs}
        return motion | {name: _hash(name) for name in self.music}

    def only(self, names: Collection[str]) -> FeaturePlan:
        """The same for some of the features."""
        codecs = tuple(codec for codec in self.codecs if codec["name"] in names)
        return replace(self, codecs=codecs, music=tuple(n for n in self.music if n in names))

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The recording itself and the copies made of it."""
        return variants(self.mirror, self.turns, self.tempi)


def load_body(path: Path, to_house: bool, fps: float | None) -> Motion:
    """A motion with one moving root and fixed bones, on the house skeleton if wanted.

    Raises:
        FarandoleError: If it cannot be read or retargeted.
        FrameRateError: If it is not at `fps`.
    """
    from farandole.motion.codecs import plain_body
    from farandole.motion.files import load_motion
    from farandole.motion.humanoid import house_skeleton
    from farandole.motion.retarget import retarget

    motion = load_motion(path)
    if fps is not None and abs(motion.fps - fps) > 1e-3 * fps:
        raise FrameRateError(
            f"{path} has {motion.fps:g} fps, but all of this corpus must have {fps:g}: convert it (farandole convert IN OUT "
            f"--fps {fps:g}) or bring all to one rate (prepare folder --fps)"
        )
    return retarget(motion, house_skeleton()) if to_house else plain_body(motion)


def make_sequence(
    source: Source, plan: FeaturePlan, folder: Path, known: Mapping[str, Any] | None
) -> tuple[dict[str, Any], bool]:
    """Write the features of one recording, unless they are there already.

    Args:
        source: The recording.
        plan: What to make of it.
        folder: Where the arrays go.
        known: What an earlier run returned for it.

    Returns:
        Its record (key, hashes of sources and outputs, keys of features, frames of each sequence, notes), and whether anything had
        to be made.

    Raises:
        FarandoleError: If a file is bad or they do not fit each other.
    """
    files = [source.motion, *([source.sound] if source.sound else [])]
    hashes = {str(f.name): file_hash(f) for f in files}
    key = _hash([plan.key, hashes, source.name])
    old = known if known and known["key"] == key else None
    missing = {f for f, k in plan.features.items() if not old or not _is_there(f, k, old, folder)}
    if old and not missing:
        return dict(old), False
    record = _compute(source, plan.only(missing), folder, old and old["sequences"])
    if old and any(record["sequences"][n]["frames"] < s["frames"] for n, s in old["sequences"].items()):
        record, old = _compute(source, plan, folder, None), None  # what is new is shorter than what is there
    outputs = {**(old["outputs"] if old else {}), **record["outputs"]}
    features = {**(old["features"] if old else {}), **record["features"]}
    return {**record, "key": key, "sources": hashes, "outputs": outputs, "features": features}, True


def _is_there(feature: str, key: str, record: Mapping[str, Any], folder: Path) -> bool:
    files = {n: h for n, h in record["outputs"].items() if n.endswith(f".{feature}.npy")}
    return record["features"].get(feature) == key and all(_is_whole(folder / n, h) for n, h in files.items())


def _compute(
    source: Source, plan: FeaturePlan, folder: Path, limits: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Any]:
    """Write the plan's features, none longer than what is there of a sequence already."""
    motion = load_body(source.motion, plan.retarget, plan.source_fps).resample(plan.fps)
    music = dict(_music(source.sound, plan.music, plan.fps)) if source.sound and plan.music else {}
    frames, note = _common_length(source, motion, music, plan.fps)
    frames = min(frames, limits[source.name]["frames"]) if limits else frames
    outputs: dict[str, str] = {}
    sequences = {}
    for variant in plan.variants:
        name = source.name + variant.suffix
        arrays = _arrays(variant, motion, music, plan, frames)
        length = min([len(a) for a in arrays.values()] + ([limits[name]["frames"]] if limits else []))
        for feature, array in arrays.items():
            outputs[f"{name}.{feature}.npy"] = _save(folder / f"{name}.{feature}.npy", array[:length], feature)
        sequences[name] = {"frames": length}
    notes = [n for n in (note, _other_proportions(motion, plan)) if n]
    return {"outputs": outputs, "features": plan.features, "sequences": sequences, "notes": notes}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _arrays(
    variant: Variant, motion: Motion, music: Mapping[str, Array], plan: FeaturePlan, frames: int
) -> dict[str, Array]:
    """All features of one variant of a recording of which `frames` frames have both motion and music."""
    if variant.tempo == 1:
        body, rows = vary(variant, motion, music, {})
    else:
        from farandole.music.features import feature

        cut = {k: v[:frames] for k, v in music.items()}
        body, rows = vary(variant, motion.slice(0, frames), cut, {k: feature(k).columns for k in cut})
        frames = min(len(body), *map(len, rows.values())) if rows else len(body)
    return {k: v[:frames] for k, v in {**_motion(body, plan), **rows}.items()}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content. Raises DataError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) else _slow(file)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _slow(file: Any) -> str:  # Python 3.10 has no file_digest
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and file_hash(path) == digest


def _motion(motion: Motion, plan: FeaturePlan) -> dict[str, Array]:
    from farandole.motion import codecs
    from farandole.motion.t_pose import rest_like

    skeleton = skeleton_from_json(plan.skeleton)
    if motion.skeleton.names != skeleton.names:
        raise DataError(
            f"{motion.name} has {len(motion.skeleton)} joints ({', '.join(motion.skeleton.names[:3])}, ...), but the corpus is "
            f"made for {len(skeleton)} ({', '.join(skeleton.names[:3])}, ...): add --retarget"
        )
    motion = rest_like(motion, skeleton)
    return {c["name"]: codecs.from_json(c, plan.fps, skeleton).encode(motion) for c in plan.codecs}


@lru_cache(maxsize=1)  # dances to one song come one after the other
def _music(sound: Path, names: tuple[str, ...], fps: float) -> dict[str, Array]:
    from farandole.music.features import file_features

    compile_music(names, fps)
    return file_features(sound, names, fps)


def _common_length(source: Source, motion: Motion, music: Mapping[str, Array], fps: float) -> tuple[int, str]:
    """Frames that all features have, and a note if that cuts something off."""
    lengths = [len(motion), *map(len, music.values())]
    frames = min(lengths)
    if frames < 2:
        raise DataError(f"{source.name} has {frames} frame at {fps:g} fps: at least 2 are needed")
    if not music:
        return frames, ""
    sound, moved = min(map(len, music.values())) / fps, len(motion) / fps
    if abs(sound - moved) <= max(TOLERANCE, 1.5 / fps) or (source.longer_sound and sound > moved):
        return frames, ""
    return frames, f"motion lasts {moved:.2f} s, sound {sound:.2f} s: cut to the shorter"


def _other_proportions(motion: Motion, plan: FeaturePlan) -> str:
    skeleton = skeleton_from_json(plan.skeleton)
    off = np.abs(np.linalg.norm(motion.skeleton.offsets[1:], axis=1) - np.linalg.norm(skeleton.offsets[1:], axis=1))
    if not len(off) or off.max() < 0.01:
        return ""
    worst = skeleton.names[1 + int(off.argmax())]
    return f"another body: {worst} is {100 * off.max():.1f} cm longer or shorter than in the first sequence"


def _save(path: Path, array: Array, feature: str) -> str:
    """Write one array; returns the file's hash."""
    bad = ~np.isfinite(array).all(axis=0)
    if bad.any():
        raise DataError(f"{path.name}: column {int(np.flatnonzero(bad)[0])} of {feature} holds NaN or infinite numbers")
    with atomic_path(path, force=True) as temporary, temporary.open("wb") as file:
        np.save(file, np.ascontiguousarray(array, dtype=np.float32))
    return file_hash(path)
