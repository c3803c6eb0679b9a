"""Rotation vectors and root steps as Transflower's features have them (Valle-Pérez et al., 2021, arXiv:2106.13871).

Root and 20 joints chosen by their exact names (those there are), in reverse file order, each as rotation vector relative to its
parent, unrolled over time; the root without its heading; then the root's height and its step and turn per frame. Lengths are in
centimetres and rates per frame, as published. Published features used every n-th frame of a file, see `every_nth`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FrameRateError, MotionError
from farandole.motion import rotations as rot
from farandole.motion.codecs.base import FLIP, BodyCodec
from farandole.motion.layout import ROTATION
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

JOINTS = (
    "Spine", "Spine1", "Neck", "Head",
    *(side + part for side in ("Right", "Left") for part in ("Shoulder", "Arm", "ForeArm", "Hand")),
    *(side + part for side in ("Right", "Left") for part in ("UpLeg", "Leg", "Foot", "ToeBase")),
)  # fmt: skip
"""Joints that are kept beside the root."""
CM = 0.01
_TINY = 1e-12


@dataclass(frozen=True)
class ExpMap(BodyCodec):
    """The 69 columns of `expmap_scaled_20` before scaling (fewer where a skeleton lacks joints); root x and z are always zero.

    Attributes:
        root_order: Euler order of the root in the file; decides between a rotation vector and its other half turn.
        frozen: Local rotations that `decode` gives the joints that are not kept, [J, 4]: the first frame's of the motion the
            codec was made for; rest by default.
    """

    root_order: str = "ZXY"
    frozen: Array | None = None

    name: ClassVar[str] = "expmap"
    lost: ClassVar[str] = (
        "start position and heading; joints other than the root and the 20 of Transflower, which stand still; "
        "bones that change length"
    )
    _height: ClassVar[int] = -5
    """Column of the root's height."""
    _path: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 4, 5)
    """Which of the root's x, y, z, step in x and z, and turn are kept."""

    @classmethod
    def like(cls, motion: Motion) -> ExpMap:
        """The codec for motions such as this one, whose first frame gives the pose of joints that are not kept."""
        layout = motion.layout
        order = "".join(ROTATION[c] for c in layout.channels[0] if c in ROTATION) if layout else "ZXY"
        codec = cls(motion.fps, motion.skeleton, order if len(set(order)) == 3 else "ZXY", motion.rotations[0].copy())
        _ = codec.joints  # missing ones are told now
        return codec

    @classmethod
    def restore(cls, fps: float, skeleton: Skeleton, settings: dict[str, Any]) -> ExpMap:
        """The codec that `settings` was taken from."""
        return cls(fps, skeleton, settings["root_order"], np.array(settings["frozen"], dtype=float))

    def settings(self) -> dict[str, Any]:
        """Root order and pose of joints that are not kept."""
        frozen = rot.identity(len(self.skeleton)) if self.frozen is None else self.frozen
        return {"root_order": self.root_order, "frozen": frozen.tolist()}

    @cached_property
    def joints(self) -> tuple[int, ...]:
        """Kept joints in the order of their columns: reverse file order, root last."""
        kept = [self.skeleton.index(n) for n in JOINTS if n in self.skeleton.names]
        if len(kept) < len(JOINTS) / 2:
            raise MotionError(
                f"the {self.name} codec finds joints by their exact names ({', '.join(JOINTS[:4])}, LeftArm ...), and only "
                f"{len(kept)} of {len(JOINTS)} are there ({', '.join(self.skeleton.names[:6])}, ...): "
                "retarget the motion to the house skeleton first"
            )
        return (*sorted(kept, reverse=True), 0)

    @property
    def columns(self) -> tuple[str, ...]:
        """Published names: alpha, beta, gamma are x, y, z in rad; positions in cm; dX, dZ in cm and dY in rad per frame."""
        names = self.skeleton.names
        vectors = [f"{names[j]}_{axis}" for j in self.joints for axis in ("alpha", "beta", "gamma")]
        path = ("Xposition", "Yposition", "Zposition", "dXposition", "dZposition", "dYrotation")
        return (*vectors, *(f"{names[0]}_{p}" for p in path))

    def encode(self, motion: Motion) -> Array:
        """Features [T, D].

        Raises:
            MotionError: If the motion has another skeleton or fewer than 2 frames.
            FrameRateError: If its frame rate is not the codec's.
        """
        self._check(motion)
        if len(motion) < 2:
            raise MotionError(f"{motion.name} has {len(motion)} frame: the {self.name} codec needs at least 2")
        local = motion.rotations[:, self.joints].astype(float, copy=False)
        yaw = rot.yaw(local[:, -1])
        upright = rot.from_yaw(-yaw)
        # By way of Euler angles, because they decide the quaternion's sign, and that decides the vector.
        local[:, -1] = rot.from_euler(
            rot.to_euler(rot.multiply(upright, local[:, -1]), self.root_order), self.root_order
        )
        vectors = unroll(full_rotvec(local))
        path = np.zeros((len(motion), 6))
        path[:, 1] = motion.root_positions[:, 1] / CM
        step = np.zeros((len(motion), 3))
        step[1:, [0, 2]] = np.diff(motion.root_positions[:, [0, 2]], axis=0) / CM
        step[0] = step[1]
        path[:, [3, 4]] = rot.rotate(upright, step)[:, [0, 2]]
        path[1:, 5] = (np.diff(yaw) + np.pi) % (2 * np.pi) - np.pi
        path[0, 5] = path[1, 5]
        return np.concatenate((vectors.reshape(len(motion), -1), path[:, self._path]), axis=1)

    def decode(self, features: Array, *, position: Array | None = None, heading: float = 0.0) -> Motion:
        """A motion that begins at the origin and faces +z, or from a given start.

        Args:
            features: [T, D].
            position: Floor position (x, z) of the root in the first frame, m.
            heading: Heading in the first frame, rad.
        """
        x = self._array(features)
        count = len(self.joints)
        vectors = x[:, : 3 * count].reshape(len(x), count, 3)
        turn, step = x[:, -1].copy(), np.zeros((len(x), 3))
        step[:, 0], step[:, 2] = x[:, -3], x[:, -2]
        turn[0], step[0] = heading, 0.0  # the first frame's rates repeat the second's
        facing = rot.from_yaw(np.cumsum(turn))
        path = np.cumsum(rot.rotate(facing, step), axis=0) * CM
        if position is not None:
            path[:, [0, 2]] += position
        path[:, 1] = x[:, self._height] * CM
        frozen = rot.identity(len(self.skeleton)) if self.frozen is None else self.frozen
        local = np.repeat(frozen[None], len(x), axis=0)
        local[:, self.joints] = rot.from_rotvec(vectors)
        local[:, 0] = rot.multiply(facing, local[:, 0])
        return Motion(self.skeleton, local, path, self.fps)

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        place = {j: k for k, j in enumerate(self.joints)}
        of = np.array([place.get(int(partner[j]), k) for k, j in enumerate(self.joints)])
        vectors = 3 * of[:, None] + np.arange(3)
        signs = {"Xposition": -1.0, "dXposition": -1.0, "dYrotation": -1.0}
        path = [signs.get(name.rpartition("_")[2], 1.0) for name in self.columns[vectors.size :]]
        index = np.concatenate((vectors.ravel(), vectors.size + np.arange(len(path))))
        return index, np.concatenate((np.tile(-FLIP, len(of)), path))


