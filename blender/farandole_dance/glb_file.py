"""A body as a .glb that `farandole --character` understands, and the animation that comes back. Plain numpy, no Blender."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .body import Body, pose_from_local
from .rotations import from_quaternion, orthonormal, to_quaternion

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_FLOAT, _USHORT = 5126, 5123
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass(frozen=True)
class Skin:
    """Vertices at rest and what moves them.

    Attributes:
        points: In the armature's space, [V, 3].
        joints: Bones of the body, [V, 4].
        weights: Their shares, [V, 4], sum 1.
    """

    points: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Take:
    """Poses of a body.

    Attributes:
        pose: In the armature's space, [T, J, 4, 4].
        turned: Bones that have a rotation of their own.
        placed: Bones that have a place of their own.
        still: Bones that keep one pose against their parent for the whole take.
    """

    pose: np.ndarray
    turned: frozenset[int]
    placed: frozenset[int]
    still: frozenset[int] = field(default_factory=frozenset)


def write_character(path: str | Path, body: Body, skin: Skin | None = None) -> None:
    """Write a body, with its skin as a cloud of points that tells where its soles and its sides are."""
    blob = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def add(values: np.ndarray, kind: str, component: int) -> int:
        data = np.ascontiguousarray(values, dtype="<f4" if component == _FLOAT else "<u2")
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": data.nbytes})
        blob.extend(data.tobytes())
        blob.extend(b"\0" * (-len(blob) % 4))
        entry: dict[str, Any] = {
            "bufferView": len(views) - 1, "componentType": component, "count": len(data), "type": kind,
        }  # fmt: skip
        if kind == "VEC3":
            entry |= {"min": data.min(axis=0).tolist(), "max": data.max(axis=0).tolist()}
        accessors.append(entry)
        return len(accessors) - 1

    nodes: list[dict[str, Any]] = [{"name": "armature", "matrix": body.to_world.T.ravel().tolist(), "children": []}]
    local = body.local_rest
    for j, (name, parent) in enumerate(zip(body.names, body.parents, strict=True)):
        turn = to_quaternion(orthonormal(local[j, :3, :3]))
        node = {"name": name, "translation": local[j, :3, 3].tolist(), "rotation": turn[[1, 2, 3, 0]].tolist()}
        nodes.append(node)
        nodes[parent + 1].setdefault("children", []).append(j + 1)
    inverse = np.linalg.inv(body.to_world @ body.rest).transpose(0, 2, 1).reshape(-1, 16)
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "farandole for Blender"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
        "skins": [{"joints": list(range(1, len(nodes))), "inverseBindMatrices": add(inverse, "MAT4", _FLOAT)}],
    }
    if skin is not None and len(skin.points):
        points = skin.points @ body.to_world[:3, :3].T + body.to_world[:3, 3]
        attributes = {
            "POSITION": add(points, "VEC3", _FLOAT),
            "JOINTS_0": add(skin.joints, "VEC4", _USHORT),
            "WEIGHTS_0": add(skin.weights, "VEC4", _FLOAT),
        }
        document["meshes"] = [{"primitives": [{"attributes": attributes, "mode": 0}]}]
        nodes.append({"name": "skin", "mesh": 0, "skin": 0})
        document["scenes"][0]["nodes"].append(len(nodes) - 1)
    document |= {"bufferViews": views, "accessors": accessors, "buffers": [{"byteLength": len(blob)}]}
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    parts = struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(blob), _BIN) + bytes(blob)
    Path(path).write_bytes(struct.pack("<III", _MAGIC, 2, 12 + len(parts)) + parts)


def read_take(path: str | Path, body: Body) -> Take:
    """The last animation of a .glb that began as `write_character`'s, as poses of the body.

    Raises:
        ValueError: If the file is no .glb or holds no animation.
    """
    document, blob = _chunks(Path(path).read_bytes())
    if not document.get("animations"):
        raise ValueError(f"{path} holds no animation")
    take = document["animations"][-1]
    count = max(document["accessors"][s["input"]]["count"] for s in take["samplers"])
    local = np.repeat(body.local_rest[None], count, axis=0)
    sets: dict[str, set[int]] = {"rotation": set(), "translation": set()}
    moving: set[int] = set()
    for channel in take["channels"]:
        joint, what = channel["target"]["node"] - 1, channel["target"]["path"]
        if what not in sets or not 0 <= joint < len(body.names):
            continue
        values = _array(document, blob, take["samplers"][channel["sampler"]]["output"])
        if what == "rotation":
            local[:, joint, :3, :3] = from_quaternion(values[:, [3, 0, 1, 2]])
        else:
            local[:, joint, :3, 3] = values
        sets[what].add(joint)
        if len(values) > 1:
            moving.add(joint)
    turned, placed = frozenset(sets["rotation"]), frozenset(sets["translation"])
    return Take(pose_from_local(body, local), turned, placed, (turned | placed) - moving)


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    if len(data) < 20 or struct.unpack_from("<I", data)[0] != _MAGIC:
        raise ValueError("not a .glb file")
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def _array(document: dict[str, Any], blob: bytes, index: int) -> np.ndarray:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    width = _WIDTHS[accessor["type"]]
    values = np.frombuffer(blob, "<f4", accessor["count"] * width, start)
    return values.reshape(-1, width).astype(float)
