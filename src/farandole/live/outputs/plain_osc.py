"""Poses and beats over plain OSC, for programs that know no avatars: TouchDesigner, Max, Processing, game engines, lights."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from farandole.live.outputs.datagrams import Datagrams
from farandole.live.outputs.osc_encoding import bundles, message, text

if TYPE_CHECKING:
    from farandole.live.live import LiveFrame
    from farandole.motion.skeleton import Skeleton


class OscSender:
    """Sends, in bundles of at most 1500 bytes:

    /farandole/frame f time(s) i standing; /farandole/beat f count f tempo(bpm) f bar i beats_per_bar f sure f energy;
    /farandole/root f x f y f z (m); /farandole/joint s name f x f y f z f w for each joint: its rotation to its parent's,
    right-handed, y up, T-pose facing +z at rest.

    Args:
        where: '[host:]port'.
        skeleton: The body.

    Raises:
        OutputError: If the address makes no sense.
    """

    def __init__(self, where: str, skeleton: Skeleton) -> None:
        self._datagrams = Datagrams(where)
        self._joints = [text("/farandole/joint") + text(",sffff") + text(name) for name in skeleton.names]

    def messages(self, frame: LiveFrame) -> list[bytes]:
        """The messages of a frame."""
        turns = np.asarray(frame.rotations)[:, [1, 2, 3, 0]].astype(">f4")
        beat = text("/farandole/beat") + text(",fffiff") + struct.pack(
            ">fffiff", frame.count, frame.tempo, frame.bar, frame.beats_per_bar, frame.sure, frame.energy
        )  # fmt: skip
        head = text("/farandole/frame") + text(",fi") + struct.pack(">fi", frame.time, int(frame.standing))
        root = message("/farandole/root", *(float(x) for x in frame.root))
        return [head, beat, root, *(name + row.tobytes() for name, row in zip(self._joints, turns, strict=True))]

    def send(self, frame: LiveFrame) -> None:
        """Send a frame."""
        for packet in bundles(self.messages(frame)):
            self._datagrams.send(packet)

    def close(self) -> None:
        """Close the socket."""
        self._datagrams.close()
