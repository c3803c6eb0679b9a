"""How large and which way up a recorded body is: metres per file unit and the axis that points up, from the poses themselves."""

from __future__ import annotations

import numpy as np

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

BODY_HEIGHT = (1.4, 2.1)
"""Heights a real adult or tall child may have, m."""
NORMAL_HEIGHT = 1.70
"""Height given to bodies whose file is in no known unit, m."""
_UNITS = (0.01, 1.0, 0.001, 0.0254, 0.0254 / 0.45, 0.1, 0.3048)  # cm, m, mm, inch, CMU's 0.45 inch, dm, foot
_SAMPLES = 24  # poses looked at


def sample_poses(skeleton: Skeleton, rotations: Array, root_positions: Array, translations: Array | None) -> Array:
    """World positions of joints and end sites in a few frames spread over a clip, [S, P, 3] in the input's unit."""
    frames = np.unique(np.linspace(0, len(rotations) - 1, _SAMPLES).astype(int))
    positions, turns = kinematics.forward(
        skeleton, rotations[frames], root_positions[frames], None if translations is None else translations[frames]
    )
    return _with_ends(skeleton, positions, turns)


def rest_pose(skeleton: Skeleton) -> Array:
    """Joints and end sites of the rest pose, [P, 3] in the skeleton's unit, root at the origin."""
    ends = [skeleton.rest_positions[skeleton.index(name)] + tip for name, tip in skeleton.end_sites.items()]
    return np.concatenate((skeleton.rest_positions, np.reshape(ends, (-1, 3))))


def up_axes(skeleton: Skeleton, poses: Array, root_positions: Array) -> tuple[str, str]:
    """Which file axis is up in the world and in the rest pose: "y" or "z" each.

    A standing body is tall along one axis and thin, for want of depth, along another: y against z tells. A rest pose with its
    bones along x tells nothing and counts as y. Where the rest pose is upright in y but the poses are tall in z, the body may also
    just lie on the floor; z is up only if the lowest point stays at z = 0 and the root at leg height above it.
    """
    rest_ratio = _tall_z_over_y(rest_pose(skeleton))
    ratio = float(np.median(_tall_z_over_y(poses)))
    rest_up = (
        "z"
        if rest_ratio > 1.5 and np.ptp(rest_pose(skeleton), axis=0)[2] > 0.8 * np.ptp(rest_pose(skeleton), axis=0)[0]
        else "y"
    )
    if rest_up == "z":
        return ("y" if ratio < 1 / 1.5 else "z"), "z"
    height = float(np.median(np.ptp(poses[..., 2], axis=1)))
    floor = poses[..., 2].min(axis=1)
    root = root_positions[:, 2]
    standing = np.abs(floor).max() < 0.15 * height and 0.35 * height < np.median(root) < 0.7 * height
    return ("z" if ratio > 1.5 and standing else "y"), "y"


def metres_per_unit(skeleton: Skeleton, poses: Array, axis: int, rest_axis: int) -> float:
    """Metres per file unit of a human body.

    The first of centimetre, metre, millimetre, inch, CMU's 0.45 inch, decimetre and foot that gives a body of 1.4 to 2.1 m; for
    files in no such unit, the factor that makes the body 1.70 m tall.

    Args:
        poses: As from `sample_poses`, [S, P, 3].
        axis: Which coordinate is up in the poses.
        rest_axis: Which coordinate is up in the rest pose.
    """
    height = body_height(skeleton, poses, axis, rest_axis)
    if height <= 0:
        return _UNITS[0]
    for unit in _UNITS:
        if BODY_HEIGHT[0] <= height * unit <= BODY_HEIGHT[1]:
            return unit
    return NORMAL_HEIGHT / height


def body_height(skeleton: Skeleton, poses: Array, axis: int, rest_axis: int) -> float:
    """Standing height: that of the rest pose if it stands, else nearly the greatest among the poses. In the input's unit."""
    rest = np.ptp(rest_pose(skeleton), axis=0)
    posed = float(np.quantile(np.ptp(poses[..., axis], axis=1), 0.9))
    stands = rest[rest_axis] > 1.5 * rest[2 if rest_axis == 1 else 1] and rest[rest_axis] > 0.6 * posed
    return float(rest[rest_axis]) if stands else posed


def _tall_z_over_y(points: Array) -> Array:
    extent = np.ptp(points, axis=-2)
    return (extent[..., 2] + 1e-9) / (extent[..., 1] + 1e-9)


def _with_ends(skeleton: Skeleton, positions: Array, turns: Array) -> Array:
    if not skeleton.end_sites:
        return positions
    joints = [skeleton.index(name) for name in skeleton.end_sites]
    tips = rot.rotate(turns[:, joints], np.array(list(skeleton.end_sites.values())))
    return np.concatenate((positions, positions[:, joints] + tips), axis=1)
