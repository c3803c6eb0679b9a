"""Builds small skinned characters, one quirk of real files each."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton

HOUSE = house_skeleton()
_X, _Y, _Z = np.eye(3)
SIDES = (("Left", 1.0), ("Right", -1.0))


@dataclass
class Rig:
    """What to build.

    Attributes:
        rename: House joint name -> node name.
        rest: World turns of parts in the bind pose against a T-pose, by house joint name; what hangs on them follows.
        size: Scale of the body.
        armature: World matrix above the skeleton.
        skin_space: Whether the mesh lies in the armature's space (as Blender's FBX importer leaves it) or in the world.
        quantised: Matrix between stored and real vertices, part of the inverse bind matrices.
        node_pose: Local turns by which the nodes rest away from the bind pose, by house joint name.
        bind_shift: By what the whole bind pose lies beside the nodes.
        extra: More joints: name -> (house joint or other extra, world offset at T-pose, whether it is a skin joint).
        between: House joint names above whose node a helper node is put.
        matrix_nodes: Write nodes as matrices.
        root_bone: Name of a skin joint on the floor above the hips.
        belly: Radius of a barrel around the spine, 0 for none.
        skull: Radius of a ball around the head, 0 for none.
        sole: How far the shoe reaches below the toe joint.
        facing: Turn of the whole body about the vertical.
        vrm: "0", "1" or "".
        skins: Number of skins over the same joints.
        missing: House joints that are left out.
        old_animation: Whether there is an animation already, with scale channels.
        hang: Other parents of house joints than in the house skeleton.
        split: Bones that have a twist joint half way: house joint name -> name of that joint.
        joint_scale: Scale of single nodes (the bind pose has it too).
    """

    rename: Callable[[str], str] = lambda n: n
    rest: dict[str, np.ndarray] = field(default_factory=dict)
    size: float = 1.0
    armature: np.ndarray = field(default_factory=lambda: np.eye(4))
    skin_space: bool = False
    quantised: np.ndarray | None = None
    node_pose: dict[str, np.ndarray] = field(default_factory=dict)
    bind_shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    extra: dict[str, tuple[str, tuple[float, float, float], bool]] = field(default_factory=dict)
    between: tuple[str, ...] = ()
    matrix_nodes: bool = False
    root_bone: str = ""
    sole: float = 0.02
    belly: float = 0.0
    skull: float = 0.0
    facing: float = 0.0
    vrm: str = ""
    skins: int = 1
    missing: tuple[str, ...] = ()
    old_animation: bool = False
    joint_scale: dict[str, float] = field(default_factory=dict)
    hang: dict[str, str] = field(default_factory=dict)
    split: dict[str, str] = field(default_factory=dict)


def about(axis: np.ndarray, degrees: float) -> np.ndarray:
    return rot.from_axis_angle(axis, np.deg2rad(degrees))


def arms_down(degrees: float, legs_apart: float = 0.0, knees: float = 0.0) -> dict[str, np.ndarray]:
    """An A-pose (45), arms hanging (85), a star (-40 with legs apart)."""
    result = {}
    for side, sign in SIDES:
        result[side + "Arm"] = about(_Z, -sign * degrees)
        result[side + "UpLeg"] = rot.multiply(about(_Z, sign * legs_apart), about(_X, -knees))
        result[side + "Leg"] = about(_X, 2.0 * knees)
        result[side + "Foot"] = rot.multiply(about(_X, -knees), about(_Z, -sign * legs_apart))
    return result


def turned(axis: np.ndarray, degrees: float, scale: Any = 1.0) -> np.ndarray:
    """World matrix of an armature."""
    m = np.eye(4)
    m[:3, :3] = rot.to_matrix(about(axis, degrees)) * scale
    return m


def fingers() -> dict[str, tuple[str, tuple[float, float, float], bool]]:
    """Five fingers of three joints on each hand, Mixamo's names."""
    result = {}
    for side, sign in SIDES:
        for n, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            base = (0.03 * sign, -0.01, 0.035) if n == 0 else (0.09 * sign, 0.0, 0.045 - 0.02 * n)
            step = (0.025 * sign, 0.0, 0.02) if n == 0 else (0.03 * sign, 0.0, 0.0)
            above = side + "Hand"
            for k in range(1, 5):
                name = f"{side}Hand{finger}{k}"
                result[name] = (above, base if k == 1 else step, True)
                above = name
    return result


