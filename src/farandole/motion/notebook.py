"""Methods of `Motion` that need the rest of this room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from farandole.motion import names
from farandole.motion.characters import BvhCharacter, Character
from farandole.motion.files import load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget as on_skeleton
from farandole.motion.root_travel import carried_by_root, travelling_like
from farandole.motion.skeleton import Skeleton


def retarget(motion: Motion, body: Skeleton | Motion | Character | BvhCharacter | str | Path) -> Motion:
    """The same movement on another body, see `Motion.retarget`."""
    if body == "house":
        return replace(on_skeleton(motion, house_skeleton()), markers=motion.markers)
    if isinstance(body, (str, Path)):
        body = load_motion(body)
    if isinstance(body, Character):
        body = load_motion(body.path)
    if isinstance(body, BvhCharacter):
        return replace(body.retarget(motion), markers=motion.markers)
    result = on_skeleton(motion, body)
    if isinstance(body, Motion):
        result = replace(result, layout=body.layout)
        if body.translations is not None:
            result = travelling_like(carried_by_root(result), body)
    return replace(result, markers=motion.markers)


def joint_number(motion: Motion, name: str) -> int:
    """Number of a joint by its name, or by the part of the body that it plays. Raises MotionError if there is none."""
    if name in motion.skeleton.names:
        return motion.skeleton.index(name)
    roles = names.find_roles(motion.skeleton)
    return roles[name] if name in roles else motion.skeleton.index(name)
