"""What every motion codec is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from farandole.errors import MotionError
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

C = TypeVar("C", bound="BodyCodec")
FLIP = np.array([-1.0, 1.0, 1.0])
"""Signs of x y z in a mirror at x = 0."""


@dataclass(frozen=True)
class BodyCodec:
    """Codecs that fit any skeleton.

    Attributes:
        fps: Frame rate of features and motions.
        skeleton: The body.
    """

    fps: float
    skeleton: Skeleton

    name: ClassVar[str]
    version: ClassVar[int] = 1
    lost: ClassVar[str]
    """What `decode` cannot give back, in words."""

    @classmethod
    def like(cls: type[C], motion: Motion) -> C:
        """The codec for motions such as this one."""
        return cls(motion.fps, motion.skeleton)

    @classmethod
    def restore(cls: type[C], fps: float, skeleton: Skeleton, settings: dict[str, Any]) -> C:
        """The codec that `settings` was taken from."""
        return cls(fps, skeleton, **settings)

    def settings(self) -> dict[str, Any]:
        """What `restore` needs beside frame rate and skeleton, in plain values."""
        return {}

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of every feature column with its unit, [D]."""
        raise NotImplementedError

    def mirrored(self, features: Array) -> Array:
        """Features [T, D] of the motion seen in a mirror at x = 0: columns change places and signs.

        Raises:
            MotionError: If the skeleton does not rest standing, so that this is no matter of columns.
        """
        index, sign = self._mirror
        return features[:, index] * sign

    def turned(self, features: Array, angle: float) -> Array:
        """Features [T, D] of the motion turned about the vertical through the origin by an angle in rad.

        The same ones for codecs that do not keep the heading.
        """
        return features

    @cached_property
    def _mirror(self) -> tuple[NDArray[np.int64], Array]:
        from farandole.motion import names
        from farandole.motion.retarget import rests_standing

        roles = names.find_roles(self.skeleton)
        if all(r in roles for r in names.ESSENTIAL) and not rests_standing(self.skeleton, roles):
            raise MotionError(
                f"{self.name} features of a skeleton that does not rest standing cannot be mirrored: retarget it"
            )
        pairs = names.counterpart(self.skeleton)
        index, sign = self._mirror_columns(np.array([pairs.get(j, j) for j in range(len(self.skeleton))]))
        return np.asarray(index, dtype=np.int64).ravel(), np.asarray(sign, dtype=float).ravel()

    def _mirror_columns(self, partner: NDArray[np.int64]) -> tuple[Any, Any]:
        """Per column the one it comes from and its sign, given each joint's partner [J]."""
        raise NotImplementedError

    def encode(self, motion: Motion) -> Array:
        """Features of a motion, [T, D]."""
        raise NotImplementedError

    def decode(self, features: Array) -> Motion:
        """A motion from features [T, D]; what `lost` names takes its default."""
        raise NotImplementedError

    def _check(self, motion: Motion) -> None:
        motion.require_fps(self.fps, f"the {self.name} codec")
        if motion.skeleton.names != self.skeleton.names:
            raise MotionError(
                f"{motion.name} has {len(motion.skeleton)} joints that are not the {len(self.skeleton)} "
                f"of this {self.name} codec: retarget it first"
            )
        if motion.translations is not None:
            raise MotionError(
                f"{motion.name} has bones that change length: give it fixed ones first (codecs.plain_body)"
            )

    def _array(self, features: Array) -> Array:
        x = np.asarray(features, dtype=float)
        if x.ndim != 2 or x.shape[1] != len(self.columns):
            raise MotionError(f"features have shape {x.shape}, the {self.name} codec needs [T, {len(self.columns)}]")
        return x


Codec = BodyCodec | DanceCodec
"""A named, invertible map between motions of one skeleton at one frame rate and features [T, D]."""
