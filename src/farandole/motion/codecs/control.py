"""Where a body goes, and nothing of how: the control signal of MoGlow's locomotion models (Henter et al., 2020)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from farandole.motion import rotations as rot
from farandole.motion.codecs.base import BodyCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


class Control(BodyCodec):
    """Steps of the root to the left and forward in its heading's frame (m per frame) and its turn (rad per frame): D = 3."""

    name: ClassVar[str] = "control"
    lost: ClassVar[str] = "everything but the path over the floor"

    @property
    def columns(self) -> tuple[str, ...]:
        """`step left m/frame`, `step forward m/frame`, `turn rad/frame`."""
        return ("step left m/frame", "step forward m/frame", "turn rad/frame")

    def encode(self, motion: Motion) -> Array:
        """Features [T, 3]; the first row repeats the second. Raises MotionError for another skeleton or frame rate."""
        self._check(motion)
        yaw = rot.yaw(motion.rotations[:, 0])
        step = np.diff(motion.root_positions, axis=0, prepend=motion.root_positions[:1])
        turn = (np.diff(yaw, prepend=yaw[:1]) + np.pi) % (2 * np.pi) - np.pi
        local = rot.rotate(rot.from_yaw(-yaw), step)
        features = np.stack((local[:, 0], local[:, 2], turn), axis=1)
        if len(features) > 1:
            features[0] = features[1]
        return features

    def decode(self, features: Array) -> Motion:
        """The body in its rest pose, carried along the path from the origin."""
        x = self._array(features).copy()
        x[0] = 0.0
        facing = rot.from_yaw(np.cumsum(x[:, 2]))
        path = np.cumsum(rot.rotate(facing, np.stack((x[:, 0], np.zeros(len(x)), x[:, 1]), axis=1)), axis=0)
        path[:, 1] = self.skeleton.offsets[0, 1]
        local = rot.identity(len(x), len(self.skeleton))
        local[:, 0] = facing
        return Motion(self.skeleton, local, path, self.fps)

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        return np.arange(3), np.array([-1.0, 1.0, -1.0])
