"""Motions on a user's own character: .glb, .gltf, .vrm (0.x and 1.0), .bvh."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from farandole.errors import FileFormatError
from farandole.motion.characters.bvh import BvhCharacter
from farandole.motion.characters.character import SUFFIXES, Character

__all__ = ["READABLE", "BvhCharacter", "Character", "load_character"]

READABLE = (*SUFFIXES, ".bvh")
"""Suffixes `load_character` knows."""


def load_character(
    path: str | Path, *, mapping: str | Path | Mapping[str, str | None] | None = None
) -> Character | BvhCharacter:
    """A user's own character, to put motions on.

        character = load_character("me.vrm")
        character.save("me_dancing.vrm", motion)

    Args:
        path: .glb, .vrm, .gltf, or the .bvh of a body.
        mapping: Role -> joint, or a map file, for what is recognised wrongly.

    Raises:
        FileFormatError: If there is no such file, or it is none of these, or damaged.
        RetargetError: If it has no human skeleton; says what is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in READABLE:
        raise FileFormatError(f"{path}: '{path.suffix}' is no character file (can read {', '.join(READABLE)})")
    if not path.is_file():
        raise FileFormatError(f"{path}: no such file")
    return BvhCharacter(path, mapping) if path.suffix.lower() == ".bvh" else Character.load(path, mapping=mapping)
