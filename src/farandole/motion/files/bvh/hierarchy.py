"""The HIERARCHY part of a BVH file: text -> joints, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from farandole.errors import FileFormatError
from farandole.motion.layout import CHANNELS

_CANONICAL = {channel.lower(): channel for channel in CHANNELS}
_OFFSETS = re.compile(r"^[ \t]*OFFSET\b.*$", re.MULTILINE | re.IGNORECASE)
_COMMA = re.compile(r"(?<=\d),(?=\d)")


def has_decimal_commas(text: str) -> bool:
    """Whether the offsets are written with decimal commas: some commas between digits, and no point."""
    numbers = "".join(_OFFSETS.findall(text))
    return "," in numbers and "." not in numbers and _COMMA.search(numbers) is not None


def with_decimal_points(text: str) -> str:
    """The text with the decimal commas of its offsets turned into points."""
    return _OFFSETS.sub(lambda line: _COMMA.sub(".", line[0]), text)


@dataclass
class Hierarchy:
    """Joints in file order (root first, parents before children), lengths in file units.

    Attributes:
        names: As spelt in the file, [J].
        parents: [J], -1 for the root.
        offsets: [J] of three numbers.
        channels: Channel names of each joint, canonical spelling, [J].
        ends: Joint index -> tip of its (first) end site.
    """

    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[tuple[float, float, float]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)
    ends: dict[int, tuple[float, float, float]] = field(default_factory=dict)


_RECENT: dict[str, Hierarchy] = {}
_KEPT = 16


def parse_hierarchy(text: str, source: str) -> Hierarchy:
    """Read the joints; the result is shared between files with the same text and must not be changed.

    The files of a recording session have one hierarchy: it is parsed once.

    Args:
        text: The file up to, and without, the line MOTION.
        source: File name for messages.

    Raises:
        FileFormatError: Naming the line and the token that is wrong.
    """
    if text in _RECENT:
        return _RECENT[text]
    tree = Hierarchy()
    open_joints: list[int] = []  # -2 - j stands for the end site of joint j
    pending: int | None = None  # joint whose brace has not opened yet
    has_offset: set[int] = set()

    def fail(number: int, what: str) -> FileFormatError:
        return FileFormatError(f"{source}, line {number}: {what}")

    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        while words:
            key = words[0].upper()
            if key in ("{", "}"):
                if key == "{":
                    if pending is None:
                        raise fail(number, "'{' without a joint before it")
                    open_joints.append(pending)
                    pending = None
                else:
                    if not open_joints:
                        raise fail(number, "'}' closes nothing")
                    open_joints.pop()
                words = words[1:]
                continue
            opens = words[-1] == "{" and len(words) > 1
            if opens:
                words = words[:-1]
            if key == "HIERARCHY":
                pass
            elif key in ("ROOT", "JOINT"):
                if key == "ROOT" and tree.names:
                    raise fail(
                        number, f"a second root '{' '.join(words[1:])}': a file must hold one skeleton with one root"
                    )
                if key == "JOINT" and (not open_joints or open_joints[-1] < 0):
                    raise fail(number, f"JOINT '{' '.join(words[1:])}' is not inside another joint")
                if len(words) < 2:
                    raise fail(number, f"{key} without a name")
                pending = len(tree.names)
                name = line.split(None, 1)[1].rstrip()  # with inner blanks as they are
                tree.names.append(name.removesuffix("{").rstrip() if opens else name)
                tree.parents.append(open_joints[-1] if open_joints else -1)
                tree.offsets.append((0.0, 0.0, 0.0))
                tree.channels.append(())
            elif key == "END":
                if not open_joints or open_joints[-1] < 0:
                    raise fail(number, "End Site is not inside a joint")
                pending = -2 - open_joints[-1]  # remembers whose end it is
            elif key == "OFFSET":
                if not open_joints:
                    raise fail(number, "OFFSET outside a joint")
                offset = _numbers(words[1:], lambda what, n=number: fail(n, what))
                owner = open_joints[-1]
                if owner >= 0:
                    tree.offsets[owner] = offset
                    has_offset.add(owner)
                else:
                    tree.ends.setdefault(-2 - owner, offset)
            elif key == "CHANNELS":
                if not open_joints or open_joints[-1] < 0:
                    raise fail(number, "CHANNELS outside a joint")
                tree.channels[open_joints[-1]] = _channels(words[1:], lambda what, n=number: fail(n, what))
            else:
                raise fail(
                    number, f"'{words[0]}' is not a BVH keyword (ROOT, JOINT, End Site, OFFSET, CHANNELS, braces)"
                )
            words = ["{"] if opens else []
    if not tree.names:
        raise FileFormatError(f"{source} has no ROOT joint: not a BVH file")
    if open_joints or pending is not None:
        raise FileFormatError(f"{source}: the hierarchy is cut off: {len(open_joints)} braces are never closed")
    missing = next((i for i in range(len(tree.names)) if i not in has_offset), None)
    if missing is not None:
        raise FileFormatError(f"{source}: joint '{tree.names[missing]}' has no OFFSET")
    if len(_RECENT) >= _KEPT:
        _RECENT.clear()
    _RECENT[text] = tree
    return tree


def _numbers(words: Sequence[str], fail) -> tuple[float, float, float]:
    if len(words) != 3:
        raise fail(f"OFFSET needs 3 numbers, has {len(words)}")
    try:
        x, y, z = (float(w) for w in words)
    except ValueError:
        bad = next(w for w in words if not _is_number(w))
        raise fail(f"OFFSET holds '{bad}', which is not a number") from None
    if not all(abs(v) < float("inf") for v in (x, y, z)):
        raise fail(f"OFFSET {' '.join(words)} is not finite")
    return x, y, z


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


_DIGITS = 9  # of any count in a file that a machine can hold


def _channels(words: Sequence[str], fail) -> tuple[str, ...]:
    if not words or not words[0].isdecimal() or len(words[0]) > _DIGITS:
        raise fail(f"CHANNELS needs a count, has '{words[0] if words else ''}'")
    if int(words[0]) != len(words) - 1:
        raise fail(f"CHANNELS says {words[0]} but names {len(words) - 1}")
    unknown = next((w for w in words[1:] if w.lower() not in _CANONICAL), None)
    if unknown is not None:
        raise fail(f"unknown channel '{unknown}' (known: {', '.join(CHANNELS)})")
    names = tuple(_CANONICAL[w.lower()] for w in words[1:])
    twice = next((n for i, n in enumerate(names) if n.endswith("position") and n in names[:i]), None)
    if twice:
        raise fail(f"channel {twice} occurs twice")
    return names


def render_hierarchy(tree: Hierarchy) -> str:
    """The text of the HIERARCHY part, tabs for depth, ending in a line feed."""
    children: list[list[int]] = [[] for _ in tree.names]
    for joint, parent in enumerate(tree.parents):
        if parent >= 0:
            children[parent].append(joint)
    lines = ["HIERARCHY"]
    number = lambda xyz: " ".join(f"{v + 0.0:.9g}" for v in xyz)  # noqa: E731

    def write(joint: int, depth: int) -> None:
        tab = "\t" * depth
        lines.append(f"{tab}{'JOINT' if depth else 'ROOT'} {tree.names[joint]}")
        lines.append(f"{tab}{{")
        lines.append(f"{tab}\tOFFSET {number(tree.offsets[joint])}")
        channels = tree.channels[joint]
        lines.append(f"{tab}\tCHANNELS {len(channels)} {' '.join(channels)}".rstrip())
        for child in children[joint]:
            write(child, depth + 1)
        if joint in tree.ends:
            lines.extend(
                (f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\tOFFSET {number(tree.ends[joint])}", f"{tab}\t}}")
            )
        lines.append(f"{tab}}}")

    write(0, 0)
    return "\n".join(lines) + "\n"
