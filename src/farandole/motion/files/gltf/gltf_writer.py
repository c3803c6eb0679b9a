"""Animated characters as glTF 2.0 (.glb, .gltf): skeleton, a skinned body, animations. Metres, y up, seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_path
from farandole.errors import MotionError
from farandole.motion.files.gltf.animation import add_animation
from farandole.motion.files.gltf.body_mesh import body_mesh
from farandole.motion.files.gltf.builder import INDEX, VERTEX, Builder
from farandole.motion.layout import unique_names
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

_MATERIALS = {
    "skin": {"baseColorFactor": [0.80, 0.60, 0.49, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.65},
    "clothes": {"baseColorFactor": [0.17, 0.24, 0.33, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.85},
}


def write_gltf(motion: Motion | Sequence[Motion], path: str | Path, *, force: bool = False) -> Path:
    """Write one motion, or several takes of one skeleton as several animations, whole or not at all.

    A path that ends in .gltf gets JSON with the arrays inside, any other the binary form.

    Raises:
        MotionError: If there is no motion, or skeletons differ.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    path = Path(path)
    data = render_gltf(motion) if path.suffix.lower() == ".gltf" else render_glb(motion)
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(data)
    return path


def render_glb(motion: Motion | Sequence[Motion]) -> bytes:
    """The bytes of a .glb file, see `write_gltf`."""
    builder = Builder()
    return builder.pack(_document(builder, motion))


def render_gltf(motion: Motion | Sequence[Motion]) -> bytes:
    """The bytes of a .gltf file, see `write_gltf`."""
    builder = Builder()
    return builder.pack_text(_document(builder, motion))


def _document(builder: Builder, motion: Motion | Sequence[Motion]) -> dict[str, Any]:
    takes = [motion] if isinstance(motion, Motion) else list(motion)
    if not takes:
        raise MotionError("nothing to write: need at least one motion")
    skeleton = takes[0].skeleton
    for take in takes[1:]:
        if take.skeleton != skeleton:
            raise MotionError(f"{take.name} has another skeleton than {takes[0].name}: a .glb holds one body")
    count = len(skeleton)
    primitives, materials = _mesh(builder, skeleton)
    return {
        "asset": {"version": "2.0", "generator": "farandole"},
        "scene": 0,
        "scenes": [{"name": takes[0].name, "nodes": [0, count]}],
        "nodes": [*_nodes(skeleton), {"name": "Body", "mesh": 0, "skin": 0}],
        "meshes": [{"name": "Body", "primitives": primitives}],
        "materials": materials,
        "skins": [
            {
                "name": "Skeleton",
                "skeleton": 0,
                "joints": list(range(count)),
                "inverseBindMatrices": builder.add(_inverse_bind(skeleton), "MAT4"),
            }
        ],
        "animations": [
            add_animation(builder, take, name=name)
            for take, name in zip(takes, unique_names([take.name for take in takes]), strict=True)
        ],
    }


def _nodes(skeleton: Skeleton) -> list[dict[str, Any]]:
    nodes = []
    for joint, name in enumerate(skeleton.names):
        node: dict[str, Any] = {"name": name, "translation": skeleton.offsets[joint].tolist()}
        if skeleton.children[joint]:
            node["children"] = list(skeleton.children[joint])
        if name in skeleton.end_sites:
            node["extras"] = {"end_site": skeleton.end_sites[name].tolist()}
        nodes.append(node)
    return nodes


def _inverse_bind(skeleton: Skeleton) -> np.ndarray:
    """World to joint in the rest pose, column-major, [J, 16]: joints rest unturned, so these only move."""
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(skeleton), 1, 1))
    matrices[:, 3, :3] = -(skeleton.rest_positions + skeleton.offsets[0])
    return matrices.reshape(-1, 16)


def _mesh(builder: Builder, skeleton: Skeleton) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    mesh = body_mesh(skeleton)
    attributes = {
        "POSITION": builder.add(mesh.positions, "VEC3", target=VERTEX, bounds=True),
        "NORMAL": builder.add(mesh.normals, "VEC3", target=VERTEX),
        "JOINTS_0": builder.add(mesh.joints, "VEC4", target=VERTEX),
        "WEIGHTS_0": builder.add(mesh.weights, "VEC4", target=VERTEX),
    }
    primitives, materials = [], []
    for material, triangles in mesh.triangles.items():
        indices = builder.add(triangles.ravel(), "SCALAR", target=INDEX)
        primitives.append({"attributes": attributes, "indices": indices, "material": len(materials)})
        materials.append({"name": material, "pbrMetallicRoughness": _MATERIALS[material]})
    return primitives, materials
