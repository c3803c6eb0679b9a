"""Acclaim skeletons (.asf): bones with their direction, length, axes and degrees of freedom.

Facts kept to (M. Schafer, "ASF Skeleton File Format Specification", Acclaim, 1994): directions are in the world at rest; a bone
begins where its parent ends and turns about its own axes; lengths are in inches times the `length` of the units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array

_TURNS = ("rx", "ry", "rz")
_MOVES = ("tx", "ty", "tz")
_OTHER = ("l",)  # stretching of the bone, which no motion in use has


@dataclass(frozen=True)
class Bone:
    """One bone; the root is one of length 0.

    Attributes:
        name: As in the file.
        vector: From its beginning to its end at rest, in file units, world axes, [3].
        axes: Rotation of its own axes at rest against the world, [4].
        dof: Degrees of freedom in the order in which a motion lists them: "rx" ..., "tx" ..., "l".
        parent: Name of the bone above, None for the root.
    """

    name: str
    vector: tuple[float, float, float] = (0.0, 0.0, 0.0)
    axes: Array = field(default_factory=rot.identity)
    dof: tuple[str, ...] = ()
    parent: str | None = None

    @property
    def turn_order(self) -> str:
        """Axes about which it turns, in the order in which the turns are applied: "XYZ", "XZ", ""."""
        return "".join(d[1].upper() for d in self.dof if d in _TURNS)


@dataclass(frozen=True)
class Acclaim:
    """What a skeleton file tells.

    Attributes:
        bones: Root first, parents before children.
        place: Position of the root at rest, file units, [3].
        length: The `length` of the units: an inch is 1 / length units; 1.0 if the file does not say.
        degrees: Whether angles are in degrees.
    """

    bones: tuple[Bone, ...]
    place: tuple[float, float, float]
    length: float
    degrees: bool


def parse_asf(text: str, source: str = "ASF text") -> Acclaim:
    """Read a skeleton file.

    Raises:
        FileFormatError: One line that names the file, the line and what is wrong there.
    """
    return _Parser(text, source).skeleton()


class _Parser:
    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.lines = [
            (number, words)
            for number, line in enumerate(text.splitlines(), 1)
            if (words := line.partition("#")[0].replace("(", " ( ").replace(")", " ) ").split())
        ]
        self.degrees, self.length = True, 1.0
        self.root = Bone("root")
        self.place: tuple[float, float, float] = (0.0, 0.0, 0.0)
        self.bones: dict[str, Bone] = {}
        self.children: dict[str, list[str]] = {}

    def fail(self, number: int, what: str) -> FileFormatError:
        return FileFormatError(f"{self.source}, line {number}: {what}")

    def skeleton(self) -> Acclaim:
        sections = list(self._sections())
        missing = {":root", ":bonedata", ":hierarchy"} - {keyword for keyword, *_ in sections}
        if missing:
            raise FileFormatError(f"{self.source} has no {min(missing)}: not an Acclaim skeleton, or cut off")
        for keyword, number, lines in sections:
            if keyword == ":units":
                self._units(lines)
            elif keyword == ":root":
                self._root(lines)
            elif keyword == ":bonedata":
                self._bones(lines)
            elif keyword == ":hierarchy":
                self._hierarchy(lines, number)
        return Acclaim(self._in_order(), self.place, self.length, self.degrees)

    def _sections(self) -> Iterator[tuple[str, int, list[tuple[int, list[str]]]]]:
        """Keyword, line number and lines below, section by section; units first, whatever their place."""
        sections: list[tuple[str, int, list[tuple[int, list[str]]]]] = []
        for number, words in self.lines:
            if words[0].startswith(":"):
                sections.append((words[0].lower(), number, []))
            elif sections:
                sections[-1][2].append((number, words))
        yield from sorted(sections, key=lambda s: s[0] != ":units")

    def _units(self, lines: list[tuple[int, list[str]]]) -> None:
        for number, words in lines:
            key = words[0].lower()
            if key == "length":
                (self.length,) = self._numbers(number, words[1:], 1)
                if self.length <= 0:
                    raise self.fail(number, f"length {self.length:g} is not positive")
            elif key == "angle" and len(words) > 1:
                self.degrees = not words[1].lower().startswith("rad")

    def _root(self, lines: list[tuple[int, list[str]]]) -> None:
        turn, order = (0.0, 0.0, 0.0), "XYZ"
        dof: tuple[str, ...] = (*_MOVES, *_TURNS)
        for number, words in lines:
            key = words[0].lower()
            if key == "order":
                dof = self._dof(number, words[1:])
            elif key == "axis":
                order = self._order(number, words[1:])
            elif key == "position":
                x, y, z = self._numbers(number, words[1:], 3)
                self.place = x, y, z
            elif key == "orientation":
                turn = self._numbers(number, words[1:], 3)
        self.root = replace(self.root, axes=self._rotation(turn, order), dof=dof)

    def _bones(self, lines: list[tuple[int, list[str]]]) -> None:
        values: dict[str, tuple[int, list[str]]] | None = None
        for number, words in lines:
            key = words[0].lower()
            if key == "begin":
                values = {}
            elif key == "end":
                if values is None:
                    raise self.fail(number, "'end' without 'begin'")
                bone = self._bone(number, values)
                if bone.name in self.bones or bone.name == "root":
                    raise self.fail(number, f"a second bone '{bone.name}'")
                self.bones[bone.name] = bone
                values = None
            elif values is not None and key != "(":  # the limits of further degrees of freedom
                values[key] = (number, words[1:])
        if values is not None:
            raise FileFormatError(f"{self.source}: the bone data are cut off: a bone never ends")

    def _bone(self, number: int, values: dict[str, tuple[int, list[str]]]) -> Bone:
        missing = [k for k in ("name", "direction", "length") if k not in values]
        if missing or not values["name"][1]:
            raise self.fail(number, f"a bone without {(missing or ['name'])[0]}")
        at = values["direction"][0]
        direction = self._numbers(at, values["direction"][1], 3)
        (length,) = self._numbers(values["length"][0], values["length"][1], 1)
        size = math.sqrt(sum(v * v for v in direction))
        if length < 0 or (size < 1e-9 < length):
            raise self.fail(at, "a bone of negative length or without direction")
        vector = tuple(v / max(size, 1e-9) * length for v in direction)
        axes = rot.identity()
        if "axis" in values:
            at, words = values["axis"]
            axes = self._rotation(self._numbers(at, words[:3], 3), self._order(at, words[3:]))
        dof = self._dof(*values["dof"]) if "dof" in values else ()
        return Bone(values["name"][1][0], (vector[0], vector[1], vector[2]), axes, dof)

    def _hierarchy(self, lines: list[tuple[int, list[str]]], start: int) -> None:
        parents: dict[str, str] = {}
        for number, words in lines:
            if words[0].lower() in ("begin", "end"):
                continue
            for name in words[1:]:
                if name not in self.bones:
                    raise self.fail(number, f"no bone '{name}'")
                if name in parents:
                    raise self.fail(number, f"'{name}' has two parents")
                parents[name] = words[0]
                self.children.setdefault(words[0], []).append(name)
        lost = next((name for name in self.bones if name not in parents), None)
        if lost is not None:
            raise self.fail(start, f"bone '{lost}' has no place in the hierarchy")

    def _in_order(self) -> tuple[Bone, ...]:
        result, stack = [self.root], list(reversed([(c, "root") for c in self.children.get("root", [])]))
        while stack:
            name, parent = stack.pop()
            result.append(replace(self.bones[name], parent=parent))
            stack.extend(reversed([(c, name) for c in self.children.get(name, [])]))
        if len(result) != len(self.bones) + 1:
            raise FileFormatError(f"{self.source}: its hierarchy does not hang together below the root")
        return tuple(result)

    def _numbers(self, number: int, words: list[str], count: int) -> tuple[float, ...]:
        try:
            values = tuple(float(w) for w in words[:count])
        except ValueError:
            raise self.fail(number, f"'{' '.join(words[:count])}' are not {count} numbers") from None
        if len(values) != count or not all(map(math.isfinite, values)):
            raise self.fail(number, f"needs {count} finite numbers")
        return values

    def _order(self, number: int, words: list[str]) -> str:
        order = words[0].upper() if words else "XYZ"
        if sorted(order) != ["X", "Y", "Z"]:
            raise self.fail(number, f"'{order}' is no order of axes")
        return order

    def _dof(self, number: int, words: list[str]) -> tuple[str, ...]:
        dof = tuple(w.lower() for w in words)
        unknown = [d for d in dof if d not in (*_TURNS, *_MOVES, *_OTHER)]
        if unknown or len(set(dof)) != len(dof):
            raise self.fail(number, f"degrees of freedom {' '.join(words)} are unknown or repeat")
        return dof

    def _rotation(self, angles: tuple[float, ...], order: str) -> Array:
        return applied_in_order(np.array([angles["XYZ".index(a)] for a in order]), order, degrees=self.degrees)


def applied_in_order(angles: Array, order: str, *, degrees: bool) -> Array:
    """Rotations [..., 4] by angles [..., A] about fixed axes, the first of `order` applied first."""
    radians = np.deg2rad(angles) if degrees else np.asarray(angles, dtype=float)
    if not order:
        return rot.identity(*radians.shape[:-1])
    return rot.from_euler(radians[..., ::-1], order[::-1])  # fixed axes one way are moving axes the other way
