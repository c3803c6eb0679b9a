"""Every quirk of real rigs: what is written, played by another reader, does what the dance does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farandole.motion import rotations as rot
from farandole.motion.characters import Character

from .dancer import HOUSE, dance
from .played import Played, chunks, directions, slide, soles, standing
from .rigs import Rig, about, arms_down, build, fingers, turned

X, Y, Z = np.eye(3)
MID_DANCE = {
    name: about(axis, angle)
    for name, axis, angle in (
        ("LeftArm", X, 70), ("RightArm", Z, -60), ("LeftForeArm", X, 80), ("LeftUpLeg", X, 50), ("RightLeg", Z, 60),
        ("Spine", Y, 25), ("Head", X, 20), ("LeftFoot", X, 30),
    )
}  # fmt: skip
QUANTISED = np.diag([2.0, 2.0, 2.0, 1.0])
QUANTISED[:3, 3] = 0.3, -0.1, 0.2
UNREAL = {
    "Hips": "pelvis", "Spine": "spine_01", "Spine1": "spine_03", "Neck": "neck_01", "Head": "head",
    **{f"{s}{a}": f"{b}_{s[0].lower()}" for s in ("Left", "Right") for a, b in (
        ("Shoulder", "clavicle"), ("Arm", "upperarm"), ("ForeArm", "lowerarm"), ("Hand", "hand"), ("UpLeg", "thigh"),
        ("Leg", "calf"), ("Foot", "foot"), ("ToeBase", "ball"))},
}  # fmt: skip
TWISTS = {
    f"{side}{name}": (f"{side}{on}", (sign * at, 0.0, 0.0), True)
    for side, sign in (("Left", 1.0), ("Right", -1.0))
    for name, on, at in (("ArmTwist", "Arm", 0.15), ("ForeArmTwist", "ForeArm", 0.12))
}
HAIR = {"hair1": ("Head", (0.0, 0.05, -0.1), True), "hair2": ("hair1", (0.0, -0.1, 0.0), True)}
PROP = {"sword": ("RightHand", (-0.1, 0.0, 0.0), False)}

RIGS = {
    "plain": Rig(),
    "mixamo": Rig(rename="mixamorig:{}".format, extra=fingers(), skins=2, old_animation=True),
    "a pose": Rig(rest=arms_down(45.0)),
    "arms hanging": Rig(rest=arms_down(80.0)),
    "star": Rig(rest=arms_down(-35.0, legs_apart=25.0)),
    "bent knees": Rig(rest=arms_down(30.0, legs_apart=8.0, knees=12.0)),
    "giant": Rig(size=2.2, sole=0.05),
    "armature in centimetres, turned": Rig(armature=turned(X, -90.0, 0.01), skin_space=True),
    "armature times 100": Rig(armature=turned(X, 90.0, 100.0), skin_space=True, rest=arms_down(20.0)),
    "uneven scale": Rig(armature=turned(Y, 0.0, np.array([1.0, 1.3, 0.8]))),
    "scaled joint": Rig(joint_scale={"Spine": 1.5}),
    "helper nodes": Rig(between=("Hips", "LeftArm", "RightLeg", "Spine1", "LeftFoot")),
    "matrix nodes": Rig(matrix_nodes=True, armature=turned(X, -90.0)),
    "nodes rest mid-dance": Rig(node_pose=MID_DANCE, bind_shift=(-2.0, 0.0, 0.0), rename="mixamorig:{}".format),
    "nodes rest in a T-pose, bound in an A-pose": Rig(
        rest=arms_down(55.0), node_pose={"LeftArm": about(Z, 30), "RightArm": about(Z, 30)}
    ),
    "quantised mesh": Rig(quantised=QUANTISED, extra=HAIR),
    "root bone": Rig(
        root_bone="root",
        armature=turned(X, -90.0),
        rename=lambda n: UNREAL.get(n, n),
        extra=TWISTS,
        rest=arms_down(40.0),
    ),
    "vrm 0": Rig(facing=np.pi, vrm="0", rename="node_{}".format, extra=HAIR),
    "vrm 1": Rig(vrm="1", rename=lambda n: f"b{HOUSE.names.index(n):02d}" if n in HOUSE.names else n, extra=HAIR),
    "looks to the side": Rig(facing=0.5 * np.pi),
    "boots": Rig(sole=0.12),
    "no toes, no clavicles": Rig(missing=("LeftToeBase", "RightToeBase", "LeftShoulder", "RightShoulder")),
    "prop": Rig(extra=PROP),
    "twists in the chain": Rig(
        split={f"{s}{p}": f"{s}{p}Twist" for s in ("Left", "Right") for p in ("Arm", "ForeArm", "UpLeg", "Leg")}
    ),
    "parts hang apart": Rig(
        root_bone="root",
        hang={
            "Spine": "root",
            "Neck": "root",
            "LeftArm": "root",
            "RightArm": "Hips",
            "LeftUpLeg": "root",
            "RightUpLeg": "root",
            "LeftLeg": "Hips",
            "RightFoot": "root",
        },
    ),
    "no names": Rig(rename=lambda n: f"bone_{sum(map(ord, n)) * 7919 % 1000:03d}"),
}


@pytest.fixture(scope="module")
def steps():
    return dance()


def written(rig: Rig, motion, folder: Path, **options):
    data, names = build(rig)
    file = folder / "rig.glb"
    file.write_bytes(data)
    character = Character.load(file)
    return data, names, character, character.animate(motion, **options)


@pytest.mark.parametrize("kind", RIGS)
def test_bones_soles_and_path_are_those_of_the_dance(kind: str, steps, tmp_path: Path) -> None:
    rig = RIGS[kind]
    _, names, _, result = written(rig, steps, tmp_path)
    played = Played(result)
    roles = {r: n for r, n in names.items() if n in played.index}
    off = directions(played, roles, steps, rig.facing)
    assert max(off.values()) < 8.0, off
    stands = standing(steps)
    assert stands.mean() > 0.4
    leg = lambda p: sum(np.linalg.norm(p[a] - p[b]) for a, b in (("LeftUpLeg", "LeftLeg"), ("LeftLeg", "LeftFoot")))  # noqa: E731
    frames = {r: played.position(n)[0] for r, n in roles.items()}
    ratio = leg(frames) / leg({n: HOUSE.rest_positions[HOUSE.index(n)] for n in HOUSE.names})
    c, s = np.cos(rig.facing), np.sin(rig.facing)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    if kind != "uneven scale":  # legs that change their length have no length
        path, source = played.position(roles["Hips"]), steps.positions[:, 0] @ turn.T * ratio
        away = (path - path.mean(0)) - (source - source.mean(0))
        assert np.abs(away).max() < 0.02 * ratio * np.ptp(steps.positions[:, 0], axis=0).max() + 0.004 * ratio
        moved = lambda p: np.linalg.norm(np.diff(p, axis=0), axis=1).sum()  # noqa: E731
        assert moved(path) == pytest.approx(moved(source), rel=0.02)
    for n, side in enumerate(("Left", "Right")):
        low = soles(played, roles, side)
        assert np.abs(low[stands[:, n]]).max() < 0.01 * max(ratio, 1.0)
        assert low.min() > -0.02
        tip = side + ("ToeBase" if side + "ToeBase" in roles else "Foot")
        own = slide(steps.positions[:, HOUSE.index(tip)], stands[:, n], steps.fps) * ratio
        assert slide(played.position(roles[tip]), stands[:, n], steps.fps) < 1.2 * own + 0.003


@pytest.mark.parametrize("kind", ["mixamo", "vrm 0", "matrix nodes", "root bone"])
def test_everything_else_of_the_file_is_kept(kind: str, steps, tmp_path: Path) -> None:
    before, _, character, after = written(RIGS[kind], steps.slice(0, 20), tmp_path)
    assert character.path.read_bytes() == before
    old, new = chunks(before), chunks(after)
    assert [k for k, _ in old] == [k for k, _ in new]
    assert dict(new)[b"BIN\0"].startswith(dict(old)[b"BIN\0"])
    assert dict(new)[b"ODD\0"] == dict(old)[b"ODD\0"]
    was, now = json.loads(dict(old)[b"JSON"]), json.loads(dict(new)[b"JSON"])
    added = now["animations"][len(was.get("animations", [])) :]
    assert [a["name"] for a in added] == ["steps"]
    for key, value in was.items():
        if key in ("accessors", "bufferViews", "animations"):
            assert now[key][: len(value)] == value
        elif key == "buffers":
            assert now[key] == [{"byteLength": len(dict(new)[b"BIN\0"])}]
        elif key == "nodes" and kind == "matrix nodes":
            assert [set(n) - {"matrix", "translation", "rotation", "scale"} for n in now[key]] == [
                set(n) - {"matrix"} for n in value
            ]
        else:
            assert now[key] == value
    assert set(now) - set(was) <= {"animations"}


def test_replace_drops_old_animations_and_names_stay_apart(steps, tmp_path: Path) -> None:
    _, _, character, _ = written(RIGS["mixamo"], steps.slice(0, 5), tmp_path)
    take = steps.slice(0, 5)
    names = lambda data: [a["name"] for a in Played(data).document["animations"]]  # noqa: E731
    assert character.animations == ["old"]
    assert names(character.animate([take, take], name=["old", "old"])) == ["old", "old 2", "old 3"]
    assert names(character.animate(take, name="mine", replace=True)) == ["mine"]


def test_root_bone_carries_travel_and_turn(steps, tmp_path: Path) -> None:
    _, names, character, auto = written(RIGS["root bone"], steps, tmp_path)
    floor, hips = Played(auto), Played(character.animate(steps, root="hips"))
    root = floor.position("root")
    np.testing.assert_allclose(root[:, 1], 0.0, atol=1e-5)
    assert np.ptp(root[:, 0]) > 0.1
    flat = floor.world("root")[:, :3, :3] @ np.linalg.inv(floor.world("root")[0, :3, :3])
    np.testing.assert_allclose(
        flat[:, 1], np.tile([0, 1, 0], (len(flat), 1)), atol=1e-5
    )  # turns about the vertical only
    assert np.ptp(hips.position("root"), axis=0).max() == 0.0
    for name in ("pelvis", "head", "hand_l", "ball_r"):
        np.testing.assert_allclose(floor.position(name), hips.position(name), atol=1e-4)
    still = Played(character.animate(steps, root="in-place"))
    assert np.ptp(still.position(names["Hips"])[:, [0, 2]], axis=0).max() < 1e-4
    assert np.ptp(still.position(names["Hips"])[:, 1]) > 0.02


def test_a_single_pose_is_an_animation_of_one_key(steps, tmp_path: Path) -> None:
    _, names, _, result = written(RIGS["a pose"], steps.slice(30, 31), tmp_path)
    played = Played(result)
    assert len(played.times) == 1
    assert max(directions(played, names, steps.slice(30, 31)).values()) < 8.0


def test_springs_props_and_controls_get_no_channels(steps, tmp_path: Path) -> None:
    for kind in ("vrm 0", "vrm 1", "prop", "helper nodes"):
        _, _, _, result = written(RIGS[kind], steps.slice(0, 10), tmp_path)
        played = Played(result)
        moved = {played.nodes[n].get("name", "") for n, _ in played.channels}
        assert not [n for n in moved if n.startswith(("hair", "sword", "Body")) or "Assimp" in n]
        assert {p for _, p in played.channels} <= {"rotation", "translation"}


def test_fingers_relax_and_twists_share_the_roll(steps, tmp_path: Path) -> None:
    _, _, _, result = written(RIGS["mixamo"], steps, tmp_path)
    played = Played(result)
    for side in ("Left", "Right"):
        hand = played.world(f"mixamorig:{side}Hand")[0]
        knuckle, tip = (played.position(f"mixamorig:{side}HandIndex{k}")[0] for k in (1, 4))
        ahead = knuckle - hand[:3, 3]
        cos = ahead @ (tip - knuckle) / np.linalg.norm(ahead) / np.linalg.norm(tip - knuckle)
        assert 10.0 < np.degrees(np.arccos(cos)) < 60.0
        palm = rot.rotate(steps.global_rotations[0, HOUSE.index(f"{side}Hand")], -Y)
        assert (tip - knuckle) @ palm > 0.01
    motion = steps
    _, _, _, result = written(RIGS["root bone"], motion, tmp_path)
    played = Played(result)

    def roll(upper: str, lower: str, axis: str) -> np.ndarray:
        """Turn of `lower` against `upper` about the bone, in degrees, since frame 0."""
        a, b = (played.world(n)[:, :3, :3] for n in (upper, lower))
        relative = np.linalg.inv(a) @ b
        relative = relative @ np.linalg.inv(relative[:1])
        q = rot.from_matrix(relative)
        bone = np.linalg.inv(a[0]) @ (played.position(axis)[0] - played.position(upper)[0])
        return np.degrees(2 * np.arctan2(q[:, 1:] @ (bone / np.linalg.norm(bone)), q[:, 0]))

    whole, half = roll("lowerarm_l", "hand_l", "hand_l"), roll("lowerarm_l", "LeftForeArmTwist", "hand_l")
    assert np.ptp(whole) > 20.0
    share = np.polyfit(whole, half, 1)[0]
    assert 0.3 < share < 0.6  # it sits 0.12 of 0.26 along the forearm


def test_clavicles_follow_raised_arms(steps, tmp_path: Path) -> None:
    _, names, _, result = written(RIGS["plain"], steps, tmp_path)
    played = Played(result)
    chest = np.linalg.inv(played.world(names["Spine1"])[:, :3, :3])
    rest = chest[0]
    for side in ("Left", "Right"):
        arm = played.position(names[side + "ForeArm"]) - played.position(names[side + "Arm"])
        bone = played.position(names[side + "Arm"]) - played.position(names[side + "Shoulder"])
        up = rest @ [0, 1, 0]
        raised, clavicle = (
            np.degrees(np.arcsin((chest @ v[..., None])[..., 0] @ up / np.linalg.norm(v, axis=1))) for v in (arm, bone)
        )
        assert raised.max() > 40.0
        assert clavicle[raised > 35.0].mean() > clavicle[raised < 0.0].mean() + 5.0


def test_hands_stay_out_of_a_belly(steps, tmp_path: Path) -> None:
    local = np.array(steps.rotations)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):  # arms down, hands before the waist
        local[:, HOUSE.index(side + "Arm")] = about(Z, -70.0 * sign)
        local[:, HOUSE.index(side + "ForeArm")] = rot.multiply(about(X, -30.0), about(Y, -110.0 * sign))
    steps = replace(steps, rotations=local)

    def inside(rig: Rig) -> float:
        """How deep hands and elbows get into a barrel of 0.3 m around the spine, m."""
        _, names, _, result = written(rig, steps, tmp_path)
        played = Played(result)
        spine = played.world(names["Spine"])
        own = np.linalg.inv(spine)
        up = own[:1, :3, :3] @ np.array([0.0, 1.0, 0.0])
        depth = [0.0]
        for part in ("LeftHand", "RightHand", "LeftForeArm", "RightForeArm"):
            p = (own @ np.c_[played.position(names[part]), np.ones(len(spine))][..., None])[:, :3, 0]
            height = (p * up[0]).sum(1)
            out = np.linalg.norm(p - height[:, None] * up[0], axis=1)
            depth.append((0.3 - out)[(height > -0.2) & (height < 0.15)].max(initial=0.0))
        return max(depth)

    assert inside(Rig()) > 0.08
    assert inside(Rig(belly=0.3)) < 0.03


def test_hands_stay_out_of_a_big_head(steps, tmp_path: Path) -> None:
    local = np.array(steps.rotations[:60])
    for side, sign in (("Left", 1.0), ("Right", -1.0)):  # elbows to the side, hands at the ears
        local[:, HOUSE.index(side + "Arm")] = about(Z, 25.0 * sign)
        local[:, HOUSE.index(side + "ForeArm")] = about(Z, 135.0 * sign)
    steps = replace(steps.slice(0, 60), rotations=local)

    def inside(rig: Rig) -> float:
        """How deep hands get into a ball of 0.3 m around the head, m."""
        _, names, _, result = written(rig, steps, tmp_path)
        played = Played(result)
        head = played.position(names["Head"])
        away = [np.linalg.norm(played.position(names[side + "Hand"]) - head, axis=1) for side in ("Left", "Right")]
        return float(0.3 - np.min(away))

    assert inside(Rig()) > 0.08
    assert inside(Rig(skull=0.3)) < 0.02
