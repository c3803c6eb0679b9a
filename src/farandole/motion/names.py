"""Which joint of a skeleton is which part of a body, whatever tool named it.

Names are asked first (Mixamo, VRM, Unreal, Unity, Rigify, Auto-Rig Pro, Character Creator, Daz, 3ds Max Biped, MakeHuman, CMU,
SMPL, SOMA, body trackers, Xsens, Roblox, MikuMikuDance and their kin, in any case, with any prefix); the tree must bear them out.
Where they say too little, the shape of the tree decides. The same serves skeletons of motion files and nodes of characters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from farandole.errors import RetargetError
from farandole.motion.humanoid.by_name import SIDES, roles_by_name, trunk_by_name
from farandole.motion.humanoid.by_structure import roles_by_structure
from farandole.motion.humanoid.tree import common_ancestor, is_below, path
from farandole.motion.humanoid.words import split_side
from farandole.motion.skeleton import Skeleton

__all__ = [
    "ESSENTIAL",
    "ROLES",
    "SIDES",
    "common_ancestor",
    "counterpart",
    "find_roles",
    "humanoid_roles",
    "is_below",
    "is_humanoid",
    "path",
    "require_roles",
    "split_side",
    "with_trunk",
]

ESSENTIAL = (
    "Hips", "Head", *(side + part for side in SIDES for part in ("Arm", "ForeArm", "UpLeg", "Leg", "Foot"))
)  # fmt: skip
"""Roles without which a skeleton does not count as human."""
ROLES = (
    "Hips", "Spine", "Spine1", "Neck", "Head",
    *(s + p for s in SIDES for p in ("Shoulder", "Arm", "ForeArm", "Hand")),
    *(s + p for s in SIDES for p in ("UpLeg", "Leg", "Foot", "ToeBase")),
)  # fmt: skip
"""All roles, in their order."""


def humanoid_roles(skeleton: Skeleton) -> dict[str, int]:
    """House joint names (see `humanoid.house_skeleton`) and the joints that play them, as far as the skeleton has them.

    Joints between these (more spine, neck or twist bones), fingers and faces have no role.

    Raises:
        RetargetError: If essential parts are missing; names them and the joints there are.
    """
    return require_roles(skeleton, find_roles(skeleton))


class MissingPartsError(RetargetError):
    """Essential parts of a human are not recognised in a skeleton.

    Attributes:
        skeleton: The skeleton.
        roles: House joint names and joints of what is recognised.
    """

    def __init__(self, message: str, skeleton: Skeleton, roles: Mapping[str, int]) -> None:
        super().__init__(message)
        self.skeleton, self.roles = skeleton, dict(roles)


def require_roles(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, int]:
    """The roles themselves. Raises MissingPartsError if essential ones are missing; names them and the joints there are."""
    missing = [role for role in ESSENTIAL if role not in roles]
    if missing:
        some = ", ".join(skeleton.names[:12]) + (", ..." if len(skeleton) > 12 else "")
        message = f"no joint found for {', '.join(missing)} among {len(skeleton)} joints ({some})"
        raise MissingPartsError(message, skeleton, roles)
    return roles


def is_humanoid(skeleton: Skeleton) -> bool:
    """Whether all essential parts of a human body are there."""
    roles = find_roles(skeleton)
    return all(role in roles for role in ESSENTIAL)


def find_roles(skeleton: Skeleton, preferred: Collection[int] = ()) -> dict[str, int]:
    """Like `humanoid_roles`, but gives what it finds, however little.

    Args:
        preferred: Joints that go before others of the same name (those that move a skin).
    """
    return dict(_find_roles(skeleton, frozenset(preferred)))


@lru_cache(maxsize=64)
def _find_roles(skeleton: Skeleton, preferred: frozenset[int]) -> dict[str, int]:
    roles = roles_by_name(skeleton, preferred)
    if any(role not in roles for role in ESSENTIAL):
        shape = roles_by_structure(skeleton)
        taken = {joint: role for role, joint in shape.items()}
        agree = all(shape.get(r, j) == j and taken.get(j, r) == r for r, j in roles.items() if r != "Hips")
        if shape:
            roles = shape | roles if agree and "Hips" in roles else shape
            roles["Hips"] = shape["Hips"]
    return with_trunk(skeleton, roles)


def with_trunk(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, int]:
    """The roles in their order, with spine, chest ("Spine1") and neck from the tree where they are not given."""
    roles = _trunk(skeleton, roles) | roles
    return {role: roles[role] for role in ROLES if role in roles}


def counterpart(skeleton: Skeleton) -> dict[int, int]:
    """Each joint's partner on the other side by name; joints of the middle are their own. Joints without partner are left out."""
    swap = {"Left": "Right", "Right": "Left", "": ""}
    keys = [split_side(name) for name in skeleton.names]
    index = {}
    for joint, key in enumerate(keys):
        index.setdefault(key, []).append(joint)
    result: dict[int, int] = {}
    for (side, stem), joints in index.items():
        partners = index.get((swap[side], stem), [])
        if side == "":
            result.update({j: j for j in joints})
        elif len(partners) == len(joints):
            result.update(zip(joints, partners, strict=True))
    return result


def _trunk(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, int]:
    """Spine, chest ("Spine1") and neck, from the tree: the chest is where arms and head part."""
    if "Hips" not in roles or "Head" not in roles:
        return {}
    if not is_below(skeleton, roles["Head"], roles["Hips"]):
        return trunk_by_name(skeleton, roles)
    spine = path(skeleton, roles["Hips"], roles["Head"])[1:-1]
    chest = roles["Head"]
    for side in SIDES:
        if side + "Arm" in roles:
            chest = common_ancestor(skeleton, chest, roles[side + "Arm"])
    if chest not in spine:
        return {}
    at = spine.index(chest)
    result = {"Spine1": chest}
    below = spine[:at]
    if below:
        # CMU's LowerBack sits on the hips: the next one up bends the waist.
        still = len(below) > 1 and abs(skeleton.offsets[below[0]]).max() < 1e-6 * max(skeleton.height, 1e-9)
        result["Spine"] = below[1] if still else below[0]
    if spine[at + 1 :]:
        result["Neck"] = spine[at + 1]
    return result
