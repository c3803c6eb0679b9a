"""Rotation matrices and root position: the features of masked motion models on AIST++ (219) and LAFAN1 (201)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from farandole.motion import rotations as rot
from farandole.motion.codecs.base import FLIP, BodyCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


class RotMat(BodyCodec):
    """Local rotation matrices row by row, joint after joint, then the root's world position in m: D = 9 J + 3."""

    name: ClassVar[str] = "rotmat"
    lost: ClassVar[str] = "bones that change length"

    @property
    def columns(self) -> tuple[str, ...]:
        """`<joint> r<row><column>` for every joint, then `root x m`, `root y m`, `root z m`."""
        matrices = [f"{n} r{row}{column}" for n in self.skeleton.names for row in range(3) for column in range(3)]
        return (*matrices, *(f"root {axis} m" for axis in "xyz"))

    def encode(self, motion: Motion) -> Array:
        """Features [T, 9 J + 3]. Raises MotionError for another skeleton, FrameRateError for another frame rate."""
        self._check(motion)
        return np.concatenate((rot.to_matrix(motion.rotations).reshape(len(motion), -1), motion.root_positions), axis=1)

    def decode(self, features: Array) -> Motion:
        """A motion; matrices are made orthonormal (nearest rotation by SVD), so predicted ones may be a little off."""
        x = self._array(features)
        u, _, vt = np.linalg.svd(x[:, :-3].reshape(len(x), len(self.skeleton), 3, 3))
        u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
        return Motion(self.skeleton, rot.from_matrix(u @ vt), x[:, -3:], self.fps)

    def turned(self, features: Array, angle: float) -> Array:
        """The root's matrix and path turned about the vertical."""
        turn = rot.to_matrix(rot.from_yaw(angle))
        result = np.array(features)
        result[:, :9] = (turn @ result[:, :9].reshape(-1, 3, 3)).reshape(-1, 9)
        result[:, -3:] = result[:, -3:] @ turn.T
        return result

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        count = 9 * len(partner)
        index = np.concatenate(((9 * partner[:, None] + np.arange(9)).ravel(), count + np.arange(3)))
        return index, np.concatenate((np.tile(np.outer(FLIP, FLIP).ravel(), len(partner)), FLIP))
