"""6D rotations with root velocity and foot contacts, for any human skeleton."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.codecs.base import FLIP, BodyCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array


class Rot6D(BodyCodec):
    """Root height m, its velocity to the left and forward m/s, turning rad/s, 6D rotations of all joints (the root's without
    heading; Zhou et al., 2019), and contact of each foot joint (0 or 1): D = 4 + 6 J + contacts.
    """

    name: ClassVar[str] = "rot6d"
    lost: ClassVar[str] = "start position and heading; bones that change length"

    @cached_property
    def feet(self) -> tuple[int, ...]:
        """Joints whose contacts are told: ankles and toes, as far as the skeleton names them."""
        roles = names.find_roles(self.skeleton)
        wanted = (f"{side}{part}" for side in names.SIDES for part in ("Foot", "ToeBase"))
        return tuple(roles[role] for role in wanted if role in roles)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of every column with its unit."""
        joints = self.skeleton.names
        root = ("root height m", "root velocity left m/s", "root velocity forward m/s", "turning rad/s")
        turns = (f"{n} 6d {k}" for n in joints for k in range(6))
        return (*root, *turns, *(f"{joints[j]} contact" for j in self.feet))

    def encode(self, motion: Motion) -> Array:
        """Features [T, D].

        Raises:
            MotionError: If the motion has another skeleton or fewer than 2 frames.
            FrameRateError: If its frame rate is not the codec's.
        """
        from farandole.motion.edit import heading, sole_heights
        from farandole.motion.kinematics import velocity

        self._check(motion)
        if len(motion) < 2:
            raise MotionError(f"{motion.name} has {len(motion)} frame: the {self.name} codec needs at least 2")
        yaw = heading(motion)
        upright = rot.from_yaw(-yaw)
        step = np.diff(
            motion.root_positions, axis=0, prepend=2 * motion.root_positions[:1] - motion.root_positions[1:2]
        )
        local = motion.rotations.astype(float)
        local[:, 0] = rot.multiply(upright, local[:, 0])
        turning = np.diff(yaw, prepend=2 * yaw[0] - yaw[1]) * self.fps
        parts = [
            motion.root_positions[:, 1:2],
            rot.rotate(upright, step)[:, [0, 2]] * self.fps,
            turning[:, None],
            rot.to_6d(local).reshape(len(motion), -1),
        ]
        if self.feet:
            speed = np.linalg.norm(velocity(motion.positions[:, self.feet], self.fps), axis=-1)
            heights = sole_heights(motion)
            low = heights < 0.08 if heights.shape[1] == len(self.feet) else np.ones(speed.shape, bool)
            parts.append((low & (speed < 0.4)).astype(float))
        return np.concatenate(parts, axis=1)

    def decode(self, features: Array, *, position: Array | None = None, heading: float = 0.0) -> Motion:
        """A motion that begins at the origin and faces +z, or from a given start.

        Args:
            features: [T, D].
            position: Floor position (x, z) of the root in the first frame, m.
            heading: Heading in the first frame, rad.
        """
        x = self._array(features)
        turn = x[:, 3] / self.fps
        turn[0] = heading
        facing = rot.from_yaw(np.cumsum(turn))
        step = np.stack((x[:, 1], np.zeros(len(x)), x[:, 2]), axis=1) / self.fps
        step[0] = 0.0
        path = np.cumsum(rot.rotate(facing, step), axis=0)
        if position is not None:
            path[:, [0, 2]] += position
        path[:, 1] = x[:, 0]
        count = len(self.skeleton)
        local = rot.from_6d(x[:, 4 : 4 + 6 * count].reshape(len(x), count, 6))
        local[:, 0] = rot.multiply(facing, local[:, 0])
        return Motion(self.skeleton, local, path, self.fps)

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        turns = 4 + 6 * partner[:, None] + np.arange(6)
        start = 4 + 6 * len(partner)
        feet = [
            start + self.feet.index(partner[j]) if partner[j] in self.feet else start + k
            for k, j in enumerate(self.feet)
        ]
        signs = (
            np.array([1.0, -1, 1, -1]),
            np.tile(np.concatenate((FLIP * FLIP[0], FLIP * FLIP[1])), len(partner)),
            np.ones(len(feet)),
        )
        return np.concatenate((np.arange(4), turns.ravel(), np.array(feet, dtype=int))), np.concatenate(signs)
