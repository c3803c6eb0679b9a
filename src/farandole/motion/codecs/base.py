"""What every motion codec is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

from farandole.errors import MotionError
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

C = TypeVar("C", bound="BodyCodec")


class Codec(Protocol):
    """A named, invertible map between motions of one skeleton at one frame rate and features [T, D]."""

    name: ClassVar[str] | str
    version: ClassVar[int] | int
    lost: ClassVar[str] | str

    @property
    def fps(self) -> float:
        """Frame rate of features and motions."""
        ...

    @property
    def skeleton(self) -> Skeleton:
        """The body the motions are on."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of every feature column with its unit, [D]."""
        ...

    def encode(self, motion: Motion) -> Array:
        """Features of a motion, [T, D]."""
        ...

    def decode(self, features: Array) -> Motion:
        """A motion from features [T, D]; what `lost` names takes its default."""
        ...


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