@dataclass(frozen=True)
class ExpMapCr(ExpMap):
    """The 67 columns of `expmap_cr_scaled_20` before scaling: `expmap` without its two constant columns."""

    name: ClassVar[str] = "expmap_cr"
    _height: ClassVar[int] = -4
    _path: ClassVar[tuple[int, ...]] = (1, 3, 4, 5)

    @property
    def columns(self) -> tuple[str, ...]:
        """As in `expmap`, without the root's x and z."""
        names = super().columns
        return (*names[:-6], names[-5], *names[-3:])


def every_nth(motion: Motion, fps: float) -> Motion:
    """Frames 0, n, 2n, ... as the published extractor takes them: the last source frame is never used.

    Raises:
        FrameRateError: If the frame rate is not a multiple of `fps`.
    """
    n = round(motion.fps / fps)
    if n < 1 or abs(motion.fps / fps - n) > 1e-3 * n:
        raise FrameRateError(f"{motion.name} has {motion.fps:g} fps, which is no multiple of {fps:g}")
    if len(motion) < 2:
        raise MotionError(f"{motion.name} has {len(motion)} frame: nothing is left without the last one")
    taken = slice(0, -1, n)
    moving = None if motion.translations is None else motion.translations[taken]
    return replace(
        motion,
        rotations=motion.rotations[taken],
        root_positions=motion.root_positions[taken],
        translations=moving,
        fps=float(fps),
    )


def full_rotvec(q: Array) -> Array:
    """Quaternions [..., 4] -> rotation vectors [..., 3] in rad of length 0..2 pi: q and -q give different ones."""
    size = _length(q[..., 1:])
    scale = 2.0 * np.arctan2(size, q[..., 0])
    scale *= size >= _TINY
    scale /= np.maximum(size, _TINY)
    vectors = np.empty((*q.shape[:-1], 3))
    for axis in range(3):
        np.multiply(scale, q[..., 1 + axis], out=vectors[..., axis])
    return vectors


def unroll(vectors: Array) -> Array:
    """Rotation vectors [T, ..., 3] without jumps between the two that mean one rotation.

    Frames are marked after which the other vector's length 2 pi - a is nearer to a; between an odd mark and the next, vectors
    change to the other one.
    """
    angle = _length(vectors)
    marks = np.abs(2 * np.pi - angle[1:] - angle[:-1]) < np.abs(angle[1:] - angle[:-1])
    marked = marks.any(axis=0)  # few joints are
    if not marked.any():
        return vectors
    angle, other = angle[:, marked], np.zeros((len(angle), np.count_nonzero(marked)), dtype=bool)
    other[1:] = np.cumsum(marks[:, marked], axis=0) % 2 == 1
    factor = np.where(other & (angle > _TINY), 1.0 - 2 * np.pi / np.maximum(angle, _TINY), 1.0)
    vectors = vectors.copy()
    vectors[:, marked] *= factor[..., None]
    return vectors


def _length(v: Array) -> Array:
    """Lengths of vectors [..., 3]; by coordinates, which is faster than a norm over an axis of three."""
    return np.sqrt(v[..., 0] ** 2 + v[..., 1] ** 2 + v[..., 2] ** 2)
