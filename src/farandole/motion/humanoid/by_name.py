"""Parts of the body by the names of joints, as far as the tree bears them out."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from farandole.motion.humanoid import tree
from farandole.motion.humanoid.words import CENTRE_STEMS, LIMB_STEMS, TRUNK_STEMS, Part, part, undecorated
from farandole.motion.skeleton import Skeleton

SIDES = ("Left", "Right")


def parts_of(skeleton: Skeleton) -> list[Part]:
    """Each joint's name taken apart."""
    return [part(name) for name in undecorated(skeleton.names)]


def roles_by_name(skeleton: Skeleton, preferred: Collection[int] = ()) -> dict[str, int]:
    """What names tell: limbs, hips and head; not what lies between hips and head.

    Args:
        preferred: Joints that go before others of the same name (those that move the skin).
    """
    parts = parts_of(skeleton)
    table = _table(parts, preferred)
    roles: dict[str, int] = {}
    for side in SIDES:
        roles.update(
            {side + r: j for r, j in _limb(skeleton, {p: js for (s, p), js in table.items() if s == side}).items()}
        )
    head = next((table["", stem][0] for stem in CENTRE_STEMS["Head"] if ("", stem) in table), None)
    if head is None:
        head = _top_of_trunk(skeleton, parts, roles)
    if head is not None:
        roles["Head"] = head
    hips = find_hips(skeleton, roles, [table["", stem][0] for stem in CENTRE_STEMS["Hips"] if ("", stem) in table])
    if hips is not None:
        roles["Hips"] = hips
    return roles


def _table(parts: list[Part], preferred: Collection[int]) -> dict[tuple[str, str], list[int]]:
    """Joints by side and stem, best first: movers of the skin, exact names before numbered ones, the nearest to the root."""
    table: dict[tuple[str, str], list[tuple[tuple[bool, bool, bool, int], int]]] = {}
    for joint, p in enumerate(parts):
        if p.helper:
            continue
        rank = (bool(preferred) and joint not in preferred, p.spare, False, joint)
        table.setdefault((p.side, p.stem), []).append((rank, joint))
        bare = p.stem.rstrip("0123456789")
        if bare and bare != p.stem:
            table.setdefault((p.side, bare), []).append(((*rank[:2], True, joint), joint))
    return {key: [joint for _, joint in sorted(entries)] for key, entries in table.items()}


def _limb(skeleton: Skeleton, stems: dict[str, list[int]]) -> dict[str, int]:
    """Roles of one side's arm and leg, each joint used once and below the one before."""
    result: dict[str, int] = {}

    def find(role: str, above: int, strict: bool, without: Collection[str] = ()) -> int | None:
        for stem in LIMB_STEMS[role]:
            if stem in without:
                continue
            for joint in stems.get(stem, ()):
                if joint not in result.values() and not (
                    strict and above >= 0 and not tree.is_below(skeleton, joint, above)
                ):
                    return joint
        return None

    # "shoulder" is the upper arm where a collar is named beside it (SMPL) or no other name claims the upper arm; else the
    # clavicle. "leg" is the thigh where the shin has another name.
    shin = any(s in stems for s in LIMB_STEMS["Leg"] if s != "leg")
    for chain in (("UpLeg", "Leg", "Foot", "ToeBase"), ("Arm", "ForeArm", "Hand"), ("Shoulder",)):
        above = -1
        for role in chain:
            without = ("leg",) if (role == "UpLeg" and not shin) else ()
            joint = find(role, above, True, without)
            if joint is None and role not in ("ToeBase", "Shoulder", "Hand"):
                joint = find(role, above, False, without)  # chains that a rig takes apart
            if joint is not None:
                result[role] = above = joint
    if "Foot" in result and "ToeBase" not in result:
        ahead = [c for c in skeleton.children[result["Foot"]] if skeleton.children[c]]
        if len(ahead) == 1 and np.linalg.norm(skeleton.offsets[ahead[0]]) > 0.02 * max(skeleton.height, 1e-9):
            result["ToeBase"] = ahead[0]
    if "Shoulder" in result and not ("Arm" in result and _carries(skeleton, result["Shoulder"], result["Arm"])):
        del result["Shoulder"]
    return result


def _carries(skeleton: Skeleton, shoulder: int, arm: int) -> bool:
    if tree.is_below(skeleton, arm, shoulder):
        return True
    gap = skeleton.rest_positions[arm] - skeleton.rest_positions[shoulder]
    return not tree.is_below(skeleton, shoulder, arm) and 0 < float(np.linalg.norm(gap)) < 0.2 * max(
        skeleton.height, 1e-9
    )


def _top_of_trunk(skeleton: Skeleton, parts: list[Part], roles: dict[str, int]) -> int | None:
    """The end of the neck, for bodies that name no head: the last of "neck" or "spine" above where the arms part."""
    arms = [roles[s + "Arm"] for s in SIDES if s + "Arm" in roles]
    if len(arms) < 2:
        return None
    chest = tree.common_ancestor(skeleton, *arms)
    above = [
        j
        for j, p in enumerate(parts)
        if j != chest
        and not p.helper
        and not p.side
        and p.stem.startswith(TRUNK_STEMS)
        and tree.is_below(skeleton, j, chest)
    ]
    necks = [j for j in above if parts[j].stem.startswith("neck")]
    return max(necks or above, default=None)


def find_hips(skeleton: Skeleton, roles: dict[str, int], named: list[int]) -> int | None:
    """The joint that carries both legs and the head; where a rig has none, the one of that name, or where the legs part."""
    legs = [roles[s + "UpLeg"] for s in SIDES if s + "UpLeg" in roles]
    if len(legs) < 2:
        return named[0] if named else None
    fork = tree.common_ancestor(skeleton, *legs)
    if "Head" not in roles:
        return next((j for j in named if tree.is_below(skeleton, fork, j)), fork)
    both = tree.common_ancestor(skeleton, fork, roles["Head"])
    rest = skeleton.rest_positions
    middle = 0.5 * (rest[legs[0]] + rest[legs[1]])
    feet = [roles[s + "Foot"] for s in SIDES if s + "Foot" in roles]
    length = np.mean([np.linalg.norm(rest[f] - rest[u]) for f, u in zip(feet, legs, strict=False)]) if feet else 0.0
    far = lambda j: np.linalg.norm(rest[j] - middle) > 0.6 * length  # noqa: E731
    if length > 0 and far(both):  # legs and spine hang apart on a root on the floor
        return next((j for j in (*named, fork) if not far(j)), both)
    return both


def trunk_by_name(skeleton: Skeleton, roles: dict[str, int]) -> dict[str, int]:
    """Spine, chest and neck of a rig whose head does not hang on its hips: what is called so, in its order from hips to head."""
    if "Hips" not in roles or "Head" not in roles:
        return {}
    rest = skeleton.rest_positions
    way = rest[roles["Head"]] - rest[roles["Hips"]]
    length = max(float(way @ way), 1e-18)
    spine, neck = [], []
    for joint, p in enumerate(parts_of(skeleton)):
        along = float((rest[joint] - rest[roles["Hips"]]) @ way) / length
        if (
            joint in roles.values()
            or p.side
            or p.helper
            or not p.stem.startswith(TRUNK_STEMS)
            or not 0.02 < along < 0.98
        ):
            continue
        (neck if p.stem.startswith("neck") else spine).append((along, joint))
    result = {}
    if spine:
        result["Spine1"] = max(spine)[1]
    if len(spine) > 1:
        result["Spine"] = min(spine)[1]
    if neck:
        result["Neck"] = min(neck)[1]
    return result
