"""Where a dancer goes and faces: kept on a stage, and turned back to the audience, in steps and not while both feet stand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from farandole.generation.stages import Stage
from farandole.motion import rotations as rot
from farandole.motion.feet import CleanupConfig, anchor_root, plant_feet, planted_feet
from farandole.motion.filters import gaussian_filter1d
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_AWAY = math.radians(35.0)
"""A dancer may face so far away from the audience without being turned back."""
_TURN_SECONDS, _FASTEST_TURN = 1.5, 1.0  # s within which the rest is turned back, rad/s at most
_LOOK = 1.0  # s, deviation of the Gaussian that tells where a dancer faces by and large
_WALK_SECONDS, _FASTEST_WALK = 1.5, 0.45  # s within which what is beyond the inner stage is taken back, m/s at most
_ROAM, _PULL = 0.5, 0.3  # half of the pull to the middle is felt at this share of the way to the edge; m/s
_MARGIN = 0.35
"""Width of the rim of a stage within which a dancer is drawn back in earnest, m; half of it on the smallest."""
_USUAL, _RARER, _AROUND = 0.4, 3.0, 1.5
"""Mean freedom of most dances; what is freer more seldom within so many s is used the more, up to this factor."""
_LIVELY = 0.6
"""Share of the mean speed of the body from which on it counts as moving."""


def steered(
    motion: Motion,
    scores: Array,
    stage: Stage,
    begin: int = 0,
    audience: float = 0.0,
    *,
    locking: Array | float = 0.0,
) -> Motion:
    """A motion that faces the audience again and again and stays on the stage, with feet that stand where they bear weight.

    Turning and travel are added where at most one foot bears weight and the body moves: the standing foot pivots on its ball, the
    other lands elsewhere. The middle of the stage is where the dancer stands in frame `begin`.

    Args:
        motion: On the house skeleton.
        scores: How likely each foot bears weight, [T, 2].
        stage: Width and depth, m. The hips never leave it.
        begin: First frame that may be changed.
        audience: Heading that faces the audience, rad.
        locking: How much nearly straight legs are stretched: see `plant_feet`.
    """
    config = CleanupConfig(pull=0.0)
    scores = gaussian_filter1d(np.clip(scores, 0.0, 1.0), 1.0, axis=0, mode="nearest")
    free = freedom(motion, scores)
    free[: begin + 1] = 0.0
    motion = anchor_root(faced(motion, free, audience), scores)
    motion = on_stage(motion, free, stage, begin, audience)
    return plant_feet(motion, planted_feet(scores, motion.fps, config), config, locking)


def freedom(motion: Motion, scores: Array) -> Array:
    """How much of turning and travel can be added unseen, [T] from 0: nothing while both feet stand or the body is still."""
    speed = motion.speeds.mean(axis=1)
    moving = np.clip(speed / max(_LIVELY * float(speed.mean()), 1e-6), 0.0, 1.0)
    lifted = np.clip(1.0 - scores.min(axis=1), 0.0, 1.0)
    free = gaussian_filter1d(moving * lifted, 1.0, mode="nearest")
    around = gaussian_filter1d(free, _AROUND * motion.fps, mode="nearest")
    return free * np.clip(_USUAL / np.maximum(around, 1e-6), 1.0, _RARER)


def faced(motion: Motion, free: Array, audience: float = 0.0) -> Motion:
    """The motion turned, where it is free [T], to the audience's heading (rad); turns of the dancer's own stay."""
    yaw = np.unwrap(rot.yaw(motion.rotations[:, 0]))
    look = gaussian_filter1d(yaw, _LOOK * motion.fps, mode="nearest") - audience
    offset, added = np.empty(len(yaw)), 0.0
    limit = _FASTEST_TURN * _TURN_SECONDS
    for frame, (angle, share) in enumerate(zip(look.tolist(), free.tolist(), strict=True)):
        away = (angle + added + math.pi) % (2.0 * math.pi) - math.pi
        excess = math.copysign(max(abs(away) - _AWAY, 0.0), away)
        added -= share * max(min(excess, limit), -limit) / _TURN_SECONDS / motion.fps
        offset[frame] = added
    return turned(motion, offset)


def turned(motion: Motion, offset: Array) -> Motion:
    """The motion turned by an angle [T] about where it is, rad: its steps too."""
    around = rot.from_yaw(offset)
    steps = np.diff(motion.root_positions, axis=0, prepend=motion.root_positions[:1])
    path = motion.root_positions[0] + np.cumsum(rot.rotate(around, steps), axis=0)
    rotations = motion.rotations.copy()
    rotations[:, 0] = rot.multiply(around, rotations[:, 0])
    return replace(motion, rotations=rotations, root_positions=path)


def on_stage(motion: Motion, free: Array, stage: Stage, begin: int = 0, audience: float = 0.0) -> Motion:
    """The motion drawn to the middle of a stage where it is free [T]; see `steered`."""
    path = motion.root_positions.copy()
    back = rot.from_yaw(np.full(len(path), -audience))
    place = rot.rotate(back, path - path[begin])
    for axis, side in ((0, stage[0]), (2, stage[1])):
        half = 0.5 * side
        rim = min(_MARGIN, 0.25 * half)
        drawn = _drawn(
            gaussian_filter1d(place[:, axis], 0.5 * motion.fps, mode="nearest"), free, half - rim, motion.fps
        )
        moved = place[:, axis] + drawn
        beyond = np.abs(moved) - (half - rim)
        kept = half - rim + rim * np.tanh(np.maximum(beyond, 0.0) / rim)
        moved = np.where(beyond > 0, np.sign(moved) * kept, moved)
        moved[: begin + 1] = place[: begin + 1, axis]
        place[:, axis] = moved
    path[:, [0, 2]] = (path[begin] + rot.rotate(rot.inverse(back), place))[:, [0, 2]]
    return replace(motion, root_positions=path)


def _drawn(path: Array, free: Array, inner: float, fps: float) -> Array:
    """Offsets [T] m that draw a path [T] to 0: gently within `inner`, in earnest beyond."""
    offset, drawn = np.empty(len(path)), 0.0
    for frame, (x, share) in enumerate(zip(path.tolist(), free.tolist(), strict=True)):
        at = x + drawn
        gentle = _PULL * (1.0 - math.exp(-math.log(2.0) * (at / (_ROAM * inner)) ** 2))
        speed = min(gentle + max(abs(at) - inner, 0.0) / _WALK_SECONDS, _FASTEST_WALK)
        drawn -= math.copysign(min(share * speed / fps, abs(at)), at)
        offset[frame] = drawn
    return offset
