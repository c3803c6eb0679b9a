"""Joints of a skeleton as people name them: single ones, chains, parts of the body."""

from __future__ import annotations

import numpy as np

from farandole.errors import MotionError
from farandole.motion import names
from farandole.motion.skeleton import Skeleton

PARTS: dict[str, tuple[str, ...]] = {
    "arms": ("LeftShoulder+", "RightShoulder+", "LeftArm+", "RightArm+"),
    "left-arm": ("LeftShoulder+", "LeftArm+"),
    "right-arm": ("RightShoulder+", "RightArm+"),
    "legs": ("LeftUpLeg+", "RightUpLeg+", "Hips"),
    "left-leg": ("LeftUpLeg+",),
    "right-leg": ("RightUpLeg+",),
    "head": ("Neck+", "Head+"),
    "torso": ("Spine", "Spine1", "Neck", "Head"),
}
"""Parts of a human body and the roles in them; + is everything below. Legs go with the hips, which carry the body's travel."""


def chosen_joints(skeleton: Skeleton, text: str) -> np.ndarray:
    """Joints named by words with commas between, [J] bool.

    Args:
        skeleton: Any; parts of the body and roles need a human one.
        text: "RightArm" (a joint by its own name or its role), "RightArm+" (with all joints below it), or a part: arms, left-arm,
            right-arm, legs, left-leg, right-leg, head, torso.

    Raises:
        MotionError: If a word names no joint; lists what there is.
    """
    chosen = np.zeros(len(skeleton), bool)
    for word in (w.strip() for w in text.split(",")):
        part = PARTS.get(word.replace("_", "-"))
        if part is None or word in skeleton.names:
            chosen |= _joint(skeleton, word)
            continue
        found = [_joint(skeleton, role, missing_ok=True) for role in part]
        if not np.any(found):
            raise MotionError(f"{word}: this skeleton shows no human body; name joints: {_some(skeleton)}")
        chosen |= np.any(found, axis=0)
    return chosen


def joint_called(skeleton: Skeleton, word: str) -> int:
    """Index of a joint by its own name or its role. Raises MotionError if there is none."""
    roles = names.find_roles(skeleton)
    if word in skeleton.names:
        return skeleton.index(word)
    if word in roles:
        return roles[word]
    raise MotionError(f"no joint '{word}'; there are: {_some(skeleton)}")


def below(skeleton: Skeleton, joint: int) -> np.ndarray:
    """A joint and all that hang from it, [J] bool."""
    result = np.zeros(len(skeleton), bool)
    result[joint] = True
    for j, parent in enumerate(skeleton.parents):
        if parent >= 0 and result[parent]:
            result[j] = True
    return result


def _joint(skeleton: Skeleton, word: str, *, missing_ok: bool = False) -> np.ndarray:
    name = word.removesuffix("+")
    try:
        joint = joint_called(skeleton, name)
    except MotionError:
        if missing_ok:
            return np.zeros(len(skeleton), bool)
        raise
    return below(skeleton, joint) if word.endswith("+") else np.arange(len(skeleton)) == joint


def _some(skeleton: Skeleton) -> str:
    return ", ".join(skeleton.names[:24]) + (", ..." if len(skeleton) > 24 else "")
