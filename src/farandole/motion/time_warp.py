"""The same movement at other times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


def warped(motion: Motion, seconds: Array) -> Motion:
    """A motion whose frame t shows what the given one shows at `seconds[t]`: slerp for rotations, linear for positions.

    Args:
        motion: At least two frames.
        seconds: [T], within the motion; times beyond its ends show its first or last frame.
    """
    place = np.clip(np.asarray(seconds, dtype=float) * motion.fps, 0.0, len(motion) - 1)
    low = np.minimum(place.astype(int), len(motion) - 2)
    share = place - low
    lerp = lambda x: x[low] + (x[low + 1] - x[low]) * share.reshape(-1, *[1] * (x.ndim - 1))  # noqa: E731
    weight = np.broadcast_to(share[:, None], (len(low), motion.rotations.shape[1]))
    return replace(
        motion,
        rotations=rot.slerp(motion.rotations[low], motion.rotations[low + 1], weight),
        root_positions=lerp(motion.root_positions),
        translations=None if motion.translations is None else lerp(motion.translations),
    )


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
