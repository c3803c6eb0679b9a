"""World positions of all joints."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from farandole.motion import rotations as rot
from farandole.motion.codecs.base import FLIP, BodyCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton


class Position(BodyCodec):
    """Joint positions in m, x y z joint after joint: D = 3 J."""

    name: ClassVar[str] = "position"
    lost: ClassVar[str] = "turns about a bone's own length and of the last joints; bones that change length"

    @property
    def columns(self) -> tuple[str, ...]:
        """`<joint> x m`, `<joint> y m`, `<joint> z m`."""
        return tuple(f"{n} {axis} m" for n in self.skeleton.names for axis in "xyz")

    def encode(self, motion: Motion) -> Array:
        """Features [T, 3 J]. Raises MotionError for another skeleton, FrameRateError for another frame rate."""
        self._check(motion)
        return motion.positions.reshape(len(motion), -1)

    def decode(self, features: Array) -> Motion:
        """The motion whose bones point where the positions say; bones keep the skeleton's lengths."""
        points = self._array(features).reshape(len(features), -1, 3)
        return Motion(self.skeleton, turns_from_points(self.skeleton, points), points[:, 0], self.fps)

    def turned(self, features: Array, angle: float) -> Array:
        """All points turned about the vertical."""
        points = np.reshape(features, (len(features), -1, 3))
        return rot.rotate(rot.from_yaw(angle), points).reshape(len(features), -1)

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        return 3 * partner[:, None] + np.arange(3), np.tile(FLIP, len(partner))


def turns_from_points(skeleton: Skeleton, points: Array) -> Array:
    """Local rotations [T, J, 4] that bring joints to points [T, J, 3].

    Joints with several children are fitted (Kabsch, 1976), joints with one turn the shortest way from their parent's pose.
    """
    local = rot.identity(len(points), len(skeleton))
    world = rot.identity(len(points), len(skeleton))
    for joint, children in enumerate(skeleton.children):
        above = world[:, skeleton.parents[joint]] if joint else rot.identity(len(points))
        bones = [c for c in children if np.linalg.norm(skeleton.offsets[c]) > 1e-9]
        if bones:
            wanted = rot.rotate(rot.inverse(above)[:, None], points[:, bones] - points[:, joint, None])
            local[:, joint] = _fit(skeleton.offsets[bones], wanted)
        world[:, joint] = rot.multiply(above, local[:, joint])
    return local


def _fit(rest: Array, wanted: Array) -> Array:
    """Rotations [T, 4] that best take vectors [B, 3] to [T, B, 3]."""
    directions = rest / np.linalg.norm(rest, axis=1, keepdims=True)
    if np.linalg.matrix_rank(directions, tol=1e-3) < 2:
        longest = int(np.argmax(np.linalg.norm(rest, axis=1)))
        return rot.between(np.broadcast_to(rest[longest], wanted[:, 0].shape), wanted[:, longest])
    u, _, vt = np.linalg.svd(np.einsum("tbi,bj->tij", wanted, rest))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return rot.from_matrix(u @ vt)
