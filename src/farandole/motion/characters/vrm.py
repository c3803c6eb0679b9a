"""What VRM says of its character: which node is which bone, and which nodes its springs move (VRM 0.x and 1.0)."""

from __future__ import annotations

from typing import Any

from farandole.motion.characters.nodes import NodeTree

_LIMB = {
    "Shoulder": "Shoulder", "UpperArm": "Arm", "LowerArm": "ForeArm", "Hand": "Hand",
    "UpperLeg": "UpLeg", "LowerLeg": "Leg", "Foot": "Foot", "Toes": "ToeBase",
}  # fmt: skip
ROLE_OF_BONE = {
    "hips": "Hips", "head": "Head",
    **{low + bone: side + role for low, side in (("left", "Left"), ("right", "Right")) for bone, role in _LIMB.items()},
}  # fmt: skip
"""VRM's bones and the house's roles; what lies between hips and head is told by the tree."""
FINGERS = {"Thumb": "thumb", "Index": "index", "Middle": "middle", "Ring": "ring", "Little": "pinky"}


def humanoid_bones(document: dict[str, Any], count: int) -> dict[str, int]:
    """VRM's name of each bone and its node, empty for other files; bones that do not exist are left out."""
    extensions = document.get("extensions") or {}
    bones: dict[str, Any] = {}
    if "VRMC_vrm" in extensions:
        human = extensions["VRMC_vrm"].get("humanoid", {}).get("humanBones", {})
        bones = {name: entry.get("node") for name, entry in human.items() if isinstance(entry, dict)}
    elif "VRM" in extensions:
        human = extensions["VRM"].get("humanoid", {}).get("humanBones", [])
        bones = {str(entry.get("bone")): entry.get("node") for entry in human if isinstance(entry, dict)}
    return {name: node for name, node in bones.items() if isinstance(node, int) and 0 <= node < count}


def spring_nodes(document: dict[str, Any], tree: NodeTree) -> set[int]:
    """Nodes that springs (hair, skirts, sleeves) and eyes own, with what hangs on them."""
    extensions = document.get("extensions") or {}
    roots: list[Any] = []
    for group in (extensions.get("VRM") or {}).get("secondaryAnimation", {}).get("boneGroups", []):
        roots += group.get("bones", [])
    for spring in (extensions.get("VRMC_springBone") or {}).get("springs", []):
        roots += [joint.get("node") for joint in spring.get("joints", [])]
    bones = humanoid_bones(document, len(tree.names))
    roots += [bones[name] for name in ("leftEye", "rightEye", "jaw") if name in bones]
    roots += [i for i, name in enumerate(tree.names) if name.startswith("J_Sec_")]
    inside: set[int] = set()
    for node in roots:
        if isinstance(node, int) and 0 <= node < len(tree.names):
            inside |= tree.below(node)
    return inside - {bones[name] for name in bones if name in ROLE_OF_BONE}
