"""Kinds of glTF files: accessors of every sort, several animations, .gltf with buffers elsewhere, VRM, and what is not believed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farandole.errors import FileFormatError, RetargetError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion, save_motion
from farandole.motion.files.gltf import parse_gltf, render_glb, render_gltf, render_vrma
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

HOUSE = house_skeleton()
HALF = float(np.sqrt(0.5))
TURNS = np.array([[0, 0, 0, 1], [0, 0, HALF, HALF], [0, 0, 1, 0]])  # 0, 90 and 180 degrees about z
FLOAT, SHORT, BYTE, USHORT = 5126, 5122, 5120, 5123


def moving(frames: int = 12, skeleton: Skeleton = HOUSE, name: str = "walk") -> Motion:
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(np.cumsum(random.normal(size=(frames, len(skeleton), 3)) * 0.05, axis=0))
    path = np.cumsum(random.normal(size=(frames, 3)) * 0.02, axis=0) + np.array([0.0, 0.9, 0.0])
    return Motion(skeleton, turns, path, 30.0, name=name)


class Document:
    """A one-bone chain whose tip is turned by hand-made accessors."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.times = self.add(np.array([0, 1, 2], np.float32), FLOAT, "SCALAR")
        self.animations: list[dict[str, Any]] = []

    def view(self, data: bytes, **more: Any) -> int:
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data), **more})
        self.data += data + b"\0" * (-len(data) % 4)
        return len(self.views) - 1

    def add(self, values: np.ndarray, component: int, kind: str, **more: Any) -> int:
        self.accessors.append(
            {
                "bufferView": self.view(values.tobytes()),
                "componentType": component,
                "count": len(values),
                "type": kind,
                **more,
            }
        )
        return len(self.accessors) - 1

    def animate(self, output: int, *, path: str = "rotation", how: str = "LINEAR", name: str | None = None) -> None:
        self.animations.append(
            {
                **({"name": name} if name else {}),
                "channels": [{"sampler": 0, "target": {"node": 1, "path": path}}],
                "samplers": [{"input": self.times, "output": output, "interpolation": how}],
            }
        )

    def json(self) -> dict[str, Any]:
        return {
            "asset": {"version": "2.0"},
            "scenes": [{"nodes": [0]}],
            "nodes": [{"name": "base", "children": [1]}, {"name": "arm", "translation": [0, 1, 0], "children": [2]},
                      {"name": "tip", "translation": [0, 1, 0]}],
            "skins": [{"joints": [0, 1, 2]}],
            "animations": self.animations,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.data)}],
            **self.extra,
        }  # fmt: skip

    def text(self, uri: str | None = None) -> bytes:
        document = self.json()
        document["buffers"][0]["uri"] = uri or "data:;base64," + base64.b64encode(self.data).decode()
        return json.dumps(document).encode()


def assert_turns(motion: Motion, degrees: list[float], atol: float = 1e-4) -> None:
    angles = np.deg2rad(degrees)
    wanted = rot.from_axis_angle(np.array([0.0, 0.0, 1.0]), angles)
    assert rot.angle_between(motion.rotations[:, 1], wanted).max() < atol


def sparse(document: Document) -> int:
    base = document.add(np.tile(np.array([0, 0, 0, 1], np.float32), (3, 1)), FLOAT, "VEC4")
    document.accessors[base]["sparse"] = {
        "count": 2,
        "indices": {"bufferView": document.view(np.array([1, 2], np.uint16).tobytes()), "componentType": USHORT},
        "values": {"bufferView": document.view(TURNS[1:].astype(np.float32).tobytes())},
    }
    return base


def sparse_on_nothing(document: Document) -> int:
    base = sparse(document)
    del document.accessors[base]["bufferView"]
    document.accessors[base]["sparse"]["count"] = 3
    document.accessors[base]["sparse"]["indices"]["bufferView"] = document.view(
        np.arange(3).astype(np.uint16).tobytes()
    )
    document.accessors[base]["sparse"]["values"]["bufferView"] = document.view(TURNS.astype(np.float32).tobytes())
    return base


def shorts(document: Document) -> int:
    return document.add(np.rint(TURNS * 32767).astype(np.int16), SHORT, "VEC4", normalized=True)


