"""One joint of a motion."""

from __future__ import annotations

from dataclasses import dataclass

from farandole.motion.rotations import Array


@dataclass(frozen=True, eq=False)
class JointTrack:
    """What one joint does.

    Attributes:
        name: As the skeleton spells it.
        index: Its number in the skeleton.
        rotations: Local unit quaternions, w x y z, [T, 4].
        global_rotations: In the world, [T, 4].
        positions: In the world, [T, 3] m.
        velocities: In the world, [T, 3] m/s.
    """

    name: str
    index: int
    rotations: Array
    global_rotations: Array
    positions: Array
    velocities: Array
