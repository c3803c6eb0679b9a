"""The node tree of a character at rest, and posed: matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.container import Container
from farandole.motion.files.gltf.nodes import NodeTree
from farandole.motion.rotations import Array


class RestTree(NodeTree):
    """The nodes of a file with their local and world matrices at rest.

    Attributes:
        names: As the document spells them, "node 7" where it does not.
        local, world: [N, 4, 4], for column vectors.

    Raises:
        FileFormatError: If the tree is damaged (see `NodeTree`), or its numbers make no sense.
    """

    def __init__(self, file: Container) -> None:
        super().__init__(file)
        self.names = [self.name(node) for node in range(len(self.nodes))]
        self.local = np.stack([_matrix(n, file.path) for n in self.nodes]) if self.nodes else np.zeros((0, 4, 4))
        self.world = self.worlds(self.local)

    def worlds(self, local: Array) -> Array:
        """World matrices [N, 4, 4] of local ones."""
        world = local.copy()
        for node in self.order:
            if self.parents[node] >= 0:
                world[node] = world[self.parents[node]] @ local[node]
        return world

    def posed(self, keys: dict[tuple[int, str], Array]) -> Array:
        """World matrices [N, 4, 4] with translations [3], rotations [4] (x y z w) or scales [3] of some nodes replaced."""
        local = self.local.copy()
        for node in {n for n, _ in keys}:
            place, turn, scale = split_matrix(self.local[node])
            place, scale = keys.get((node, "translation"), place), keys.get((node, "scale"), scale)
            if (node, "rotation") in keys:
                turn = rot.normalize(keys[node, "rotation"])[[3, 0, 1, 2]]
            local[node, :3, :3] = rot.to_matrix(turn) * scale
            local[node, :3, 3] = place
        return self.worlds(local)

    def ancestors(self, node: int) -> list[int]:
        """The nodes above one, nearest first."""
        result = []
        while self.parents[node] >= 0:
            node = self.parents[node]
            result.append(node)
        return result

    def below(self, node: int) -> set[int]:
        """A node and all that hangs on it."""
        result, stack = set(), [node]
        while stack:
            n = stack.pop()
            result.add(n)
            stack.extend(self.children[n])
        return result


def _matrix(node: dict[str, Any], path: object) -> Array:
    m = np.eye(4)
    try:
        if "matrix" in node:
            m = np.array(node["matrix"], dtype=float).reshape(4, 4).T.copy()
        else:
            x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
            turn = rot.to_matrix(rot.normalize(np.array([w, x, y, z], dtype=float)))
            m[:3, :3] = turn * np.array(node.get("scale", (1.0, 1.0, 1.0)), dtype=float).reshape(3)
            m[:3, 3] = np.array(node.get("translation", (0.0, 0.0, 0.0)), dtype=float).reshape(3)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: node '{node.get('name')}' has a damaged transform") from error
    if not np.isfinite(m).all():
        raise FileFormatError(f"{path}: node '{node.get('name')}' has a transform that is not finite")
    return m


def split_matrix(m: Array) -> tuple[Array, Array, Array]:
    """Translation [..., 3], rotation [..., 4], scale [..., 3] of matrices [..., 4, 4]; a mirrored axis has negative scale."""
    linear = m[..., :3, :3]
    scale = np.linalg.norm(linear, axis=-2)
    scale[..., 0] *= np.where(np.linalg.det(linear) < 0, -1.0, 1.0)
    safe = np.where(np.abs(scale) > 1e-12, scale, 1.0)
    return m[..., :3, 3], rot.from_matrix(nearest_rotation(linear / safe[..., None, :])), scale


def nearest_rotation(m: Array) -> Array:
    """Rotation matrices nearest to [..., 3, 3] (polar decomposition)."""
    u, _, vt = np.linalg.svd(m)
    flip = np.linalg.det(u @ vt)
    u = u.copy()
    u[..., :, 2] *= flip[..., None]
    return u @ vt