def signed_bytes(document: Document) -> int:
    return document.add(np.rint(TURNS * 127).astype(np.int8), BYTE, "VEC4", normalized=True)


def interleaved(document: Document) -> int:
    cells = np.zeros((3, 7), np.float32)
    cells[:, 2:6] = TURNS
    view = document.view(cells.tobytes(), byteStride=28)
    document.accessors.append({"bufferView": view, "byteOffset": 8, "componentType": FLOAT, "count": 3, "type": "VEC4"})
    return len(document.accessors) - 1


@pytest.mark.parametrize("make", [sparse, sparse_on_nothing, shorts, signed_bytes, interleaved])
def test_accessors_of_every_sort(make) -> None:
    document = Document()
    document.animate(make(document))
    motion = parse_gltf(document.text(), fps=2.0)
    assert_turns(motion, [0, 45, 90, 135, 180], atol=0.02 if make is signed_bytes else 1e-3)


@pytest.mark.parametrize(
    ("how", "degrees"), [("LINEAR", [0, 45, 90, 135, 180]), ("STEP", [0, 0, 90, 90, 180]), ("CUBICSPLINE", None)]
)
def test_interpolations(how: str, degrees: list[float] | None) -> None:
    document = Document()
    values = TURNS.astype(np.float32)
    if how == "CUBICSPLINE":
        zero = np.zeros(4, np.float32)
        values = np.array([row for turn in values for row in (zero, turn, zero)])
    document.animate(document.add(values, FLOAT, "VEC4"), how=how)
    motion = parse_gltf(document.text(), fps=2.0)
    if degrees is not None:
        assert_turns(motion, degrees)
    else:
        assert_turns(motion.resample(1.0), [0, 90, 180])
        assert 0.1 < float(rot.angle_between(motion.rotations[1, 1], rot.identity())) < 1.5


def test_the_first_animation_that_moves_is_read_and_the_others_are_named(caplog) -> None:
    document = Document()
    turns = document.add(TURNS.astype(np.float32), FLOAT, "VEC4")
    document.animate(turns, name="T-pose")
    document.animations[0]["samplers"][0] = {
        "input": document.add(np.zeros(1, np.float32), FLOAT, "SCALAR"),
        "output": document.add(TURNS[2:].astype(np.float32), FLOAT, "VEC4"),
    }
    document.animate(turns, name="walk")
    document.animate(turns, name="run")
    motion = parse_gltf(document.text(), source="x.gltf")
    assert (motion.name, len(motion)) == ("walk", 61)
    assert "passed over T-pose" in caplog.text
    assert "'walk' is read" in caplog.text
    caplog.clear()
    assert parse_gltf(document.text(), animation="run").name == "run"
    assert parse_gltf(document.text(), animation="1").name == "walk"
    assert len(parse_gltf(document.text(), animation="T-pose")) == 1
    assert not caplog.text
    with pytest.raises(FileFormatError, match=r"no animation 'jump' \(there are: T-pose, walk, run\)"):
        parse_gltf(document.text(), animation="jump")


def test_animated_scale_is_said_to_be_ignored(caplog) -> None:
    document = Document()
    document.animate(document.add(TURNS.astype(np.float32), FLOAT, "VEC4"))
    document.animations[0]["channels"].append({"sampler": 1, "target": {"node": 2, "path": "scale"}})
    grow = document.add(np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3]], np.float32), FLOAT, "VEC3")
    document.animations[0]["samplers"].append({"input": document.times, "output": grow})
    assert_turns(parse_gltf(document.text(), fps=1.0), [0, 90, 180])
    assert "animated scale of tip is ignored" in caplog.text


def test_an_animated_node_above_the_skin_carries_the_body() -> None:
    document = Document()
    document.animate(
        document.add(np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32), FLOAT, "VEC3"), path="translation"
    )
    document.animations[0]["channels"][0]["target"]["node"] = 0
    document.extra["skins"] = [{"joints": [1, 2]}]
    motion = parse_gltf(document.text(), fps=1.0)
    np.testing.assert_allclose(motion.positions[:, 1], [[0, 1, 0], [1, 1, 0], [2, 1, 0]], atol=1e-6)


