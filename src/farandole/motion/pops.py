"""Sudden jerks of a limb that no body makes, smoothed where they are and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.edit import smooth
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
        step = np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1).max(axis=1) * motion.fps**2
        wild = np.zeros(len(motion))
        wild[1:-1] = step > limit
        if not wild.any():
            return motion
        reach = max(1, round(0.1 * motion.fps))
        share = gaussian_filter1d(maximum_filter1d(wild, 2 * reach + 1), reach / 2, truncate=3.0)
        calm = smooth(motion, 0.03 * attempt)
        root = motion.root_positions + share[:, None] * (calm.root_positions - motion.root_positions)
        where = np.flatnonzero(share)
        rotations = motion.rotations.copy()
        weight = np.broadcast_to(share[where, None], rotations[where].shape[:-1])
        rotations[where] = rot.slerp(rotations[where], calm.rotations[where], weight)
        motion = replace(motion, rotations=rotations, root_positions=root)
    return motion
