"""Training windows: several inputs and outputs, each with its own length and offset, one example per start frame.

Arrays are memory-mapped and found in O(log n) of the number of sequences, so a corpus larger than memory trains as well. What the
options mean is the multimodal data set of Transflower (Valle-Pérez et al., 2021), with its slips mended: windows are counted
exactly, offsets may be negative, files are never changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from farandole.data.feature_folder import FeatureFolder, Scaler
from farandole.errors import DataError

Item = dict[str, np.ndarray]
Change = Callable[[Item, np.random.Generator], Item]
"""An augmentation: a window's unscaled arrays to others of the same shapes."""
STYLE = "style"
STYLE_LABELS = (STYLE, "dance_style")
"""Names of the label that `Windows.of` takes from corpus.json where there is no file of that name; the second one is published."""
_OPEN = 512  # arrays that stay mapped


@dataclass(frozen=True)
class Stream:
    """One input or output.

    Attributes:
        feature: What is read: `<sequence>.<feature>.npy`.
        length: Frames in a window; 1 for labels.
        offset: First frame, counted from the window's start; may be negative.
        kind: "continuous" numbers come as float32 [length, D], "discrete" labels as int64 [length].
        fix: Where arrays that are longer than others of their sequence are cut: at their "end" or "beginning"; "single" is one
            value for the whole sequence, which does not move with the window.
        tokens: Number of labels of a discrete stream; 0 if not checked.
        scaling: "standard" (zero mean, unit deviation), "minmax" (0..1) or "none".
        name: What a window calls it; the feature's name by default.
    """

    feature: str
    length: int = 1
    offset: int = 0
    kind: Literal["continuous", "discrete"] = "continuous"
    fix: Literal["end", "beginning", "single"] = "end"
    tokens: int = 0
    scaling: Literal["none", "standard", "minmax"] = "none"
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.feature)
        if self.length < 1:
            raise DataError(f"{self.feature}: a window of {self.length} frames; accepted is 1 or more")
        for value, known in (
            (self.kind, ("continuous", "discrete")),
            (self.fix, ("end", "beginning", "single")),
            (self.scaling, ("none", "standard", "minmax")),
        ):
            if value not in known:
                raise DataError(f"{self.feature}: '{value}' is not one of {', '.join(known)}")
        if self.kind == "discrete" and self.scaling != "none":
            raise DataError(f"{self.feature}: labels cannot be scaled")


