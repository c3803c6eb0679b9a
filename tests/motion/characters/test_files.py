"""Characters as files: every container, what is compressed, what is damaged, several bodies, poses that do not stand."""

from __future__ import annotations

import base64
import json
import random
import struct
from pathlib import Path

import numpy as np
import pytest

from farandole.errors import FarandoleError, FileFormatError, MotionError, OutputError, RetargetError
from farandole.motion.characters import BvhCharacter, Character, load_character
from farandole.motion.files import load_motion, save_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.retarget import retarget

from .dancer import dance
from .odd_rigs import together
from .played import Played, chunks, directions
from .rigs import Rig, about, arms_down, build, pack

HOUSE = house_skeleton()
IMAGE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def steps():
    return dance(30)


def parts(data: bytes) -> tuple[dict, bytes]:
    found = dict(chunks(data))
    return json.loads(found[b"JSON"]), found[b"BIN\0"]


def gltf(folder: Path, embedded: bool) -> Path:
    """A .gltf with its buffer and an image beside it or inside it."""
    document, data = parts(build(Rig(rest=arms_down(30.0)))[0])
    link = (
        "data:application/octet-stream;base64," + base64.b64encode(data).decode()
        if embedded
        else "sub%20folder/rig.bin"
    )
    document["buffers"] = [{"byteLength": len(data), "uri": link}]
    picture = "data:image/png;base64," + base64.b64encode(IMAGE).decode() if embedded else "paint.png"
    document["images"], document["textures"] = [{"uri": picture}], [{"source": 0}]
    document["materials"][0]["pbrMetallicRoughness"] = {"baseColorTexture": {"index": 0}}
    folder.mkdir(exist_ok=True)
    if not embedded:
        (folder / "sub folder").mkdir(exist_ok=True)
        (folder / "sub folder" / "rig.bin").write_bytes(data)
        (folder / "paint.png").write_bytes(IMAGE)
    (folder / "rig.gltf").write_text(json.dumps(document))
    return folder / "rig.gltf"