def build(rig: Rig) -> tuple[bytes, dict[str, str]]:
    """The .glb (or .vrm) and the node name of every house joint that it has."""
    names, parents, positions = _bodies(rig)
    joints = list(names)
    inner = np.linalg.inv(rig.armature)
    world = np.tile(np.eye(4), (len(joints), 1, 1))
    for j, name in enumerate(joints):
        m = np.eye(4)
        m[:3, :3] = _axes(rig, joints, parents, positions, j) * rig.joint_scale.get(name, 1.0)
        m[:3, 3] = (inner @ np.r_[positions[j], 1.0])[:3]
        if rig.joint_scale and parents[j] >= 0:
            m[:3, :3] *= (
                np.linalg.norm(world[parents[j]][:3, :3], axis=0).mean() if name not in rig.joint_scale else 1.0
            )
        world[j] = m  # in the armature's space
    nodes: list[dict[str, Any]] = [{"name": "Armature", "children": []}]
    _place(nodes[0], rig.armature, rig.matrix_nodes)
    index: dict[int, int] = {}
    for j, name in enumerate(joints):
        up = world[parents[j]] if parents[j] >= 0 else np.eye(4)
        local = np.linalg.inv(up) @ world[j]
        above = index[parents[j]] if parents[j] >= 0 else 0
        if name in rig.between:  # as Assimp does: translation above, turn below
            helper = np.eye(4)
            helper[:3, 3] = local[:3, 3]
            helper[:3, :3] = rot.to_matrix(about(_Y, 30.0))
            nodes.append({"name": f"{rig.rename(name)}_$AssimpFbx$_PreRotation", "children": []})
            _place(nodes[-1], helper, rig.matrix_nodes)
            nodes[above]["children"].append(len(nodes) - 1)
            above, local = len(nodes) - 1, np.linalg.inv(helper) @ local
        if name in rig.node_pose:
            local = local.copy()
            local[:3, :3] = local[:3, :3] @ rot.to_matrix(rig.node_pose[name])
        nodes.append({"name": rig.rename(name), "children": []})
        _place(nodes[-1], local, rig.matrix_nodes)
        nodes[above]["children"].append(len(nodes) - 1)
        index[j] = len(nodes) - 1
    skin_joints = [j for j, n in enumerate(joints) if rig.extra.get(n, (0, 0, True))[2]]
    shift = np.eye(4)
    shift[:3, 3] = rig.bind_shift
    place = rig.armature if rig.skin_space else np.eye(4)
    stored = place if rig.quantised is None else place @ rig.quantised
    bound = shift @ rig.armature @ world if not rig.skin_space else rig.armature @ world
    inverse = np.linalg.inv(bound[skin_joints]) @ (stored if rig.skin_space or rig.quantised is not None else np.eye(4))
    points, which, shares, faces = _mesh(rig, joints, parents, positions, skin_joints)
    points = (
        (np.linalg.inv(stored) @ np.c_[points, np.ones(len(points))].T).T[:, :3]
        if rig.skin_space or rig.quantised is not None
        else points + np.array(rig.bind_shift)
    )
    return _file(rig, nodes, [index[j] for j in skin_joints], inverse, points, which, shares, faces), {
        n: rig.rename(n) for n in HOUSE.names if n in names
    }


