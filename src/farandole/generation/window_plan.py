"""Motions longer than a model's window, for every way of completing: windows that overlap, and how they are joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from farandole.errors import MotionError
from farandole.motion.interpolation import Gaps
from farandole.motion.rotations import Array


@dataclass(frozen=True)
class WindowStep:
    """One window of a motion that is made from the left.

    Attributes:
        first: Frame that the window begins with.
        done: First frame that is not there yet; those from `first` on are the window's context.
        end: Frames up to this one are kept.
    """

    first: int
    done: int
    end: int


def forward_windows(
    done: int, total: int, *, window: int, context: int, keep: int | None = None, flush: bool = False
) -> Iterator[WindowStep]:
    """Windows from the left: each takes over what is there and adds to it.

    Args:
        done: Frames that are there at first.
        total: Frames in the end.
        window: Length of a window.
        context: Frames that a window takes over at most.
        keep: New frames that are kept of a window; None: all.
        flush: Move the last window back to end with the motion; it then takes over more.
    """
    while done < total:
        first = max(0, done - context)
        if flush:
            first = max(0, min(first, total - window))
        end = min(total, first + window if keep is None else done + keep)
        yield WindowStep(first, done, end)
        done = end


def gap_windows(known: np.ndarray, longest: int, fps: float) -> list[tuple[int, int]]:
    """Overlapping windows that cover every gap: first and last frame, both known, at most `longest` frames.

    Args:
        known: [T] bool.
        longest: Frames of a window at most.
        fps: Frame rate, for the message.

    Raises:
        MotionError: If a gap does not fit.
    """
    gaps = Gaps.of(known)
    places = np.flatnonzero(known)
    widest = int((gaps.after - gaps.before).max())
    if widest + 1 > longest:
        raise MotionError(
            f"a gap of {(widest - 1) / fps:.1f} s is longer than the {(longest - 2) / fps:.1f} s the model can fill: "
            "keep a frame in between, or use the method hermite"
        )
    result: list[tuple[int, int]] = []
    start = int(gaps.before[0])
    while True:
        end = int(places[np.searchsorted(places, start + longest, side="left") - 1])
        result.append((start, end))
        left = gaps.missing > end
        if not left.any():
            return result
        opens, closes = int(gaps.before[left][0]), int(gaps.after[left][0])
        # Half a window back for context and blending, but near enough that the next gap fits.
        earliest = max(start + 1, opens - longest // 2, closes - longest + 1)
        start = int(places[np.searchsorted(places, earliest)])


def blend_weights(frames: int) -> Array:
    """Weights of the frames of a window in the mean of overlapping ones, rising from its ends, [frames]."""
    return np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 2