def test_gltf_with_its_arrays_inside_or_beside(tmp_path: Path) -> None:
    motion = moving()
    again = load_motion(save_motion(motion, tmp_path / "walk.gltf"))
    order = [again.skeleton.index(n) for n in HOUSE.names]
    np.testing.assert_allclose(again.positions[:, order], motion.positions, atol=1e-5)
    document = Document()
    document.animate(document.add(TURNS.astype(np.float32), FLOAT, "VEC4"))
    (tmp_path / "a bin.bin").write_bytes(document.data)
    (tmp_path / "x.gltf").write_bytes(document.text("a%20bin.bin"))
    assert len(load_motion(tmp_path / "x.gltf")) == 61
    for uri, message in (
        ("none.bin", "cannot read its buffer"),
        ("../x.bin", "outside"),
        ("http://x/y.bin", "outside"),
    ):
        (tmp_path / "x.gltf").write_bytes(document.text(uri))
        with pytest.raises(FileFormatError, match=message):
            load_motion(tmp_path / "x.gltf")


def change(path: list[Any], value: Any) -> bytes:
    document = Document()
    document.animate(document.add(TURNS.astype(np.float32), FLOAT, "VEC4"))
    whole = json.loads(document.text())
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["accessors", 1, "count"], -1), (["accessors", 1, "count"], 10**15), (["accessors", 1, "count"], 2.5),
        (["accessors", 1, "count"], True),
        (["accessors", 1, "byteOffset"], -4), (["bufferViews", 1, "byteLength"], 10**12), (["bufferViews", 1, "byteOffset"], -1),
        (["bufferViews", 1, "byteStride"], 0), (["bufferViews", 1, "byteStride"], -16), (["bufferViews", 1, "buffer"], 7),
        (["accessors", 1, "bufferView"], -1), (["accessors", 1, "componentType"], 9), (["accessors", 1, "type"], "VEC3"),
        (["accessors", 1], None), (["accessors"], {}), (["nodes"], 3),
        (["nodes", 0, "children"], [0]), (["nodes", 2, "children"], [1]),
        (["nodes", 0, "children"], [1, 1]), (["nodes", 0, "children"], [99]), (["nodes", 1, "translation"], [0, 1]),
        (["nodes", 1, "rotation"], "no"), (["skins", 0, "joints"], [0, 99]), (["skins", 0, "joints"], 5),
        (["animations", 0, "samplers"], []),
        (["animations", 0, "channels", 0, "target", "node"], 77), (["buffers", 0, "uri"], "data:;base64,AAA"),
        (["asset"], {"version": "1.0"}),
        (["extensions"], {"VRM": {"humanoid": 5}}), (["buffers", 0, "uri"], 9),
        (["extensions"], {"VRMC_vrm": {"humanoid": {"humanBones": {"hips": {"node": 400}}}}}),
        (["bufferViews", 1, "extensions"], {"EXT_meshopt_compression": {}}),
    ],
)  # fmt: skip
def test_what_a_file_says_of_itself_is_not_believed(path: list[Any], value: Any) -> None:
    with pytest.raises(FileFormatError) as caught:
        parse_gltf(change(path, value), source="x.gltf")
    assert "x.gltf" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("times", [[0, np.nan, 2], [0, 1e30, 2e30], [0, 2, 1], [0, 1e7, 2e7], [-1e9, 0, 1]])
def test_damaged_key_times_are_refused(times: list[float]) -> None:
    document = Document()
    document.times = document.add(np.array(times, np.float32), FLOAT, "SCALAR")
    document.animate(document.add(TURNS.astype(np.float32), FLOAT, "VEC4"))
    with pytest.raises(FileFormatError, match="key times"):
        parse_gltf(document.text())


def test_compressed_animations_are_refused_with_the_reason() -> None:
    with pytest.raises(FileFormatError, match="compressed with EXT_meshopt_compression"):
        parse_gltf(change(["bufferViews", 1, "extensions"], {"EXT_meshopt_compression": {}}))


# VRM -------------------------------------------------------------------------------------------------------------------------


def direction(motion: Motion, roles: dict[str, int], a: str, b: str) -> np.ndarray:
    return rot.normalize(motion.positions[:, roles[b]] - motion.positions[:, roles[a]])


