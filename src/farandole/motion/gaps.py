"""What an in-between model is told about windows with missing frames, and how its answer becomes motion again.

Everything is told frame by frame, relative to a guess that goes by formula from kept frame to kept frame: the place of its root and
its heading there. So a model knows neither where in the world a window lies nor which way it faces, and windows may have any
length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.interpolation import REACH, Gaps, hermite_line, hermite_turns
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

FAR = 240.0
"""Distance to a kept frame at which the measure of distance is 1, frames; that of a side without one."""

SOFTENING = 2.0
"""Distance from the nearest kept frame at which a model's correction counts half, frames."""

_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Neighbours:
    """Kept frames around every frame of windows [B, T]; a side without one repeats the other.

    Attributes:
        before, after: Nearest kept frame at or before, at or after each frame, [B, T].
        to_before, to_after: Frames to them, FAR for a side without one, [B, T].
    """

    before: np.ndarray
    after: np.ndarray
    to_before: Array
    to_after: Array

    @classmethod
    def of(cls, keep: np.ndarray) -> Neighbours:
        """From flags [B, T]; every window keeps at least one frame."""
        frames = keep.shape[1]
        place = np.arange(frames)
        before = np.maximum.accumulate(np.where(keep, place, -1), axis=1)
        after = np.minimum.accumulate(np.where(keep, place, frames)[:, ::-1], axis=1)[:, ::-1]
        to_before = np.where(before < 0, FAR, place - before)
        to_after = np.where(after >= frames, FAR, after - place)
        return cls(np.where(before < 0, after, before), np.where(after >= frames, before, after), to_before, to_after)

    @property
    def share(self) -> Array:
        """How far along its gap each frame is, [B, T] in 0..1; 0 where there is no gap between two kept frames."""
        length = self.after - self.before
        return np.where(length > 0, self.to_before / np.maximum(length, 1), 0.0)

    @property
    def window(self) -> Array:
        """How much a correction counts, [B, T]: 0 at kept frames, growing with the distance from them."""
        near = np.minimum(self.to_before, self.to_after)
        return near / (near + SOFTENING)


@dataclass(frozen=True)
class GapInput:
    """Windows as a model sees them.

    Attributes:
        features: [B, T, D] float32; the first 6 J are global rotations of the guess in its heading frame (6D).
        window: How much a correction counts, [B, T] float32.
        local: Rotations of the guess, [B, T, J, 4].
        roots: Root positions of the guess, [B, T, 3] m.
        heading: Turn about the vertical from heading frame to world, quaternions [B, T, 4].
    """

    features: Array
    window: Array
    local: Array
    roots: Array
    heading: Array


