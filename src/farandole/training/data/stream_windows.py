"""Windows of several streams in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch.utils.data import default_collate

from farandole.data.augment import augmentations
from farandole.data.feature_folder import SPLITS, Scaler
from farandole.data.windows import Stream, Windows, scale
from farandole.errors import DataError
from farandole.models.errors import require
from farandole.training.data.training_data import (
    Batch,
    DataFacts,
    LazyBatches,
    TrainingData,
    body_of,
    check_features,
    tensors,
)
from farandole.training.data.window_order import Shuffled, make_order

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.models.base import MotionModel
    from farandole.models.layers.multimodal import Modality
    from farandole.models.masked import MaskedMotionModel

ROOT = 3
"""Last columns of the motion features of masked models: the root's position."""


@dataclass(frozen=True)
class StreamSettings:
    """Which windows a model with input and target windows is trained on."""

    stride: int = 1
    """Frames from one window to the next: held-out windows are every so many-th, and an epoch sees one in so many of
    the training windows, each time others. 1 takes every window, whose frames mostly repeat those of its neighbours."""
    fix_lengths: bool = False
    """Cut features of one sequence to the shortest of them; otherwise they must be of equal length."""
    fix: dict[str, Literal["end", "beginning"]] = field(default_factory=dict)
    """Where a modality that is longer than others of its sequence is cut with fix_lengths: at its end, or at its beginning."""
    sequences: int = 0
    """Train on so many sequences, drawn by the seed; 0 for all."""
    weights: dict[str, float] = field(default_factory=dict)
    """How many times as often windows of a sequence are met, by its name or by a pattern (gBR_*: 2.0); 1 for all others. With
    weights windows are drawn anew each time, without them each is met once in an epoch."""
    augment: tuple[str | dict[str, Any], ...] = ()
    """Changes of training windows, other ones in each epoch: each a name with its options, see docs/data.md."""
    ahead: int = 0
    """Frames that training windows go on for behind what the model reads and predicts, so that it can be scored after frames of
    its own (a stage's `rollout`)."""

    def __post_init__(self) -> None:
        fine = min(self.sequences, self.ahead) >= 0
        require(
            "windows",
            [(self.stride > 0, "stride must be positive"), (fine, "sequences and ahead must not be negative")],
        )


class StreamWindows(TrainingData):
    """`in_<modality>` and `out_<modality>` of every window that a model with `inputs`, a `target` and maybe more (`also`) sees."""

    Settings = StreamSettings

    def __init__(
        self, corpus: FeatureFolder, model: MotionModel, features: Mapping[str, str], settings: Any, seed: int
    ) -> None:
        super().__init__(corpus, model, features, settings, seed)
        self.modalities: tuple[Modality, ...] = (*model.inputs, model.target, *model.also)
        self._inputs = len(model.inputs)
        missing = sorted({m.name for m in self.modalities} - features.keys())
        if missing:
            raise DataError(f"recipe.features names no feature for {', '.join(missing)}")
        numbers = {m.name: m.dim for m in self.modalities if not m.tokens}
        check_features(corpus, features, numbers)
        unknown = sorted(settings.fix.keys() - {m.name for m in self.modalities if not m.fixed})
        if unknown:
            there = ", ".join(dict.fromkeys(m.name for m in self.modalities if not m.fixed))
            raise DataError(f"windows.fix: the model has no windows of '{unknown[0]}'; there are: {there}")
        self._streams = [_stream(m, features[m.name], settings.fix.get(m.name, "end")) for m in self.modalities]
        changes = augmentations(settings.augment, corpus, self._streams)
        drawn = {"sequences": settings.sequences, "augment": changes, "seed": seed}
        self.train = self.windows("train", ahead=settings.ahead, **drawn)
        self.val = self.windows("val") if corpus.split("val") else None
        self._order = make_order(self.train, settings.weights, seed, settings.stride)

    def batch(self, step: int, size: int, options: Any) -> Batch:
        """See `TrainingData.batch`."""
        epoch, chosen = self._order.batch(step, size)
        return collate(self.train, [(epoch, i) for i in chosen])

    def held_out(self, size: int, options: Any) -> Sequence[Batch]:
        """Windows of the val split in order, every `stride`-th."""
        return in_order(self.val, range(0, len(self.val), self.settings.stride), size) if self.val is not None else []

    def epoch_batches(self, size: int) -> int:
        """See `TrainingData.epoch_batches`."""
        return self._order.batches(size)

    def windows(self, split: str, *, ahead: int = 0, **drawn: Any) -> Windows:
        """All windows of a split, one per start frame, `ahead` frames longer; `drawn` as for `Windows.of`.

        Raises:
            DataError: If no sequence is long enough.
        """
        streams = [s if s.fix == "single" else replace(s, length=s.length + ahead) for s in self._streams]
        fixed = self.settings.fix_lengths
        inputs, outputs = streams[: self._inputs], streams[self._inputs :]
        return Windows.of(self.corpus, split, inputs, outputs, fix_lengths=fixed, **drawn)

    def facts(self) -> DataFacts:
        """See `TrainingData.facts`."""
        return DataFacts(self.corpus.fps, body_of(self.corpus))

    def scalers(self) -> dict[str, Scaler]:
        """See `TrainingData.scalers`."""
        return {m.name: self.corpus.scaler(self.features[m.name]) for m in self.modalities if not m.tokens}


