"""What VRM says of its character: which node is which bone, and which nodes its springs move (VRM 0.x and 1.0)."""

from __future__ import annotations

from typing import Any

from farandole.motion.characters.nodes import RestTree
from farandole.motion.files.gltf.container import Container
from farandole.motion.files.gltf.vrm import humanoid

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


def humanoid_bones(file: Container) -> dict[str, int]:
    """VRM's name of each bone and its node, empty for other files. Raises FileFormatError if the map is damaged."""
    human = humanoid(file)
    return {} if human is None else {bone: node for node, bone in human.bones.items()}


def spring_nodes(file: Container, tree: RestTree) -> set[int]:
    """Nodes that springs (hair, skirts, sleeves) and eyes own, with what hangs on them."""
    extensions = file.document.get("extensions") or {}
    roots: list[Any] = []
    for group in (extensions.get("VRM") or {}).get("secondaryAnimation", {}).get("boneGroups", []):
        roots += group.get("bones", [])
    for spring in (extensions.get("VRMC_springBone") or {}).get("springs", []):
        roots += [joint.get("node") for joint in spring.get("joints", [])]
    bones = humanoid_bones(file)
    roots += [bones[name] for name in ("leftEye", "rightEye", "jaw") if name in bones]
    roots += [i for i, name in enumerate(tree.names) if name.startswith("J_Sec_")]
    inside: set[int] = set()
    for node in roots:
        if isinstance(node, int) and 0 <= node < len(tree.names):
            inside |= tree.below(node)
    return inside - {bones[name] for name in bones if name in ROLE_OF_BONE}
