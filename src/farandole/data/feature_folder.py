"""Feature folders: the one form in which corpora lie on disk once they are prepared.

`<sequence>.<feature>.npy` (float32, [T, D]), `<feature>_scaler.json` (statistics of the training split),
`splits/{train,val,test}.txt` and `corpus.json` (frame rate, skeleton, column names, licence, what is known of each sequence).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole._io import atomic_path
from farandole.errors import DataError, OutputError
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from farandole.motion.codecs import Codec

SCHEMA = 1
SPLITS = ("train", "val", "test")
CONSTANT = 1e-4
"""Range (maximum - minimum) below which a column counts as constant and is scaled by 1. Above what the rounding of text files
makes of a joint that cannot turn (4e-5 rad), far below any movement."""


@dataclass(frozen=True, eq=False)
class Scaler:
    """Statistics of the columns of a feature over the training split, each [D]."""

    mean: Array
    std: Array
    minimum: Array
    maximum: Array

    @classmethod
    def fit(cls, arrays: Sequence[Array]) -> Scaler:
        """Statistics over all frames of arrays [T, D]; constant columns get a deviation of 1."""
        count = sum(len(a) for a in arrays)
        mean = sum(a.sum(axis=0, dtype=np.float64) for a in arrays) / count
        variance = sum(((a - mean) ** 2).sum(axis=0) for a in arrays) / count
        lowest, highest = (np.array([f(a, axis=0) for a in arrays], dtype=float) for f in (np.min, np.max))
        minimum, maximum = lowest.min(axis=0), highest.max(axis=0)
        return cls(mean, np.where(maximum - minimum < CONSTANT, 1.0, np.sqrt(variance)), minimum, maximum)

    def to_json(self) -> dict[str, list[float]]:
        """Plain lists by name."""
        return {k: np.asarray(v, dtype=float).tolist() for k, v in vars(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[float]]) -> Scaler:
        """The inverse of `to_json`."""
        return cls(*(np.array(data[k], dtype=float) for k in ("mean", "std", "minimum", "maximum")))


class FeatureFolderWriter:
    """Writes a feature folder whole or not at all: into a neighbouring folder that takes the name when everything is in it."""

    def __init__(
        self,
        target: Path,
        *,
        fps: float,
        skeleton: Skeleton,
        features: Mapping[str, Sequence[str]],
        licence: str,
        codecs: Sequence[Codec] = (),
        force: bool = False,
    ) -> None:
        from farandole.motion.codecs import to_json

        self.target = Path(target)
        if self.target.exists() and not force:
            raise OutputError(f"{self.target} exists already: choose another folder or add --force")
        self._folder = self.target.with_name(f".{self.target.name}.{os.getpid()}")
        self._corpus: dict[str, Any] = {
            "schema": SCHEMA,
            "fps": fps,
            "licence": licence,
            "skeleton": skeleton_to_json(skeleton),
            "features": {name: list(columns) for name, columns in features.items()},
            "codecs": {c.name: to_json(c) for c in codecs},
            "sequences": {},
        }

    def __enter__(self) -> FeatureFolderWriter:
        (self._folder / "splits").mkdir(parents=True)
        return self

    def add(self, name: str, features: Mapping[str, Array], *, split: str, **facts: Any) -> None:
        """Store one sequence; all its features must have the same length [T, ...] and finite values."""
        lengths = {len(a) for a in features.values()}
        if len(lengths) != 1:
            raise DataError(f"{name}: features have different lengths {sorted(lengths)}")
        for feature, array in features.items():
            if not np.isfinite(array).all():
                raise DataError(f"{name}: feature {feature} holds NaN or infinite numbers")
            np.save(self._folder / f"{name}.{feature}.npy", np.asarray(array, dtype=np.float32))
        self._corpus["sequences"][name] = {"frames": lengths.pop(), "split": split, **facts}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        finish_folder(self._folder, self._corpus)
        if self.target.exists():
            shutil.rmtree(self.target)
        os.replace(self._folder, self.target)


def finish_folder(folder: Path, corpus: dict[str, Any]) -> None:
    """Write splits, scalers of the training split and, last, corpus.json beside the arrays that lie in a folder.

    Memory does not grow with the number of sequences.
    """
    (folder / "splits").mkdir(exist_ok=True)
    sequences = corpus["sequences"]
    for split in SPLITS:
        names = [n for n, s in sequences.items() if s["split"] == split]
        _write(folder / "splits" / f"{split}.txt", "".join(f"{n}\n" for n in names))
    train = [n for n, s in sequences.items() if s["split"] == "train"]
    for feature in corpus["features"] if train else ():
        scaler = Scaler.fit(_OnDisk([folder / f"{n}.{feature}.npy" for n in train]))
        _write(folder / f"{feature}_scaler.json", json.dumps(scaler.to_json()))
    _write(folder / "corpus.json", json.dumps(corpus, indent=1))


class _OnDisk(Sequence[Array]):
    """Arrays that are opened when they are looked at and not held."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:
        return np.load(self.paths[index], mmap_mode="r")