LIMBS = [("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot")]


def test_vrma_rests_in_an_exact_t_pose_and_moves_alike() -> None:
    motion = moving()
    vrma = parse_gltf(render_vrma(motion))
    rest, roles, mine = vrma.skeleton.rest_positions, names.find_roles(vrma.skeleton), names.find_roles(HOUSE)
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for a, b in LIMBS:
            bone = rot.normalize(rest[roles[side + b]] - rest[roles[side + a]])
            np.testing.assert_allclose(bone, [x, 0, 0] if "Arm" in a else [0, -1, 0], atol=1e-6)
            dot = (direction(vrma, roles, side + a, side + b) * direction(motion, mine, side + a, side + b)).sum(-1)
            assert np.rad2deg(np.arccos(np.clip(dot, -1, 1))).max() < 0.1
    assert rest[roles["LeftToeBase"], 2] > rest[roles["LeftFoot"], 2]
    assert vrma.skeleton.names[0] == "hips"
    assert set(vrma.skeleton.names) >= {"leftUpperArm", "rightLowerLeg", "chest", "head"}


def test_vrma_has_the_path_on_the_hips_alone() -> None:
    data = render_vrma(moving())
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    moved = [c["target"]["node"] for c in document["animations"][0]["channels"] if c["target"]["path"] == "translation"]
    bones = document["extensions"]["VRMC_vrm_animation"]["humanoid"]["humanBones"]
    assert document["extensionsUsed"] == ["VRMC_vrm_animation"]
    assert moved == [bones["hips"]["node"]]
    assert all("rotation" not in node for node in document["nodes"])


def test_vrma_is_for_humans_only() -> None:
    chain = Skeleton(["a", "b"], [-1, 0], [[0, 0, 0], [0, 1, 0]])
    with pytest.raises(RetargetError):
        render_vrma(moving(skeleton=chain))


@pytest.mark.parametrize("version", ["VRM", "VRMC_vrm"])
def test_vrm_is_read_by_its_humanoid_map(version: str, tmp_path: Path) -> None:
    """Nodes with names that say nothing; VRM 0.x looks along -z and is turned."""
    motion = moving()
    document = json.loads(render_gltf(motion))
    bones = {
        "hips": "Hips", "spine": "Spine", "chest": "Spine1", "neck": "Neck", "head": "Head",
        **{s.lower() + vrm: s + role for s in names.SIDES for vrm, role in (
            ("Shoulder", "Shoulder"), ("UpperArm", "Arm"), ("LowerArm", "ForeArm"), ("Hand", "Hand"),
            ("UpperLeg", "UpLeg"), ("LowerLeg", "Leg"), ("Foot", "Foot"), ("Toes", "ToeBase"))},
    }  # fmt: skip
    nodes = {bone: HOUSE.index(joint) for bone, joint in bones.items()}
    for i, node in enumerate(document["nodes"]):
        node["name"] = f"n{i}"
    if version == "VRM":
        document["extensions"] = {
            "VRM": {"humanoid": {"humanBones": [{"bone": b, "node": n} for b, n in nodes.items()]}}
        }
    else:
        document["extensions"] = {"VRMC_vrm": {"humanoid": {"humanBones": {b: {"node": n} for b, n in nodes.items()}}}}
    (tmp_path / "x.vrm").write_text(json.dumps(document))
    vrm = load_motion(tmp_path / "x.vrm")
    roles = names.humanoid_roles(vrm.skeleton)
    assert vrm.skeleton.names[roles["LeftForeArm"]] == "leftLowerArm"
    about = np.array([-1.0, 1.0, -1.0]) if version == "VRM" else np.ones(3)
    mine = names.find_roles(HOUSE)
    common = [r for r in mine if r in roles]
    np.testing.assert_allclose(
        vrm.positions[:, [roles[r] for r in common]], motion.positions[:, [mine[r] for r in common]] * about, atol=1e-5
    )


def test_glb_takes_are_animations_with_names_of_their_own() -> None:
    data = render_glb([moving(name="take"), moving(20, name="take")])
    assert len(parse_gltf(data, animation="take_2")) == 20
