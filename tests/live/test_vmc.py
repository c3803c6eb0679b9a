"""What a receiver of VMC makes of the packets: the pose of the dance."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from farandole.errors import OutputError
from farandole.live import LiveFrame
from farandole.live.outputs.datagrams import parse_address
from farandole.live.outputs.osc_encoding import LARGEST, bundles, message
from farandole.live.outputs.vmc import VmcSender, to_unity
from farandole.live.outputs.vrm_pose import VrmPoser
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton

osc_bundle = pytest.importorskip("pythonosc.osc_bundle")
osc_message = pytest.importorskip("pythonosc.osc_message")

BODY = house_skeleton()
PARENT = {
    "Spine": "Hips", "Chest": "Spine", "Neck": "Chest", "Head": "Neck",
    **{s + p: q if q in ("Chest", "Hips") else s + q for s in ("Left", "Right") for p, q in {
        "Shoulder": "Chest", "UpperArm": "Shoulder", "LowerArm": "UpperArm", "Hand": "LowerArm",
        "UpperLeg": "Hips", "LowerLeg": "UpperLeg", "Foot": "LowerLeg", "Toes": "Foot",
    }.items()},
}  # fmt: skip
"""Unity's tree."""
LIMBS = {
    "LeftUpperArm": ("LeftArm", "LeftForeArm", "LeftLowerArm"), "RightLowerArm": ("RightForeArm", "RightHand", "RightHand"),
    "LeftUpperLeg": ("LeftUpLeg", "LeftLeg", "LeftLowerLeg"), "RightLowerLeg": ("RightLeg", "RightFoot", "RightFoot"),
}  # fmt: skip
"""Unity's bone -> our joint, the joint below it, Unity's bone below it."""


def frame_of(rotations: np.ndarray, root: np.ndarray) -> LiveFrame:
    return LiveFrame(1.5, rotations, root, 2.0, 120.0, 2.0, 4, 1.0, 0.0, False)