def _bodies(rig: Rig) -> tuple[list[str], list[int], np.ndarray]:
    """Joint names, parents, and positions in the bind pose."""
    table: dict[str, tuple[str | None, np.ndarray]] = {}
    if rig.root_bone:
        table[rig.root_bone] = (None, np.zeros(3))
    for j, name in enumerate(HOUSE.names):
        parent = HOUSE.names[HOUSE.parents[j]] if j else (rig.root_bone or None)
        if name in rig.missing:
            continue
        offset = HOUSE.offsets[j].copy()
        while parent in rig.missing:
            k = HOUSE.index(parent)
            offset = offset + HOUSE.offsets[k]
            parent = HOUSE.names[HOUSE.parents[k]]
        table[name] = (parent, offset)
    for name, (parent, offset, _) in rig.extra.items():
        table[name] = (parent, np.array(offset))
    for name, middle in rig.split.items():
        end = next(n for n in HOUSE.names if table.get(n, ("",))[0] == name)
        half = 0.5 * table[end][1]
        table[middle], table[end] = (name, half), (middle, half)
    for name, parent in rig.hang.items():
        place = lambda n: HOUSE.offsets[0] + HOUSE.rest_positions[HOUSE.index(n)]  # noqa: E731
        table[name] = (parent, place(name) - (place(parent) if parent in HOUSE.names else np.zeros(3)))
    order: list[str] = []

    def add(name: str) -> None:
        order.append(name)
        for other, (parent, _) in table.items():
            if parent == name:
                add(other)

    for name, (parent, _) in table.items():
        if parent is None:
            add(name)
    parents = [-1 if table[n][0] is None else order.index(table[n][0]) for n in order]
    turns: list[np.ndarray] = []
    positions = np.zeros((len(order), 3))
    body = rot.from_yaw(rig.facing)
    for j, name in enumerate(order):
        up = turns[parents[j]] if parents[j] >= 0 else body
        own = rot.multiply(up, rig.rest[name]) if name in rig.rest else up
        turns.append(own)
        base = positions[parents[j]] if parents[j] >= 0 else np.zeros(3)
        positions[j] = base + rot.rotate(up, table[name][1]) * rig.size
    return order, parents, positions


def _axes(rig: Rig, joints: list[str], parents: list[int], positions: np.ndarray, j: int) -> np.ndarray:
    """Axes of a joint in the armature's space: y along the bone as Blender has it, some roll."""
    children = [k for k, p in enumerate(parents) if p == j and joints[k] in HOUSE.names] or [
        k for k, p in enumerate(parents) if p == j
    ]
    up = parents[j]
    bone = positions[children[0]] - positions[j] if children else positions[j] - positions[up]
    bone = np.linalg.inv(rig.armature)[:3, :3] @ bone
    y = bone / max(np.linalg.norm(bone), 1e-9) if np.linalg.norm(bone) > 1e-9 else _Y
    x = np.cross(y, _Z if abs(y[2]) < 0.9 else _X)
    x /= np.linalg.norm(x)
    m = np.stack((x, y, np.cross(x, y)), -1)
    roll = rot.to_matrix(rot.from_axis_angle(_Y, 0.7 * j))
    return m @ roll


def _place(node: dict[str, Any], m: np.ndarray, as_matrix: bool) -> None:
    if as_matrix:
        node["matrix"] = m.T.ravel().tolist()
        return
    scale = np.linalg.norm(m[:3, :3], axis=0)
    node["translation"] = m[:3, 3].tolist()
    node["rotation"] = rot.from_matrix(m[:3, :3] / scale)[[1, 2, 3, 0]].tolist()
    if np.abs(scale - 1.0).max() > 1e-9:
        node["scale"] = scale.tolist()


