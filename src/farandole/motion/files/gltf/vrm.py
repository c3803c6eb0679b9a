"""Humanoid maps of VRM 0.x and 1.0 characters: which node is which bone.

Specifications (github.com/vrm-c/vrm-specification): VRM 0.x `VRM`, VRM 1.0 `VRMC_vrm`, VRM animation 1.0 `VRMC_vrm_animation`.
"""

from __future__ import annotations

from dataclasses import dataclass

from farandole.errors import FileFormatError
from farandole.motion.files.gltf.container import Container


@dataclass(frozen=True)
class Humanoid:
    """A humanoid map.

    Attributes:
        bones: Bone name of VRM by node.
        faces_back: Whether the character looks along -z at rest, as VRM 0.x demands, and not along +z.
    """

    bones: dict[int, str]
    faces_back: bool


def humanoid(file: Container) -> Humanoid | None:
    """The humanoid map of a file, None where it has none.

    Raises:
        FileFormatError: If it has one that is damaged.
    """
    for key in ("VRMC_vrm_animation", "VRMC_vrm", "VRM"):
        extension = file.extension(key)
        if extension is None:
            continue
        try:
            bones = extension["humanoid"]["humanBones"]
            if key == "VRM":
                pairs = [(entry["node"], entry["bone"]) for entry in bones if entry["node"] != -1]
            else:
                pairs = [(entry["node"], bone) for bone, entry in bones.items()]
        except (KeyError, TypeError, AttributeError) as error:
            raise FileFormatError(f"{file.path}: its humanoid map ({key}) is damaged") from error
        count = len(file.items("nodes"))
        if not all(type(node) is int and 0 <= node < count and isinstance(bone, str) for node, bone in pairs):
            raise FileFormatError(f"{file.path}: its humanoid map ({key}) names a node that does not exist")
        if pairs:
            return Humanoid(dict(pairs), key == "VRM")
    return None