@dataclass(frozen=True)
class MaskedSettings:
    """Which windows a masked model is trained on, and in what numbers. The defaults are the mended ones."""

    frames: int = 300
    """Length of a window."""
    stride: int = 1
    """Distance of window starts in a sequence; as published: the length of a window."""
    root: Literal["canonical", "minmax"] = "canonical"
    """canonical: every window stands at the origin and looks ahead at its first visible frame, m. minmax: world coordinates scaled
    to 0..1, as published."""
    music: Literal["standard", "minmax"] = "standard"
    """Scaling of music features; minmax as published."""
    statistics: Literal["train", "all"] = "train"
    """Where the scales are taken from; all: held-out and test sequences too, as published."""
    weights: dict[str, float] = field(default_factory=dict)
    """As in `StreamSettings`."""
    augment: tuple[str | dict[str, Any], ...] = ()
    """As in `StreamSettings`; needs windows in metres (`root: canonical`)."""

    def __post_init__(self) -> None:
        fine = self.root == "canonical" or not self.augment
        require(
            "windows",
            [
                (self.frames > 1 and self.stride > 0, "frames and stride must be positive"),
                (fine, "augment needs root: canonical"),
                (self.stride == 1 or not self.weights, "weights need stride: 1"),
            ],
        )


class MaskedWindows(TrainingData):
    """`out_motion` [B, frames, D] and, where the model hears it, `in_music` [B, frames, A]."""

    Settings = MaskedSettings

    def __init__(
        self, corpus: FeatureFolder, model: MaskedMotionModel, features: Mapping[str, str], settings: Any, seed: int
    ) -> None:
        super().__init__(corpus, model, features, settings, seed)
        self.widths: dict[str, int] = model.config.dims
        check_features(corpus, features, self.widths)
        self._scalers = self._statistics()
        streams = [Stream(features[m], settings.frames, name=m) for m in self.widths]
        changes = augmentations(settings.augment, corpus, streams)
        self.train = self.windows("train", augment=changes, seed=seed)
        self.val = self.windows("val") if corpus.split("val") else None
        self._index = self._starts(self.train, settings.stride)
        self._order = (
            make_order(self.train, settings.weights, seed, 1) if settings.weights else Shuffled(len(self._index), seed)
        )

    def batch(self, step: int, size: int, options: Any) -> Batch:
        """See `TrainingData.batch`."""
        epoch, chosen = self._order.batch(step, size)
        return collate(self.train, [(epoch, self._index[i]) for i in chosen])

    def held_out(self, size: int, options: Any) -> Sequence[Batch]:
        """Windows of the val split, overlapping by half."""
        if self.val is None:
            return []
        return in_order(self.val, self._starts(self.val, max(1, self.settings.frames // 2)), size)

    def epoch_batches(self, size: int) -> int:
        """See `TrainingData.epoch_batches`."""
        return self._order.batches(size)

    def facts(self) -> DataFacts:
        """See `TrainingData.facts`."""
        return DataFacts(self.corpus.fps, body_of(self.corpus), canonical=self.settings.root == "canonical")

    def scalers(self) -> dict[str, Scaler]:
        """See `TrainingData.scalers`."""
        return self._scalers

    def completion(self) -> dict[str, Any]:
        """See `TrainingData.completion`."""
        frames = self.settings.frames
        block = max(1, min(60, frames // 3))
        return {
            "window": frames,
            "canonical": self.settings.root == "canonical",
            "root": "minmax" if self.settings.root == "minmax" else "metres",
            "music": self.settings.music,
            "known": min(120, frames - block),
            "block": block,
            "keep": max(1, min(20, block // 3)),
        }

    def _statistics(self) -> dict[str, Scaler]:
        features = {m: self.features[m] for m in self.widths}
        if self.settings.statistics == "train":
            return {m: self.corpus.scaler(f) for m, f in features.items()}
        names = [n for s in SPLITS for n in self.corpus.split(s)]
        return {m: Scaler.fit([self.corpus.load(n, f) for n in names]) for m, f in features.items()}

    def windows(self, split: str, **drawn: Any) -> Windows:
        """All windows of a split, one per start frame; `drawn` as for `Windows`. Raises DataError if no sequence is long enough."""
        names = self.corpus.split(split)
        arrays = {(name, m): self._scaled(name, m) for name in names for m in self.widths}
        frames = self.settings.frames
        heard = [Stream(m, frames) for m in self.widths if m != "motion"]
        return Windows(names, lambda name, modality: arrays[name, modality], heard, [Stream("motion", frames)], **drawn)

    def _scaled(self, sequence: str, modality: str) -> np.ndarray:
        values = np.asarray(self.corpus.load(sequence, self.features[modality]))
        scaler = self._scalers[modality]
        if modality != "motion":
            return scale(values, scaler, self.settings.music).astype(np.float32)
        motion = np.array(values, dtype=np.float32)
        if self.settings.root == "minmax":
            motion[:, -ROOT:] = scale(motion, scaler, "minmax")[:, -ROOT:]
        return motion

    @staticmethod
    def _starts(windows: Windows, stride: int) -> list[int]:
        """Windows that start at multiples of `stride` in their sequence."""
        ends = np.cumsum(windows.counts)
        return [i for end, n in zip(ends, windows.counts, strict=True) for i in range(int(end - n), int(end), stride)]


def collate(windows: Windows, chosen: Sequence[int | tuple[int, int]]) -> Batch:
    """Windows as one batch; (epoch, window) where an epoch's augmentations are wanted."""
    return default_collate([tensors(windows[i]) for i in chosen])


def in_order(windows: Windows, chosen: Sequence[int], size: int) -> LazyBatches:
    """Batches of chosen windows in order, the last one maybe smaller."""
    return LazyBatches(-(-len(chosen) // size), lambda k: collate(windows, chosen[k * size : (k + 1) * size]))


def _stream(m: Modality, feature: str, fix: Literal["end", "beginning"]) -> Stream:
    label = m.tokens > 0
    return Stream(
        feature,
        m.frames,
        m.offset,
        kind="discrete" if label else "continuous",
        fix="single" if m.fixed else fix,
        tokens=m.tokens,
        scaling="none" if label else "standard",
        name=m.name,
    )