def some_pose(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    turns = rot.from_rotvec(random.normal(0, 0.5, (len(BODY), 3)))
    turns[[BODY.index("LeftShoulder"), BODY.index("RightShoulder")]] = rot.identity()
    return turns, np.array([0.3, 0.95, -0.2])


class Puppet:
    """A receiver in Unity's axes: bones in a tree, with the positions and rotations that were sent."""

    def __init__(self) -> None:
        self.position: dict[str, np.ndarray] = {}
        self.rotation: dict[str, np.ndarray] = {}
        self.other: dict[str, list[object]] = {}

    def take(self, packet: bytes) -> None:
        assert len(packet) <= LARGEST
        if osc_bundle.OscBundle.dgram_is_bundle(packet):
            for item in osc_bundle.OscBundle(packet):
                self._one(item)
        else:
            self._one(osc_message.OscMessage(packet))

    def _one(self, item) -> None:
        values = list(item.params)
        if item.address == "/VMC/Ext/Bone/Pos":
            x, y, z, w = values[4:]
            self.position[values[0]], self.rotation[values[0]] = np.array(values[1:4]), np.array([w, x, y, z])
        else:
            self.other[item.address] = values

    def world(self, bone: str) -> tuple[np.ndarray, np.ndarray]:
        """Position and rotation; the product of quaternions does not ask for the handedness of the axes."""
        if bone == "Hips":
            return self.position[bone], self.rotation[bone]
        place, turn = self.world(PARENT[bone])
        return place + rot.rotate(turn, self.position[bone]), rot.multiply(turn, self.rotation[bone])


def received(rotations: np.ndarray, root: np.ndarray, *, avatar: Path | None = None, bundle: bool = True) -> Puppet:
    sender = VmcSender("39539", VrmPoser(BODY, avatar), bundle=bundle)
    items = sender.messages(frame_of(rotations, root))
    sender.close()
    puppet = Puppet()
    for packet in bundles(items) if bundle else items:
        puppet.take(packet)
    return puppet


@pytest.mark.parametrize("bundle", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_puppet_takes_the_pose_of_the_dance_mirrored(seed: int, bundle: bool) -> None:
    turns, root = some_pose(seed)
    places, _ = kinematics.forward(BODY, turns, root)
    puppet = received(turns, root, bundle=bundle)
    for bone, (joint, below, bone_below) in LIMBS.items():
        ours = places[BODY.index(below)] - places[BODY.index(joint)]
        theirs = puppet.world(bone_below)[0] - puppet.world(bone)[0]
        angle = np.degrees(np.arccos(np.clip(rot.normalize(ours * [-1, 1, 1]) @ rot.normalize(theirs), -1, 1)))
        assert angle < 0.1


def test_bones_have_the_lengths_of_the_body_and_feet_the_height_of_the_dance() -> None:
    turns, root = some_pose(4)
    places, _ = kinematics.forward(BODY, turns, root)
    puppet = received(turns, root)
    lowest = min(places[BODY.index(f"{s}Foot"), 1] for s in ("Left", "Right"))
    assert min(puppet.world(f"{s}Foot")[0][1] for s in ("Left", "Right")) == pytest.approx(lowest, abs=5e-3)
    shin = np.linalg.norm(BODY.offsets[BODY.index("LeftFoot")])
    sent = np.linalg.norm(puppet.world("LeftFoot")[0] - puppet.world("LeftLowerLeg")[0])
    assert sent == pytest.approx(shin, abs=1e-3)


def test_a_t_pose_is_sent_as_identities() -> None:
    from farandole.motion.files.gltf.vrma import t_pose
    from farandole.motion.motion import Motion
    from farandole.motion.retarget import retarget

    exact = t_pose(BODY)
    still = Motion(exact, rot.identity(1, len(exact)), exact.offsets[:1], 30.0)
    ours = retarget(still, BODY)
    puppet = received(ours.rotations[0], ours.root_positions[0])
    for bone, turn in puppet.rotation.items():
        assert abs(turn[0]) == pytest.approx(1.0, abs=1e-4), bone
    left = puppet.world("LeftHand")[0]
    assert left[0] < -0.5  # left is -x in Unity
    assert puppet.world("LeftToes")[0][2] > puppet.world("LeftFoot")[0][2]  # and toes point to +z


def test_the_root_stays_and_the_hips_travel() -> None:
    turns, root = some_pose(5)
    near, far = received(turns, root), received(turns, root + np.array([1.0, 0.0, 2.0]))
    assert near.other["/VMC/Ext/Root/Pos"] == ["root", 0, 0, 0, 0, 0, 0, 1]
    assert far.position["Hips"] - near.position["Hips"] == pytest.approx([-1.0, 0.0, 2.0], abs=1e-4)
    assert near.other["/VMC/Ext/OK"] == [1]
    assert near.other["/VMC/Ext/T"] == [1.5]


def test_bone_names_are_unitys() -> None:
    puppet = received(*some_pose(6))
    assert set(puppet.rotation) == {"Hips", *PARENT}


def test_bundles_hold_all_messages_and_no_more_than_they_may() -> None:
    items = [message("/a", float(n), "name", n) for n in range(200)]
    packets = list(bundles(items))
    assert max(map(len, packets)) <= LARGEST
    got = [list(m.params) for p in packets for m in osc_bundle.OscBundle(p)]
    assert got == [[float(n), "name", n] for n in range(200)]


def test_messages_equal_those_of_another_library() -> None:
    from pythonosc.osc_message_builder import OscMessageBuilder

    for arguments in ((1, "abc", 0.5), ("four",), (), ("abcd", "", -1)):
        builder = OscMessageBuilder("/some/address")
        for value in arguments:
            builder.add_arg(value)
        assert message("/some/address", *arguments) == builder.build().dgram


@pytest.mark.parametrize("where", ["", "host", "host:0", "70000", "1.2.3.4:", "a:b"])
def test_addresses_that_make_no_sense_are_refused(where: str) -> None:
    with pytest.raises(OutputError, match="address"):
        parse_address(where)


def test_addresses() -> None:
    assert parse_address("39539") == ("127.0.0.1", 39539)
    assert parse_address("[::1]:9") == ("::1", 9)
    assert parse_address("pc.local:5000") == ("pc.local", 5000)


def write_vrm(path: Path, turns: dict[str, np.ndarray] | None = None) -> None:
    """A character: VRM 1.0 whose nodes have these world rotations at rest, or VRM 0.x, which has none and faces -z."""
    from farandole.motion.files.gltf.vrma import BONES, t_pose

    body = t_pose(BODY).scaled(0.8)
    ahead = np.array([-1.0, 1.0, -1.0] if turns is None else [1.0, 1.0, 1.0])
    world = np.stack([(turns or {}).get(n, rot.identity()) for n in body.names])
    nodes = []
    for j, name in enumerate(body.names):
        above = rot.identity() if j == 0 else world[body.parents[j]]
        local = rot.multiply(rot.inverse(above), world[j])
        node = {
            "name": name,
            "translation": rot.rotate(rot.inverse(above), ahead * body.offsets[j]).tolist(),
            "rotation": local[[1, 2, 3, 0]].tolist(),
        }
        if body.children[j]:
            node["children"] = list(body.children[j])
        nodes.append(node)
    bones = {BONES[n]: {"node": j} for j, n in enumerate(body.names)}
    meta = {"name": "a", "authors": ["a"], "licenseUrl": "https://example.org/a-licence-of-its-own"}
    even = {"curve": [0, 0, 0, 1, 1, 1, 1, 0], "xRange": 90, "yRange": 10}
    sides = ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")
    old = {
        "meta": {"title": "a"},
        "blendShapeMaster": {},
        "firstPerson": {f"lookAt{side}": even for side in sides},
        "secondaryAnimation": {},
        "materialProperties": [],
        "humanoid": {"humanBones": [{"bone": bone, **entry} for bone, entry in bones.items()]},
    }
    new = {"specVersion": "1.0", "meta": meta, "humanoid": {"humanBones": bones}}
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": nodes,
        "extensionsUsed": ["VRMC_vrm"], "extensions": {"VRMC_vrm": new},
    }  # fmt: skip
    if turns is None:
        document |= {"extensionsUsed": ["VRM"], "extensions": {"VRM": old}}
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(
        struct.pack("<III", 0x46546C67, 2, 20 + len(text)) + struct.pack("<II", len(text), 0x4E4F534A) + text
    )


def some_rest() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    return {n: rot.from_rotvec(random.normal(0, 0.6, 3)) for n in BODY.names}


@pytest.mark.parametrize("rest", [None, some_rest()], ids=["VRM 0.x", "VRM 1.0"])
def test_a_character_takes_the_pose_whatever_its_rest(rest: dict[str, np.ndarray] | None, tmp_path: Path) -> None:
    write_vrm(tmp_path / "a.vrm", rest)
    turns, root = some_pose(8)
    places, _ = kinematics.forward(BODY, turns, root)
    puppet = received(turns, root, avatar=tmp_path / "a.vrm")
    for bone, (joint, below, bone_below) in LIMBS.items():
        ours = places[BODY.index(below)] - places[BODY.index(joint)]
        theirs = puppet.world(bone_below)[0] - puppet.world(bone)[0]
        assert rot.normalize(ours * [-1, 1, 1]) @ rot.normalize(theirs) > np.cos(np.radians(0.2))


def test_unity_axes_are_a_mirror_in_x() -> None:
    turn = rot.from_rotvec(np.array([0.3, -0.5, 0.7]))
    point = np.array([0.2, 1.0, -0.4])
    place, sent = to_unity(rot.rotate(turn, point), turn)
    there, _ = to_unity(point, turn)
    assert rot.rotate(sent[[3, 0, 1, 2]], there) == pytest.approx(place)
