"""The same movement at other times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.kinematics import parts
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


def warped(motion: Motion, place: Array) -> Motion:
    """A motion whose frame t shows what the given one shows at its frame `place[t]`; speeds stay continuous.

    Args:
        motion: At least two frames.
        place: Frames, also between two, [T]; beyond the ends is the first or last one.
    """
    return replace(
        motion,
        rotations=turns_at(motion.rotations, place),
        root_positions=values_at(motion.root_positions, place),
        translations=None if motion.translations is None else values_at(motion.translations, place),
    )


def values_at(values: Array, place: Array) -> Array:
    """Values [F, ...] at frames, also between two, [T, ...]: Catmull-Rom cubics."""
    last = len(values) - 1
    at = np.clip(np.asarray(place, dtype=float), 0.0, last)
    low = np.minimum(at.astype(int), max(last - 1, 0))
    t = (at - low).reshape(-1, *[1] * (values.ndim - 1))
    before, here, there, beyond = (values[np.clip(low + k, 0, last)] for k in (-1, 0, 1, 2))
    slope, slope_there = 0.5 * (there - before), 0.5 * (beyond - here)
    t2, t3 = t * t, t * t * t
    return (
        (2 * t3 - 3 * t2 + 1) * here + (t3 - 2 * t2 + t) * slope + (3 * t2 - 2 * t3) * there + (t3 - t2) * slope_there
    )


def turns_at(turns: Array, place: Array) -> Array:
    """The same for unit quaternions [F, J, 4], by the short way whatever their signs."""
    signs = np.ones((*turns.shape[:2], 1), np.int8)
    for part in parts(len(turns) - 1):
        now, then = turns[part.start + 1 : part.stop + 1], turns[part.start : min(part.stop, len(turns) - 1)]
        signs[part.start + 1 : part.stop + 1][(now * then).sum(-1, keepdims=True) < 0] = -1
    np.cumprod(signs, axis=0, dtype=np.int8, out=signs)
    result = np.empty((len(place), *turns.shape[1:]), turns.dtype)
    for part in parts(len(place)):
        # The frames that these places lie between, and one more on either side.
        some = np.clip(place[part], 0.0, len(turns) - 1)
        seen = slice(max(0, int(some.min()) - 2), int(some.max()) + 4)
        result[part] = rot.normalize(values_at(signs[seen] * turns[seen], some - seen.start))
    return result


def monotone_cubic(at: Array, x: Array, y: Array) -> Array:
    """A smooth curve through points that rises and falls only where they do (Fritsch and Butland, 1984), level at both ends, [N].

    Args:
        at: Where, [N], within `x`.
        x: Ascending, [K], at least 2.
        y: Values, [K].
    """
    width, slope = np.diff(x), np.diff(y) / np.diff(x)
    left, right = slope[:-1], slope[1:]
    a, b = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    turning = left * right <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (a + b) / (a / left + b / right)
    tangent = np.concatenate(([0.0], np.where(turning, 0.0, mean), [0.0]))
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    u, h = (at - x[k]) / width[k], width[k]
    stays = (1 + 2 * u) * (1 - u) ** 2 * y[k] + u * u * (3 - 2 * u) * y[k + 1]
    return stays + h * u * (1 - u) * ((1 - u) * tangent[k] - u * tangent[k + 1])
