"""Files that say which joint plays which part, for skeletons that are recognised wrongly or not at all.

One line per role, in YAML ("LeftArm: upperarm_l", an empty value takes a role away) or one JSON object. Roles are the house's joint
names, or VRM's bone names (leftUpperArm).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from farandole.errors import FileFormatError, RetargetError
from farandole.motion.humanoid.by_name import find_hips
from farandole.motion.humanoid.tree import is_below
from farandole.motion.names import ESSENTIAL, ROLES, with_trunk
from farandole.motion.skeleton import Skeleton


def read_map(path: str | Path) -> dict[str, str | None]:
    """Role -> joint name of a map file; None takes a role away.

    Raises:
        FileFormatError: If it cannot be read, or a line is no "role: name"; names the line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"cannot read the map {path}: {getattr(error, 'strerror', None) or error}") from error
    if text.lstrip().startswith("{"):
        try:
            pairs = json.loads(text)
        except ValueError as error:
            raise FileFormatError(f"{path} is no JSON object ({error})") from error
    else:
        pairs = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() in ("", "---") or line.lstrip().startswith("#"):
                continue
            key, colon, value = line.partition(":")
            if not colon or line[0].isspace():
                raise FileFormatError(f"{path}, line {number}: '{line.strip()}' is not 'role: joint'")
            pairs[key.strip().strip("'\"")] = _scalar(value.strip(), f"{path}, line {number}")
    wrong = [k for k, v in pairs.items() if not (v is None or isinstance(v, str))]
    if wrong:
        raise FileFormatError(f"{path}: '{wrong[0]}' must have the name of a joint, or nothing")
    return {_role(k, path): (v or None) for k, v in pairs.items()}


def map_text(skeleton: Skeleton, roles: Mapping[str, int]) -> str:
    """The roles of a skeleton as the text of a map file (YAML), to be corrected by hand; absent roles have no value.

    Where parts are missing without which there is no dance, they are marked, and the joints that there are follow as comments.
    """
    lines = ["# role: joint. Correct the names on the right; a role without a name is not animated."]
    for role in ROLES:
        name = json.dumps(skeleton.names[roles[role]], ensure_ascii=False) if role in roles else ""
        needed = "  # needed" if role in ESSENTIAL and not name else ""
        lines.append(f"{role}: {name}".rstrip() + needed)
    if any(role in ESSENTIAL and role not in roles for role in ROLES):
        lines.append("# Joints of the file, children below their parents:")
        depth: list[int] = []
        for name, parent in zip(skeleton.names, skeleton.parents, strict=True):
            depth.append(0 if parent < 0 else depth[parent] + 1)
            lines.append(f"# {'  ' * depth[-1]}{json.dumps(name, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def roles_from_map(skeleton: Skeleton, mapping: Mapping[str, str | None], roles: Mapping[str, int]) -> dict[str, int]:
    """Recognised roles with those of a map put in their place; spine, chest and neck follow unless the map names them.

    Raises:
        RetargetError: If a joint or role does not exist.
    """
    result = {r: j for r, j in roles.items() if r not in ("Spine", "Spine1", "Neck")}
    gone = set()
    for role, name in mapping.items():
        if role not in ROLES:
            raise RetargetError(f"the map names a role '{role}'; there are: {', '.join(ROLES)}")
        if name is None:
            result.pop(role, None)
            gone.add(role)
            continue
        if name not in skeleton.names:
            raise RetargetError(f"the map gives {role} the joint '{name}', which does not exist")
        result[role] = skeleton.index(name)
    if "Hips" not in mapping and {"Head", "LeftUpLeg", "RightUpLeg"} <= set(result):
        parts = [result[r] for r in ("Head", "LeftUpLeg", "RightUpLeg")]
        if "Hips" not in result or not all(is_below(skeleton, p, result["Hips"]) for p in parts):
            hips = find_hips(skeleton, result, [])
            if hips is not None:
                result["Hips"] = hips
    return {r: j for r, j in with_trunk(skeleton, result).items() if r not in gone}


def _scalar(text: str, where: str) -> str | None:
    if text[:1] == '"':
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError as error:
            raise FileFormatError(f"{where}: the name has no closing quote") from error
        if text[end:].strip() and not text[end:].strip().startswith("#"):
            raise FileFormatError(f"{where}: there is more than a name")
        return str(value)
    if text[:1] == "'":
        body, quote, _ = text[1:].replace("''", "\0").partition("'")
        if not quote:
            raise FileFormatError(f"{where}: the name has no closing quote")
        return body.replace("\0", "'")
    text = text.split(" #")[0].strip()
    return None if text in ("", "~", "null") or text.startswith("#") else text


def _role(key: str, path: Path) -> str:
    known = {r.lower(): r for r in ROLES} | _VRM
    try:
        return known[key.lower()]
    except KeyError:
        raise FileFormatError(f"{path}: no role '{key}'; there are: {', '.join(ROLES)}") from None


_VRM = {
    "chest": "Spine1", "upperchest": "Spine1",
    **{
        f"{side}{bone}".lower(): side + role
        for side in ("Left", "Right")
        for bone, role in (("UpperArm", "Arm"), ("LowerArm", "ForeArm"), ("UpperLeg", "UpLeg"), ("LowerLeg", "Leg"),
                           ("Toes", "ToeBase"))
    },
}  # fmt: skip
