"""More from the same windows, drawn anew in every epoch: mirrored, turned, noisy, with dropped frames.

A recipe lists augmentations in the order in which they are applied, each by name with its options:

    augment:
    - mirror: {probability: 0.5}
    - turn: {degrees: 180}
    - noise: {std: 0.05, smooth: 4}
    - drop_frames: {share: 0.2}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from farandole.data.feature_folder import FeatureFolder, Scaler
from farandole.data.windows import Change, Item, Stream
from farandole.errors import DataError
from farandole.motion.codecs.base import BodyCodec

LONGEST = 1000.0
"""Longest time that noise may go together over, frames."""


@dataclass(frozen=True)
class StreamFacts:
    """What augmentations know of the streams of a window, by name of the stream.

    Attributes:
        codecs: Codecs of motion streams that can be mirrored and turned.
        scalers: Statistics of continuous streams.
    """

    codecs: Mapping[str, BodyCodec]
    scalers: Mapping[str, Scaler]

    @classmethod
    def of(cls, folder: FeatureFolder, streams: Sequence[Stream]) -> StreamFacts:
        """The facts of streams that are read from a feature folder."""
        codecs, scalers = {}, {}
        for s in streams:
            if s.feature in folder.codecs:
                codec = folder.codec(s.feature)
                if isinstance(codec, BodyCodec):
                    codecs[s.name] = codec
            if s.kind == "continuous" and s.feature in folder.features:
                scalers[s.name] = folder.scaler(s.feature)
        return cls(codecs, scalers)

    def codec(self, key: str) -> BodyCodec | None:
        """The codec behind a key of a window, in_<name> or out_<name>; None for what is no motion."""
        return self.codecs.get(key.partition("_")[2])


class Augmentation(Protocol):
    """A kind of change; its fields are the options of a recipe."""

    def __call__(self, item: Item, random: np.random.Generator, streams: StreamFacts) -> Item:
        """The changed window: unscaled arrays of the same shapes."""
        ...


A = TypeVar("A", bound=Callable[..., Augmentation])
AUGMENTATIONS: dict[str, Callable[..., Augmentation]] = {}


def augmentation(name: str) -> Callable[[A], A]:
    """Decorator that lets recipes call an augmentation by name."""

    def add(kind: A) -> A:
        AUGMENTATIONS[name] = kind
        return kind

    return add


@augmentation("mirror")
@dataclass(frozen=True)
class Mirror:
    """All motion of a window is seen in a mirror at x = 0."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        _require("mirror", "probability", self.probability, 0.0, 1.0)

    def __call__(self, item: Item, random: np.random.Generator, streams: StreamFacts) -> Item:
        """The window, mirrored or not."""
        if random.random() >= self.probability:
            return item
        return {k: codec.mirrored(v) if (codec := streams.codec(k)) else v for k, v in item.items()}


@augmentation("turn")
@dataclass(frozen=True)
class Turn:
    """All motion of a window is turned about the vertical by one angle of at most so many degrees to either side."""

    degrees: float = 180.0

    def __post_init__(self) -> None:
        _require("turn", "degrees", self.degrees, 0.0, 180.0)

    def __call__(self, item: Item, random: np.random.Generator, streams: StreamFacts) -> Item:
        """The turned window."""
        angle = math.radians(random.uniform(-self.degrees, self.degrees))
        return {k: codec.turned(v, angle) if (codec := streams.codec(k)) else v for k, v in item.items()}


@augmentation("noise")
@dataclass(frozen=True)
class Noise:
    """Gaussian noise on the inputs, not on what is to be predicted: a model learns to go on from its own errors.

    Attributes:
        std: Deviation, in units of each column's deviation over the training split. Constant columns get none.
        smooth: Deviation of the Gaussian over time that noise is smoothed by, frames; its own deviation stays. 0: every frame has
            noise of its own, which drowns the speeds that can be read from the window; smooth noise moves poses and leaves speeds.
        streams: Names of the inputs; by default those that are predicted, too.
    """

    std: float = 0.05
    smooth: float = 0.0
    streams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("noise", "std", self.std, 0.0, math.inf)
        _require("noise", "smooth", self.smooth, 0.0, LONGEST)

    def __call__(self, item: Item, random: np.random.Generator, streams: StreamFacts) -> Item:
        """The noisy window."""
        changed = dict(item)
        for key, scaler in _inputs(item, self.streams, streams):
            deviation = np.where(scaler.maximum > scaler.minimum, scaler.std, 0.0)
            changed[key] = item[key] + self.std * deviation * _noise(item[key].shape, self.smooth, random)
        return changed


