"""The pose a skin is bound in, and the vertices it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError
from farandole.motion.characters.nodes import RestTree, nearest_rotation
from farandole.motion.files.gltf.container import CompressedError, Container
from farandole.motion.rotations import Array

_SAME = 0.01  # deviation, as a share of the body, up to which the nodes rest in the bind pose
_TURNED = 1.0  # degrees by which a worse placing of the bind pose may be preferred because it comes first


@dataclass(frozen=True)
class SkinnedVertices:
    """Vertices of all skinned meshes that can be read.

    Attributes:
        positions: In the bind pose, in the file's world, [V, 3].
        joints: Nodes that move them, [V, 4 or 8].
        weights: Their shares, sum 1, [V, 4 or 8].
    """

    positions: Array
    joints: NDArray[np.int64]
    weights: Array


def inverse_bind(container: Container, skin: dict[str, Any]) -> Array | None:
    """Inverse bind matrices [J, 4, 4] of a skin; None where the file gives none, or compressed or singular ones."""
    if "inverseBindMatrices" not in skin:
        return None
    try:
        matrices = container.array(skin["inverseBindMatrices"])[:, :16].reshape(-1, 4, 4).transpose(0, 2, 1)
    except CompressedError:
        return None
    if len(matrices) < len(skin["joints"]) or not np.isfinite(matrices).all():
        return None
    matrices = matrices[: len(skin["joints"])]
    return matrices if (np.abs(np.linalg.det(matrices[:, :3, :3])) > 1e-18).all() else None


def bind_worlds(container: Container, tree: RestTree, choice: int = 0) -> Array:
    """World matrices [N, 4, 4] of all nodes in the bind pose of the skins; those of no skin follow their parents.

    Where the nodes rest in the bind pose (the product of world and inverse bind matrix is the same for all joints, whatever
    quantisation it holds), or inverse bind matrices cannot be had or do not fit the bones, that is the nodes' own pose.

    Args:
        choice: How the bind pose is turned, where the nodes do not tell for sure: the likeliest way, the next one ...
    """
    world = tree.world.copy()
    known: set[int] = set()
    changed = False
    skins = container.document.get("skins", [])
    for skin in sorted(skins, key=lambda s: -len(s["joints"])):
        joints = [j for j in skin["joints"] if j not in known]
        inverse = inverse_bind(container, skin)
        if inverse is None or len(skin["joints"]) < 3:
            continue
        if _constant(tree.world[skin["joints"]] @ inverse, tree.world[skin["joints"]]):
            known.update(joints)
            continue
        bound = _placed(container, tree, skin, np.linalg.inv(inverse), choice)
        if bound is None:
            continue
        for joint, matrix in zip(skin["joints"], bound, strict=True):
            if joint not in known:
                world[joint] = matrix
                changed = True
        known.update(joints)
    if changed:
        for node in tree.order:
            parent = tree.parents[node]
            if node not in known and parent >= 0:
                world[node] = world[parent] @ tree.local[node]
    return world


def first_keys(container: Container) -> dict[tuple[int, str], Array]:
    """Where the file's first animation begins: (node, path) -> value."""
    keys: dict[tuple[int, str], Array] = {}
    for take in container.document.get("animations", [])[:1]:
        for channel in take["channels"]:
            sampler, target = take["samplers"][channel["sampler"]], channel["target"]
            if target.get("path") in ("translation", "rotation", "scale") and "node" in target:
                values = container.array(sampler["output"])
                keys[target["node"], target["path"]] = values[1 if sampler.get("interpolation") == "CUBICSPLINE" else 0]
    return keys


def _constant(products: Array, world: Array) -> bool:
    middle = np.median(products, axis=0)
    linear = np.abs(products[:, :3, :3] - middle[:3, :3]).max(axis=(1, 2)) / max(np.abs(middle[:3, :3]).max(), 1e-12)
    size = max(float(np.ptp(world[:, :3, 3], axis=0).max()), 1e-12)
    shift = np.linalg.norm(products[:, :3, 3] - middle[:3, 3], axis=-1) / size
    return bool((np.quantile(linear, 0.9) < 3 * _SAME) and (np.quantile(shift, 0.9) < 3 * _SAME))


