"""A new plan joined to what is danced: placed where the dancer is, blended, and its feet planted across the join."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace

import numpy as np

from farandole.generation.live.on_beat import shift_to_beats
from farandole.generation.live.track import Track
from farandole.motion import rotations as rot
from farandole.motion.feet import (
    CleanupConfig,
    anchor_root,
    ball_targets,
    lower_root,
    planted_feet,
    reach_balls,
)
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.stage import EDGE_SECONDS
from farandole.motion.time_warp import values_at, warped

BLEND = 12
"""Frames over which a new plan takes over from the old one."""
_CONFIG = CleanupConfig()
_EDGE = 1.5
"""Distance from where the dance began beyond which the dancer comes back at once, m."""


def joined(
    track: Track, begin: int, motion: Motion, scores: Array, done: int, count: Array, latents: Array
) -> Generator[None, None, Track]:
    """The plan as a track from frame `begin` on; yields between slices of work.

    Args:
        track: What is danced; it reaches beyond `begin`, and where it ends the new plan has taken over.
        begin: First frame that may change.
        motion: The new plan, of which the first `done` frames retell what is danced before `begin`.
        scores: How likely each foot bears weight, [T, 2].
        done: See `motion`.
        count: Beat count of the frames, [T].
        latents: Of the tokens from `begin` on.
    """
    from farandole.motion.filters import gaussian_filter1d

    at = begin - track.first
    carried = track.shift[np.clip(np.arange(at - done, at - done + len(motion)), 0, at)]
    later = np.arange(len(motion)) + carried
    motion, scores = warped(motion, later), values_at(scores, later)
    weight = gaussian_filter1d(np.clip(scores, 0.0, 1.0), 1.0, axis=0, mode="nearest")
    motion = anchor_root(motion, weight)
    yield
    motion = _placed(motion, done, track.free[at, 0], track.roots[at])
    motion = _drawn_back(motion, done)
    planted = planted_feet(weight, motion.fps, _CONFIG)
    past = min(done, at)
    recent = motion.slice(done - past, None)
    balls = ball_targets(recent, planted[done - past :], _CONFIG, past=track.balls[at - past : at])
    yield
    lowered = lower_root(recent, balls).slice(past, None)
    balls, count = balls[past:], count[done:]
    shift = shift_to_beats(lowered, balls, count, float(carried[-1]))
    yield
    later = np.arange(len(lowered)) + shift
    lowered, balls = warped(lowered, later), values_at(balls, later)
    shift = shift + carried[-1]
    old = slice(at, min(at + BLEND, len(track.free)))
    length = old.stop - old.start
    share = np.ones(len(balls))
    share[:length] = _ease((np.arange(length) + 0.5) / length)
    free = lowered.rotations.copy()
    near = np.broadcast_to(share[:length, None], free[:length].shape[:2])
    free[:length] = rot.slerp(track.free[old], free[:length], near)
    mixed = lambda a, b: a + share[:length].reshape(-1, *[1] * (b.ndim - 1)) * (b - a)  # noqa: E731
    roots = lowered.root_positions.copy()
    roots[:length] = mixed(track.roots[old], roots[:length])
    balls[:length] = mixed(track.balls[old], balls[:length])
    blended = replace(lowered, rotations=free, root_positions=roots)
    _ = blended.positions  # remembered: half of the work of reaching
    yield
    final = reach_balls(blended, balls)
    return Track(begin, final.rotations, roots, free, balls, count, latents, shift)


def _placed(motion: Motion, frame: int, turn: Array, place: Array) -> Motion:
    """Moved over the floor and turned so that at `frame` its hips are at `place` [3] and face as `turn` [4]."""
    around = rot.from_yaw(rot.yaw(turn) - rot.yaw(motion.rotations[frame, 0]))
    rotations = motion.rotations.copy()
    rotations[:, 0] = rot.multiply(around, rotations[:, 0])
    roots = rot.rotate(around, motion.root_positions - motion.root_positions[frame])
    roots[:, [0, 2]] += place[[0, 2]]
    roots[:, 1] = motion.root_positions[:, 1]
    return replace(motion, rotations=rotations, root_positions=roots)


def _drawn_back(motion: Motion, frame: int) -> Motion:
    """Drawn slowly to the origin from `frame` on: the nearer to the radius and beyond, the faster (see `stage.stay_near`)."""
    path = motion.root_positions.copy()
    x, z = float(path[frame, 0]), float(path[frame, 2])
    steps = np.diff(path[frame:, [0, 2]], axis=0, prepend=path[frame : frame + 1, [0, 2]]).tolist()
    back_x = back_z = 0.0
    for n, (dx, dz) in enumerate(steps):
        x, z = x + dx, z + dz
        distance = math.hypot(x, z)
        if distance > 1e-6:
            pull = _CONFIG.pull * (1.0 - math.exp(-((distance / _CONFIG.radius) ** 2)))
            share = min((pull + max(distance - _EDGE, 0.0) / EDGE_SECONDS) / motion.fps / distance, 1.0)
            back_x, back_z = back_x - share * x, back_z - share * z
            x, z = x - share * x, z - share * z
        path[frame + n, 0] += back_x
        path[frame + n, 2] += back_z
    return replace(motion, root_positions=path)


def _ease(u: Array) -> Array:
    return u * u * u * (u * (6.0 * u - 15.0) + 10.0)
