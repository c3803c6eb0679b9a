"""What a BVH file looked like, beyond the motion in it: enough to write it back in its own unit, axes and channel order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

POSITION = {"Xposition": 0, "Yposition": 1, "Zposition": 2}
"""Position channels of BVH and their axes."""
ROTATION = {"Xrotation": "X", "Yrotation": "Y", "Zrotation": "Z"}
"""Rotation channels of BVH and their axes."""
CHANNELS = (*POSITION, *ROTATION)

_DEFAULT_ROTATION = ("Zrotation", "Xrotation", "Yrotation")
_Z_UP_TO_Y_UP = rot.from_axis_angle(np.array([1.0, 0.0, 0.0]), -0.5 * np.pi)


@dataclass(frozen=True)
class FileLayout:
    """How a motion file writes its numbers. The motion itself is always in metres and y up.

    Attributes:
        names: Joint names as the file spells them (a `Skeleton` needs unique ones), [J].
        channels: Channel names of each joint in the file's order, e.g. ("Xposition", ..., "Yrotation"), [J].
        unit: Metres per unit of length in the file.
        up: Axis of the file that points up in the world, "y" or "z".
        rest_up: Axis of the file that points up in its rest pose, "y" or "z".
        fps: Frame rate the file was read at, frames per second; 0 if it was not read from a file.
        frame_time: The file's own spelling of the frame time, written again while the frame rate is `fps`.
        hierarchy: The file's own bytes before the line MOTION, written again as they are while the rest pose is the same; empty if
            there are none.
        encoding: Encoding of the names in the file, as Python calls it.
    """

    names: tuple[str, ...]
    channels: tuple[tuple[str, ...], ...]
    unit: float = 0.01
    up: str = "y"
    rest_up: str = "y"
    fps: float = 0.0
    frame_time: str = ""
    hierarchy: bytes = b""
    encoding: str = "utf-8"

    @property
    def world_turn(self) -> Array:
        """Rotation that takes the file's world to y up, [4]."""
        return _turn(self.up)

    @property
    def rest_turn(self) -> Array:
        """Rotation that takes the file's joint frames to those of a rest pose with y up, [4]."""
        return _turn(self.rest_up)

    def fits(self, skeleton: Skeleton) -> bool:
        """Whether a motion of this skeleton can be written in this layout: the same joints in the same order."""
        return len(self.names) == len(skeleton) and unique_names(self.names) == skeleton.names

    def changed(
        self, *, unit: float | None = None, up: str | None = None, rotation_order: str | None = None
    ) -> FileLayout:
        """Another unit (m), up axis ("y" or "z", of world and rest pose) or order of rotation channels ("ZXY"); written anew."""
        channels = self.channels
        if rotation_order is not None:
            turns = tuple(f"{axis}rotation" for axis in rotation_order)
            places = [tuple(c for c in names if c in POSITION) for names in channels]
            channels = tuple((*place, *turns) for place in places)
        return replace(
            self,
            channels=channels,
            unit=self.unit if unit is None else unit,
            up=up or self.up,
            rest_up=up or self.rest_up,
            hierarchy=b"",
        )


def default_layout(skeleton: Skeleton) -> FileLayout:
    """Centimetres, y up, root position then Z X Y rotations: what Blender, MotionBuilder, Maya and Unity tools expect."""
    root = (*POSITION, *_DEFAULT_ROTATION)
    return FileLayout(skeleton.names, (root, *[_DEFAULT_ROTATION] * (len(skeleton) - 1)))


def unique_names(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The same names, repeated ones with _2, _3 ... appended."""
    result: list[str] = []
    seen: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique in seen:
            number += 1
            unique = f"{name}_{number}"
        seen.add(unique)
        result.append(unique)
    return tuple(result)


def _turn(up: str) -> Array:
    return _Z_UP_TO_Y_UP if up == "z" else rot.identity()
