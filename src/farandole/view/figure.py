"""A motion as rounded cones: the body parts of every frame in the world, with a colour each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton
from farandole.view import palette
from farandole.view.raycast import Capsules


@dataclass(frozen=True, eq=False)
class Figure:
    """Rounded cones of T frames: ends [T, P, 3] m, radii [P] m, linear colours [P, 3]."""

    starts: Array
    ends: Array
    start_radii: Array
    end_radii: Array
    colours: Array

    def __len__(self) -> int:
        return len(self.starts)

    def frame(self, t: int) -> Capsules:
        """The body at frame `t`."""
        return Capsules(self.starts[t], self.ends[t], self.start_radii, self.end_radii, self.colours)


def figure(motion: Motion) -> Figure:
    """The body that a viewer sees for `motion`: parts from `farandole.motion.body`, left teal, right coral."""
    from farandole.motion.body import body_shapes

    joints, starts, ends, start_radii, end_radii, _ = zip(*body_shapes(motion.skeleton), strict=True)
    joints = np.array(joints)
    base, turn = motion.positions[:, joints], motion.global_rotations[:, joints]
    colours = np.stack([part_colour(motion.skeleton, j) for j in joints])
    return Figure(
        base + rot.rotate(turn, np.array(starts, float)),
        base + rot.rotate(turn, np.array(ends, float)),
        np.array(start_radii, float),
        np.array(end_radii, float),
        colours,
    )


def part_colour(skeleton: Skeleton, joint: int) -> Array:
    """Linear colour [3] of a joint's parts: head, left limbs, right limbs, the rest."""
    where = side(skeleton, joint)
    if where:
        return palette.LEFT if where == "left" else palette.RIGHT
    return palette.HEAD if "head" in skeleton.names[joint].lower() else palette.BODY


def side(skeleton: Skeleton, joint: int) -> str:
    """'left' or 'right' for a limb's joint, '' for the middle. A body at rest has its left at +x (see Skeleton)."""
    x = skeleton.rest_positions[joint, 0] - skeleton.rest_positions[0, 0]
    if abs(x) < 0.02 * max(skeleton.height, 1e-6):
        return ""
    return "left" if x > 0 else "right"
