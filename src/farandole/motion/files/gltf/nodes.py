"""The node tree of a glTF file: which nodes make up its skeleton, and how each is placed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.container import Container
from farandole.motion.rotations import Array


class NodeTree:
    """Nodes of a file with their parents and children.

    Attributes:
        nodes: The nodes as the document has them, [N].
        parents: Parent of each node, -1 for none, [N].
        children: Children of each node, [N].
        order: All nodes, parents before children.

    Raises:
        FileFormatError: If a child does not exist, has two parents, or lies below itself.
    """

    def __init__(self, file: Container) -> None:
        self._path = file.path
        self.nodes = file.items("nodes")
        self.parents = [-1] * len(self.nodes)
        self.children: list[list[int]] = []
        for i, node in enumerate(self.nodes):
            children = node.get("children", [])
            if not isinstance(children, list):
                raise FileFormatError(f"{file.path}: children of '{self.name(i)}' are no list")
            for child in children:
                if type(child) is not int or not 0 <= child < len(self.nodes) or self.parents[child] >= 0 or child == i:
                    raise FileFormatError(f"{file.path}: '{self.name(i)}' has an impossible child {child!r}")
                self.parents[child] = i
            self.children.append(children)
        self.order: list[int] = []
        stack = [i for i in range(len(self.nodes) - 1, -1, -1) if self.parents[i] < 0]
        while stack:
            self.order.append(stack.pop())
            stack.extend(reversed(self.children[self.order[-1]]))
        if len(self.order) < len(self.nodes):
            raise FileFormatError(f"{file.path}: its nodes form a circle")

    def name(self, node: int) -> str:
        """Name of a node, or its number."""
        return str(self.nodes[node].get("name") or f"node {node}")

    def line(self, node: int) -> list[int]:
        """Nodes from a root of the scene down to `node`, both included."""
        result = [node]
        while self.parents[result[-1]] >= 0:
            result.append(self.parents[result[-1]])
        return result[::-1]

    def spanning(self, wanted: set[int]) -> list[int]:
        """The smallest subtree that holds the `wanted` nodes, parents before children.

        Of several trees in the scene, that with most of them.

        Raises:
            FileFormatError: If a wanted node does not exist.
        """
        beyond = [j for j in wanted if type(j) is not int or not 0 <= j < len(self.nodes)]
        if beyond:
            raise FileFormatError(f"{self._path}: its skeleton names a node {beyond[0]!r} that does not exist")
        lines = [self.line(j) for j in sorted(wanted)]
        (top, _), *_ = Counter(x[0] for x in lines).most_common(1)
        lines = [x for x in lines if x[0] == top]
        shared = 0  # depth of the lowest node above (or among) all of them
        while all(len(x) > shared + 1 for x in lines) and len({x[shared + 1] for x in lines}) == 1:
            shared += 1
        inside = {node for x in lines for node in x[shared:]}
        order, stack = [], [lines[0][shared]]
        while stack:
            node = stack.pop()
            order.append(node)
            stack.extend(reversed([c for c in self.children[node] if c in inside]))
        return order


def local_transform(node: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Translation [3], rotation [4] (w first), scale [3] of a node."""
    if "matrix" in node:
        m = np.array(node["matrix"], dtype=float).reshape(4, 4).T
        scale = np.linalg.norm(m[:3, :3], axis=0)
        return m[:3, 3], rot.from_matrix(m[:3, :3] / np.maximum(scale, 1e-12)), scale
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = rot.normalize(np.array([w, x, y, z], dtype=float))
    place = np.array(node.get("translation", (0.0, 0.0, 0.0)), dtype=float).reshape(3)
    return place, turn, np.array(node.get("scale", (1.0, 1.0, 1.0)), float).reshape(3)
