"""Virtual Motion Capture protocol over UDP (protocol.vmc.info): poses for VSeeFace, Warudo, VNyan, EVMC4U, VMC4UE ..."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from farandole.live.outputs.datagrams import Datagrams
from farandole.live.outputs.osc_encoding import bundles, message, text

if TYPE_CHECKING:
    from farandole.live.live import LiveFrame
    from farandole.live.outputs.vrm_pose import VrmPoser
    from farandole.motion.rotations import Array

_POSITION = np.array([-1.0, 1.0, 1.0])
_ROTATION = np.array([1.0, -1.0, -1.0, 1.0])  # x y z w


def unity_name(bone: str) -> str:
    """Unity's name (HumanBodyBones) of a bone of VRM 1.0."""
    return bone[0].upper() + bone[1:]


def to_unity(positions: Array, rotations: Array) -> tuple[Array, Array]:
    """Positions [..., 3] and quaternions w x y z [..., 4] to Unity's left-handed axes, quaternions as x y z w: mirrored in x."""
    return positions * _POSITION, rotations[..., [1, 2, 3, 0]] * _ROTATION


class VmcSender:
    """Sends every frame: that it is loaded, the time, the root at the origin, and all bones.

    Args:
        where: '[host:]port'; the usual port is 39539.
        poser: Poses the character.
        bundle: Whether messages go in bundles of at most 1500 bytes, or one by one for receivers that know no bundles.

    Raises:
        OutputError: If the address makes no sense.
    """

    def __init__(self, where: str, poser: VrmPoser, *, bundle: bool = True) -> None:
        self._datagrams, self._poser, self._bundle = Datagrams(where), poser, bundle
        self._bones = [
            text("/VMC/Ext/Bone/Pos") + text(",sfffffff") + text(unity_name(bone)) for bone in poser.rig.bones
        ]
        self._root = message("/VMC/Ext/Root/Pos", "root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        self._loaded = message("/VMC/Ext/OK", 1)

    def messages(self, frame: LiveFrame) -> list[bytes]:
        """The messages of a frame."""
        pose = self._poser.pose(frame.rotations, frame.root)
        offsets = self._poser.rig.offsets.copy()
        offsets[self._poser.rig.body.names.index("Hips")] = pose.hips
        places, turns = to_unity(offsets, self._poser.raw(pose))
        values = np.concatenate((places, turns), axis=1).astype(">f4")
        bones = [head + row.tobytes() for head, row in zip(self._bones, values, strict=True)]
        time = text("/VMC/Ext/T") + text(",f") + struct.pack(">f", frame.time)
        return [self._loaded, time, self._root, *bones]

    def send(self, frame: LiveFrame) -> None:
        """Send a frame."""
        items = self.messages(frame)
        for packet in bundles(items) if self._bundle else items:
            self._datagrams.send(packet)

    def close(self) -> None:
        """Close the socket."""
        self._datagrams.close()
