"""Animated characters as binary glTF 2.0 (.glb): skeleton, a skinned body, animations. Metres, y up, seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_path
from farandole.errors import MotionError
from farandole.motion import rotations as rot
from farandole.motion._body_mesh import body_mesh
from farandole.motion._gltf import INDEX, VERTEX, Builder
from farandole.motion._gltf_reader import read_glb
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

__all__ = ["read_glb", "render_glb", "write_glb"]

_MATERIALS = {
    "skin": {"baseColorFactor": [0.80, 0.60, 0.49, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.65},
    "clothes": {"baseColorFactor": [0.17, 0.24, 0.33, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.85},
}
_STILL = 1e-6  # a track that moves less (m, or in quaternion numbers) is left out


def write_glb(motion: Motion | Sequence[Motion], path: str | Path, *, force: bool = False) -> Path:
    """Write one motion, or several takes of one skeleton as several animations, to a .glb; whole or not at all.

    Raises:
        MotionError: If there is no motion, or skeletons differ.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    path = Path(path)
    data = render_glb(motion)
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(data)
    return path


def render_glb(motion: Motion | Sequence[Motion]) -> bytes:
    """The bytes of a .glb file, see `write_glb`."""
    takes = [motion] if isinstance(motion, Motion) else list(motion)
    if not takes:
        raise MotionError("nothing to write: need at least one motion")
    skeleton = takes[0].skeleton
    for take in takes[1:]:
        if take.skeleton != skeleton:
            raise MotionError(f"{take.name} has another skeleton than {takes[0].name}: a .glb holds one body")
    builder = Builder()
    count = len(skeleton)
    primitives, materials = _mesh(builder, skeleton)
    document = {
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
        "animations": [_animation(builder, take) for take in takes],
    }
    return builder.pack(document)


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


def _animation(builder: Builder, motion: Motion) -> dict[str, Any]:
    times = builder.add((np.arange(len(motion)) / motion.fps).astype(np.float32), "SCALAR", bounds=True)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def track(joint: int, path: str, values: Array, kind: str) -> None:
        output = builder.add(values.astype(np.float32), kind)
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": joint, "path": path}})

    track(0, "translation", motion.root_positions, "VEC3")
    # Neighbouring keys in one hemisphere: players that interpolate without a check then take the short way.
    turns = rot.unroll(rot.normalize(motion.rotations))[..., [1, 2, 3, 0]]
    for joint in range(len(motion.skeleton)):
        if np.abs(turns[:, joint, :3]).max() > _STILL:
            track(joint, "rotation", turns[:, joint], "VEC4")
    if motion.translations is not None:
        gap = np.abs(motion.translations - motion.skeleton.offsets).max(axis=(0, 2))
        for joint in np.flatnonzero(gap > _STILL):
            if joint:
                track(int(joint), "translation", motion.translations[:, joint], "VEC3")
    extras = {"fps": float(motion.fps), "name": motion.name}
    return {"name": motion.name, "samplers": samplers, "channels": channels, "extras": extras}
