"""Which control of a rig moves which bone of its body. Names and constraints only, no Blender."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_KIND = re.compile(r"^(DEF|ORG|MCH)-")
_NUMBER = re.compile(r"^(.*?)((?:\.[LR])?)((?:\.\d{3})?)$")


@dataclass(frozen=True)
class Follow:
    """A constraint by which a bone copies another one of its armature whole: its rotation, or all of it."""

    bone: str
    target: str


@dataclass(frozen=True)
class Control:
    """A control and the bone that it shall turn.

    Attributes:
        name: The control's bone.
        joint: The bone of the body.
        level: Controls of a level do not depend on each other; lower ones are set first.
    """

    name: str
    joint: str
    level: int


def is_generated_rigify(names: Sequence[str]) -> bool:
    """Whether bones are those of a rig that Rigify has generated."""
    present = set(names)
    return {"torso", "upper_arm_fk.L", "thigh_fk.L", "ORG-thigh.L"} <= present


def fk_name(joint: str, names: set[str]) -> str | None:
    """Rigify's forward-kinematics control of an ORG- bone: `thigh_fk.L` for ORG-thigh.L, `spine_fk.001`, `neck`, `shoulder.L`."""
    base = _KIND.sub("", joint)
    match = _NUMBER.match(base)
    assert match is not None
    stem, side, count = match.groups()
    for candidate in (f"{stem}_fk{side}{count}", f"{stem}_fk{count}{side}", base):
        if candidate in names:
            return candidate
    return None


def rigify_controls(joints: Sequence[str], parents: dict[str, str | None]) -> dict[str, str]:
    """Control -> bone of the body, of a rig that Rigify has generated.

    Args:
        joints: Bones of the body (ORG-, along the spine DEF-), parents first.
        parents: Of all bones.
    """
    names = set(parents)
    result: dict[str, str] = {}
    spine = [j for j in joints if re.match(r"^(DEF|ORG)-spine(\.\d{3})?$", j)]
    top = [j for j in spine if fk_name(j, names) is None]
    if "head" in names and top:
        result["head"] = top[-1]
    if "neck" in names and len(top) > 1:
        result["neck"] = top[0]
    for joint in joints:
        control = fk_name(joint, names)
        if control is not None and not control.startswith(("tweak", "MCH-", "DEF-", "ORG-")):
            result[control] = joint
    result["torso"] = joints[0]
    return result


def followed_controls(joints: Sequence[str], follows: Sequence[Follow], constrained: set[str]) -> dict[str, str]:
    """Control -> bone of the body, where bones copy others; a bone that copies nobody is its own control.

    Args:
        joints: Bones of the body, parents first.
        follows: Who copies whom.
        constrained: Bones whose pose comes from constraints.
    """
    target = {f.bone: f.target for f in follows}
    result: dict[str, str] = {}
    for joint in joints:
        control, seen = joint, {joint}
        while control in target and target[control] not in seen:
            control = target[control]
            seen.add(control)
        if control not in constrained and control not in result:
            result[control] = joint
    return result


def levels(
    controls: dict[str, str], parents: dict[str, str | None], body_parents: dict[str, str | None]
) -> list[Control]:
    """The order in which to set controls: those above others first, be it as bones or through the body.

    Args:
        controls: Control -> bone of the body.
        parents: Of all bones.
        body_parents: Of the body's bones among each other.
    """
    above: dict[str, set[str]] = {}
    for control in controls:
        line: set[str] = set()
        parent = parents.get(control)
        while parent is not None:
            line.add(parent)
            parent = parents.get(parent)
        above[control] = line & set(controls)
    of_joint: dict[str, str] = {}
    for control, joint in controls.items():
        if joint not in of_joint or of_joint[joint] in above[control]:
            of_joint[joint] = control
    for control, joint in controls.items():
        parent = body_parents.get(joint)
        while parent is not None and parent not in of_joint:
            parent = body_parents.get(parent)
        other = of_joint[parent] if parent is not None else None
        if other is not None and other != control and control not in _all_above(other, above):
            above[control] = above[control] | {other}
    depth: dict[str, int] = {}

    def level(control: str) -> int:
        if control not in depth:
            depth[control] = 0
            depth[control] = max((1 + level(other) for other in above[control]), default=0)
        return depth[control]

    ordered = [Control(name, joint, level(name)) for name, joint in controls.items()]
    return sorted(ordered, key=lambda c: c.level)


def _all_above(control: str, above: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [control]
    while waiting:
        for other in above[waiting.pop()]:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
