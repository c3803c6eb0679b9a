"""Feature folders: the one form in which corpora lie on disk once they are prepared.

`<sequence>.<feature>.npy` (float32, [T, D]), `<feature>_scaler.json` (statistics of the training split),
`splits/{train,val,test}.txt` and `corpus.json` (frame rate, skeleton, column names, licence, what is known of each sequence).
A folder of plain arrays with lists of names and nothing else is read as well, see `plain_arrays`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole.data import plain_arrays
from farandole.data.corpus_schema import SCHEMA, read_corpus
from farandole.data.feature_folder_writer import FeatureFolderWriter, finish_folder
from farandole.data.scaler import CONSTANT, Scaler, read_scaler
from farandole.data.skeleton_json import skeleton_from_json, skeleton_to_json
from farandole.data.splits import SPLITS, find_split_list, read_names
from farandole.errors import DataError
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

if TYPE_CHECKING:
    from farandole.motion.codecs import Codec

__all__ = [
    "CONSTANT", "SCHEMA", "SPLITS", "FeatureFolder", "FeatureFolderWriter", "Scaler", "finish_folder", "read_names",
    "skeleton_from_json", "skeleton_to_json",
]  # fmt: skip


class FeatureFolder:
    """A prepared corpus, or a folder of plain arrays; read only.

    Attributes:
        folder: Where it lies.
        frame_rate: Frames per second; None for plain arrays, which do not tell.
        licence: Terms of the recordings.
        sequences: What is known of each sequence, by name: frames, split, and maybe style, source ...
        features: Columns of each feature.
        codecs: Codecs of the motion features, as `motion.codecs.to_json` tells them.
        problems: {"name", "problem"} of what was wrong when it was prepared.

    Raises:
        DataError: If the path is no such folder, or one that another version wrote: of the folder's layout or of a codec in it; or
            if corpus.json is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "corpus.json"
        self.is_plain = not path.is_file() and plain_arrays.is_one(self.folder)
        if not self.is_plain and not path.is_file():
            raise DataError(
                f"{folder} is not a feature folder: it has no corpus.json, and no arrays with base_filenames_train.txt. Make one "
                "with: farandole prepare"
            )
        corpus = plain_arrays.corpus_of(self.folder) if self.is_plain else read_corpus(path)
        self._take(corpus)
        self._check_codecs(path)

    def _take(self, corpus: Mapping[str, Any]) -> None:
        self._skeleton: Mapping[str, Any] | None = corpus["skeleton"]
        self._records: Mapping[str, Any] = corpus.get("records", {})
        self.frame_rate: float | None = corpus["fps"]
        self.licence: str = corpus["licence"]
        self.sequences: dict[str, dict[str, Any]] = corpus["sequences"]
        self.features: dict[str, list[str]] = corpus["features"]
        self.problems: list[dict[str, str]] = corpus.get("problems", [])
        self.codecs: dict[str, dict[str, Any]] = corpus.get("codecs", {})

    def _check_codecs(self, path: Path) -> None:
        from farandole.motion import codecs

        for name, facts in self.codecs.items():
            try:
                codecs.check_version(facts)
                if name not in self.features:
                    raise DataError(f"features has no '{name}'")
            except (DataError, ValueError) as error:
                raise DataError(f"{path}: codecs.{name}: {error}") from error

    @classmethod
    def is_one(cls, path: str | Path) -> bool:
        """Whether a path looks like a feature folder, or one of plain arrays."""
        return (Path(path) / "corpus.json").is_file() or plain_arrays.is_one(Path(path))

    @property
    def fps(self) -> float:
        """Frames per second. Raises DataError where plain arrays do not tell it."""
        if self.frame_rate is None:
            raise DataError(
                f"{self.folder} does not tell its frame rate: farandole prepare arrays {self.folder} -o DATA --fps RATE"
            )
        return self.frame_rate

    @property
    def has_skeleton(self) -> bool:
        """Whether the motions of the corpus are on a body that is known."""
        return self._skeleton is not None

    @property
    def skeleton(self) -> Skeleton:
        """The body all motions of the corpus are on. Raises DataError if none is known, or it is damaged."""
        if self._skeleton is None:
            raise DataError(f"{self.folder} holds arrays without a body: no motion can be made of them")
        try:
            return skeleton_from_json(self._skeleton)
        except ValueError as error:
            raise DataError(f"{self.folder / 'corpus.json'}: skeleton: {error}") from error

    def sources(self, sequence: str) -> list[str]:
        """Names of the files a sequence was made from, where the corpus tells."""
        return self._sources.get(sequence, [])

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        return {name: list(r["sources"]) for r in self._records.values() for name in r["sequences"]}

    def codec(self, feature: str) -> Codec:
        """The codec a motion feature was made with; decodes onto the corpus's skeleton.

        Raises:
            DataError: If the feature is no motion feature, was made by another version of the codec, or its settings are damaged.
        """
        from farandole.motion import codecs

        if feature not in self.codecs:
            there = ", ".join(self.codecs) or "none"
            raise DataError(f"{self.folder} has no motion feature '{feature}': there are {there}")
        try:
            codec = codecs.from_json(self.codecs[feature], self.fps, self.skeleton)
            width = len(codec.columns)
        except DataError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{self.folder / 'corpus.json'}: codecs.{feature}: settings are damaged ({error})"
            ) from error
        if width != len(self.features[feature]):
            there = len(self.features[feature])
            raise DataError(
                f"{self.folder / 'corpus.json'}: features.{feature}: {there} columns, but its codec has {width}"
            )
        return codec

    @property
    def styles(self) -> list[str]:
        """Styles of the sequences, in the order in which they are numbered as labels."""
        return sorted({s["style"] for s in self.sequences.values() if "style" in s})

    def split(self, name: str) -> list[str]:
        """Sequence names of train, val or test, from splits/<name>.txt or else base_filenames_<name>.txt.

        Raises:
            DataError: If there is no such list, or a listed sequence does not exist.
        """
        path = find_split_list(self.folder, name)
        if path is None and self.is_plain and name in ("val", "test"):
            return []
        if path is None:
            raise DataError(f"{self.folder} has no split '{name}': there are {', '.join(SPLITS)}")
        names = read_names(path)
        for sequence in names:
            if sequence not in self.sequences:
                raise DataError(f"{path} names sequence '{sequence}', which is not in the corpus")
        return names

    def load(self, sequence: str, feature: str) -> Array:
        """One feature of one sequence, memory-mapped: [T, D], or [T] for labels.

        Raises:
            DataError: If there is none, or its file is damaged or has another number of columns than corpus.json says.
        """
        if feature not in self.features:
            raise DataError(f"{self.folder} has no feature '{feature}': there are {', '.join(self.features)}")
        path = self.folder / f"{sequence}.{feature}.npy"
        array = plain_arrays.map_array(path)
        width = array.shape[1] if array.ndim == 2 else 1
        if width != len(self.features[feature]):
            raise DataError(f"{path} has {width} columns, but the corpus says {len(self.features[feature])}")
        return array

    def scaler(self, feature: str) -> Scaler:
        """Statistics of a feature over the training split.

        Raises:
            DataError: If there are none, or the file is damaged.
        """
        path = self.folder / f"{feature}_scaler.json"
        if feature not in self.features:
            raise DataError(f"{self.folder} has no feature '{feature}': there are {', '.join(self.features)}")
        if self.is_plain and not path.is_file():
            return self._fitted(feature)
        return read_scaler(path, len(self.features[feature]))

    def _fitted(self, feature: str) -> Scaler:
        if feature not in self._fits:
            self._fits[feature] = Scaler.fit(plain_arrays.Arrays(self.load, self.split("train"), feature))
        return self._fits[feature]

    @cached_property
    def _fits(self) -> dict[str, Scaler]:
        return {}
