"""Plays the animation of a written .glb, .vrm or .gltf with a reader of its own, and measures what is seen."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
BONES = [
    ("Hips", "Spine"), ("Spine", "Spine1"), ("Spine1", "Neck"), ("Neck", "Head"),
    *((s + a, s + b) for s in ("Left", "Right") for a, b in (
        ("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot"))),
]  # fmt: skip


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a .glb."""
    assert data[:4] == b"glTF"
    assert struct.unpack_from("<I", data, 8)[0] == len(data)
    result, at = [], 12
    while at < len(data):
        size, kind = struct.unpack_from("<I4s", data, at)
        assert size % 4 == 0
        result.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return result


class Played:
    """A file's nodes at every key of one of its animations."""

    def __init__(self, data: bytes, animation: int | str = -1, folder: Path | None = None) -> None:
        if data[:4] == b"glTF":
            parts = dict(chunks(data))
            self.document: dict[str, Any] = json.loads(parts[b"JSON"])
            self._bin = parts.get(b"BIN\0", b"")
        else:
            self.document, self._bin = json.loads(data), b""
        self._folder = folder
        takes = self.document["animations"]
        self.take = takes[animation] if isinstance(animation, int) else next(a for a in takes if a["name"] == animation)
        self.nodes = self.document["nodes"]
        self.index = {n.get("name", str(i)): i for i, n in enumerate(self.nodes)}
        self.parents = {c: i for i, n in enumerate(self.nodes) for c in n.get("children", [])}
        self.channels = {
            (c["target"]["node"], c["target"]["path"]): (
                self.array(self.take["samplers"][c["sampler"]]["input"])[:, 0],
                self.array(self.take["samplers"][c["sampler"]]["output"]),
            )
            for c in self.take["channels"]
        }
        self.times = max((t for t, _ in self.channels.values()), key=len)
        self._worlds: dict[int, np.ndarray] = {}

    def array(self, accessor: int) -> np.ndarray:
        a = self.document["accessors"][accessor]
        view = self.document["bufferViews"][a["bufferView"]]
        uri = self.document["buffers"][view["buffer"]].get("uri")
        if uri is None:
            data = self._bin
        elif uri.startswith("data:"):
            data = base64.b64decode(uri.partition(",")[2])
        else:
            assert self._folder is not None
            data = (self._folder / unquote(uri)).read_bytes()
        width, kind = WIDTHS[a["type"]], np.dtype(TYPES[a["componentType"]])
        stride = view.get("byteStride", width * kind.itemsize)
        start = view.get("byteOffset", 0) + a.get("byteOffset", 0)
        return np.ndarray((a["count"], width), kind, data, start, (stride, kind.itemsize)).astype(float)

    def local(self, node: int) -> np.ndarray:
        """Local matrices, [T, 4, 4]."""
        n = self.nodes[node]
        if "matrix" in n:
            assert not any((node, p) in self.channels for p in ("rotation", "translation", "scale"))
            return np.tile(np.array(n["matrix"], float).reshape(4, 4).T, (len(self.times), 1, 1))
        get = lambda path, rest: self._sampled(node, path, n.get(path, rest))  # noqa: E731
        x, y, z, w = get("rotation", (0, 0, 0, 1)).T
        m = np.zeros((len(self.times), 4, 4))
        m[:, 0, :3] = np.stack((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)), -1)
        m[:, 1, :3] = np.stack((2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)), -1)
        m[:, 2, :3] = np.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), -1)
        m[:, :3, :3] *= get("scale", (1, 1, 1))[:, None, :]
        m[:, :3, 3] = get("translation", (0, 0, 0))
        m[:, 3, 3] = 1.0
        return m

    def _sampled(self, node: int, path: str, rest: Any) -> np.ndarray:
        if (node, path) not in self.channels:
            return np.tile(np.array(rest, float), (len(self.times), 1))
        times, values = self.channels[node, path]
        if len(times) == 1:
            return np.tile(values[0], (len(self.times), 1))
        np.testing.assert_array_equal(times, self.times)
        if path == "rotation":
            np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1.0, atol=1e-5)
            assert ((values[1:] * values[:-1]).sum(1) > 0).all(), "neighbouring keys lie in different hemispheres"
        return values

    def world(self, node: int | str) -> np.ndarray:
        """World matrices of a node, [T, 4, 4]."""
        i = self.index[node] if isinstance(node, str) else node
        if i not in self._worlds:
            own = self.local(i)
            self._worlds[i] = self.world(self.parents[i]) @ own if i in self.parents else own
        return self._worlds[i]

    def position(self, node: int | str) -> np.ndarray:
        return self.world(node)[:, :3, 3]

    def vertices(self, moved_by: set[int] | None = None) -> np.ndarray:
        """World positions of skinned vertices, [T, V, 3]; of those that these nodes move for the greater part."""
        found = []
        for node in self.nodes:
            if "skin" not in node or "mesh" not in node:
                continue
            skin = self.document["skins"][node["skin"]]
            inverse = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
            matrices = np.stack([self.world(j) @ m for j, m in zip(skin["joints"], inverse, strict=True)], 1)
            for primitive in self.document["meshes"][node["mesh"]]["primitives"]:
                a = primitive["attributes"]
                points, joints = self.array(a["POSITION"]), self.array(a["JOINTS_0"]).astype(int)
                weights = self.array(a["WEIGHTS_0"])
                weights = weights / weights.sum(1, keepdims=True)
                if moved_by is not None:
                    nodes = np.array(skin["joints"])[joints]
                    near = (np.isin(nodes, list(moved_by)) * weights).sum(1) > 0.5
                    points, joints, weights = points[near], joints[near], weights[near]
                whole = np.c_[points, np.ones(len(points))]
                total = np.zeros((len(self.times), len(points), 3))
                for k in range(joints.shape[1]):
                    used = np.flatnonzero(weights[:, k] > 0)
                    m = matrices[:, joints[used, k], :3, :]
                    total[:, used] += weights[used, k, None] * np.einsum("tvij,vj->tvi", m, whole[used])
                found.append(total)
        return np.concatenate(found, axis=1)

    def below(self, node: int | str) -> set[int]:
        i = self.index[node] if isinstance(node, str) else node
        return {i}.union(*(self.below(c) for c in self.nodes[i].get("children", [])))


