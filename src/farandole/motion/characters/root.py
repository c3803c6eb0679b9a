"""A root bone on the floor that carries a character's travel."""

from __future__ import annotations

import numpy as np

from farandole.errors import RetargetError
from farandole.motion import rotations as rot
from farandole.motion.characters.body import Body
from farandole.motion.humanoid import tree
from farandole.motion.rotations import Array

ROOTS = ("auto", "hips", "floor", "in-place")
"""What may carry the travel."""
_ON_FLOOR = 0.12  # height of a root bone, as a share of the leg


def check_root(root: str) -> None:
    """Raises RetargetError if it is none of `ROOTS`."""
    if root not in ROOTS:
        raise RetargetError(f"no root '{root}': there are {', '.join(ROOTS)}")


def root_joint(body: Body, floor: float, root: str) -> int | None:
    """The bone above the hips that lies on the floor and is to carry the travel; None if the hips carry it.

    Raises:
        RetargetError: If `root` is "floor" and there is none.
    """
    if root in ("hips", "in-place"):
        return None
    for joint in tree.path(body.skeleton, 0, body.roles["Hips"])[1:-1]:
        if joint in body.skin_joints and abs(body.positions[joint][1] - floor) < _ON_FLOOR * body.leg_length:
            return joint
    if root == "floor":
        raise RetargetError("the character has no root bone on the floor above its hips: choose root 'hips'")
    return None


def root_places(body: Body, joint: int, turn: Array, hips: Array, places: dict[int, Array]) -> dict[int, Array]:
    """World rotations of a root bone that turns and travels with the hips; its place goes into `places`.

    Args:
        turn: World rotations of the hips from the bind pose, [T, 4].
        hips: World positions of the hips, [T, 3].
    """
    bind = body.positions
    front = rot.rotate(body.facing, np.array([0.0, 0.0, 1.0]))
    way = rot.rotate(turn, front)
    yaw = np.unwrap(np.arctan2(way[:, 0], way[:, 2]) - np.arctan2(front[0], front[2]))
    heading = rot.from_yaw(yaw)
    place = hips - rot.rotate(heading, bind[body.roles["Hips"]] - bind[joint])
    place[:, 1] = 0.0
    places[joint] = place
    return {joint: heading}
