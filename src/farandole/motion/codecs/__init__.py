"""Motion codecs by name: invertible maps between motions and feature arrays [T, D].

`codec("expmap_cr", motion)` makes the codec for motions such as that one; `to_json` and `from_json` keep it with the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from farandole.errors import DataError, MotionError
from farandole.motion.codecs.base import BodyCodec, Codec
from farandole.motion.codecs.bodies import plain_body
from farandole.motion.codecs.control import Control
from farandole.motion.codecs.expmap import ExpMap, ExpMapCr, every_nth
from farandole.motion.codecs.expmap_spine2 import ExpMapSpine2
from farandole.motion.codecs.position import Position
from farandole.motion.codecs.rot6d import Rot6D
from farandole.motion.codecs.rotmat import RotMat
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

__all__ = [
    "Codec", "Entry", "codec", "entry", "every_nth", "from_json", "names", "plain_body", "register", "to_json",
]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A kind of codec.

    Attributes:
        name: Key in the registry and name of the feature in feature folders.
        version: Counted up whenever the same motion gives other features.
        lost: What decoding cannot give back.
        like: Makes the codec for motions such as a given one.
        restore: Makes it from frame rate, skeleton and settings.
    """

    name: str
    version: int
    lost: str
    like: Callable[[Motion], Codec]
    restore: Callable[[float, Skeleton, dict[str, Any]], Codec]


_REGISTRY: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Add a kind of codec; a name is given once."""
    if entry.name in _REGISTRY:
        raise ValueError(f"motion codec '{entry.name}' is registered already")
    _REGISTRY[entry.name] = entry


def names() -> tuple[str, ...]:
    """Names of all codecs."""
    return tuple(sorted(_REGISTRY))


def entry(name: str) -> Entry:
    """A kind of codec. Raises MotionError listing those there are."""
    if name not in _REGISTRY:
        raise MotionError(f"unknown motion codec '{name}': known are {', '.join(names())}")
    return _REGISTRY[name]


def codec(name: str, motion: Motion) -> Codec:
    """The codec for motions with the skeleton and frame rate of this one.

    Raises:
        MotionError: If there is no codec of that name, or it cannot take this skeleton.
    """
    return entry(name).like(motion)


def to_json(codec: Codec) -> dict[str, Any]:
    """Name, version and settings in plain values; frame rate and skeleton are kept elsewhere."""
    settings = codec.settings() if isinstance(codec, BodyCodec) else {}
    return {"name": codec.name, "version": entry(codec.name).version, "settings": settings}


def from_json(data: Mapping[str, Any], fps: float, skeleton: Skeleton) -> Codec:
    """The inverse of `to_json`.

    Raises:
        DataError: If the features were written by another version of the codec.
    """
    check_version(data)
    return entry(data["name"]).restore(fps, skeleton, dict(data["settings"]))


def check_version(data: Mapping[str, Any]) -> None:
    """Raise DataError unless features that `to_json` tells of were written by this version of their codec."""
    kind = entry(data["name"])
    if data["version"] != kind.version:
        raise DataError(
            f"features '{kind.name}' were written by version {data['version']} of that codec, this is version {kind.version}: "
            "prepare them again"
        )


def _dance_like(motion: Motion) -> Codec:
    codec = DanceCodec(motion.fps)
    if motion.skeleton.names != codec.skeleton.names:
        raise MotionError(f"{motion.name} is not on the house skeleton, which {codec.name} needs: retarget it first")
    return codec


def _dance_restored(fps: float, skeleton: Skeleton, _: object) -> Codec:
    house = DanceCodec(fps).skeleton
    if skeleton.names != house.names or not np.array_equal(skeleton.parents, house.parents):
        raise MotionError(f"the skeleton is not the house skeleton, which {DanceCodec.name} needs")
    return DanceCodec(fps, skeleton=skeleton)


for _kind in (RotMat, ExpMap, ExpMapCr, ExpMapSpine2, Rot6D, Position, Control):
    register(Entry(_kind.name, _kind.version, _kind.lost, _kind.like, _kind.restore))
register(
    Entry(
        DanceCodec.name,
        1,
        "start position and heading; toes and shoulders, which rest; bones that change length",
        _dance_like,
        _dance_restored,
    )
)
