"""What every metric sees of a motion: the joints it needs, by role, on a body of the house's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from farandole.errors import MotionError, RetargetError
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.kinematics import velocity
from farandole.motion.names import humanoid_roles
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

HOUSE_ROLES = tuple(house_skeleton().names)
"""The roles that joints can play: the joint names of the house skeleton."""

_NEEDED = tuple(side + part for side in ("Left", "Right") for part in ("UpLeg", "Leg", "Foot", "ForeArm", "Hand"))


@dataclass(frozen=True, eq=False)
class HumanoidView:
    """A humanoid motion seen through the roles of its joints.

    Attributes:
        roles: House joint names that this skeleton has, in house order.
        positions: World positions of those joints, [T, R, 3] m, scaled to the house body's leg length.
        feet: World positions of the points of the left and right foot that can touch the floor (ankle, toe joint, tip of the
            toes, as far as the skeleton has them), [T, 2, P, 3] m.
        scale: Factor that was applied to all lengths.
        motion: The motion itself.
        index: Joint index of each role in the motion's skeleton.
    """

    roles: tuple[str, ...]
    positions: Array
    feet: Array
    scale: float
    motion: Motion
    index: dict[str, int]

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.motion.fps

    def role(self, name: str) -> Array:
        """World positions of one role, [T, 3] m. Raises MotionError if the skeleton has none."""
        if name not in self.index:
            raise MotionError(f"{self.motion.name} has no joint for '{name}'; it has: {', '.join(self.roles)}")
        return self.positions[:, self.roles.index(name)]

    @cached_property
    def heading(self) -> Array:
        """Facing direction, [T] rad about +y, 0 when facing +z: square to the line between the hip joints."""
        across = self.role("LeftUpLeg") - self.role("RightUpLeg")
        return np.arctan2(-across[:, 2], across[:, 0])

    @cached_property
    def speeds(self) -> Array:
        """Speed of every role, [T, R] m/s."""
        return np.linalg.norm(velocity(self.positions, self.fps), axis=-1)

    @cached_property
    def local(self) -> Array:
        """Joint positions relative to the hips, turned so that the body faces +z, [T, R, 3] m."""
        relative = self.positions - self.role("Hips")[:, None]
        return rot.rotate(rot.from_yaw(-self.heading)[:, None], relative)


def view_humanoid(motion: Motion, *, scale: bool = True) -> HumanoidView:
    """Look at a humanoid motion through house roles.

    Args:
        motion: Any humanoid whose joint names `humanoid_roles` knows.
        scale: Bring the body to the house body's leg length, so that speeds of bodies of different size (and of files whose
            unit is wrong) compare.

    Raises:
        RetargetError: If hips, legs, feet, elbows or hands cannot be found by name.
    """
    index = roles_of(motion)
    missing = [name for name in ("Hips", *_NEEDED) if name not in index]
    if missing:
        raise RetargetError(f"{motion.name}: cannot measure this skeleton, it has no joint for {', '.join(missing)}")
    roles = tuple(name for name in HOUSE_ROLES if name in index)
    factor = (
        _leg(house_skeleton(), {n: i for i, n in enumerate(HOUSE_ROLES)}) / _leg(motion.skeleton, index)
        if scale
        else 1.0
    )
    feet = _feet(motion, index)
    positions = np.asarray(motion.places([index[n] for n in roles]), dtype=float) * factor
    return HumanoidView(roles, positions, feet * factor, float(factor), motion, index)


def facing_direction(body: HumanoidView) -> Array:
    """Unit vector that the body faces, level, [T, 3]."""
    return np.stack((np.sin(body.heading), np.zeros(len(body.heading)), np.cos(body.heading)), axis=-1)


def _leg(skeleton: Skeleton, index: dict[str, int]) -> float:
    """Length of the left leg from hip joint to ankle along the bones, m: independent of pose and rest pose."""
    joint, length = index["LeftFoot"], 0.0
    while joint != index["LeftUpLeg"] and joint >= 0:
        length += float(np.linalg.norm(skeleton.offsets[joint]))
        joint = int(skeleton.parents[joint])
    if length <= 0:
        raise MotionError("the leg bones of this skeleton have no length")
    return length


def _feet(motion: Motion, index: dict[str, int]) -> Array:
    """Points of both feet that can touch the floor, [T, 2, P, 3] m in the motion's own size."""
    skeleton, sides = motion.skeleton, []
    for side in ("Left", "Right"):
        joints = [index[role] for role in (f"{side}Foot", f"{side}ToeBase") if role in index]
        points = [motion.positions[:, j] for j in joints]
        end = skeleton.end_sites.get(skeleton.names[joints[-1]])
        if end is not None:
            points.append(points[-1] + rot.rotate(motion.global_rotations[:, joints[-1]], end))
        sides.append(points)
    count = min(len(points) for points in sides)
    return np.stack([np.stack(points[:count], axis=1) for points in sides], axis=1).astype(float)


def roles_of(motion: Motion) -> dict[str, int]:
    """House joint name -> joint index, for the roles that a motion's skeleton has.

    Raises:
        RetargetError: If it is no humanoid that we know; names the motion and the parts.
    """
    try:
        return humanoid_roles(motion.skeleton)
    except RetargetError as error:
        raise RetargetError(f"{motion.name}: {error}") from error