def _placed(container: Container, tree: RestTree, skin: dict[str, Any], bound: Array, choice: int) -> Array | None:
    """Bind matrices [J, 4, 4] brought into the world, in the nodes' size; None if they do not fit the bones."""
    joints = list(skin["joints"])
    index = {j: n for n, j in enumerate(joints)}
    pairs = [(n, index[tree.parents[j]]) for n, j in enumerate(joints) if tree.parents[j] in index]
    if len(pairs) < 2:
        return None
    child, parent = np.array(pairs).T
    own, here = bound[:, :3, 3], tree.world[joints][:, :3, 3]
    lengths, wanted = (np.linalg.norm(p[child] - p[parent], axis=-1) for p in (own, here))
    long = (wanted > 0.02 * wanted.sum()) & (lengths > 0)
    if not long.any():
        return None
    ratio = wanted[long] / lengths[long]
    scale = float(np.median(ratio))
    if np.quantile(np.abs(ratio / scale - 1.0), 0.8) > 0.2:
        return None
    tops = [j for j in joints if tree.parents[j] not in index]
    meshes = [i for i, n in enumerate(container.document["nodes"]) if "skin" in n and "mesh" in n]
    frames = [np.eye(3)]
    frames += [nearest_rotation(tree.world[n][:3, :3]) for n in tree.ancestors(tops[0]) + meshes]
    turns = nearest_rotation(tree.world[joints][:, :3, :3])
    turned = nearest_rotation(bound[:, :3, :3])

    def away(frame: Array) -> float:
        """Degrees between bind and node pose; those of the joint that the node pose moves least."""
        trace = np.einsum("nij,nij->n", frame @ turned, turns)
        return float(np.degrees(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))).min())

    angles = [away(frame) for frame in frames]
    first = next(n for n, angle in enumerate(angles) if angle < min(angles) + _TURNED)
    order = [first, *(n for n in np.argsort(angles, kind="stable").tolist() if n != first)]
    different: list[Array] = []
    for n in order:
        if all(np.abs(frames[n] - other).max() > 1e-3 for other in different):
            different.append(frames[n])
    if choice >= len(different):
        return None
    place = np.eye(4)
    place[:3, :3] = different[choice] * scale
    return place @ bound


def skinned_vertices(container: Container, tree: RestTree, world: Array) -> SkinnedVertices | None:
    """All skinned vertices in the pose `world` [N, 4, 4]; None if there are none or all are compressed."""
    found: list[tuple[Array, NDArray[np.int64], Array]] = []
    document = container.document
    for node in document.get("nodes", []):
        if "skin" not in node or "mesh" not in node:
            continue
        skin = document["skins"][node["skin"]]
        joints = np.array(skin["joints"], dtype=np.int64)
        inverse = inverse_bind(container, skin)
        if inverse is None:
            if "inverseBindMatrices" in skin:
                continue
            inverse = np.tile(np.eye(4), (len(joints), 1, 1))
        for primitive in document["meshes"][node["mesh"]].get("primitives", []):
            try:
                part = _primitive(container, primitive, joints, world[joints] @ inverse)
            except CompressedError:
                continue
            if part is not None:
                found.append(part)
    if not found:
        return None
    width = max(j.shape[1] for _, j, _ in found)
    pad = lambda a: np.pad(a, ((0, 0), (0, width - a.shape[1])))  # noqa: E731
    return SkinnedVertices(
        np.concatenate([p for p, _, _ in found]),
        np.concatenate([pad(j) for _, j, _ in found]),
        np.concatenate([pad(w) for _, _, w in found]),
    )


def _primitive(
    container: Container, primitive: dict[str, Any], joints: NDArray[np.int64], matrices: Array
) -> tuple[Array, NDArray[np.int64], Array] | None:
    attributes = primitive.get("attributes", {})
    if "KHR_draco_mesh_compression" in primitive.get("extensions", {}):
        raise CompressedError(f"{container.path}: a mesh is compressed")
    if not {"POSITION", "JOINTS_0", "WEIGHTS_0"} <= set(attributes):
        return None
    sets = [n for n in range(2) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
    points = container.array(attributes["POSITION"]).astype(float)
    which = np.concatenate([container.array(attributes[f"JOINTS_{n}"]) for n in sets], axis=1).astype(np.int64)
    shares = np.concatenate([container.array(attributes[f"WEIGHTS_{n}"]) for n in sets], axis=1).astype(float)
    if len({len(points), len(which), len(shares)}) != 1 or which.max(initial=0) >= len(joints):
        raise FileFormatError(f"{container.path}: a skinned mesh is damaged")
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
    spread = np.einsum("vk,vkij->vij", shares, matrices[which][..., :3, :])
    return np.einsum("vij,vj->vi", spread[..., :3], points) + spread[..., 3], joints[which], shares