def _mesh(
    rig: Rig, joints: list[str], parents: list[int], positions: np.ndarray, skin_joints: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A box along every bone, shared with the joint below near its end; shoes with a sole."""
    points, which, shares, faces = [], [], [], []
    slot = {j: n for n, j in enumerate(skin_joints)}
    front = rot.rotate(rot.from_yaw(rig.facing), _Z)
    across = np.cross(_Y, front)
    for j in range(1, len(joints)):
        p = parents[j]
        if j not in slot or p not in slot or joints[p] == rig.root_bone:
            continue
        bone = positions[j] - positions[p]
        x = np.cross(bone, front if abs(bone @ front) < 0.9 * np.linalg.norm(bone) else _Y)
        if np.linalg.norm(x) < 1e-9:
            continue
        x = x / np.linalg.norm(x) * 0.03 * rig.size
        z = np.cross(bone, x)
        z = z / np.linalg.norm(z) * 0.03 * rig.size
        for share, at in ((0.0, 0.1), (0.4, 0.9)):
            for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
                points.append(positions[p] + at * bone + a * x + b * z)
                which.append((slot[p], slot[j], 0, 0))
                shares.append((1.0 - share, share, 0.0, 0.0))
    if rig.belly:
        spine = joints.index("Spine")
        for level in np.linspace(-0.25, 0.3, 7):
            for angle in np.arange(24) * (np.pi / 12.0):
                around = np.array([np.sin(angle), 0.0, np.cos(angle)]) * rig.belly
                points.append(positions[spine] + rig.size * (around + level * _Y))
                which.append((slot[spine], 0, 0, 0))
                shares.append((1.0, 0.0, 0.0, 0.0))
    if rig.skull:
        head = joints.index("Head")
        for level in np.linspace(-0.95, 0.95, 9):
            for angle in np.arange(24) * (np.pi / 12.0):
                ring = np.sqrt(1.0 - level * level)
                around = np.array([ring * np.sin(angle), level, ring * np.cos(angle)]) * rig.skull
                points.append(positions[head] + rig.size * around)
                which.append((slot[head], 0, 0, 0))
                shares.append((1.0, 0.0, 0.0, 0.0))
    for side, _ in SIDES:
        foot, toe = joints.index(side + "Foot"), joints.index(side + "ToeBase") if side + "ToeBase" in joints else -1
        level = min(positions[joints.index(s + "Foot")][1] for s, _ in SIDES) - (0.0275 + 0.0137 + rig.sole) * rig.size
        for ahead, owner in ((-0.06, foot), (0.02, foot), (0.085, toe), (0.16, toe)):
            for wide in (-0.04, 0.04):
                for high in (0.0, 0.03):
                    at = positions[foot] + rig.size * (front * ahead + across * wide)
                    points.append(np.array([at[0], level + high * rig.size, at[2]]))
                    shared = owner == toe and toe >= 0
                    which.append((slot[owner], slot[foot] * shared, 0, 0) if shared else (slot[foot], 0, 0, 0))
                    shares.append((0.8, 0.2, 0.0, 0.0) if shared else (1.0, 0.0, 0.0, 0.0))
    count = len(points)
    faces = np.stack((np.arange(count - 2), np.arange(1, count - 1), np.arange(2, count)), -1)
    return np.array(points), np.array(which), np.array(shares), faces


def _file(
    rig: Rig, nodes: list[dict[str, Any]], joints: list[int], inverse: np.ndarray, points: np.ndarray, which: np.ndarray,
    shares: np.ndarray, faces: np.ndarray,
) -> bytes:  # fmt: skip
    data, views, accessors = bytearray(), [], []

    def add(values: np.ndarray, kind: str, code: int) -> int:
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": values.nbytes})
        data.extend(values.tobytes() + b"\0" * (-values.nbytes % 4))
        a = {"bufferView": len(views) - 1, "componentType": code, "count": len(values), "type": kind}
        if kind == "VEC3" or kind == "SCALAR":
            flat = values.reshape(len(values), -1)
            a |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        accessors.append(a)
        return len(accessors) - 1

    attributes = {
        "POSITION": add(points.astype("<f4"), "VEC3", 5126),
        "JOINTS_0": add(which.astype("<u2"), "VEC4", 5123),
        "WEIGHTS_0": add(shares.astype("<f4"), "VEC4", 5126),
    }
    indices = add(faces.astype("<u2").ravel(), "SCALAR", 5123)
    matrices = add(inverse.transpose(0, 2, 1).reshape(-1, 16).astype("<f4"), "MAT4", 5126)
    skins = [{"joints": joints, "inverseBindMatrices": matrices} for _ in range(rig.skins)]
    roots = [0]
    for n in range(rig.skins):
        nodes.append({"name": f"Body{n}", "mesh": n, "skin": n})
        roots.append(len(nodes) - 1)
    for node in nodes:
        if not node.get("children", [0]):
            del node["children"]
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "tests", "extras": {"kept": "ü"}},
        "scene": 0,
        "scenes": [{"nodes": roots}],
        "nodes": nodes,
        "meshes": [
            {"primitives": [{"attributes": attributes, "indices": indices, "material": 0}]} for _ in range(rig.skins)
        ],
        "materials": [{"name": "paint", "extras": {"odd": [1, 2.50, 1e-7]}}],
        "skins": skins,
    }
    if rig.old_animation:
        times = add(np.array([0.0, 1.0], "<f4"), "SCALAR", 5126)
        scales = add(np.array([[1, 1, 1], [1, 1, 1]], "<f4"), "VEC3", 5126)
        document["animations"] = [
            {
                "name": "old",
                "samplers": [{"input": times, "output": scales}],
                "channels": [{"sampler": 0, "target": {"node": joints[0], "path": "scale"}}],
            }
        ]
    if rig.vrm:
        _vrm(document, nodes, rig)
    document |= {"buffers": [{"byteLength": len(data)}], "bufferViews": views, "accessors": accessors}
    return pack(document, bytes(data))


def pack(document: dict[str, Any], data: bytes) -> bytes:
    """A .glb with another chunk behind the usual two."""
    text = json.dumps(document, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    data += b"\0" * (-len(data) % 4)
    odd = b"farandole tests!"
    body = b"".join(struct.pack("<I4s", len(c), k) + c for k, c in ((b"JSON", text), (b"BIN\0", data), (b"ODD\0", odd)))
    return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


_VRM = {
    "Hips": "hips", "Spine": "spine", "Spine1": "chest", "Neck": "neck", "Head": "head", "Shoulder": "Shoulder", "Arm": "UpperArm",
    "ForeArm": "LowerArm", "Hand": "Hand", "UpLeg": "UpperLeg", "Leg": "LowerLeg", "Foot": "Foot", "ToeBase": "Toes",
}  # fmt: skip


def _vrm(document: dict[str, Any], nodes: list[dict[str, Any]], rig: Rig) -> None:
    index = {n.get("name"): i for i, n in enumerate(nodes)}
    bones = {}
    for name in HOUSE.names:
        if rig.rename(name) in index:
            side = next((s for s, _ in SIDES if name.startswith(s)), "")
            part = _VRM[name.removeprefix(side)]
            bones[side.lower() + part if side else part] = index[rig.rename(name)]
    springs = [i for name, i in index.items() if name and name.startswith("hair")]
    if rig.vrm == "0":
        human = {"humanBones": [{"bone": b, "node": i, "useDefaultValues": True} for b, i in bones.items()]}
        groups = [{"bones": springs[:1], "stiffiness": 1.0}]
        document["extensions"] = {"VRM": {"humanoid": human, "secondaryAnimation": {"boneGroups": groups}, "meta": {}}}
        document["extensionsUsed"] = ["VRM"]
    else:
        human = {"humanBones": {b: {"node": i} for b, i in bones.items()}}
        document["extensions"] = {
            "VRMC_vrm": {
                "specVersion": "1.0",
                "humanoid": human,
                "meta": {"name": "t", "authors": ["t"], "licenseUrl": "x"},
            },
            "VRMC_springBone": {"specVersion": "1.0", "springs": [{"joints": [{"node": i} for i in springs]}]},
        }
        document["extensionsUsed"] = ["VRMC_vrm", "VRMC_springBone"]
