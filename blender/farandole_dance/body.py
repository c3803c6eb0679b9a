"""The bones of an armature that make up its body, and poses of them. Plain numpy, no Blender."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

_KIND = re.compile(r"^(DEF|ORG|MCH)-")
_SPINE = re.compile(r"^ORG-spine(\.\d+)?$")
_TOUCH = 1e-3
"""Distance, as a share of the body, within which a bone's head lies at another one's tail."""
_FLOOR = 0.12
"""Height, as a share of the body, by which an armature without a mesh may hang above or below its object's origin."""


@dataclass(frozen=True)
class Bone:
    """A bone as Blender has it.

    Attributes:
        name: Its name.
        parent: Its parent's name, or None.
        matrix: Its rest pose in the armature's space, [4, 4].
        tail: Its rest tail in the armature's space, [3].
        deform: Whether it moves the mesh.
    """

    name: str
    parent: str | None
    matrix: np.ndarray
    tail: np.ndarray
    deform: bool = True


@dataclass(frozen=True)
class Body:
    """Bones with their parents among each other, parents first.

    Attributes:
        names: [J].
        parents: [J], -1 for the first.
        rest: Rest poses in the armature's space, [J, 4, 4].
        tails: Rest tails in the armature's space, [J, 3].
        to_world: Armature's space -> metres, y up, where the body at rest stands on y = 0 over the origin, [4, 4].
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: np.ndarray
    tails: np.ndarray
    to_world: np.ndarray

    @property
    def local_rest(self) -> np.ndarray:
        """Rest poses against the parent, [J, 4, 4]."""
        local = self.rest.copy()
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                local[j] = np.linalg.inv(self.rest[parent]) @ self.rest[j]
        return local

    def leaves(self) -> list[int]:
        """Bones that have none below them."""
        return sorted(set(range(len(self.names))) - set(self.parents))


def choose_bones(bones: Sequence[Bone]) -> list[tuple[str, str | None]]:
    """Names of the bones that make up the body with their parents among each other, parents first.

    A generated Rigify rig is known by its ORG- bones, which hold the pose whoever moves them; along the spine its DEF- bones do.
    Else the bones that move the mesh count, with all above them; of several trees the largest.
    """
    by_name = {bone.name: bone for bone in bones}
    originals = [b.name for b in bones if b.name.startswith("ORG-")]
    if len(originals) >= 15:
        parents = _joined(by_name, [_spine(name, by_name) for name in originals])
    else:
        wanted = {b.name for b in bones if b.deform} or set(by_name)
        wanted |= {a for name in wanted for a in ancestors(by_name, name)}
        parents = {name: by_name[name].parent for name in by_name if name in wanted}
    tops: dict[str, list[str]] = {}
    for name in parents:
        top = name
        while (above := parents[top]) is not None:
            top = above
        tops.setdefault(top, []).append(name)
    largest = max(tops.values(), key=len, default=[])
    depth = lambda n: 0 if parents[n] is None else 1 + depth(parents[n])  # noqa: E731
    return [(name, parents[name]) for name in sorted(largest, key=depth)]


def _joined(by_name: dict[str, Bone], chosen: list[str]) -> dict[str, str | None]:
    """Parents of bones whose tree runs through others: the next chosen one above, else the one at whose tail it begins."""
    points = np.array([by_name[n].matrix[:3, 3] for n in by_name])
    touch = _TOUCH * max(float(np.ptp(points, axis=0).max()), 1e-9)
    twins = {_KIND.sub("", name): name for name in chosen}
    result: dict[str, str | None] = {}
    for name in chosen:
        line = [twins.get(_KIND.sub("", a)) if _KIND.match(a) else None for a in ancestors(by_name, name)]
        above = next((a for a in line if a is not None and a != name), None)
        if above is None:
            head = by_name[name].matrix[:3, 3]
            above = next((c for c in chosen if c != name and np.linalg.norm(by_name[c].tail - head) < touch), None)
        result[name] = above
    return result


def _spine(name: str, by_name: dict[str, Bone]) -> str:
    twin = "DEF-" + _KIND.sub("", name)
    return twin if _SPINE.match(name) and twin in by_name else name


def ancestors(by_name: dict[str, Bone], name: str) -> list[str]:
    """Names of the bones above a bone, nearest first."""
    result = []
    parent = by_name[name].parent
    while parent is not None:
        result.append(parent)
        parent = by_name[parent].parent
    return result


def build_body(bones: Sequence[Bone], armature: np.ndarray, points: np.ndarray | None = None) -> Body:
    """The body of an armature.

    Args:
        bones: All of them.
        armature: World matrix of the object, y up (see `Z_UP_TO_Y_UP`), [4, 4].
        points: Skinned vertices at rest in the armature's space, [V, 3]: the lowest stands on the floor.
    """
    by_name = {bone.name: bone for bone in bones}
    chosen = choose_bones(bones)
    names = [name for name, _ in chosen]
    if not names:
        raise ValueError("the armature has no bones")
    parents = tuple(-1 if parent is None else names.index(parent) for _, parent in chosen)
    rest = np.array([by_name[n].matrix for n in names], dtype=float)
    tails = np.array([by_name[n].tail for n in names], dtype=float)
    world = lambda p: p @ armature[:3, :3].T + armature[:3, 3]  # noqa: E731
    joints = world(np.concatenate((rest[:, :3, 3], tails)))
    lowest, height = joints[:, 1].min(), max(float(np.ptp(joints[:, 1])), 1e-9)
    if points is not None and len(points):
        floor = world(points)[:, 1].min()
    else:
        floor = armature[1, 3] if abs(armature[1, 3] - lowest) < _FLOOR * height else lowest
    middle = joints[: len(names), [0, 2]].mean(axis=0)
    to_world = np.array(armature, dtype=float)
    to_world[:3, 3] -= (middle[0], floor, middle[1])
    return Body(tuple(names), parents, rest, tails, to_world)


def carrier(name: str, bones: dict[str, Bone], members: Collection[str]) -> str | None:
    """The bone of a body that a vertex group belongs to: itself, its ORG- twin, or the nearest one above it.

    Args:
        name: A bone's name.
        bones: All bones by name.
        members: Names of the body's bones.
    """
    for candidate in [name, *ancestors(bones, name)] if name in bones else []:
        for twin in (candidate, *(kind + _KIND.sub("", candidate) for kind in ("ORG-", "DEF-"))):
            if twin in members:
                return twin
    return None


def pose_from_local(body: Body, local: np.ndarray) -> np.ndarray:
    """Matrices against the parents [T, J, 4, 4] -> in the armature's space [T, J, 4, 4]."""
    pose = np.array(local, dtype=float)
    for j, parent in enumerate(body.parents):
        if parent >= 0:
            pose[:, j] = pose[:, parent] @ local[:, j]
    return pose


def basis(body: Body, pose: np.ndarray) -> np.ndarray:
    """Poses [T, J, 4, 4] in the armature's space -> what each bone does itself (Blender's `matrix_basis`), [T, J, 4, 4].

    For bones that inherit rotation and use their local location, as bones do unless told otherwise.
    """
    back = np.linalg.inv(body.local_rest)
    result = np.empty_like(pose)
    for j, parent in enumerate(body.parents):
        above = np.linalg.inv(pose[:, parent]) @ pose[:, j] if parent >= 0 else pose[:, j]
        result[:, j] = back[j] @ above
    return result


def moved(pose: np.ndarray, tops: Sequence[int], shift: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Poses with some bones and all below them moved by `shift` [3] (armature's space)."""
    result, below = pose.copy(), set(tops)
    for j, parent in enumerate(parents):
        if parent in below:
            below.add(j)
    result[:, sorted(below), :3, 3] += shift
    return result
