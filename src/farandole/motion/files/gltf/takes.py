"""Which of a glTF file's animations is read, and what a person is told of the others."""

from __future__ import annotations

import logging
from typing import Any

from farandole.errors import FileFormatError
from farandole.motion.files.gltf.container import Container

log = logging.getLogger(__name__)


def animation_names(file: Container) -> list[str]:
    """Names of the animations in a file; their numbers where they have none."""
    return [str(take.get("name", i)) for i, take in enumerate(file.items("animations"))]


def choose_take(file: Container, animation: int | str | None) -> dict[str, Any] | None:
    """The animation with that number or name; None if the file has no animations.

    Args:
        animation: None takes the first one that moves: those of one key (a pose) are passed over. What is left out is told.

    Raises:
        FileFormatError: If there is none of that number or name (tells which there are).
    """
    takes, names = file.items("animations"), animation_names(file)
    there = ", ".join(names) or "none"
    if isinstance(animation, str):
        if animation not in names and not (
            animation.isdecimal() and len(animation) < 10 and int(animation) < len(takes)
        ):
            raise FileFormatError(f"{file.path} has no animation '{animation}' (there are: {there})")
        return takes[names.index(animation) if animation in names else int(animation)]
    if animation is not None:
        if not takes and animation == 0:
            return None
        if not 0 <= animation < len(takes):
            raise FileFormatError(f"{file.path} has {len(takes)} animations, none with number {animation}")
        return takes[animation]
    moving = [i for i, take in enumerate(takes) if _keys(file, take) > 1]
    if not moving:
        return takes[0] if takes else None
    poses = [name for i, name in enumerate(names) if i not in moving]
    if poses:
        log.warning("%s: passed over %s: an animation of one key is a pose", file.path, ", ".join(poses))
    if len(moving) > 1:
        others = ", ".join(names[i] for i in moving)
        log.warning(
            "%s has %d animations (%s): '%s' is read, --animation chooses another",
            file.path, len(moving), others, names[moving[0]],
        )  # fmt: skip
    return takes[moving[0]]


def _keys(file: Container, take: dict[str, Any]) -> int:
    """Most keys of any of an animation's samplers; 0 where it is damaged."""
    accessors = file.items("accessors")
    try:
        counts = [accessors[sampler["input"]]["count"] for sampler in take.get("samplers", [])]
        return max(map(int, counts), default=0)
    except (KeyError, IndexError, TypeError, ValueError):
        return 0