def directions(played: Played, roles: dict[str, str], motion: Any, facing: float = 0.0) -> dict[str, float]:
    """Median angle, in degrees, between each bone's direction in the file and in the motion of the house skeleton."""
    index = motion.skeleton.names.index
    c, s = np.cos(facing), np.sin(facing)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    result = {}
    for a, b in BONES:
        if a not in roles or b not in roles:
            continue
        u = played.position(roles[b]) - played.position(roles[a])
        v = (motion.positions[:, index(b)] - motion.positions[:, index(a)]) @ turn.T
        cos = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
        result[f"{a}-{b}"] = float(np.median(np.degrees(np.arccos(np.clip(cos, -1, 1)))))
    return result


def standing(motion: Any) -> np.ndarray:
    """Frames in which each foot of the house skeleton stands, [T, 2]: its lowest joint is near the floor and hardly moves."""
    result = []
    for side in ("Left", "Right"):
        toe = motion.positions[:, motion.skeleton.names.index(f"{side}ToeBase")]
        speed = np.linalg.norm(np.gradient(toe, axis=0)[:, [0, 2]], axis=1) * motion.fps
        result.append((toe[:, 1] < 0.025) & (speed < 0.1))
    return np.stack(result, 1)


def soles(played: Played, roles: dict[str, str], side: str) -> np.ndarray:
    """Height of the lowest vertex of a foot, [T]."""
    return played.vertices(played.below(roles[f"{side}Foot"]))[..., 1].min(1)


def slide(path: np.ndarray, stands: np.ndarray, fps: float) -> float:
    """Mean horizontal speed of a point [T, 3] in the frames in which it stands [T], per second."""
    speed = np.linalg.norm(np.diff(path[:, [0, 2]], axis=0), axis=1) * fps
    return float(speed[stands[1:] & stands[:-1]].mean())
