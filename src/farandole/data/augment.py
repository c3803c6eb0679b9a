"""More from the same recordings: seen in a mirror, turned about the vertical, danced slower or faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from farandole.data.windows import Item
from farandole.errors import DataError
from farandole.motion.codecs import Codec
from farandole.motion.codecs.base import BodyCodec
from farandole.motion.motion import Motion


@dataclass(frozen=True)
class MirrorAndTurn:
    """A change for `Windows`: all motion streams of a window are mirrored together, then turned by the same angle.

    Attributes:
        codecs: Codec of each motion stream, by the stream's name.
        mirror: Probability of mirroring.
        turn: Whether to turn by any angle.
    """

    codecs: Mapping[str, Codec]
    mirror: float = 0.5
    turn: bool = True

    def __post_init__(self) -> None:
        for name, codec in self.codecs.items():
            if not isinstance(codec, BodyCodec):
                raise DataError(f"{name} features cannot be mirrored or turned; rotmat, rot6d, expmap and position can")

    def __call__(self, item: Item, random: np.random.Generator) -> Item:
        """The changed window."""
        mirrored, angle = random.random() < self.mirror, random.uniform(-np.pi, np.pi) if self.turn else 0.0
        changed = dict(item)
        for key, values in item.items():
            codec = self.codecs.get(key.partition("_")[2])
            if isinstance(codec, BodyCodec):
                values = codec.mirrored(values) if mirrored else values
                changed[key] = codec.turned(values, angle) if self.turn else values
        return changed


def at_tempo(motion: Motion, factor: float) -> Motion:
    """The same movement `factor` times as fast, at the same frame rate. Raises DataError unless it is positive."""
    if not (np.isfinite(factor) and factor > 0):
        raise DataError(f"tempo factor {factor} is not positive")
    return replace(motion.resample(motion.fps / factor), fps=motion.fps)


def features_at_tempo(values: np.ndarray, factor: float) -> np.ndarray:
    """Rows of music features [T, D] as if the song were played `factor` times as fast, its pitch unchanged.

    Linear between rows; columns of marks (0 and 1 only) keep every mark, on the nearest row.
    """
    if not (np.isfinite(factor) and factor > 0):
        raise DataError(f"tempo factor {factor} is not positive")
    count = int(np.floor((len(values) - 1) / factor + 1e-6)) + 1
    grid, where = np.arange(len(values)), np.arange(count) * factor
    result = np.stack([np.interp(where, grid, column) for column in values.T], axis=1)
    for k in np.flatnonzero(((values == 0) | (values == 1)).all(axis=0)):
        result[:, k] = 0.0
        result[np.minimum(np.round(np.flatnonzero(values[:, k]) / factor).astype(int), count - 1), k] = 1.0
    return result
