"""Copies that `prepare` makes of a recording beside it: mirrored, turned about the vertical, at other tempi.

A copy is called as its source with a suffix (`_mirrored`, `_turned90`, `_tempo110`, in this order) and never lies in another split.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from farandole.errors import DataError
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

TEMPI = (0.5, 2.0)
"""Slowest and fastest factor: beyond, neither dance nor music is one."""


@dataclass(frozen=True)
class Variant:
    """What is done to a recording, in this order.

    Attributes:
        mirrored: Left and right change places.
        turn: Angle about the vertical, degrees.
        tempo: Factor of speed of motion and music.
    """

    mirrored: bool = False
    turn: float = 0.0
    tempo: float = 1.0

    @property
    def suffix(self) -> str:
        """What is added to the sequence's name; "" for the recording itself."""
        parts = ["_mirrored"] if self.mirrored else []
        parts += [f"_turned{self.turn:g}"] if self.turn else []
        parts += [f"_tempo{100 * self.tempo:g}"] if self.tempo != 1 else []
        return "".join(parts).replace(".", "p")  # names of features begin at a dot


def variants(mirror: bool = False, turns: Sequence[float] = (), tempi: Sequence[float] = ()) -> tuple[Variant, ...]:
    """The recording itself and every combination of its copies.

    Args:
        mirror: Mirrored copies, too.
        turns: Further angles, degrees.
        tempi: Further factors of speed, 0.5 to 2.

    Raises:
        DataError: If an angle or a factor cannot be used.
    """
    for angle in turns:
        if not math.isfinite(angle):
            raise DataError(f"a turn by {angle} degrees is none")
    for factor in tempi:
        if not TEMPI[0] <= factor <= TEMPI[1]:
            raise DataError(f"tempo factor {factor:g}: accepted is {TEMPI[0]:g} (half as fast) to {TEMPI[1]:g} (twice)")
    angles, factors = dict.fromkeys((0.0, *(a % 360 for a in turns))), dict.fromkeys((1.0, *tempi))
    choices = itertools.product((False, True) if mirror else (False,), angles, factors)
    return tuple(Variant(*choice) for choice in choices)


def vary(
    variant: Variant, motion: Motion, music: Mapping[str, Array], columns: Mapping[str, Sequence[str]]
) -> tuple[Motion, dict[str, Array]]:
    """A recording changed by a variant: movement and music at the same instants as before, on one clock.

    The music is that of the sound played faster or slower at the same pitch: rows of its features are read at stretched times
    (linearly between two; marks stay marks, on the nearest frame), and columns called `tempo`, which hold the logarithm to base 2
    of the tempo, grow by that of the factor.

    Args:
        variant: The change.
        motion: The movement.
        music: Features [T, D] by name, as long as the motion.
        columns: Names of their columns.
    """
    from farandole.motion.edit import mirror, turn

    body = mirror(motion) if variant.mirrored else motion
    body = turn(body, math.radians(variant.turn)) if variant.turn else body
    body = replace(body, name=motion.name + variant.suffix)
    if variant.tempo == 1:
        return body, dict(music)
    stretched = {name: _faster(rows, columns[name], variant.tempo) for name, rows in music.items()}
    return at_tempo(body, variant.tempo), stretched


def _faster(rows: Array, columns: Sequence[str], factor: float) -> Array:
    result = features_at_tempo(rows, factor)
    for k, column in enumerate(columns):
        if column.split()[-1] == "tempo":  # "beats tempo" where features stand side by side
            result[:, k] += math.log2(factor)
    return result


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