def _write(path: Path, text: str) -> None:
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


class FeatureFolder:
    """A prepared corpus, read only.

    Raises:
        DataError: If a path is none, or one that another version wrote: of the folder's layout or of a codec in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "corpus.json"
        if not path.is_file():
            raise DataError(
                f"{folder} is not a feature folder: it has no corpus.json. Make one with: farandole prepare"
            )
        try:
            self._corpus = json.loads(path.read_text())
        except json.JSONDecodeError as error:
            raise DataError(f"{path} is damaged: {error}") from error
        if self._corpus.get("schema") != SCHEMA:
            raise DataError(
                f"{path} has schema {self._corpus.get('schema')}, this version reads {SCHEMA}: prepare it again"
            )
        self._check_codecs(path)
        self.fps: float = self._corpus["fps"]
        self.licence: str = self._corpus["licence"]
        self.sequences: dict[str, dict[str, Any]] = self._corpus["sequences"]
        self.features: dict[str, list[str]] = self._corpus["features"]
        self.problems: list[dict[str, str]] = self._corpus.get("problems", [])
        self.codecs: dict[str, dict[str, Any]] = self._corpus.get("codecs", {})

    def _check_codecs(self, path: Path) -> None:
        from farandole.motion import codecs

        for told in self._corpus.get("codecs", {}).values():
            try:
                codecs.check_version(told)
            except DataError as error:
                raise DataError(f"{path}: {error}") from error

    @classmethod
    def is_one(cls, path: str | Path) -> bool:
        """Whether a path looks like a feature folder."""
        return (Path(path) / "corpus.json").is_file()

    @property
    def skeleton(self) -> Skeleton:
        """The body all motions of the corpus are on."""
        return skeleton_from_json(self._corpus["skeleton"])

    def sources(self, sequence: str) -> list[str]:
        """Names of the files a sequence was made from, where the corpus tells."""
        return self._sources.get(sequence, [])

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        records = self._corpus.get("records", {}).values()
        return {name: list(record["sources"]) for record in records for name in record["sequences"]}

    def codec(self, feature: str) -> Codec:
        """The codec a motion feature was made with; decodes onto the corpus's skeleton.

        Raises:
            DataError: If the feature is no motion feature, or was made by another version of the codec.
        """
        from farandole.motion import codecs

        if feature not in self.codecs:
            there = ", ".join(self.codecs) or "none"
            raise DataError(f"{self.folder} has no motion feature '{feature}': there are {there}")
        return codecs.from_json(self.codecs[feature], self.fps, self.skeleton)

    @property
    def styles(self) -> list[str]:
        """Styles of the sequences, in the order in which they are numbered as labels."""
        return sorted({s["style"] for s in self.sequences.values() if "style" in s})

    def split(self, name: str) -> list[str]:
        """Sequence names of train, val or test, from splits/<name>.txt or else base_filenames_<name>.txt.

        Raises:
            DataError: If there is no such list, or a listed sequence does not exist.
        """
        paths = (self.folder / "splits" / f"{name}.txt", self.folder / f"base_filenames_{name}.txt")
        path = next((p for p in paths if p.is_file()), None)
        if path is None:
            raise DataError(f"{self.folder} has no split '{name}': there are {', '.join(SPLITS)}")
        names = read_names(path)
        for sequence in names:
            if sequence not in self.sequences:
                raise DataError(f"{path} names sequence '{sequence}', which is not in the corpus")
        return names

    def load(self, sequence: str, feature: str) -> Array:
        """One feature of one sequence, [T, D] float32, memory-mapped."""
        path = self.folder / f"{sequence}.{feature}.npy"
        if feature not in self.features:
            raise DataError(f"{self.folder} has no feature '{feature}': there are {', '.join(self.features)}")
        if not path.is_file():
            raise DataError(f"{path} is missing")
        return np.load(path, mmap_mode="r")

    def scaler(self, feature: str) -> Scaler:
        """Statistics of a feature over the training split."""
        return Scaler.from_json(json.loads((self.folder / f"{feature}_scaler.json").read_text()))


def read_names(path: Path) -> list[str]:
    """Sequence names of a list file, one a line; blank lines, blanks at the ends and any line ending are taken."""
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def skeleton_to_json(skeleton: Skeleton) -> dict[str, Any]:
    """Names, parents, offsets (m) and end sites (m) as plain lists."""
    return {
        "names": list(skeleton.names),
        "parents": skeleton.parents.tolist(),
        "offsets_m": skeleton.offsets.tolist(),
        "end_sites_m": {k: v.tolist() for k, v in skeleton.end_sites.items()},
    }


def skeleton_from_json(data: Mapping[str, Any]) -> Skeleton:
    """The inverse of `skeleton_to_json`."""
    return Skeleton(data["names"], data["parents"], data["offsets_m"], data["end_sites_m"])
