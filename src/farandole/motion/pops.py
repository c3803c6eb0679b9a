"""Sudden jerks of a limb that no body makes, smoothed where they are and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.edit import smooth
from farandole.motion.kinematics import PART, parts
from farandole.motion.motion import Motion


def soften_pops(motion: Motion, *, limit: float = 60.0, rounds: int = 4) -> Motion:
    """Smooth a motion around frames in which a joint is accelerated beyond `limit`.

    There, rotations and root path pass into their Gaussian averages, wider from round to round until nothing exceeds the limit;
    frames further away than a quarter of a second keep every digit.

    Args:
        limit: Greatest acceleration that counts as a body's own, m/s^2 (second differences; dancers reach about 50).
        rounds: Most attempts; the n-th averages with a standard deviation of n times 0.03 s.
    """
    from farandole.motion.filters import gaussian_filter1d, maximum_filter1d

    for attempt in range(1, rounds + 1):
        if len(motion) < 3:
            return motion
        wild = np.zeros(len(motion))
        for part in parts(len(motion) - 2):
            seen = motion.slice(part.start, part.stop + 2) if len(motion) > PART else motion
            moved = np.diff(seen.positions, n=2, axis=0)
            step = np.linalg.norm(moved, axis=-1).max(axis=1) * motion.fps**2
            wild[1 + part.start : 1 + part.start + len(step)] = step > limit
        if not wild.any():
            return motion
        reach = max(1, round(0.1 * motion.fps))
        share = gaussian_filter1d(maximum_filter1d(wild, 2 * reach + 1), reach / 2, truncate=3.0)
        root, rotations = motion.root_positions.copy(), motion.rotations.copy()
        for first, last, begin, end in _passages(share, around=int(4 * 0.03 * attempt * motion.fps) + 2):
            calm = smooth(motion.slice(begin, end), 0.03 * attempt).slice(first - begin, last - begin)
            amount = share[first:last, None]
            root[first:last] += amount * (calm.root_positions - root[first:last])
            weight = np.broadcast_to(amount, rotations[first:last].shape[:-1])
            rotations[first:last] = rot.slerp(rotations[first:last], calm.rotations, weight)
        motion = replace(motion, rotations=rotations, root_positions=root)
    return motion


def _passages(share: np.ndarray, around: int) -> Iterator[tuple[int, int, int, int]]:
    """Runs of frames with a share above 0: their first and end, and the same with what a filter sees around them."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], share > 0, [0])).astype(int)))
    for first, last in edges.reshape(-1, 2).tolist():
        yield first, last, max(0, first - around), min(len(share), last + around)
