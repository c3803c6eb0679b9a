"""A pinhole camera that stays level, and the smooth path of one that follows a dancer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from farandole.motion.rotations import Array


@dataclass(frozen=True, eq=False)
class Camera:
    """Pinhole camera without roll.

    Attributes:
        eye: Position in the world, [3] m.
        target: Point in the middle of the picture, [3] m.
        size: Width and height in pixels.
        view_angle: Vertical field of view, rad.
    """

    eye: Array
    target: Array
    size: tuple[int, int]
    view_angle: float = 0.5

    @cached_property
    def axes(self) -> Array:
        """World directions of the camera's right, up and forward as rows, [3, 3]: world -> camera is `axes @ (p - eye)`."""
        forward = np.asarray(self.target, float) - self.eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 1.0, 0.0))
        right /= np.linalg.norm(right)
        return np.stack((right, np.cross(right, forward), forward))

    @cached_property
    def focal(self) -> float:
        """Focal length in pixels."""
        return 0.5 * self.size[1] / np.tan(0.5 * self.view_angle)

    def to_camera(self, points: Array) -> Array:
        """World points [..., 3] -> right, up, forward distances from the eye, [..., 3] m."""
        return (np.asarray(points) - self.eye) @ self.axes.T

    def project(self, points: Array) -> Array:
        """World points [..., 3] -> pixel column and row, [..., 2]; only for points in front of the camera."""
        x, y, z = np.moveaxis(self.to_camera(points), -1, 0)
        return np.stack((0.5 * self.size[0] + self.focal * x / z, 0.5 * self.size[1] - self.focal * y / z), axis=-1)

    def slopes(self, scale: int = 1) -> tuple[Array, Array]:
        """Ray directions (x, y, 1) in camera axes at pixel centres: x [W * scale] and y [H * scale] separately."""
        width, height = self.size[0] * scale, self.size[1] * scale
        focal = self.focal * scale
        x = (np.arange(width, dtype=np.float32) + 0.5 - 0.5 * width) / focal
        y = (0.5 * height - 0.5 - np.arange(height, dtype=np.float32)) / focal
        return x.astype(np.float32), y.astype(np.float32)


def studio_camera(
    middle: Array,
    size: tuple[int, int],
    *,
    extent: float = 2.0,
    turn: float = 0.35,
    lift: float = 0.2,
    view_angle: float = 0.45,
) -> Camera:
    """A camera at chest height in front of `middle`, far enough that `extent` metres fit in both directions.

    Args:
        middle: Point in the middle of the picture, [3] m.
        size: Width and height in pixels.
        extent: Height (and at least two thirds of it in width) that must be visible around the middle, m.
        turn: Angle from straight ahead (+z) towards +x, rad.
        lift: Angle above the horizontal, rad.
        view_angle: Vertical field of view, rad.
    """
    narrow = min(1.0, 1.5 * size[0] / size[1])
    distance = 0.5 * extent / (np.tan(0.5 * view_angle) * narrow)
    away = np.array([np.sin(turn) * np.cos(lift), np.sin(lift), np.cos(turn) * np.cos(lift)])
    middle = np.asarray(middle, float)
    return Camera(middle + distance * away, middle, size, view_angle)


def smooth_path(points: Array, fps: float, *, seconds: float = 0.8) -> Array:
    """Points [T, D] low-passed by a Gaussian of the given standard deviation, ends held: a calm camera's targets."""
    points = np.asarray(points, float)
    sigma = seconds * fps
    reach = int(3 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(points, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)