@dataclass(frozen=True)
class GapCodec:
    """Windows of one skeleton to features and back.

    Attributes:
        skeleton: The body.
        fps: Frame rate.
        upright: Rotation that a standing body's root has but for its heading, quaternion [4].
        still: Joints that keep the guess's rotation, whatever a model says.
        reach: Seconds within which the guess's curves give the speed at a kept frame up for the line to the next one, see
            `motion.interpolation`; 0 for arcs and straight lines throughout.
    """

    skeleton: Skeleton
    fps: float
    upright: Array
    still: tuple[int, ...] = ()
    reach: float = REACH

    @classmethod
    def fit(cls, skeleton: Skeleton, fps: float, motions: Sequence[Array], *, reach: float = REACH) -> GapCodec:
        """For motions like these: local rotations [T, J, 4] each. Joints that never move are `still`."""
        ups = np.concatenate([rot.rotate(rot.inverse(q[:, 0]), _UP) for q in motions])
        upright = rot.between(_UP, ups.mean(axis=0))
        swing = np.max([rot.angle_between(q[:1], q).max(axis=0) for q in motions], axis=0)
        return cls(skeleton, fps, upright, tuple(np.flatnonzero(swing < 1e-3).tolist()), reach)

    @property
    def dim(self) -> int:
        """Number of features D."""
        return 6 * len(self.skeleton) + 3 * (len(self.skeleton) - 1) + 24

    def headings(self, root: Array) -> Array:
        """Turns about the vertical of root rotations [..., 4] -> [..., 4]; smooth unless the body stands on its head."""
        q = rot.multiply(root, np.broadcast_to(rot.inverse(self.upright), root.shape).astype(root.dtype))
        return rot.from_yaw(2.0 * np.arctan2(q[..., 2], q[..., 0])).astype(root.dtype)

    def encode(self, rotations: Array, roots: Array, keep: np.ndarray) -> GapInput:
        """What a model is told.

        Args:
            rotations: Local unit quaternions, [B, T, J, 4]; those of missing frames do not matter.
            roots: Root positions, [B, T, 3] m.
            keep: Which frames are kept, [B, T] bool; at least one per window.
        """
        near = Neighbours.of(keep)
        local, path = bridge(rotations, roots, near)
        if self.reach > 0:
            local, path = bend(local, path, keep, self.reach * self.fps)
        positions, turns = kinematics.forward(self.skeleton, local, path)
        heading = self.headings(turns[..., 0, :])
        back = rot.inverse(heading)
        here = lambda v: rot.rotate(back[..., None, :], v)  # noqa: E731
        facing = rot.multiply(np.broadcast_to(back[..., None, :], turns.shape), turns)
        batch, frames = keep.shape
        flat = lambda x: x.reshape(batch, frames, -1)  # noqa: E731
        step = np.diff(path, axis=1) * self.fps
        past, ahead = (np.concatenate(p, axis=1) for p in ((step[:, :1], step), (step, step[:, -1:])))
        far = [np.take_along_axis(path, i[..., None], axis=1) - path for i in (near.before, near.after)]
        parts = (
            flat(rot.to_6d(facing)),
            flat(here(positions[..., 1:, :] - path[..., None, :])),
            path[..., 1:2],
            flat(here(np.stack((past, ahead, *far), axis=2))),
            self._turning(heading, near),
            _place(near, keep),
        )
        features = np.concatenate(parts, axis=-1).astype(np.float32)
        return GapInput(features, near.window.astype(np.float32), local, path, heading)

    def _turning(self, heading: Array, near: Neighbours) -> Array:
        """Sine and cosine of the turns to the headings of the kept frames on either side, [B, T, 4]."""
        parts = []
        for index in (near.before, near.after):
            other = np.take_along_axis(heading, index[..., None], axis=1)
            turn = rot.multiply(rot.inverse(heading), other)
            angle = 2.0 * np.arctan2(turn[..., 2], turn[..., 0])
            parts += [np.sin(angle), np.cos(angle)]
        return np.stack(parts, axis=-1)

    def decode(self, told: GapInput, turns: Array, shift: Array) -> tuple[Array, Array]:
        """Motion from a model's answer; kept frames come out as they went in up to rounding.

        Args:
            told: What the model was told.
            turns: Global rotations in the heading frame, 6D, need not be orthonormal, [B, T, J, 6].
            shift: Way of the root from the guess's, in the heading frame, [B, T, 3] m.

        Returns:
            Local unit quaternions [B, T, J, 4] and root positions [B, T, 3] m.
        """
        heading = told.heading[..., None, :]
        world = rot.multiply(np.broadcast_to(heading, (*turns.shape[:-1], 4)), rot.from_6d(turns))
        for j in self.still:
            parent = self.skeleton.parents[j]
            world[..., j, :] = (
                rot.multiply(world[..., parent, :], told.local[..., j, :]) if parent >= 0 else told.local[..., j, :]
            )
        local = kinematics.to_local(self.skeleton, world)
        return local, told.roots + rot.rotate(told.heading, np.asarray(shift, dtype=float))

    def to_json(self) -> dict[str, Any]:
        """Settings in plain values; the skeleton is kept elsewhere."""
        return {"upright": self.upright.tolist(), "still": list(self.still), "reach": self.reach}

    @classmethod
    def from_json(cls, data: dict[str, Any], skeleton: Skeleton, fps: float) -> GapCodec:
        """The inverse of `to_json`."""
        return cls(skeleton, fps, np.array(data["upright"]), tuple(data["still"]), data["reach"])


def bridge(rotations: Array, roots: Array, near: Neighbours) -> tuple[Array, Array]:
    """Arcs between kept rotations, straight lines between kept root positions; beyond the last one, that one."""
    take = lambda x, i: np.take_along_axis(x, i.reshape(*i.shape, *[1] * (x.ndim - 2)), axis=1)  # noqa: E731
    share = near.share.astype(rotations.dtype)
    a, b = take(rotations, near.before), take(rotations, near.after)
    local = rot.slerp(a, b, np.broadcast_to(share[..., None], a.shape[:-1])).astype(rotations.dtype)
    start = take(roots, near.before)
    return local, start + (take(roots, near.after) - start) * share[..., None]


def bend(local: Array, roots: Array, keep: np.ndarray, reach: float) -> tuple[Array, Array]:
    """The same by the cubics of `motion.interpolation` with a reach in frames, where a frame lies between two kept ones."""
    local, roots = local.copy(), roots.copy()
    patterns, which = np.unique(keep, axis=0, return_inverse=True)
    for number, kept in enumerate(patterns):
        if kept.sum() < 2:
            continue
        gaps, rows = Gaps.of(kept), np.flatnonzero(which.reshape(-1) == number)
        if not len(gaps.missing):
            continue
        q, p = np.moveaxis(local[rows], 0, 1).astype(float), np.moveaxis(roots[rows], 0, 1).astype(float)
        turns = hermite_turns(q.reshape(len(kept), -1, 4), gaps, reach).reshape(-1, *q.shape[1:])
        place = np.ix_(rows, gaps.missing)
        local[place] = np.moveaxis(turns, 0, 1)
        roots[place] = np.moveaxis(hermite_line(p, gaps, reach), 0, 1)
    return local, roots


def _place(near: Neighbours, keep: np.ndarray) -> Array:
    """Kept or not, and where in its gap each frame is, [B, T, 7]."""
    measure = lambda d: np.log1p(d) / np.log1p(FAR)  # noqa: E731
    no_side = lambda d: d >= FAR  # noqa: E731
    return np.stack(
        (
            keep.astype(float),
            near.window,
            near.share,
            measure(near.to_before),
            measure(near.to_after),
            no_side(near.to_before).astype(float),
            no_side(near.to_after).astype(float),
        ),
        axis=-1,
    )
