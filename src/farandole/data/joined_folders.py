"""Several feature folders as one: all their sequences, the features that all of them have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farandole.data.feature_folder import FeatureFolder
from farandole.data.scaler import Scaler
from farandole.errors import DataError
from farandole.motion.rotations import Array

_SAME = 1e-3
"""Metres by which bones of one body may differ between folders."""


def open_folders(*paths: str | Path) -> FeatureFolder:
    """A feature folder, or several as one. Raises DataError as both do."""
    if not paths:
        raise DataError("no feature folder is given")
    return FeatureFolder(paths[0]) if len(paths) == 1 else JoinedFolders(paths)


class JoinedFolders(FeatureFolder):
    """Several feature folders read as one.

    A sequence keeps its name; where several folders have one of that name, it is called `<folder>/<name>` (`<folder>` as it was
    given, if two have the same last name). Statistics are those of all training splits together. `folder` is the first one.

    Raises:
        DataError: If frame rates, bodies, or the columns or codecs of a shared feature differ, or no feature is shared.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.parts = tuple(FeatureFolder(p) for p in paths)
        first = self.parts[0]
        self.folder, self.is_plain = first.folder, all(p.is_plain for p in self.parts)
        for other in self.parts[1:]:
            _check_alike(first, other)
        shared = [f for f in first.features if all(f in p.features for p in self.parts)]
        if not shared:
            lists = "; ".join(f"{p.folder}: {', '.join(p.features)}" for p in self.parts)
            raise DataError(f"these folders share no feature: {lists}")
        self._origin = self._names()
        sequences = {name: part.sequences[own] for name, (part, own) in self._origin.items()}
        self._take(
            {
                "fps": first.frame_rate,
                "licence": "\n".join(dict.fromkeys(p.licence for p in self.parts)),
                "skeleton": first._skeleton,
                "features": {f: first.features[f] for f in shared},
                "codecs": {f: c for f, c in first.codecs.items() if f in shared},
                "sequences": sequences,
                "problems": [problem for p in self.parts for problem in p.problems],
            }
        )

    def _names(self) -> dict[str, tuple[FeatureFolder, str]]:
        count = Counter(name for p in self.parts for name in p.sequences)
        last = Counter(p.folder.name for p in self.parts)
        origin: dict[str, tuple[FeatureFolder, str]] = {}
        for part in self.parts:
            where = part.folder.name if last[part.folder.name] == 1 else part.folder.as_posix()
            for own in part.sequences:
                name = own if count[own] == 1 else f"{where}/{own}"
                if name in origin:
                    raise DataError(f"{part.folder} is given twice")
                origin[name] = part, own
        return origin

    def sources(self, sequence: str) -> list[str]:
        """Names of the files a sequence was made from, where its corpus tells."""
        part, own = self._origin[sequence]
        return part.sources(own)

    def split(self, name: str) -> list[str]:
        """Sequence names of train, val or test, folder after folder."""
        called = {(part.folder, own): joined for joined, (part, own) in self._origin.items()}
        return [called[part.folder, own] for part in self.parts for own in part.split(name)]

    def load(self, sequence: str, feature: str) -> Array:
        """One feature of one sequence, memory-mapped."""
        if feature not in self.features:
            raise DataError(f"the folders share no feature '{feature}': there are {', '.join(self.features)}")
        if sequence not in self._origin:
            raise DataError(f"none of the folders has a sequence '{sequence}'")
        part, own = self._origin[sequence]
        return part.load(own, feature)

    def scaler(self, feature: str) -> Scaler:
        """Statistics of a feature over all training splits."""
        if feature not in self.features:
            raise DataError(f"the folders share no feature '{feature}': there are {', '.join(self.features)}")
        counts = [sum(p.sequences[n]["frames"] for n in p.split("train")) for p in self.parts]
        used = [(p, n) for p, n in zip(self.parts, counts, strict=True) if n]
        if not used:
            raise DataError(f"none of the folders has a training split: {feature} has no statistics")
        return Scaler.joined([p.scaler(feature) for p, _ in used], [n for _, n in used])


def _check_alike(first: FeatureFolder, other: FeatureFolder) -> None:
    pair = f"{first.folder} and {other.folder} cannot be joined"
    if first.frame_rate != other.frame_rate:
        raise DataError(f"{pair}: {_rate(first)} and {_rate(other)}; prepare one of them again with --fps")
    for feature in first.features.keys() & other.features.keys():
        if first.features[feature] != other.features[feature]:
            widths = len(first.features[feature]), len(other.features[feature])
            raise DataError(f"{pair}: {feature} has other columns ({widths[0]} and {widths[1]})")
        if _code(first, feature) != _code(other, feature):
            raise DataError(f"{pair}: {feature} was made with another codec or its settings")
    if first.has_skeleton and other.has_skeleton and (set(first.codecs) & set(other.codecs)):
        ours, theirs = first.skeleton, other.skeleton
        if ours.names != theirs.names or np.abs(ours.offsets[1:] - theirs.offsets[1:]).max(initial=0.0) > _SAME:
            raise DataError(f"{pair}: their motions are on different bodies; prepare both with --retarget")


def _rate(folder: FeatureFolder) -> str:
    return "unknown fps" if folder.frame_rate is None else f"{folder.frame_rate:g} fps"


def _code(folder: FeatureFolder, feature: str) -> tuple[Any, ...]:
    """What must be equal of a codec: its settings may hold the pose of joints that it does not keep, which do not matter."""
    codec = folder.codecs.get(feature)
    if codec is None:
        return ()
    return codec["name"], codec["version"], {k: v for k, v in codec["settings"].items() if k != "frozen"}
