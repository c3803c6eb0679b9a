"""Any humanoid's joints, brought to the joint set a metric needs."""

from __future__ import annotations

import numpy as np

from farandole.errors import RetargetError
from farandole.evaluation.humanoid_view import roles_of
from farandole.evaluation.metrics.geometric_features import SMPL_JOINTS
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.names import path
from farandole.motion.rotations import Array

_OFFICIAL = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3",
    "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip

_FROM_ROLE = {
    "root": "Hips", "head": "Head",
    **{
        f"{letter}{ours}": f"{side}{role}"
        for letter, side in (("l", "Left"), ("r", "Right"))
        for ours, role in (
            ("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot"), ("shoulder", "Arm"), ("elbow", "ForeArm"), ("wrist", "Hand"),
        )
    },
}  # fmt: skip

HAND_LENGTH = 0.33
"""Length from wrist to the hand joint relative to the forearm, where a skeleton ends at the wrist (SMPL: 0.09 m of 0.27 m)."""


def smpl_positions(motion: Motion) -> Array:
    """World positions of the 24 SMPL joints of any humanoid, [T, 24, 3] m.

    SMPL skeletons (by their official names or those of `SMPL_JOINTS`) give their own joints. Others are mapped by role: the
    three spine joints are the first, the middle and the last between hips and neck (the mean of the two where only two exist);
    without a neck the last joint under the head takes its place;
    missing collars lie between chest and shoulder, missing toes at the foot's end site or the ankle, missing hands in line with
    the forearm. Published tables compare with SMPL only; mapped motion compares with motion mapped alike.

    Raises:
        RetargetError: Naming the joints that have no counterpart.
    """
    names = motion.skeleton.names
    for known in (_OFFICIAL, SMPL_JOINTS):
        if set(known) <= set(names):
            return motion.positions[:, [names.index(n) for n in known]]
    index = roles_of(motion)
    missing = [role for role in _FROM_ROLE.values() if role not in index]
    if missing:
        raise RetargetError(f"{motion.name}: cannot be mapped to the 24 SMPL joints, no joint for {', '.join(missing)}")
    world = motion.positions
    at = {name: world[:, index[role]] for name, role in _FROM_ROLE.items()}
    at["belly"], at["spine"], at["chest"], at["neck"] = _spine(motion, index)
    for letter, side in (("l", "Left"), ("r", "Right")):
        collar = index.get(f"{side}Shoulder")
        at[f"{letter}inshoulder"] = (at["chest"] + at[f"{letter}shoulder"]) / 2 if collar is None else world[:, collar]
        toe = index.get(f"{side}ToeBase")
        at[f"{letter}toes"] = _end(motion, index[f"{side}Foot"]) if toe is None else world[:, toe]
        wrist, elbow = at[f"{letter}wrist"], at[f"{letter}elbow"]
        at[f"{letter}hand"] = wrist + HAND_LENGTH * (wrist - elbow)
    return np.stack([at[name] for name in SMPL_JOINTS], axis=1)


def _spine(motion: Motion, index: dict[str, int]) -> tuple[Array, Array, Array, Array]:
    """First, middle and last joint between hips and neck, and the neck, each [T, 3] m."""
    between = path(motion.skeleton, index["Hips"], index["Head"])[1:-1]
    if "Neck" in index:
        between = between[: between.index(index["Neck"])]
    if not between:
        raise RetargetError(f"{motion.name}: cannot be mapped to the 24 SMPL joints, no spine between hips and neck")
    if "Neck" in index:
        neck = motion.positions[:, index["Neck"]]
    elif len(between) > 1:
        neck = motion.positions[:, between.pop()]
    else:
        neck = (motion.positions[:, between[0]] + motion.positions[:, index["Head"]]) / 2
    first, last = motion.positions[:, between[0]], motion.positions[:, between[-1]]
    middle = motion.positions[:, between[len(between) // 2]] if len(between) > 2 else (first + last) / 2
    return first, middle, last, neck


def _end(motion: Motion, joint: int) -> Array:
    """End site of a joint, or the joint itself where it has none, [T, 3] m."""
    offset = motion.skeleton.end_sites.get(motion.skeleton.names[joint])
    if offset is None:
        return motion.positions[:, joint]
    return motion.positions[:, joint] + rot.rotate(motion.global_rotations[:, joint], offset)
