"""Plain arrays to a feature folder, or into one as further features."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_directory, atomic_path
from farandole.data.corpus_schema import SCHEMA
from farandole.data.feature_folder import FeatureFolder, finish_folder
from farandole.data.feature_folder_writer import write_scaler
from farandole.data.importers.labels import read_labels
from farandole.data.plain_arrays import map_array
from farandole.errors import DataError, OutputError
from farandole.motion.rotations import Array


def prepare_arrays(
    source: Path, target: Path, *, fps: float, licence: str = "", labels: Path | None = None, force: bool = False
) -> FeatureFolder:
    """Copy a folder of plain arrays into a complete feature folder: numbers checked, statistics, splits, corpus.json.

    Args:
        source: `<sequence>.<feature>.npy` and base_filenames_{train,val,test}.txt; only read.
        target: Feature folder to make.
        fps: Frame rate of the arrays.
        licence: Terms of the recordings.
        labels: Table with a style of each sequence, see `importers.labels.read_labels`.
        force: Replace an existing folder.

    Raises:
        DataError: If `source` holds no such arrays, or some are damaged or hold NaN.
        OutputError: If the target exists and not `force`.
    """
    arrays = FeatureFolder(source)
    if not arrays.is_plain:
        raise DataError(f"{source} is a complete feature folder already")
    if source.resolve() == target.resolve():
        raise OutputError(f"{target} is where the arrays lie: give another folder")
    table = read_labels(labels) if labels else {}
    unknown = next((n for n in table if n not in arrays.sequences), None)
    if unknown:
        raise DataError(f"{labels} names sequence '{unknown}', for which there are no arrays")
    with atomic_directory(target, force=force) as folder:
        for name, facts in arrays.sequences.items():
            facts.update(table.get(name, {}))
            for feature in arrays.features:
                _copy(arrays.load(name, feature), folder / f"{name}.{feature}.npy")
        corpus = {
            "schema": SCHEMA,
            "fps": float(fps),
            "licence": licence or arrays.licence,
            "skeleton": None,
            "features": arrays.features,
            "codecs": {},
            "sequences": arrays.sequences,
        }
        finish_folder(folder, corpus)
    return FeatureFolder(target)


def add_arrays(source: Path, target: Path, *, force: bool = False) -> list[str]:
    """Add arrays `<sequence>.<feature>.npy` to a prepared feature folder; returns the names of the features that are new.

    Args:
        source: Folder with the arrays, one for every sequence of the target.
        target: A feature folder with a corpus.json.
        force: Replace features that are there.

    Raises:
        DataError: If a sequence has no array of a feature, lengths do not match, or an array is damaged.
        OutputError: If a feature is there already and not `force`.
    """
    folder = FeatureFolder(target)
    names = list(folder.sequences)
    found = _features_for(source, names)
    if not found:
        raise DataError(f"{source} holds no array {names[0]}.<feature>.npy for the sequences of {target}")
    for feature in found:
        if feature in folder.features and not force:
            raise OutputError(f"{target} has a feature '{feature}' already: give it another name or add --force")
        if feature in folder.codecs:
            raise OutputError(f"{target}: '{feature}' is made by farandole: give yours another name")
    columns = {feature: _checked(source, feature, folder) for feature in found}
    for feature in found:
        for name in names:
            _copy(map_array(source / f"{name}.{feature}.npy"), target / f"{name}.{feature}.npy")
        write_scaler(target, feature, folder.split("train"))
    _add_columns(target / "corpus.json", columns)
    return found


def _features_for(source: Path, names: Sequence[str]) -> list[str]:
    first = names[0]
    return sorted(p.name.removeprefix(f"{first}.").removesuffix(".npy") for p in source.glob(f"{first}.*.npy"))


def _checked(source: Path, feature: str, folder: FeatureFolder) -> list[str]:
    """Columns of a feature of which all arrays fit a folder."""
    widths = set()
    for name, facts in folder.sequences.items():
        path = source / f"{name}.{feature}.npy"
        array = map_array(path)
        widths.add(array.shape[1] if array.ndim == 2 else 1)
        if len(array) not in (facts["frames"], 1):
            raise DataError(f"{path} has {len(array)} frames, but the sequence has {facts['frames']} (1 for a label)")
        if len(widths) > 1:
            raise DataError(f"{path} has other columns than those of other sequences")
        _check_finite(path, array)
    return [f"{feature} {k}" for k in range(widths.pop())]


def _copy(array: Array, path: Path) -> None:
    """Write numbers as float32, labels as they are."""
    _check_finite(path, array)
    labels = array.dtype.kind in "iu" and array.ndim == 1
    with atomic_path(path, force=True) as temporary, temporary.open("wb") as file:
        np.save(file, np.array(array) if labels else np.asarray(array, dtype=np.float32))


def _check_finite(path: Path, array: Array) -> None:
    if not np.isfinite(array).all():
        raise DataError(f"{path} holds NaN or infinite numbers")


def _add_columns(path: Path, columns: Mapping[str, list[str]]) -> None:
    corpus: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    corpus["features"] |= columns
    with atomic_path(path, force=True) as temporary:
        temporary.write_text(json.dumps(corpus, indent=1), encoding="utf-8")
