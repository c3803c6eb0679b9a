"""What of a character is seen: the triangles of its meshes, their colours, and the matrices that move them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion.characters.animation import Track
from farandole.motion.characters.nodes import RestTree, split_matrix
from farandole.motion.characters.skins import inverse_bind
from farandole.motion.files.gltf.container import CompressedError, Container
from farandole.motion.rotations import Array


@dataclass(frozen=True, eq=False)
class Material:
    """How a part of the surface looks.

    Attributes:
        colour: Linear red, green, blue and opacity that everything is multiplied with, [4].
        texture: The bytes of its base colour image (PNG, JPEG, WebP); None for one colour.
        cut: Opacity below which nothing is seen; 0 where it is opaque.
        two_sided: Whether its back is seen, too.
    """

    colour: Array = field(default_factory=lambda: np.ones(4))
    texture: bytes | None = None
    cut: float = 0.0
    two_sided: bool = False


@dataclass(frozen=True, eq=False)
class Surface:
    """All meshes of a file as one.

    Attributes:
        positions, normals: [V, 3], each in the space of its matrices.
        uv: [V, 2].
        colours: Linear vertex colours, [V, 3].
        matrices: Numbers of the matrices that move each vertex, [V, 4 or 8].
        weights: Their shares, [V, 4 or 8].
        triangles: [F, 3].
        materials: Number of each triangle's material, [F].
        looks: The materials.
        nodes: The node of each matrix, [M].
        inverse: What comes before the node's world matrix, [M, 4, 4].
    """

    positions: Array
    normals: Array
    uv: Array
    colours: Array
    matrices: NDArray[np.int64]
    weights: Array
    triangles: NDArray[np.int64]
    materials: NDArray[np.int64]
    looks: tuple[Material, ...]
    nodes: NDArray[np.int64]
    inverse: Array


def read_surface(container: Container, tree: RestTree) -> Surface:
    """The surface of a file.

    Raises:
        FileFormatError: If it has no triangles, they are compressed, or something is damaged.
    """
    document = container.document
    looks = [_material(container, m) for m in container.items("materials")]
    nodes: list[int] = []
    inverse: list[Array] = []
    pieces: list[dict[str, Any]] = []
    try:
        for node in tree.order:
            entry = document["nodes"][node]
            if "mesh" not in entry:
                continue
            first = len(nodes)
            skin = document["skins"][entry["skin"]] if "skin" in entry else None
            matrices = None if skin is None else inverse_bind(container, skin)
            if skin is None:
                nodes.append(node)
                inverse.append(np.eye(4)[None])
            else:
                nodes += skin["joints"]
                inverse.append(np.tile(np.eye(4), (len(skin["joints"]), 1, 1)) if matrices is None else matrices)
            for primitive in document["meshes"][entry["mesh"]]["primitives"]:
                piece = _piece(container, primitive, first, skin is not None, len(looks))
                if piece is not None:
                    pieces.append(piece)
    except CompressedError:
        raise FileFormatError(
            f"{container.path}: its meshes are compressed, which cannot be drawn here: save it without"
        ) from None
    except (KeyError, IndexError, TypeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{container.path}: a mesh is damaged ({error})") from error
    if not pieces:
        raise FileFormatError(f"{container.path} has no triangles to be seen")
    starts = np.cumsum([0, *(len(p["positions"]) for p in pieces)])
    width = max(p["matrices"].shape[1] for p in pieces)
    wide = lambda a: np.pad(a, ((0, 0), (0, width - a.shape[1])))  # noqa: E731
    joined = lambda key: np.concatenate([p[key] for p in pieces])  # noqa: E731
    return Surface(
        joined("positions"), joined("normals"), joined("uv"), joined("colours"),
        np.concatenate([wide(p["matrices"]) for p in pieces]), np.concatenate([wide(p["weights"]) for p in pieces]),
        np.concatenate([p["triangles"] + n for p, n in zip(pieces, starts, strict=False)]),
        np.concatenate([np.full(len(p["triangles"]), p["material"]) for p in pieces]),
        (*looks, Material()), np.array(nodes), np.concatenate(inverse),
    )  # fmt: skip


def node_worlds(tree: RestTree, tracks: Sequence[Track], frames: int, nodes: NDArray[np.int64]) -> Array:
    """World matrices [T, M, 4, 4] of some nodes while an animation plays.

    Args:
        tree: The nodes at rest.
        tracks: What the animation moves; keys of one frame hold.
        frames: T.
        nodes: Which are asked for, [M].
    """
    moves: dict[int, dict[str, Array]] = {}
    for track in tracks:
        moves.setdefault(track.node, {})[track.path] = track.values
    needed = {int(n) for n in nodes}
    needed |= {a for n in needed for a in tree.ancestors(n)}
    world: dict[int, Array] = {}
    for node in tree.order:
        if node not in needed:
            continue
        local = tree.local[node][None]
        if node in moves:
            place, turn, scale = split_matrix(tree.local[node])
            place, turn = moves[node].get("translation", place), moves[node].get("rotation", turn)
            local = np.tile(np.eye(4), (max(len(np.atleast_2d(place)), len(np.atleast_2d(turn))), 1, 1))
            local[:, :3, :3] = rot.to_matrix(turn) * scale
            local[:, :3, 3] = place
        parent = tree.parents[node]
        world[node] = world[parent] @ local if parent >= 0 else local
    return np.stack([np.broadcast_to(world[int(n)], (frames, 4, 4)) for n in nodes], axis=1)


def _piece(
    container: Container, primitive: dict[str, Any], first: int, skinned: bool, plain: int
) -> dict[str, Any] | None:
    if "KHR_draco_mesh_compression" in primitive.get("extensions", {}):
        raise CompressedError(f"{container.path}: a mesh is compressed")
    attributes = primitive.get("attributes", {})
    if primitive.get("mode", 4) not in (4, 5, 6) or "POSITION" not in attributes:
        return None
    positions = container.array(attributes["POSITION"])[:, :3]
    count = len(positions)
    order = (
        np.arange(count) if "indices" not in primitive else container.array(primitive["indices"])[:, 0].astype(np.int64)
    )
    triangles = _triangles(order, primitive.get("mode", 4))
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < count:
        raise FileFormatError(f"{container.path}: a mesh is damaged (a corner that does not exist)")
    if skinned and {"JOINTS_0", "WEIGHTS_0"} <= set(attributes):
        sets = [n for n in range(2) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
        which = np.concatenate([container.array(attributes[f"JOINTS_{n}"]) for n in sets], axis=1).astype(np.int64)
        shares = np.concatenate([container.array(attributes[f"WEIGHTS_{n}"]) for n in sets], axis=1)
        shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
    else:
        which, shares = np.zeros((count, 4), np.int64), np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    uv = container.array(attributes["TEXCOORD_0"])[:, :2] if "TEXCOORD_0" in attributes else np.zeros((count, 2))
    colours = container.array(attributes["COLOR_0"])[:, :3] if "COLOR_0" in attributes else np.ones((count, 3))
    normals = container.array(attributes["NORMAL"])[:, :3] if "NORMAL" in attributes else _normals(positions, triangles)
    parts = {
        "positions": positions,
        "normals": normals,
        "uv": uv,
        "colours": colours,
        "matrices": which,
        "weights": shares,
    }
    if len({len(p) for p in parts.values()}) != 1:
        raise FileFormatError(f"{container.path}: a mesh is damaged (attributes of different lengths)")
    parts["matrices"] = which + first
    material = primitive.get("material", plain)
    return {**parts, "triangles": triangles, "material": material if 0 <= material < plain else plain}


def _triangles(order: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    if mode == 4:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode == 6:  # a fan
        return np.stack((np.full(max(len(order) - 2, 0), order[0] if len(order) else 0), order[1:-1], order[2:]), 1)
    strip = np.stack((order[:-2], order[1:-1], order[2:]), 1)
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip


def _normals(positions: Array, triangles: NDArray[np.int64]) -> Array:
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    face = rot.cross(b - a, c - a)
    result = np.zeros_like(positions)
    for k in range(3):
        np.add.at(result, triangles[:, k], face)
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)


def _material(container: Container, material: dict[str, Any]) -> Material:
    base = material.get("pbrMetallicRoughness", {})
    colour = np.ones(4)
    colour[: len(base.get("baseColorFactor", []))] = base.get("baseColorFactor", [])[:4]
    mode = material.get("alphaMode", "OPAQUE")
    cut = {"MASK": float(material.get("alphaCutoff", 0.5)), "BLEND": 0.35}.get(mode, 0.0)
    texture = base.get("baseColorTexture")
    return Material(
        colour, None if texture is None else _image(container, texture), cut, bool(material.get("doubleSided"))
    )


def _image(container: Container, texture: dict[str, Any]) -> bytes | None:
    """Bytes of a texture's image; None where there is none, or it is compressed for graphics cards."""
    try:
        entry = container.items("textures")[texture["index"]]
        source = entry.get("extensions", {}).get("EXT_texture_webp", {}).get("source", entry.get("source"))
        if source is None:
            return None
        image = container.items("images")[source]
        if "uri" in image:
            return container.resource(image["uri"], "image")
        view = container.items("bufferViews")[image["bufferView"]]
        start = view.get("byteOffset", 0)
        return container.buffer(view["buffer"])[start : start + view["byteLength"]]
    except (KeyError, IndexError, TypeError) as error:
        raise FileFormatError(f"{container.path}: a texture is damaged ({error})") from error