@pytest.mark.parametrize("embedded", [True, False])
def test_gltf_keeps_its_parts_beside_it(embedded: bool, steps, tmp_path: Path) -> None:
    source = gltf(tmp_path / "in", embedded)
    before = {p: p.read_bytes() for p in source.parent.rglob("*") if p.is_file()}
    character = load_character(source)
    out = character.save(tmp_path / "out" / "mine.gltf", steps)
    assert {p: p.read_bytes() for p in before} == before
    was, now = json.loads(source.read_text()), json.loads(out.read_text())
    assert now["buffers"][:1] == was["buffers"]
    assert now["images"] == was["images"]
    roles = {n: n for n in HOUSE.names}
    assert max(directions(Played(out.read_bytes(), folder=out.parent), roles, steps).values()) < 8.0
    if not embedded:
        assert (out.parent / "sub folder" / "rig.bin").is_file()
        assert (out.parent / "paint.png").read_bytes() == IMAGE
    packed = character.save(tmp_path / "mine.glb", steps)
    document, data = parts(packed.read_bytes())
    assert document["buffers"] == [{"byteLength": len(data)}] or len(data) - document["buffers"][0]["byteLength"] < 4
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    assert data[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == IMAGE
    assert max(directions(Played(packed.read_bytes()), roles, steps).values()) < 8.0


def test_output_suffix_must_fit_and_nothing_is_overwritten(steps, tmp_path: Path) -> None:
    file = tmp_path / "rig.vrm"
    file.write_bytes(build(Rig(vrm="1"))[0])
    character = load_character(file)
    character.save(tmp_path / "a.glb", steps)
    with pytest.raises(OutputError, match=r"a\.gltf: a character from \.vrm is written as \.glb or \.vrm"):
        character.save(tmp_path / "a.gltf", steps)
    with pytest.raises(OutputError, match="exists already"):
        character.save(tmp_path / "a.glb", steps)
    with pytest.raises(OutputError, match="exists already"):
        character.save(file, steps)
    with pytest.raises(MotionError, match="at least one motion"):
        character.animate([])
    with pytest.raises(MotionError, match="2 names for 1 motions"):
        character.animate(steps, name=["a", "b"])
    with pytest.raises(RetargetError, match="no root 'feet': there are auto, hips, floor, in-place"):
        character.animate(steps, root="feet")
    with pytest.raises(RetargetError, match="no root bone on the floor"):
        character.animate(steps, root="floor")


@pytest.mark.parametrize("extension", ["EXT_meshopt_compression", "KHR_draco_mesh_compression"])
def test_compressed_meshes_are_kept_and_not_looked_into(extension: str, steps, tmp_path: Path) -> None:
    data, names = build(Rig(rename="mixamorig:{}".format))
    document, content = parts(data)
    if extension == "EXT_meshopt_compression":
        for view in document["bufferViews"]:
            view["extensions"] = {
                extension: {"buffer": 0, "byteOffset": 0, "byteLength": 4, "byteStride": 4, "count": 1}
            }
            view["buffer"] = 1
        document["buffers"].append({"byteLength": len(content), "extensions": {extension: {"fallback": True}}})
    else:
        for primitive in document["meshes"][0]["primitives"]:
            primitive["extensions"] = {extension: {"bufferView": 0, "attributes": {}}}
    document["extensionsUsed"] = [extension]
    file = tmp_path / "rig.glb"
    file.write_bytes(pack(document, b"none" * 3 if "meshopt" in extension else content))
    result = Character.load(file).animate(steps)
    played = Played(result)
    assert played.document["buffers"][1:] == document["buffers"][1:]
    assert max(directions(played, names, steps).values()) < 8.0
    assert np.abs(played.position(names["LeftToeBase"])[:, 1].min()) < 0.06  # the usual height of an ankle


def test_several_bodies_of_one_person_dance_together(steps, tmp_path: Path) -> None:
    """Clothes with bones of their own."""
    file = tmp_path / "rig.glb"
    file.write_bytes(together(build(Rig())[0], build(Rig(rename="coat_{}".format))[0]))
    character = Character.load(file)
    assert len(character.bodies) == 2
    played = Played(character.animate(steps))
    for name in ("Hips", "Head", "LeftHand", "RightToeBase"):
        np.testing.assert_allclose(played.position(name), played.position(f"coat_{name}"), atol=1e-5)


def test_nobody_stands_in_the_bind_pose_but_in_an_animation(steps, tmp_path: Path) -> None:
    """Bones in a row at rest: the pose with which the file's own animation begins tells how they turn."""
    lying = {"Hips": about(np.array([1.0, 0.0, 0.0]), -90.0)}
    data, names = build(Rig(rest=lying))
    file = tmp_path / "rig.glb"
    file.write_bytes(data)
    with pytest.raises(RetargetError, match="does not stand upright"):
        Character.load(file)
    document, content = parts(data)
    hips = next(i for i, n in enumerate(document["nodes"]) if n["name"] == "Hips")
    m = document["nodes"][hips]
    from farandole.motion import rotations as rot

    up = rot.multiply(about(np.array([1.0, 0.0, 0.0]), 90.0), np.array(m["rotation"])[[3, 0, 1, 2]])[[1, 2, 3, 0]]
    keys = np.array([0.0], "<f4").tobytes() + up.astype("<f4").tobytes()
    n, a = len(document["bufferViews"]), len(document["accessors"])
    document["bufferViews"] += [
        {"buffer": 0, "byteOffset": len(content), "byteLength": 4},
        {"buffer": 0, "byteOffset": len(content) + 4, "byteLength": 16},
    ]
    document["accessors"] += [
        {"bufferView": n, "componentType": 5126, "count": 1, "type": "SCALAR", "min": [0], "max": [0]},
        {"bufferView": n + 1, "componentType": 5126, "count": 1, "type": "VEC4"},
    ]
    document["animations"] = [
        {
            "samplers": [{"input": a, "output": a + 1}],
            "channels": [{"sampler": 0, "target": {"node": hips, "path": "rotation"}}],
        }
    ]
    document["buffers"] = [{"byteLength": len(content) + 20}]
    file.write_bytes(pack(document, content + keys))
    assert max(directions(Played(Character.load(file).animate(steps)), names, steps).values()) < 8.0


def test_what_is_no_character_says_so(tmp_path: Path) -> None:
    data, _ = build(Rig())
    chain = [{"name": f"link {i}", "children": [i + 1]} for i in range(5)] + [{"name": "link 5"}]
    for name, content_, message in (
        ("a.glb", b"glTF", "cut off"),
        ("b.glb", data[: len(data) // 2], "cut off"),
        ("c.glb", b"no", "neither binary glTF nor glTF JSON"),
        ("d.gltf", b'{"nodes": []}', "no glTF 2.0 document"),
        ("e.glb", struct.pack("<4sIIII", b"glTF", 1, 20, 0, 0), "glTF version 1"),
        ("f.glb", pack({"asset": {"version": "2.0"}}, b""), "cannot dance"),
        ("g.glb", pack({"asset": {"version": "2.0"}, "nodes": chain}, b""), "no joint found for Hips, Head.*link 0"),
        ("h.fbx", b"Kaydara", "no character file"),
    ):
        file = tmp_path / name
        file.write_bytes(content_)
        with pytest.raises(FarandoleError, match=message):
            load_character(file)
    with pytest.raises(FileFormatError, match="no such file"):
        load_character(tmp_path / "none.glb")


def test_damaged_files_end_in_one_line(steps, tmp_path: Path) -> None:
    """Bytes and numbers changed at random: the file is animated, or refused with an error that names it."""
    take, chance = steps.slice(0, 3), random.Random(5)
    whole = [
        build(Rig(vrm=v, extra={"hair1": ("Head", (0, 0.1, 0), True)}, old_animation=v == "1"))[0]
        for v in ("", "0", "1")
    ]
    refused = []
    for number in range(150):
        data = bytearray(whole[number % 3])
        if number % 2:
            for _ in range(chance.choice((1, 3, 20))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        else:  # keep the JSON readable: change its numbers
            text, rest = parts(bytes(data))
            words = json.dumps(text)
            places = [i for i, c in enumerate(words) if c.isdigit()]
            for _ in range(chance.choice((1, 2, 8))):
                i = chance.choice(places)
                words = words[:i] + chance.choice("0123456789") + words[i + 1 :]
            try:
                data = bytearray(pack(json.loads(words), rest))
            except ValueError:
                continue
        file = tmp_path / f"{number}.glb"
        file.write_bytes(data)
        try:
            load_character(file).animate(take)
        except FarandoleError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert not any("\n" in message for message in refused)


def test_bvh_body(steps, tmp_path: Path) -> None:
    """A motion comes back on the body of a .bvh, in its layout; one that rests in a row tells by its motion how it turns."""
    body = retarget(steps, HOUSE.scaled(0.5))
    file = save_motion(body, tmp_path / "doll.bvh")
    character = load_character(file)
    assert isinstance(character, BvhCharacter)
    out = character.save(tmp_path / "out.bvh", steps)
    again = load_motion(out)
    head = lambda p: p.read_text().split("MOTION")[0]  # noqa: E731
    assert head(out) == head(file)
    assert max(directions_of(again, steps)) < 1.0
    still = load_motion(character.save(tmp_path / "still.bvh", steps, root="in-place"))
    assert np.ptp(still.positions[:, 0, [0, 2]], axis=0).max() < 1e-4
    with pytest.raises(OutputError, match=r"written as \.bvh"):
        character.save(tmp_path / "x.glb", steps)
    assert "LeftArm" in character.map_text()


def directions_of(motion, other) -> list[float]:
    result = []
    for a, b in (("LeftArm", "LeftForeArm"), ("RightUpLeg", "RightLeg"), ("Spine", "Spine1")):
        u, v = (m.positions[:, m.skeleton.index(b)] - m.positions[:, m.skeleton.index(a)] for m in (motion, other))
        cos = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
        result.append(float(np.degrees(np.arccos(np.clip(cos, -1, 1))).max()))
    return result


@pytest.mark.parametrize(
    "uri", ["../secret.bin", "%2e%2e/secret.bin", "sub/../../secret.bin", "ABSOLUTE", "file:///etc/hostname"]
)
@pytest.mark.parametrize("kind", ["buffers", "images"])
def test_a_character_reaches_no_file_outside_its_folder(kind: str, uri: str, steps, tmp_path: Path) -> None:
    """What a .gltf from elsewhere names must not end up in the .glb that is passed on."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"for nobody else")
    document, whole = parts(build(Rig())[0])
    document["buffers"] = [{"byteLength": len(whole), "uri": "whole.bin"}]
    document.setdefault(kind, []).append({"byteLength": 4, "uri": str(secret) if uri == "ABSOLUTE" else uri})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "whole.bin").write_bytes(whole)
    (folder / "a.gltf").write_text(json.dumps(document))
    for written in (folder / "out.glb", tmp_path / "elsewhere.gltf"):
        with pytest.raises(FileFormatError, match="outside the folder of the file"):
            load_character(folder / "a.gltf").save(written, steps.slice(0, 3))
        assert not written.exists()
