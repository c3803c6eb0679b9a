"""Which joint of a skeleton is which part of a body, whatever tool named it.

Knows the spellings of Mixamo, LAFAN1, CMU (both the asf/amc names and cgspeed's Poser ones), SMPL and AIST++, Bandai Namco, 3ds Max
Biped, Xsens, Unreal's mannequin, Rokoko, VRM and their kin, in any case and with any name space; the tree must bear them out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from farandole.errors import RetargetError
from farandole.motion.skeleton import Skeleton

SIDES = ("Left", "Right")
ESSENTIAL = (
    "Hips", "Head", *(side + part for side in SIDES for part in ("Arm", "ForeArm", "UpLeg", "Leg", "Foot"))
)  # fmt: skip
"""Roles without which a skeleton does not count as human."""

# Per role, its stems in order of preference. A stem is a name without side, name space, blanks and case.
_LIMBS = {
    "UpLeg": ("upleg", "upperleg", "thigh", "hip", "femur"),
    "Leg": ("lowerleg", "lowleg", "calf", "shin", "knee", "leg", "tibia"),
    "Foot": ("ankle", "foot"),
    "ToeBase": ("toebase", "toe", "toes", "ball", "toe0", "foot"),
    "Shoulder": ("clavicle", "collar", "inshoulder", "collarbone", "shoulder"),
    "Arm": ("upperarm", "uparm", "shldr", "arm", "shoulder", "humerus"),
    "ForeArm": ("forearm", "lowerarm", "lowarm", "elbow", "radius"),
    "Hand": ("wrist", "hand"),
}
_CENTRE = {
    "Hips": ("hips", "pelvis", "hip", "root"),
    "Head": ("head", "skull"),
}
_STEMS = {stem for stems in _LIMBS.values() for stem in stems}
_SPACE = re.compile(r"^(?:.*[:|]|mixamorig\d*_?|bip(?:ed)?\d*[ _]|character\d*_|j_bip_|def[-_.]|g_)", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LEFT, _RIGHT = {"left", "l", "lf", "lft"}, {"right", "r", "rt", "rgt"}


def humanoid_roles(skeleton: Skeleton) -> dict[str, int]:
    """House joint names (see `humanoid.house_skeleton`) and the joints that play them, as far as the skeleton has them.

    Joints between these (more spine, neck or twist bones), fingers and faces have no role.

    Raises:
        RetargetError: If essential parts are missing; names them and the joints there are.
    """
    roles = find_roles(skeleton)
    missing = [role for role in ESSENTIAL if role not in roles]
    if missing:
        some = ", ".join(skeleton.names[:12]) + (", ..." if len(skeleton) > 12 else "")
        raise RetargetError(f"no joint found for {', '.join(missing)} among {len(skeleton)} joints ({some})")
    return roles


def is_humanoid(skeleton: Skeleton) -> bool:
    """Whether all essential parts of a human body are there."""
    roles = find_roles(skeleton)
    return all(role in roles for role in ESSENTIAL)


def find_roles(skeleton: Skeleton) -> dict[str, int]:
    """Like `humanoid_roles`, but gives what it finds, however little."""
    return dict(_find_roles(skeleton))


@lru_cache(maxsize=64)
def _find_roles(skeleton: Skeleton) -> dict[str, int]:
    table: dict[tuple[str, str], int] = {}
    for joint, name in enumerate(skeleton.names):
        table.setdefault(split_side(name), joint)  # the first of several is the one nearest the root
    roles: dict[str, int] = {}
    for side in SIDES:
        limb = _limb(skeleton, {stem: j for (s, stem), j in table.items() if s == side})
        roles.update({side + role: joint for role, joint in limb.items()})
    for role, stems in _CENTRE.items():
        found = [table["", stem] for stem in stems if ("", stem) in table]
        if found:
            roles[role] = found[0]
    legs = [roles[s + "UpLeg"] for s in SIDES if s + "UpLeg" in roles]
    if len(legs) == 2:
        fork = common_ancestor(skeleton, *legs)
        if "Hips" not in roles or not is_below(skeleton, fork, roles["Hips"]):
            roles["Hips"] = fork
        elif fork != roles["Hips"] and _carries_spine(skeleton, fork, roles):
            roles["Hips"] = fork  # "root" or "Bip01" above the real hips
    roles.update(_trunk(skeleton, roles))
    order = (
        "Hips", "Spine", "Spine1", "Neck", "Head",
        *(s + p for s in SIDES for p in ("Shoulder", "Arm", "ForeArm", "Hand")),
        *(s + p for s in SIDES for p in ("UpLeg", "Leg", "Foot", "ToeBase")),
    )  # fmt: skip
    return {role: roles[role] for role in order if role in roles}


@lru_cache(maxsize=4096)
def split_side(name: str) -> tuple[str, str]:
    """A joint name as ("Left", "Right" or "", stem): "mixamorig:LeftUpLeg" -> ("Left", "upleg"), "lShldr" -> ("Left", "shldr")."""
    bare = name
    while True:
        shorter = _SPACE.sub("", bare.strip())
        if shorter == bare or not shorter:
            break
        bare = shorter
    words = [w.lower() for w in _WORDS.findall(bare)]
    words = [w for w in words if not (w.isdigit() and int(w) <= 1 and w.startswith("0"))]  # upperarm_l, neck_01
    if len(words) > 1 and words[0] in ("c", "joint", "jnt", "bone"):
        words = words[1:]
    for tokens, side in ((_LEFT, "Left"), (_RIGHT, "Right")):
        marks = [i for i in (0, len(words) - 1) if len(words) > 1 and words[i] in tokens]
        if marks:
            del words[marks[0]]
            return side, "".join(words)
    stem = "".join(words)
    for prefix, side in (("left", "Left"), ("right", "Right"), ("l", "Left"), ("r", "Right")):
        if stem.startswith(prefix) and stem[len(prefix) :] in _STEMS:
            return side, stem[len(prefix) :]
    return "", stem


def is_below(skeleton: Skeleton, joint: int, ancestor: int) -> bool:
    """Whether `joint` is `ancestor` or one of its descendants."""
    while joint > ancestor:
        joint = int(skeleton.parents[joint])
    return joint == ancestor


def path(skeleton: Skeleton, ancestor: int, joint: int) -> list[int]:
    """Joints from `ancestor` down to `joint`, both included."""
    result = [joint]
    while result[-1] != ancestor:
        result.append(int(skeleton.parents[result[-1]]))
    return result[::-1]


def common_ancestor(skeleton: Skeleton, a: int, b: int) -> int:
    """The lowest joint that has both below it."""
    while a != b:
        if a > b:
            a = int(skeleton.parents[a])
        else:
            b = int(skeleton.parents[b])
    return a


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


def _limb(skeleton: Skeleton, stems: dict[str, int]) -> dict[str, int]:
    """Roles of one side's arm and leg, each joint used once and below the one before."""
    result: dict[str, int] = {}
    # "shoulder" is the upper arm where a collar is named beside it (SMPL) or no other name claims the upper arm; else the clavicle.
    for chain in (("UpLeg", "Leg", "Foot", "ToeBase"), ("Arm", "ForeArm", "Hand"), ("Shoulder",)):
        above = -1
        for role in chain:
            for stem in _LIMBS[role]:
                joint = stems.get(stem)
                if joint is None or joint in result.values() or (above >= 0 and not is_below(skeleton, joint, above)):
                    continue
                result[role] = above = joint
                break
    if "Shoulder" in result and not ("Arm" in result and is_below(skeleton, result["Arm"], result["Shoulder"])):
        del result["Shoulder"]
    return result


def _carries_spine(skeleton: Skeleton, fork: int, roles: dict[str, int]) -> bool:
    head = roles.get("Head")
    return head is not None and is_below(skeleton, head, fork)


def _trunk(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, int]:
    """Spine, chest ("Spine1") and neck, from the tree: the chest is where arms and head part."""
    if "Hips" not in roles or "Head" not in roles or not is_below(skeleton, roles["Head"], roles["Hips"]):
        return {}
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
