"""Builds rigs that nobody expects: four legs, two people in a file, mirrored nodes, wings, numbers for names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from .played import chunks
from .rigs import SIDES, Rig, build, pack

Offset = tuple[float, float, float]


def numbered(name: str) -> str:
    """A name that tells nothing, another one for each."""
    return str(100 + sum((k + 1) * ord(c) for k, c in enumerate(name)) * 7919 % 90001)


def both_sides(part: Callable[[str, float], dict[str, Any]]) -> dict[str, Any]:
    return {name: value for side, sign in SIDES for name, value in part(side, sign).items()}


WINGS = both_sides(
    lambda s, g: {
        f"{s}Wing1": ("Spine1", (0.06 * g, 0.10, -0.10), True),
        f"{s}Wing2": (f"{s}Wing1", (0.40 * g, 0.15, -0.10), True),
        f"{s}Wing3": (f"{s}Wing2", (0.50 * g, -0.10, -0.05), True),
        f"{s}Wing4": (f"{s}Wing3", (0.30 * g, -0.20, 0.0), True),
    }
)
TAIL = {f"tail_{k}": (f"tail_{k - 1}" if k else "Hips", (0.0, -0.02, -0.12), True) for k in range(6)}
SKIRT = {
    f"skirt_{a}_{k}": (
        f"skirt_{a}_{k - 1}" if k else "Hips",
        (0.0, -0.15, 0.0) if k else (float(0.15 * np.sin(a)), -0.05, float(0.15 * np.cos(a))),
        True,
    )
    for a in range(6)
    for k in range(3)
}
SWORD = {
    "sword": ("RightHand", (-0.10, 0.0, 0.0), True),
    "blade": ("sword", (-0.10, 0.9, 0.0), True),
    "tip": ("blade", (0.0, 0.3, 0.0), True),
}


def dog(rename: Callable[[str], str]) -> bytes:
    """A body that lies level on four legs, with a tail, as nodes without a mesh."""
    table: dict[str, tuple[str, Offset]] = {
        "Hips": ("", (0.0, 0.6, -0.3)), "Spine": ("Hips", (0.0, 0.02, 0.2)), "Chest": ("Spine", (0.0, 0.02, 0.25)),
        "Neck": ("Chest", (0.0, 0.1, 0.12)), "Head": ("Neck", (0.0, 0.12, 0.12)), "Nose": ("Head", (0.0, 0.0, 0.12)),
    }  # fmt: skip
    for side, sign in SIDES:
        for names, start, way in (
            (("Arm", "ForeArm", "Hand", "HandIndex1"), "Chest", (0.1 * sign, -0.05, 0.05)),
            (("UpLeg", "Leg", "Foot", "ToeBase"), "Hips", (0.1 * sign, -0.03, 0.0)),
        ):
            above = start
            bends = (way, (0.0, -0.25, -0.05), (0.0, -0.25, 0.02), (0.0, -0.05, 0.06))
            for name, offset in zip(names, bends, strict=True):
                table[side + name] = (above, offset)
                above = side + name
    table |= {f"Tail{k}": (f"Tail{k - 1}" if k else "Hips", (0.0, 0.0, -0.1)) for k in range(4)}
    index = {name: n for n, name in enumerate(table)}
    nodes = [{"name": rename(n), "translation": list(offset)} for n, (_, offset) in table.items()]
    for n, (above, _) in table.items():
        if above:
            nodes[index[above]].setdefault("children", []).append(index[n])  # type: ignore[attr-defined]
    return pack({"asset": {"version": "2.0"}, "nodes": nodes, "scenes": [{"nodes": [0]}]}, b"")


def without_skin(data: bytes) -> bytes:
    """Its nodes and meshes, without what binds them."""
    document, content = _parts(data)
    del document["skins"]
    for node in document["nodes"]:
        node.pop("skin", None)
    return pack(document, content)


def mirrored(rig: Rig) -> tuple[bytes, dict[str, str]]:
    """Below a node of scale -1 along x, in mesh and bind pose too. What its names call left is its right hand then."""
    data, names = build(rig)
    document, content = _parts(data)
    document["nodes"].append({"name": "mirror", "scale": [-1, 1, 1], "children": [0]})
    document["scenes"][0]["nodes"][0] = len(document["nodes"]) - 1
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    changed = bytearray(content)
    skin, primitive = document["skins"][0], document["meshes"][0]["primitives"][0]
    for accessor, width in ((skin["inverseBindMatrices"], 16), (primitive["attributes"]["POSITION"], 3)):
        entry = document["accessors"][accessor]
        view = document["bufferViews"][entry["bufferView"]]
        span = slice(view["byteOffset"], view["byteOffset"] + view["byteLength"])
        values = np.frombuffer(bytes(changed[span]), "<f4").reshape(-1, width)
        if width == 16:
            values = (values.reshape(-1, 4, 4).transpose(0, 2, 1) @ flip).transpose(0, 2, 1).reshape(-1, 16)
        else:
            values = values * np.array([-1.0, 1.0, 1.0])
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        changed[span] = values.astype("<f4").tobytes()
    other = {"Left": "Right", "Right": "Left"}
    swapped = {next((other[s] + r.removeprefix(s) for s in other if r.startswith(s)), r): n for r, n in names.items()}
    return pack(document, bytes(changed)), swapped


def many_skins(rig: Rig) -> tuple[bytes, dict[str, str]]:
    """One mesh of several skins that share joints, each in an order of its own: legs with the hips, and the rest the other way."""
    data, names = build(rig)
    document, content = _parts(data)
    changed = bytearray(content)
    skin, primitive = document["skins"][0], document["meshes"][0]["primitives"][0]
    matrices, points, which, shares = (
        _array(document, content, n, kind, width)
        for n, kind, width in (
            (skin["inverseBindMatrices"], "<f4", 16), (primitive["attributes"]["POSITION"], "<f4", 3),
            (primitive["attributes"]["JOINTS_0"], "<u2", 4), (primitive["attributes"]["WEIGHTS_0"], "<f4", 4),
        )
    )  # fmt: skip

    def add(values: np.ndarray, kind: str, code: int) -> int:
        changed.extend(b"\0" * (-len(changed) % 4))
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(changed), "byteLength": values.nbytes})
        changed.extend(values.tobytes())
        entry = {
            "bufferView": len(document["bufferViews"]) - 1, "componentType": code, "count": len(values), "type": kind,
        }  # fmt: skip
        if kind == "VEC3":
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        document["accessors"].append(entry)
        return len(document["accessors"]) - 1

    label = [document["nodes"][j]["name"] for j in skin["joints"]]
    lower = [k for k, n in enumerate(label) if any(part in n for part in ("Leg", "Foot", "Toe", "Hips"))]
    upper = [k for k, n in reversed(list(enumerate(label))) if k not in lower or "Hips" in n]
    document["nodes"] = [n for n in document["nodes"] if "mesh" not in n]
    document["meshes"], document["skins"], document["scenes"][0]["nodes"] = [], [], [0]
    for number, part in enumerate((lower, upper)):
        place = {k: n for n, k in enumerate(part)}
        rows = np.array([set(r[s > 0].tolist()) <= set(part) for r, s in zip(which, shares, strict=True)])
        joints = np.array([[place.get(int(k), 0) for k in row] for row in which[rows]], "<u2")
        attributes = {
            "POSITION": add(points[rows], "VEC3", 5126),
            "JOINTS_0": add(joints, "VEC4", 5123),
            "WEIGHTS_0": add(shares[rows], "VEC4", 5126),
        }
        document["skins"].append(
            {"joints": [skin["joints"][k] for k in part], "inverseBindMatrices": add(matrices[part], "MAT4", 5126)}
        )
        document["meshes"].append({"primitives": [{"attributes": attributes}]})
        document["nodes"].append({"mesh": number, "skin": number})
        document["scenes"][0]["nodes"].append(len(document["nodes"]) - 1)
    document["buffers"][0]["byteLength"] = len(changed)
    return pack(document, bytes(changed)), names


def together(one: bytes, other: bytes, shift: float = 0.0) -> bytes:
    """Two skinned bodies in one file, the second `shift` to the left of the first."""
    first, data = _parts(one)
    second, more = _parts(other)
    count, views, accessors = len(first["nodes"]), len(first["bufferViews"]), len(first["accessors"])
    for node in second["nodes"]:
        if "children" in node:
            node["children"] = [n + count for n in node["children"]]
        if "mesh" in node:
            node["mesh"], node["skin"] = 1, 1
    for view in second["bufferViews"]:
        view["byteOffset"] += len(data)
    for accessor in second["accessors"]:
        accessor["bufferView"] += views
    skin = second["skins"][0]
    skin["joints"] = [n + count for n in skin["joints"]]
    skin["inverseBindMatrices"] += accessors
    primitive = second["meshes"][0]["primitives"][0]
    primitive["indices"] += accessors
    primitive["attributes"] = {k: v + accessors for k, v in primitive["attributes"].items()}
    for key in ("nodes", "bufferViews", "accessors", "skins", "meshes"):
        first[key] += second[key]
    roots = [n + count for n in second["scenes"][0]["nodes"]]
    if shift:
        first["nodes"].append({"name": "place", "translation": [shift, 0.0, 0.0], "children": roots[:1]})
        roots[0] = len(first["nodes"]) - 1
    first["scenes"][0]["nodes"] += roots
    first["buffers"] = [{"byteLength": len(data + more)}]
    return pack(first, data + more)


def _parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    found = dict(chunks(data))
    return json.loads(found[b"JSON"]), found[b"BIN\0"]


def _array(document: dict[str, Any], content: bytes, accessor: int, kind: str, width: int) -> np.ndarray:
    view = document["bufferViews"][document["accessors"][accessor]["bufferView"]]
    return np.frombuffer(content, kind, view["byteLength"] // np.dtype(kind).itemsize, view["byteOffset"]).reshape(
        -1, width
    )
