"""Parts of a body by name, and one body's motion on another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from other_bodies import BODIES

from farandole.errors import RetargetError
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import read_bvh
from farandole.motion.files.smpl import smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.names import SIDES, counterpart, humanoid_roles, is_humanoid, split_side
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton

DATA = Path(__file__).parent / "data"
HOUSE = house_skeleton()
CENTRE = ("Hips", "Spine", "Spine1", "Neck", "Head")
LIMBS = ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")

# Names of the same 21 joints: the five of the middle, then a pattern and eight parts of a side.
DIALECTS = {
    "mixamo": ("mixamorig:Hips mixamorig:Spine mixamorig:Spine2 mixamorig:Neck mixamorig:Head", "mixamorig:{Left}{}",
               "Shoulder Arm ForeArm Hand UpLeg Leg Foot ToeBase"),
    "lafan1": ("Hips Spine Spine2 Neck Head", "{Left}{}", "Shoulder Arm ForeArm Hand UpLeg Leg Foot Toe"),
    "cgspeed": ("hip abdomen chest neck head", "{l}{}", "Collar Shldr ForeArm Hand Thigh Shin Foot Toe"),
    "smpl": ("pelvis spine1 spine3 neck head", "{left}_{}", "collar shoulder elbow wrist hip knee ankle foot"),
    "aist": ("root belly chest neck head", "{l}{}", "inshoulder shoulder elbow wrist hip knee ankle toes"),
    "bandai": ("Hips Spine Chest Neck Head", "{}_{L}", "Shoulder UpperArm LowerArm Hand UpperLeg LowerLeg Foot Toes"),
    "biped": ("Bip01,Bip01 Spine,Bip01 Spine1,Bip01 Neck,Bip01 Head", "Bip01 {L} {}",
              "Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0"),
    "xsens": ("Hips Chest Chest2 Neck Head", "{Left}{}", "Collar Shoulder Elbow Wrist Hip Knee Ankle Toe"),
    "unreal": ("pelvis spine_01 spine_03 neck_01 head", "{}_{l}", "clavicle upperarm lowerarm hand thigh calf foot ball"),
    "vrm": ("J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_Neck J_Bip_C_Head", "J_Bip_{L}_{}",
            "Shoulder UpperArm LowerArm Hand UpperLeg LowerLeg Foot ToeBase"),
    "blender": ("hips spine chest neck head", "{}.{L}", "shoulder upper_arm forearm hand thigh shin foot toe"),
    "shouting": ("HIPS SPINE SPINE1 NECK HEAD", "{LEFT}{}", "SHOULDER ARM FOREARM HAND UPLEG LEG FOOT TOEBASE"),
}  # fmt: skip


def dialect(name: str) -> Skeleton:
    centre, pattern, parts = DIALECTS[name]
    table = dict(zip(CENTRE, centre.split(",") if "," in centre else centre.split(), strict=True))
    for side in SIDES:
        words = {"Left": side, "left": side.lower(), "LEFT": side.upper(), "L": side[0], "l": side[0].lower()}
        for part, word in zip(LIMBS, parts.split(), strict=True):
            table[side + part] = pattern.format(word, **words)
    ends = {table[k]: v for k, v in HOUSE.end_sites.items()}
    return Skeleton([table[n] for n in HOUSE.names], HOUSE.parents, HOUSE.offsets, ends)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_names_the_same_body(name: str) -> None:
    roles = humanoid_roles(dialect(name))
    assert roles == {role: HOUSE.index(role) for role in roles}
    assert set(roles) == set(HOUSE.names)


def test_sides_and_stems() -> None:
    assert split_side("mixamorig1:LeftHandIndex2") == ("Left", "handindex2")
    assert split_side("lShldr") == ("Left", "shldr")
    assert split_side("neck") == ("", "neck")
    assert split_side("RThumb") == ("Right", "thumb")
    assert split_side("lumbar") == ("", "lumbar")
    pairs = counterpart(HOUSE)
    assert pairs[HOUSE.index("LeftFoot")] == HOUSE.index("RightFoot")
    assert pairs[HOUSE.index("Head")] == HOUSE.index("Head")
    assert all(pairs[pairs[j]] == j for j in range(len(HOUSE)))


def test_what_is_no_human_says_what_is_missing() -> None:
    chain = Skeleton(["base", "middle", "tip"], [-1, 0, 1], np.ones((3, 3)))
    assert not is_humanoid(chain)
    with pytest.raises(RetargetError, match=r"no joint found for Hips, Head, LeftArm.*base, middle, tip"):
        humanoid_roles(chain)
    legless = [
        j for j, n in enumerate(HOUSE.names) if not n.startswith("RightL") and n not in ("RightFoot", "RightToeBase")
    ]
    parents = [-1 if HOUSE.parents[j] < 0 else legless.index(int(HOUSE.parents[j])) for j in legless]
    body = Skeleton([HOUSE.names[j] for j in legless], parents, HOUSE.offsets[legless])
    still = Motion(body, rot.identity(1, len(body)), np.zeros((1, 3)), 30.0, name="legless")
    with pytest.raises(RetargetError, match="legless: no joint found for RightLeg, RightFoot"):
        retarget(still, HOUSE)
    dance = Motion(HOUSE, rot.identity(1, 21), np.zeros((1, 3)), 30.0)
    with pytest.raises(RetargetError, match="the target skeleton: no joint found for RightLeg, RightFoot"):
        retarget(dance, body)


@pytest.fixture(scope="module")
def dance() -> Motion:
    """The synthetic dancer on the house skeleton."""
    return retarget(read_bvh(DATA / "synthetic_dancer.bvh"), HOUSE)


def a_pose() -> tuple[Skeleton, np.ndarray]:
    """The house body resting with its arms 50 degrees down and its legs apart, 1.2 times as large; and how its rest is turned."""
    turns = rot.identity(21).copy()
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        for names, angle in ((("Arm", "ForeArm", "Hand"), 50.0), (("UpLeg", "Leg", "Foot", "ToeBase"), -12.0)):
            for name in names:
                turns[HOUSE.index(side + name)] = rot.from_axis_angle([0.0, 0.0, 1.0], np.deg2rad(sign * angle))
    offsets = HOUSE.offsets.copy() * 1.2
    offsets[1:] = rot.rotate(turns[HOUSE.parents[1:]], offsets[1:])
    ends = {n: rot.rotate(turns[HOUSE.index(n)], v) * 1.2 for n, v in HOUSE.end_sites.items()}
    return Skeleton(HOUSE.names, HOUSE.parents, offsets, ends), turns


def test_own_skeleton_is_no_change(dance: Motion) -> None:
    again = retarget(dance, HOUSE)
    np.testing.assert_allclose(again.positions, dance.positions, atol=1e-9)


def test_scaled_skeleton_scales_everything(dance: Motion) -> None:
    giant = retarget(dance, HOUSE.scaled(1.5))
    np.testing.assert_allclose(giant.positions, dance.positions * 1.5, atol=1e-6)


def test_a_pose_gets_the_same_limbs(dance: Motion) -> None:
    body, _ = a_pose()
    there = retarget(dance, body)
    for side in SIDES:
        for upper, lower in (("Arm", "ForeArm"), ("ForeArm", "Hand"), ("UpLeg", "Leg"), ("Leg", "Foot")):
            a, b = HOUSE.index(side + upper), HOUSE.index(side + lower)
            before = rot.normalize(dance.positions[:, b] - dance.positions[:, a])
            after = rot.normalize(there.positions[:, b] - there.positions[:, a])
            np.testing.assert_allclose(after, before, atol=1e-6)
    lowest = lambda m: m.positions[:, [HOUSE.index("LeftFoot"), HOUSE.index("RightFoot")], 1].min(axis=1)  # noqa: E731
    assert np.abs(lowest(there) / 1.2 - lowest(dance)).max() < 0.03
    back = retarget(there, HOUSE)
    assert np.linalg.norm(back.positions - dance.positions, axis=-1).max() < 0.01


@pytest.mark.parametrize("body", [smpl_skeleton(), dialect("biped")], ids=["smpl", "biped"])
def test_there_and_back(dance: Motion, body: Skeleton) -> None:
    back = retarget(retarget(dance, body), HOUSE)
    assert np.linalg.norm(back.positions - dance.positions, axis=-1).max() < 1e-6
    assert back.skeleton == HOUSE


def in_a_row() -> Skeleton:
    """The house body with all bones along local x, as Bandai Namco and LAFAN1 files have it; hips and chest keep their width."""
    offsets = np.zeros((21, 3))
    for j in range(1, 21):
        offsets[j] = [np.linalg.norm(HOUSE.offsets[j]), 0.0, 0.0]
    for side, z in (("Left", 1.0), ("Right", -1.0)):
        offsets[HOUSE.index(side + "UpLeg")] = [0.0, 0.0, z * 0.098]
        offsets[HOUSE.index(side + "Shoulder")] = [0.2, 0.0, z * 0.03]
    return Skeleton(HOUSE.names, HOUSE.parents, offsets, {n: [0.1, 0.0, 0.0] for n in HOUSE.end_sites})


def test_body_that_does_not_rest_standing_needs_an_example(dance: Motion) -> None:
    with pytest.raises(RetargetError, match="does not rest standing"):
        retarget(dance, in_a_row())


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES.keys())
def test_other_makers_bodies(dance: Motion, make) -> None:
    """Limbs keep their directions between bodies of other kinds and the house skeleton, and come back."""
    motion = make(dance)
    roles, house = humanoid_roles(motion.skeleton), retarget(motion, HOUSE)
    for upper, lower in (("LeftArm", "LeftForeArm"), ("RightUpLeg", "RightLeg"), ("LeftLeg", "LeftFoot")):
        before = rot.normalize(motion.positions[:, roles[lower]] - motion.positions[:, roles[upper]])
        after = rot.normalize(house.positions[:, HOUSE.index(lower)] - house.positions[:, HOUSE.index(upper)])
        np.testing.assert_allclose(after, before, atol=1e-6)
    back = retarget(retarget(house, motion), HOUSE)
    assert np.linalg.norm(back.positions - house.positions, axis=-1).mean() < 0.06


@pytest.mark.recordings
def test_recorded_bodies(shared: Path) -> None:
    """Limbs keep their directions between real files of six kinds and the house skeleton."""
    zoo = shared / "data" / "bvh-zoo"
    for name in ("bandai_unrounded_respond", "fairmotion_cmu_01_01", "lafan_dance1_subject2_head", "mocapnet_push",
                 "pymo_walk_meredith", "xia_neutral_01_000"):  # fmt: skip
        motion = read_bvh(zoo / f"{name}.bvh").slice(0, 60)
        roles, house = humanoid_roles(motion.skeleton), retarget(motion, HOUSE)
        for upper, lower in (("LeftArm", "LeftForeArm"), ("RightUpLeg", "RightLeg"), ("LeftLeg", "LeftFoot")):
            before = rot.normalize(motion.positions[:, roles[lower]] - motion.positions[:, roles[upper]])
            after = rot.normalize(house.positions[:, HOUSE.index(lower)] - house.positions[:, HOUSE.index(upper)])
            np.testing.assert_allclose(after, before, atol=1e-6)
        back = retarget(retarget(house, motion), HOUSE)
        error = np.linalg.norm(back.positions - house.positions, axis=-1)
        assert error.mean() < 0.06, name
