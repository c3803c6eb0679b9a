"""Rotation matrices and root position: the features of masked motion models on AIST++ (219) and LAFAN1 (201)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.codecs.base import BodyCodec
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