class Windows:
    """A map-style data set: `len` and `[]`, as torch's DataLoader wants it.

    Item k is a dictionary with `in_<name>` for each input and `out_<name>` for each output. Item (e, k) is the same window in epoch
    e, where augmentations are others; k alone is (0, k).

    Args:
        names: Sequences.
        load: (sequence, feature) -> array [T, D] or [T], memory-mapped or not.
        inputs: Streams that a model reads.
        outputs: Streams that it shall predict.
        fix_lengths: Cut arrays of one sequence to the shortest of them; otherwise they must be of equal length.
        scalers: By feature, for streams that are scaled.
        augment: Changes of unscaled windows, in order. They draw from one generator, which depends on seed, epoch and index alone:
            neither the number of workers nor the order of windows matters. See `augment.augmentations`.
        seed: Of the augmentations.

    Raises:
        DataError: If arrays of a sequence differ in length and not `fix_lengths`, or no sequence is long enough.
    """

    def __init__(
        self,
        names: Sequence[str],
        load: Callable[[str, str], np.ndarray],
        inputs: Sequence[Stream],
        outputs: Sequence[Stream],
        *,
        fix_lengths: bool = False,
        scalers: Mapping[str, Scaler] | None = None,
        augment: Sequence[Change] = (),
        seed: int = 0,
    ) -> None:
        self.names, self.inputs, self.outputs = tuple(names), tuple(inputs), tuple(outputs)
        self.augment, self.seed = tuple(augment), seed
        self._load, self._scalers = load, dict(scalers or {})
        self._mapped: OrderedDict[tuple[int, str], np.ndarray] = OrderedDict()
        self._streams = [(f"in_{s.name}", s) for s in inputs] + [(f"out_{s.name}", s) for s in outputs]
        keys = [key for key, _ in self._streams]
        if len(set(keys)) != len(keys):
            raise DataError(f"{next(k for k in keys if keys.count(k) > 1)} occurs twice")
        for _, s in self._streams:
            if s.scaling != "none" and s.feature not in self._scalers:
                raise DataError(f"{s.feature} has no scaler, but is to be scaled ({s.scaling})")
        moving = [s for _, s in self._streams if s.fix != "single"]
        if not moving:
            raise DataError("all streams are single values: at least one must have frames")
        self.first = max(0, *(-s.offset for s in moving))
        """Start frame of a sequence's first window."""
        reach = max(s.offset + s.length for s in moving)
        frames = np.array([self._frames(n, moving, fix_lengths) for n in range(len(names))], dtype=np.int64)
        self.frames = frames
        """Frames of each sequence that all its streams have, [N]."""
        self.counts = np.maximum(0, frames - max(reach, 1) + 1 - self.first)
        # A window that begins beyond the last frame sees nothing, even if all offsets are negative.
        self.too_short = [n for n, c in zip(names, self.counts, strict=True) if c == 0]
        """Sequences with no window."""
        if not self.counts.sum():
            need = self.first + max(reach, 1)
            raise DataError(f"none of {len(names)} sequences is as long as the window of {need} frames")
        self._ends = np.cumsum(self.counts)

    @classmethod
    def of(
        cls,
        folder: FeatureFolder,
        split: str,
        inputs: Sequence[Stream],
        outputs: Sequence[Stream],
        *,
        fix_lengths: bool = False,
        sequences: int = 0,
        augment: Sequence[Change] = (),
        seed: int = 0,
    ) -> Windows:
        """The windows of a split of a feature folder.

        Args:
            sequences: Take only so many, drawn by `seed`; 0 for all.

        A stream of "style" (or "dance_style") without files is the number of the sequence's style among all in order of name.
        """
        names = folder.split(split)
        if 0 < sequences < len(names):
            drawn = np.random.default_rng(seed).choice(len(names), sequences, replace=False)
            names = [names[k] for k in sorted(drawn)]
        scalers = {s.feature: folder.scaler(s.feature) for s in (*inputs, *outputs) if s.scaling != "none"}
        load = _FolderLoader(folder)
        return cls(names, load, inputs, outputs, fix_lengths=fix_lengths, scalers=scalers, augment=augment, seed=seed)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def locate(self, index: int) -> tuple[int, int]:
        """Number of the sequence and start frame of a window. Raises IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        which = int(np.searchsorted(self._ends, index, side="right"))
        return which, self.first + index - int(self._ends[which] - self.counts[which])

    def __getitem__(self, index: int | tuple[int, int]) -> Item:
        epoch, index = index if isinstance(index, tuple) else (0, index)
        which, start = self.locate(index)
        item = {key: self._cut(which, s, start) for key, s in self._streams}
        if self.augment:
            random = np.random.default_rng([self.seed, epoch, index])
            for change in self.augment:
                item = change(item, random)
        return {key: self._typed(item[key], s) for key, s in self._streams}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mapped": OrderedDict()}  # every worker maps the files itself

    def _frames(self, which: int, moving: Sequence[Stream], fix_lengths: bool) -> int:
        lengths = {s.feature: len(self._array(which, s.feature)) for s in moving}
        if len(set(lengths.values())) > 1 and not fix_lengths:
            counts = ", ".join(f"{f} {n}" for f, n in lengths.items())
            raise DataError(
                f"{self.names[which]}: streams differ in length ({counts} frames): set fix_lengths to cut them"
            )
        return min(lengths.values())

    def _array(self, which: int, feature: str) -> np.ndarray:
        key = which, feature
        if key in self._mapped:
            self._mapped.move_to_end(key)
            return self._mapped[key]
        array = np.asanyarray(self._load(self.names[which], feature))
        self._mapped[key] = array
        if len(self._mapped) > _OPEN:
            self._mapped.popitem(last=False)
        return array

    def _cut(self, which: int, s: Stream, start: int) -> np.ndarray:
        array = self._array(which, s.feature)
        if s.fix == "single":
            return np.array(array.reshape(-1)[:1] if s.kind == "discrete" else np.atleast_2d(array)[:1])
        surplus = len(array) - int(self.frames[which]) if s.fix == "beginning" else 0
        begin = surplus + start + s.offset
        return np.array(array[begin : begin + s.length])

    def _typed(self, values: np.ndarray, s: Stream) -> np.ndarray:
        if s.kind == "discrete":
            labels = values.reshape(-1).astype(np.int64)
            if s.tokens and (labels.min() < 0 or labels.max() >= s.tokens):
                raise DataError(f"{s.feature} holds label {labels.max()}, but there are {s.tokens}")
            return labels
        if s.scaling != "none":
            values = scale(values, self._scalers[s.feature], s.scaling)
        return values.reshape(len(values), -1).astype(np.float32)


class _FolderLoader:
    """Arrays of a feature folder; styles by number."""

    def __init__(self, folder: FeatureFolder) -> None:
        self.folder = folder
        self.styles = folder.styles

    def __call__(self, sequence: str, feature: str) -> np.ndarray:
        if feature in STYLE_LABELS and feature not in self.folder.features:
            facts = self.folder.sequences[sequence]
            if STYLE not in facts:
                raise DataError(f"{sequence} has no style in corpus.json")
            return np.array([self.styles.index(facts[STYLE])])
        return self.folder.load(sequence, feature)


def scale(values: np.ndarray, scaler: Scaler, how: str) -> np.ndarray:
    """Scaled columns, [T, D]; constant ones become 0."""
    if how == "standard":
        return (values - scaler.mean) / scaler.std
    spread = scaler.maximum - scaler.minimum
    return (values - scaler.minimum) / np.where(spread > 0, spread, 1.0)


def unscale(values: np.ndarray, scaler: Scaler, how: str) -> np.ndarray:
    """The inverse of `scale`."""
    if how == "standard":
        return values * scaler.std + scaler.mean
    spread = scaler.maximum - scaler.minimum
    return values * np.where(spread > 0, spread, 1.0) + scaler.minimum


class BySequence:
    """Random windows (epoch, index), sequences drawn by weight and start frames evenly: a sampler for DataLoader.

    Args:
        windows: Where to draw.
        weights: Of each sequence by name, missing ones 0; None gives all the same weight, however long they are.
        count: Windows per epoch; by default as many as there are.
        seed: Of the order, together with the epoch, which grows by one each time the sampler is iterated.

    Raises:
        DataError: If no sequence with windows has a positive weight.
    """

    def __init__(
        self, windows: Windows, weights: Mapping[str, float] | None = None, *, count: int = 0, seed: int = 0
    ) -> None:
        self.windows, self.count, self.seed, self.epoch = windows, count or len(windows), seed, 0
        weight = np.array([1.0 if weights is None else weights.get(n, 0.0) for n in windows.names])
        weight = weight * (windows.counts > 0)
        if (weight < 0).any() or not np.isfinite(weight).all() or not weight.sum() > 0:
            raise DataError("weights of sequences must not be negative, and one with a window must be positive")
        self.share = weight / weight.sum()
        self._starts = np.cumsum(windows.counts) - windows.counts

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        random = np.random.default_rng([self.seed, epoch])
        which = random.choice(len(self.share), self.count, p=self.share)
        indices = self._starts[which] + (random.random(self.count) * self.windows.counts[which]).astype(int)
        yield from ((epoch, index) for index in indices.tolist())