def _noise(shape: tuple[int, ...], smooth: float, random: np.random.Generator) -> np.ndarray:
    """Standard normal numbers [T, D] that go together over about `smooth` frames."""
    if not smooth:
        return random.standard_normal(shape)
    reach = math.ceil(3 * smooth)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / smooth) ** 2)
    weights /= np.linalg.norm(weights)
    white = random.standard_normal((shape[0] + 2 * reach, *shape[1:]))
    return np.einsum("tdk,k->td", np.lib.stride_tricks.sliding_window_view(white, len(weights), axis=0), weights)


@augmentation("drop_frames")
@dataclass(frozen=True)
class DropFrames:
    """Frames of the inputs replaced by the mean pose, as MoGlow trains (Henter et al., 2020, arXiv:1905.06598, data dropout).

    Attributes:
        share: Probability of every frame.
        streams: Names of the inputs; by default those that are predicted, too.
    """

    share: float = 0.2
    streams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("drop_frames", "share", self.share, 0.0, 1.0)

    def __call__(self, item: Item, random: np.random.Generator, streams: StreamFacts) -> Item:
        """The window with frames dropped."""
        changed = dict(item)
        for key, scaler in _inputs(item, self.streams, streams):
            dropped = random.random(len(item[key])) < self.share
            changed[key] = np.where(dropped[:, None], scaler.mean, item[key])
        return changed


def augmentations(
    recipe: Sequence[str | Mapping[str, Any]], folder: FeatureFolder, streams: Sequence[Stream]
) -> tuple[Change, ...]:
    """What a recipe's list of augmentations asks for, as `Windows` takes it.

    Args:
        recipe: Names, or one name with its options each: ["mirror", {"turn": {"degrees": 90}}].
        folder: Where the streams are read from.
        streams: All inputs and outputs.

    Raises:
        DataError: If there is no augmentation or option of a name, a value is not accepted, or motion features that would be
            mirrored or turned cannot be.
    """
    facts = StreamFacts.of(folder, streams)
    changes = []
    for number, entry in enumerate(recipe):
        name, options = _named(entry, number)
        change = _make(name, options)
        if isinstance(change, Mirror | Turn):
            _check_codecs(name, folder, streams, facts)
        for stream in getattr(change, "streams", ()):
            if stream not in facts.scalers:
                there = ", ".join(facts.scalers) or "none"
                raise DataError(f"augment.{name}.streams: no stream of numbers is called '{stream}': there are {there}")
        changes.append(partial(change, streams=facts))
    return tuple(changes)


def _named(entry: str | Mapping[str, Any], number: int) -> tuple[str, Mapping[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, Mapping) and len(entry) == 1:
        (name, options), *_ = entry.items()
        if isinstance(name, str) and (options is None or isinstance(options, Mapping)):
            return name, options or {}
    raise DataError(f"augment.{number}: needed is a name, or one name with its options ({{turn: {{degrees: 90}}}})")


def _make(name: str, options: Mapping[str, Any]) -> Augmentation:
    if name not in AUGMENTATIONS:
        raise DataError(f"augment: no augmentation '{name}': there are {', '.join(sorted(AUGMENTATIONS))}")
    kind: Any = AUGMENTATIONS[name]  # a dataclass
    known = {f.name: f.type for f in fields(kind)}
    values: dict[str, Any] = {}
    for option, value in options.items():
        if option not in known:
            raise DataError(f"augment.{name} has no option '{option}': there are {', '.join(known)}")
        is_list = isinstance(value, list | tuple)
        if "tuple" in str(known[option]) and not (is_list and all(isinstance(v, str) for v in value)):
            raise DataError(f"augment.{name}.{option}: needed is a list of names, got {value!r}")
        if known[option] == "float" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise DataError(f"augment.{name}.{option}: needed is a number, got {value!r}")
        values[option] = tuple(value) if is_list else value
    return kind(**values)


def _check_codecs(name: str, folder: FeatureFolder, streams: Sequence[Stream], facts: StreamFacts) -> None:
    for s in streams:
        if s.feature in folder.codecs and s.name not in facts.codecs:
            raise DataError(
                f"augment.{name}: {s.feature} features cannot be mirrored or turned; rotmat, rot6d, expmap and position can"
            )


def _require(name: str, option: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        accepted = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} or more"
        raise DataError(f"augment.{name}.{option} is {value:g}: accepted is {accepted}")


def _inputs(item: Item, wanted: Sequence[str], streams: StreamFacts) -> list[tuple[str, Scaler]]:
    """Keys of a window's inputs that are to be changed, with their statistics."""
    names = wanted or [k.removeprefix("in_") for k in item if f"out_{k.removeprefix('in_')}" in item]
    return [(f"in_{n}", streams.scalers[n]) for n in names if f"in_{n}" in item and n in streams.scalers]
