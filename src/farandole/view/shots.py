"""Where the camera of a video stands: modes, framing that fills the picture, and cuts on the bars of the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from farandole.errors import MotionError
from farandole.motion.rotations import Array
from farandole.view.camera import Camera, smooth_path

MODES = ("front", "follow", "orbit", "close-up", "fixed")
"""front: before the dancers, gliding along; follow: that, and turning with them; orbit: round them; close-up: head to hips, gliding
along; fixed: one place from which all of the dance is seen."""

VIEW_ANGLE = 0.45
"""Vertical field of view, rad."""
SAFE = 0.92
"""Share of the picture, in both directions, in which the dancers stay."""
_LIFT = 0.16
_ROUND = 24.0  # s for a full circle of "orbit"
_SHORTEST = 3.5  # s that a shot lasts at least
_CUTS = (("front", 0.3), ("close-up", -0.35), ("follow", 0.55), ("front", -0.5), ("orbit", 0.0))


@dataclass(frozen=True, eq=False)
class Shots:
    """The camera of every frame: eyes and targets [T, 3] m, size of the picture in pixels, vertical field of view in rad."""

    eyes: Array
    targets: Array
    size: tuple[int, int]
    view_angle: float = VIEW_ANGLE

    def __len__(self) -> int:
        return len(self.eyes)

    def camera(self, t: int) -> Camera:
        """The camera of frame `t`."""
        return Camera(self.eyes[t], self.targets[t], self.size, self.view_angle)


@dataclass(frozen=True, eq=False)
class Subject:
    """What is filmed: points of some frames that must be seen.

    Attributes:
        frames: The frames that `points` tell of, [N].
        points: World positions [N, P, 3] m.
        radii: How far the bodies reach around each, [P] m.
        roots: Middle of the dancers' hips in every frame, [T, 3] m.
        front: Where they look on average, rad from +z towards +x.
        headings: Where they look in every frame, [T] rad, continuous.
    """

    frames: Array
    points: Array
    radii: Array
    roots: Array
    front: float
    headings: Array


def plan_shots(
    subject: Subject,
    size: tuple[int, int],
    fps: float,
    *,
    mode: str = "front",
    turn: float = 0.3,
    bars: Sequence[float] = (),
) -> Shots:
    """Plan the camera's way.

    Args:
        subject: What is filmed.
        size: Width and height in pixels.
        fps: Frames per second.
        mode: One of `MODES`.
        turn: Angle from straight ahead towards the dancers' left, rad.
        bars: Times at which another shot may begin, s: the camera then changes place and mode every few bars. None: one shot.

    Raises:
        MotionError: If there is no such mode.
    """
    if mode not in MODES:
        raise MotionError(f"no camera '{mode}'; there are: {', '.join(MODES)}")
    count = len(subject.roots)
    starts = [0, *_cut_frames(bars, fps, count)]
    eyes, targets = np.zeros((count, 3)), np.zeros((count, 3))
    for n, (a, b) in enumerate(pairwise([*starts, count])):
        own_mode, own_turn = (mode, turn) if n == 0 or len(starts) == 1 else _CUTS[n % len(_CUTS)]
        eyes[a:b], targets[a:b] = _shot(subject, a, b, size, fps, own_mode, own_turn)
    return Shots(eyes, targets, size)


def _cut_frames(bars: Sequence[float], fps: float, count: int) -> list[int]:
    """Frames at which shots begin: bars, the shots between them not too short."""
    result: list[int] = []
    for bar in bars:
        frame = round(bar * fps)
        if frame - (result[-1] if result else 0) >= _SHORTEST * fps and count - frame >= _SHORTEST * fps:
            result.append(frame)
    return result


def _shot(
    subject: Subject, start: int, stop: int, size: tuple[int, int], fps: float, mode: str, turn: float
) -> tuple[Array, Array]:
    """Eyes and targets [stop - start, 3] of one shot."""
    count = stop - start
    look = np.full(count, subject.front + turn)
    if mode == "follow":
        look = smooth_path(subject.headings[:, None], fps, seconds=1.2)[start:stop, 0] + turn
    elif mode == "orbit":
        look = look + 2.0 * np.pi * np.arange(count) / (fps * _ROUND)
    inside = (subject.frames >= start) & (subject.frames < stop)
    if not inside.any():
        inside[int(np.argmin(np.abs(subject.frames - start)))] = True
    points, frames = subject.points[inside], np.clip(subject.frames[inside].astype(int) - start, 0, count - 1)
    if mode == "fixed":
        low, high = points.min((0, 1)), points.max((0, 1))
        targets = np.tile(0.5 * (low + high), (count, 1))
    else:
        targets = smooth_path(subject.roots, fps, seconds=0.5 if mode == "close-up" else 0.8)[start:stop]
    radii = subject.radii
    if mode == "close-up":
        # From a hand below the hips upwards: legs, and arms at times, may leave the picture.
        floor = subject.roots[start:stop][frames][:, None, 1] * 0.85
        points = np.where((points[..., 1] < floor)[..., None], targets[frames][:, None], points)
    top, bottom = np.percentile(points[..., 1].max(1), 99), np.percentile(points[..., 1].min(1), 1)
    targets = targets.copy()
    targets[:, 1] = 0.5 * (top + bottom)
    lift = 0.06 if mode == "close-up" else _LIFT
    away = np.stack((np.sin(look) * np.cos(lift), np.full(count, np.sin(lift)), np.cos(look) * np.cos(lift)), axis=-1)
    tall = np.tan(0.5 * VIEW_ANGLE) * SAFE
    wide = tall * size[0] / size[1]
    distance = 1.0
    for _ in range(4):  # where the middle lies depends on the distance a little
        right, up, depth = _in_view(points, targets[frames], away[frames])
        # A sphere of radius r is seen within |x| + r / cos(half the angle).
        reach = radii / np.cos(0.5 * VIEW_ANGLE)
        need = np.maximum((np.abs(right) + reach) / wide, (np.abs(up) + reach) / tall) - depth
        distance = max(float(np.percentile(need.max(1), 60.0 if mode == "close-up" else 99.0)), 0.3)
        view = distance + depth
        above, below = ((up + reach) / view).max(1), ((up - reach) / view).min(1)
        shift = 0.5 * distance * (np.percentile(above, 99) + np.percentile(below, 1))
        targets[:, 1] += shift / np.cos(lift)
    return targets + distance * away, targets


def _in_view(points: Array, targets: Array, away: Array) -> tuple[Array, Array, Array]:
    """Points [N, P, 3] to the right, upwards and behind their targets [N, 3], seen from `away` [N, 3]."""
    forward = -away
    right = np.stack((-forward[:, 2], np.zeros(len(forward)), forward[:, 0]), axis=-1)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(right, forward)
    offset = points - targets[:, None]
    x, y, z = (np.einsum("npk,nk->np", offset, axis) for axis in (right, up, forward))
    return x, y, z
