"""A dancer without music: comes to stand, and breathes."""

from __future__ import annotations

import math

import numpy as np

from farandole.generation.live.track import Track
from farandole.motion import rotations as rot
from farandole.motion.feet import SIDES, reach_balls
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_ARM_DROP = math.radians(72)
_ELBOW = math.radians(14)
_STEP_SECONDS, _SECOND_STEP = 0.55, 0.5  # a step lasts so long; the second foot follows so much later
_SETTLE_SECONDS = 1.1
_STEP_HEIGHT = 0.06  # m
_NEAR = 0.03  # m by which a foot may be off its place and stays
_BREATH, _SWAY = 4.2, 7.3  # s
_SINK = 0.012  # m by which knees are bent


def stand_pose(skeleton: Skeleton) -> Array:
    """Upright with the arms down, local quaternions [J, 4]."""
    pose = rot.identity(len(skeleton))
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        pose[skeleton.index(f"{side}Arm")] = rot.from_rotvec(np.array([0.12, 0.0, sign * _ARM_DROP]))
        pose[skeleton.index(f"{side}ForeArm")] = rot.from_rotvec(np.array([0.0, sign * _ELBOW, 0.0]))
    return pose


class Stand:
    """A place to stand.

    Args:
        skeleton: The house skeleton.
        position: Floor position (x, z) of the hips, m.
        heading: Where it looks, rad.
        fps: Frame rate.
        latent: Frames per token, and numbers of a latent.
    """

    def __init__(
        self, skeleton: Skeleton, position: Array, heading: float, fps: float, latent: tuple[int, int]
    ) -> None:
        self.skeleton, self.fps, self._latent = skeleton, fps, latent
        self._pose, self._around = stand_pose(skeleton), rot.from_yaw(heading)
        self._rest = skeleton.rest_positions
        low = min(float(self._rest[skeleton.index(f"{s}ToeBase"), 1]) for s in SIDES)
        self._floor = low + float(skeleton.end_sites["LeftToeBase"][1])
        self._place = np.array([position[0], 0.0, position[1]])
        balls = np.stack([self._rest[skeleton.index(f"{s}ToeBase")] for s in SIDES])
        balls = balls - self._rest[0] * np.array([1.0, 0.0, 1.0])
        self.balls = rot.rotate(self._around, balls) + self._place
        self.balls[:, 1] = -float(skeleton.end_sites["LeftToeBase"][1])

    def frames(self, first: int, count: Array) -> Track:
        """Standing frames from number `first` on; `count` [T] of the music."""
        return self._track(
            first, count, *self._free(first, len(count)), np.repeat(self.balls[None], len(count), axis=0)
        )

    def entered(self, old: Track, first: int, count: Array) -> Track:
        """Frames in which a dancer comes to stand, from frame `first` of an old track on.

        Each foot steps to its place, one after the other; a body in full swing comes to rest meanwhile.
        """
        t = np.arange(len(count)) / self.fps
        free, roots = self._free(first, len(count))
        before = slice(first - old.first, first - old.first + len(count))
        hold = lambda x: np.concatenate((x[before], np.repeat(x[-1:], max(0, len(count) - len(x[before])), axis=0)))  # noqa: E731
        share = _ease(t / _SETTLE_SECONDS)
        free = rot.slerp(hold(old.free), free, np.broadcast_to(share[:, None], free.shape[:2]))
        roots = hold(old.roots) + share[:, None] * (roots - hold(old.roots))
        balls = np.empty((len(count), 2, 3))
        start = old.balls[first - old.first]
        leading = int(np.argmax(start[:, 1]))  # a foot in the air comes down first
        for foot in range(2):
            begin = 0.0 if foot == leading else _SECOND_STEP
            way = self.balls[foot] - start[foot]
            u = np.clip((t - begin) / _STEP_SECONDS, 0.0, 1.0)
            moving = _ease(np.clip((t) / 0.25, 0, 1)) if begin == 0.0 else np.ones(len(t))
            there = start[foot] + _ease(u)[:, None] * way
            far = float(np.hypot(way[0], way[2])) > _NEAR
            there[:, 1] += _STEP_HEIGHT * np.sin(np.pi * u) ** 2 * far
            blend = moving if begin == 0.0 else _ease(t / 0.25)
            old_path = hold(old.balls)[:, foot]
            balls[:, foot] = old_path + blend[:, None] * (there - old_path)
        return self._track(first, count, free, roots, balls)

    def _free(self, first: int, frames: int) -> tuple[Array, Array]:
        t = (first + np.arange(frames)) / self.fps
        breath, sway = np.sin(2 * np.pi * t / _BREATH), np.sin(2 * np.pi * t / _SWAY)
        turns = np.repeat(self._pose[None], frames, axis=0)
        lean = np.zeros((frames, 3))
        for name, pitch, roll in (("Spine", 0.010, 0.012), ("Spine1", -0.016, 0.006), ("Neck", 0.008, -0.012)):
            lean[:, 0], lean[:, 2] = pitch * breath, roll * sway
            turns[:, self.skeleton.index(name)] = rot.from_rotvec(lean)
        turns[:, 0] = self._around
        across = rot.rotate(self._around, np.array([1.0, 0.0, 0.0]))
        roots = self._place + 0.008 * sway[:, None] * across
        roots[:, 1] = self._rest[0, 1] - self._floor - _SINK + 0.002 * breath
        return turns, roots

    def _track(self, first: int, count: Array, free: Array, roots: Array, balls: Array) -> Track:
        motion = reach_balls(Motion(self.skeleton, free, roots, self.fps), balls)
        latents = np.full((len(count) // self._latent[0], self._latent[1]), np.nan, np.float32)
        return Track(first, motion.rotations, motion.root_positions, free, balls, count, latents, np.zeros(len(count)))


def _ease(u: Array) -> Array:
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (u * (6.0 * u - 15.0) + 10.0)
