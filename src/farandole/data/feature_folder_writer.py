"""Writing feature folders: whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole._io import atomic_path
from farandole.data.corpus_schema import SCHEMA
from farandole.data.plain_arrays import Arrays, map_array
from farandole.data.scaler import Scaler
from farandole.data.skeleton_json import skeleton_to_json
from farandole.data.splits import SPLITS
from farandole.errors import DataError, OutputError
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from farandole.motion.codecs import Codec


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

    def note_problems(self, problems: Sequence[Mapping[str, str]]) -> None:
        """Keep {"name", "problem"} of what was left out."""
        if problems:
            self._corpus["problems"] = [dict(p) for p in problems]

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
        write_scaler(folder, feature, train)
    _write(folder / "corpus.json", json.dumps(corpus, indent=1))


def write_scaler(folder: Path, feature: str, sequences: Sequence[str]) -> None:
    """Write the statistics of a feature over some sequences whose arrays lie in a folder."""
    arrays = Arrays(lambda name, feature: map_array(folder / f"{name}.{feature}.npy"), sequences, feature)
    _write(folder / f"{feature}_scaler.json", json.dumps(Scaler.fit(arrays).to_json()))


def _write(path: Path, text: str) -> None:
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
