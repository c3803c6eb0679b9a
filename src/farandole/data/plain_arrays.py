"""Folders of plain arrays: `<sequence>.<feature>.npy` and `base_filenames_{train,val,test}.txt`, as Transflower's data sets lie.

Arrays are [T, D], or [T] for labels ([1] for one label of the whole sequence). Nothing tells frame rate, body or columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from farandole.data.splits import read_split_lists
from farandole.errors import DataError
from farandole.motion.rotations import Array

UNKNOWN_LICENCE = "unknown: ask whoever made the recordings"


def is_one(folder: Path) -> bool:
    """Whether a folder holds arrays and a list of names."""
    if not folder.is_dir() or not any(folder.glob("*.npy")):
        return False
    return any(folder.glob("base_filenames_*.txt")) or (folder / "splits").is_dir()


def corpus_of(folder: Path) -> dict[str, Any]:
    """What corpus.json would say of a folder of plain arrays.

    Raises:
        DataError: If a listed sequence has no arrays, one is damaged, or features differ in width.
    """
    lists = read_split_lists(folder)
    split_of = {name: split for split, names in lists.items() for name in names}
    if not split_of:
        raise DataError(f"{folder}: the lists of names (base_filenames_train.txt ...) are empty")
    found = _features_of(folder, list(split_of))
    features: dict[str, list[str]] = {}
    sequences: dict[str, dict[str, Any]] = {}
    for name, split in split_of.items():
        if not found[name]:
            raise DataError(f"{folder}: sequence '{name}' is listed, but there is no {name}.<feature>.npy")
        frames = 0
        for feature in found[name]:
            path = folder / f"{name}.{feature}.npy"
            array = map_array(path)
            width = array.shape[1] if array.ndim == 2 else 1
            columns = features.setdefault(feature, [f"{feature} {k}" for k in range(width)])
            if len(columns) != width:
                raise DataError(f"{path} has {width} columns, but those of other sequences have {len(columns)}")
            frames = max(frames, len(array))
        sequences[name] = {"frames": frames, "split": split}
    return {"fps": None, "licence": UNKNOWN_LICENCE, "skeleton": None, "features": features, "sequences": sequences}


def _features_of(folder: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Names of the features of every sequence; where names contain dots, the longest sequence that fits has the file."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for path in sorted(folder.glob("*.npy")):
        parts = path.name.removesuffix(".npy").split(".")
        for k in range(len(parts) - 1, 0, -1):
            name = ".".join(parts[:k])
            if name in found:
                found[name].append(".".join(parts[k:]))
                break
    return found


def map_array(path: Path) -> Array:
    """A memory-mapped array [T, D] or [T] of numbers.

    Raises:
        DataError: If the file is missing or damaged, or holds something else.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing")
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError, SyntaxError, TypeError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    if (
        not isinstance(array, np.ndarray)
        or array.dtype.kind not in "fiub"
        or array.ndim not in (1, 2)
        or not len(array)
    ):
        what = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else "an archive"
        raise DataError(f"{path} holds {what}: needed are numbers [T, D], or labels [T]")
    return array


class Arrays(Sequence[Array]):
    """One feature of several sequences, each opened when it is looked at and not held."""

    def __init__(self, load: Callable[[str, str], Array], names: Sequence[str], feature: str) -> None:
        self.load, self.names, self.feature = load, names, feature

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        array = self.load(cast("str", self.names[index]), self.feature)  # one at a time, no slices
        return array.reshape(len(array), -1)
