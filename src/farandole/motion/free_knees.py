"""Knees of a motion that a model made freely: they bend the human way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

ROUND = 0.005
"""Distance of a knee from the line between hip and ankle within which it passes smoothly from one side to the other, m."""
UP = np.array([0.0, 1.0, 0.0])


def bend_knees(motion: Motion) -> Motion:
    """A motion whose knees point where the feet point: one that is bent backward is turned to the other side of its leg.

    Hips, ankles and feet stay as they are (within 1 mm), thigh and shank turn by the shortest arcs. A knee that is bent rightly
    stays where it is, and one that is stretched through comes back without a jump.

    Args:
        motion: Any humanoid that stands upright at rest; without toes it stays as it is.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    roles, places = names.humanoid_roles(motion.skeleton), motion.positions
    turns = motion.global_rotations.copy()
    for side in names.SIDES:
        if f"{side}ToeBase" not in roles:
            continue
        thigh, shank, foot, toe = (roles[f"{side}{part}"] for part in ("UpLeg", "Leg", "Foot", "ToeBase"))
        hip, knee, ankle = (places[:, joint] for joint in (thigh, shank, foot))
        # Of a foot on the floor the toes point ahead, of a stretched one the instep.
        pointing = rot.normalize(places[:, toe] - ankle) + rot.rotate(motion.global_rotations[:, foot], UP)
        moved = knee + _to_the_front(hip, knee, ankle, pointing)
        turns[:, thigh] = rot.multiply(rot.between(knee - hip, moved - hip), turns[:, thigh])
        turns[:, shank] = rot.multiply(rot.between(ankle - knee, ankle - moved), turns[:, shank])
    return replace(motion, rotations=kinematics.to_local(motion.skeleton, turns))


def _to_the_front(hip: Array, knee: Array, ankle: Array, pointing: Array) -> Array:
    """Way that a knee behind the line from hip to ankle has to its mirror image in front, [T, 3] m; hardly any for others."""
    line = rot.normalize(ankle - hip)
    ahead = rot.normalize(pointing - _dot(pointing, line) * line)
    place = _dot(knee - hip, ahead)
    return ahead * (np.sqrt(place * place + ROUND * ROUND) - place)


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-1, keepdims=True)
