"""How large and which way up a recorded body is: metres per file unit and the axis that points up, from the poses themselves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

BODY_HEIGHT = (1.4, 2.1)
"""Heights a real adult or tall child may have, m."""
NORMAL_HEIGHT = 1.70
"""Height given to bodies whose file is in no known unit, m."""
CENTIMETRE = 0.01
"""Unit of files that show no human, and of those made here, m."""

_UNITS = (CENTIMETRE, 1.0, 0.001, 0.0254, 0.0254 / 0.45, 0.1, 0.3048)  # cm, m, mm, inch, CMU's 0.45 inch, dm, foot
_SAMPLES = 24  # poses looked at
_MARKED = 0.7  # share of the line from feet to head that must lie along an axis to call it up
ANKLE = 0.039
"""Height of the ankle as a share of stature (Winter, Biomechanics and Motor Control, 2009, fig. 4.1)."""

_SKULL = 0.11  # length of the head above its joint as a share of stature, where no bone says


def find_axes_and_unit(
    skeleton: Skeleton, rotations: Array, root_positions: Array, translations: Array | None
) -> tuple[str, str, float]:
    """Up axis of the world, up axis of the rest pose ("y" or "z" each) and metres per unit of a motion in file axes and units.

    A file that shows no human is taken to be y up, in centimetres.
    """
    rest = _at_rest(skeleton, tuple((name, *tip.tolist()) for name, tip in skeleton.end_sites.items()))
    if rest is None:
        return "y", "y", CENTIMETRE
    roles, rest_line, rest_up, unit = rest
    frames = np.unique(np.linspace(0, len(rotations) - 1, _SAMPLES).astype(int))
    axis = 2 if rest_up == "z" else 1
    # Mostly the root's rotation tells: a body that rests upright and is hardly tilted.
    if rest_line[axis] > 0.95:
        tilted = rot.rotate(rotations[frames, 0], np.eye(3)[axis])
        if np.median(tilted[:, axis]) > 0.9:
            return rest_up, rest_up, unit
    bones = None if translations is None else translations[frames]
    poses, _ = kinematics.forward(skeleton, rotations[frames], root_positions[frames], bones)
    up = _up_axis(np.median(_standing_line(roles, poses), axis=0))
    if up == "z" and rest_up != "z" and not _stands_on_z(roles, poses):
        up = "y"  # somebody lying on the floor
    return up, rest_up, unit


@lru_cache(maxsize=64)
def _at_rest(
    skeleton: Skeleton, ends: tuple[tuple[str | float, ...], ...]
) -> tuple[dict[str, int], Array, str, float] | None:
    """Joints by role, line from feet to head, up axis of the rest pose and metres per unit; None if there is no human.

    The files of a recording session share one skeleton: this is worked out once. `ends` only tells apart bodies with the
    same joints, which are equal as skeletons.
    """
    roles = names.find_roles(skeleton)
    if any(role not in roles for role in names.ESSENTIAL):
        return None
    line = _standing_line(roles, skeleton.rest_positions)
    up = _up_axis(line)
    return roles, line, up, metres_per_unit(body_height(skeleton, roles, 2 if up == "z" else 1))


def metres_per_unit(height: float) -> float:
    """Metres per file unit for a standing body `height` units tall.

    The first of centimetre, metre, millimetre, inch, CMU's 0.45 inch, decimetre and foot that gives a body of 1.4 to 2.1 m; for
    files in no such unit, the factor that makes the body 1.70 m tall.
    """
    if height <= 0:
        return CENTIMETRE
    for unit in _UNITS:
        if BODY_HEIGHT[0] <= height * unit <= BODY_HEIGHT[1]:
            return unit
    return NORMAL_HEIGHT / height


def body_height(skeleton: Skeleton, roles: dict[str, int], axis: int) -> float:
    """Standing height of a human skeleton, toes to top of the head, in the skeleton's unit.

    That of the rest pose where it stands straight; otherwise the length of the bones from ankle to head top, stretched out, and
    usual shares for what lies beyond.

    Args:
        axis: Which coordinate is up in the rest pose.
    """
    leg = max(_length(skeleton, roles[s + "UpLeg"], roles[s + "Foot"]) for s in names.SIDES)
    trunk = _length(skeleton, roles["Hips"], roles["Head"])
    tip = skeleton.end_sites.get(skeleton.names[roles["Head"]])
    top = float(np.linalg.norm(tip)) if tip is not None else _skull_below(skeleton, roles["Head"])
    stretched = (leg + trunk + min(top, 0.5 * trunk)) / (1.0 - ANKLE - (0.0 if top else _SKULL))
    rest = float(np.ptp(_rest_points(skeleton)[:, axis]))
    if 0.93 * stretched < rest < 1.1 * stretched:
        return rest
    return stretched


def _skull_below(skeleton: Skeleton, head: int) -> float:
    """Reach of the joints below the head (a head top, eyes), 0 if there are none."""
    below = [j for j in range(head + 1, len(skeleton)) if names.is_below(skeleton, j, head)]
    return max(
        (float(np.linalg.norm(skeleton.rest_positions[j] - skeleton.rest_positions[head])) for j in below), default=0.0
    )


def _length(skeleton: Skeleton, top: int, bottom: int) -> float:
    return float(np.linalg.norm(skeleton.offsets[names.path(skeleton, top, bottom)[1:]], axis=-1).sum())


def _standing_line(roles: dict[str, int], positions: Array) -> Array:
    """Unit vectors from between the feet to the head, [..., 3]."""
    feet = 0.5 * (positions[..., roles["LeftFoot"], :] + positions[..., roles["RightFoot"], :])
    return rot.normalize(positions[..., roles["Head"], :] - feet)


def _up_axis(line: Array) -> str:
    """An undecided line (bones along x, a crouch) counts as y."""
    return "z" if line[2] > _MARKED else "y"


def _stands_on_z(roles: dict[str, int], poses: Array) -> bool:
    """Whether the lowest point stays near z = 0 and the hips at leg height above it."""
    z = poses[..., 2]
    height = float(np.median(np.ptp(z, axis=1)))
    hips = np.median(z[:, roles["Hips"]])
    return bool(
        np.abs(np.quantile(z.min(axis=1), (0.1, 0.9))).max() < 0.15 * height and 0.35 * height < hips < 0.75 * height
    )


def _rest_points(skeleton: Skeleton) -> Array:
    """Joints and end sites of the rest pose, [P, 3]."""
    tips = [skeleton.rest_positions[skeleton.index(name)] + tip for name, tip in skeleton.end_sites.items()]
    return np.concatenate((skeleton.rest_positions, np.reshape(tips, (-1, 3))))
