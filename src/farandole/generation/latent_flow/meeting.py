"""A dance that meets known frames: gaps placed and bent to begin and end where these are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.interpolation import Gaps
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


def meeting(body: Motion, made: Motion, given: np.ndarray) -> Motion:
    """A dance that has the body's given frames: every gap begins where, and facing as, the given frame before it.

    What the dance is off at either end of a gap is spread over it.
    """
    gaps = Gaps.of(given)
    turn = rot.yaw(body.rotations[gaps.before, 0]) - rot.yaw(made.rotations[gaps.before, 0])
    around = rot.from_yaw(turn)
    start = made.root_positions[gaps.before]

    def placed(frames: np.ndarray) -> tuple[Array, Array]:
        turns = made.rotations[frames].copy()
        turns[:, 0] = rot.multiply(around, turns[:, 0])
        return turns, body.root_positions[gaps.before] + rot.rotate(around, made.root_positions[frames] - start)

    u = gaps.share
    ease = u * u * (3.0 - 2.0 * u)
    turns, path = placed(gaps.missing)
    bend = np.zeros((*turns.shape[:2], 3))
    for end, weight in ((gaps.before, 1.0 - ease), (gaps.after, ease)):
        there, place = placed(end)
        bend += weight[:, None, None] * rot.to_rotvec(rot.multiply(rot.inverse(there), body.rotations[end]))
        path += weight[:, None] * (body.root_positions[end] - place)
    rotations, roots = body.rotations.copy(), body.root_positions.copy()
    rotations[gaps.missing] = rot.multiply(turns, rot.from_rotvec(bend))
    roots[gaps.missing] = path
    return replace(body, rotations=rotations, root_positions=roots)
