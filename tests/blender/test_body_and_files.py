"""The parts of the Blender add-on that know nothing of Blender."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
from farandole_dance import body as bodies
from farandole_dance import bvh_file, controls, glb_file, joins, rotations
from made_bodies import armature, body, bones, random_pose, shoes
from scipy.spatial.transform import Rotation

import farandole as fa
from farandole.motion.characters import load_character
from farandole.motion.files import load_motion, save_motion

ADDON = Path(__file__).resolve().parents[2] / "blender" / "farandole_dance"
PURE = ("rotations", "body", "glb_file", "bvh_file", "commands", "controls", "joins", "timeline")
PLACES = [(0.0, 1.0, (0.0, 0.0, 0.0)), (0.7, 0.01, (3.0, -2.0, 0.4))]


@pytest.mark.parametrize("name", PURE)
def test_these_import_nothing_of_blender(name: str) -> None:
    tree = ast.parse((ADDON / f"{name}.py").read_text(encoding="utf-8"))
    found = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    found |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not found & {"bpy", "mathutils", "bpy_extras", "rig", "keys", "posing", "tasks"}


# Rotations -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", rotations.ORDERS)
def test_euler_angles_are_those_of_scipy(order: str) -> None:
    # Blender's XYZ turns about the fixed axes in that order, which scipy writes in small letters.
    turns = Rotation.random(200, random_state=4)
    theirs = turns.as_euler(order.lower())
    ours = rotations.to_euler(turns.as_matrix(), order)
    assert np.allclose(rotations.from_euler(ours, order), turns.as_matrix(), atol=1e-12)
    columns = ["XYZ".index(axis) for axis in order]
    assert np.allclose(rotations.from_euler(theirs[:, np.argsort(columns)], order), turns.as_matrix(), atol=1e-12)


@pytest.mark.parametrize("order", rotations.ORDERS)
def test_keys_go_on_without_a_spin(order: str) -> None:
    t = np.linspace(0.0, 4.0, 400)[:, None]
    smooth = Rotation.from_rotvec(np.hstack((2.0 * t, 0.7 * np.sin(t), 0.6 * np.cos(t))) * 1.2).as_matrix()
    for before in (None, np.array([0.0, 20.0, -20.0])):
        angles = rotations.to_euler(smooth, order, before)
        assert np.allclose(rotations.from_euler(angles, order), smooth, atol=1e-9)
        if before is not None:
            assert np.abs(angles[0] - before).max() <= 1.5 * np.pi
    quaternions = rotations.unrolled(rotations.to_quaternion(smooth))
    assert ((quaternions[1:] * quaternions[:-1]).sum(-1) > 0).all()
    other = rotations.unrolled(quaternions, -quaternions[0])
    assert np.allclose(other, -quaternions)


def test_gimbal_lock_is_a_rotation_like_any_other() -> None:
    locked = rotations.from_euler(np.array([[0.3, np.pi / 2, -0.2], [0.3, -np.pi / 2, -0.2]]), "XYZ")
    assert np.allclose(rotations.from_euler(rotations.to_euler(locked, "XYZ"), "XYZ"), locked, atol=1e-9)


def test_axis_and_angle_through_no_turn_at_all() -> None:
    angles = np.linspace(-1.0, 1.0, 21)
    turns = Rotation.from_rotvec(angles[:, None] * np.array([0.0, 0.6, 0.8])).as_matrix()
    _, values = rotations.keyed(turns, "AXIS_ANGLE")
    assert np.allclose(Rotation.from_rotvec(values[:, :1] * values[:, 1:]).as_matrix(), turns, atol=1e-9)
    assert np.abs(np.diff(values, axis=0)).max() < 0.11


# Bodies --------------------------------------------------------------------------------------------------------------------


def test_bones_of_the_mesh_and_those_above_them_make_the_body() -> None:
    made = bones()
    extra = [
        bodies.Bone("root", None, np.eye(4), np.array([0.0, 0.1, 0.0]), deform=False),
        bodies.Bone("IK pole", None, np.eye(4), np.ones(3), deform=False),
        bodies.Bone("prop", None, np.eye(4), np.ones(3)),
        bodies.Bone("IK foot", "root", np.eye(4), np.ones(3), deform=False),
    ]
    rooted = [bodies.Bone(b.name, b.parent or "root", b.matrix, b.tail) for b in made]
    chosen = dict(bodies.choose_bones([*extra, *rooted]))
    assert set(chosen) == {"root", *(b.name for b in made)}
    assert chosen["root"] is None
    assert chosen[made[0].name] == "root"


@pytest.mark.parametrize(("turn", "scale", "place"), PLACES)
def test_the_body_stands_on_the_floor_over_the_origin(
    turn: float, scale: float, place: tuple[float, float, float]
) -> None:
    made = body(turn, scale, place)
    world = made.rest[:, :3, 3] @ made.to_world[:3, :3].T + made.to_world[:3, 3]
    reference = body()
    expected = reference.rest[:, :3, 3] @ reference.to_world[:3, :3].T + reference.to_world[:3, 3]
    assert np.allclose(world[:, 1], expected[:, 1], atol=1e-9)
    assert np.allclose(np.linalg.norm(world[:, [0, 2]], axis=1), np.linalg.norm(expected[:, [0, 2]], axis=1))
    assert 0.0 <= world[:, 1].min() < 0.05


def test_what_a_bone_does_itself_leads_back_to_the_pose() -> None:
    made = body(0.4, 0.01)
    pose = random_pose(made)
    own = bodies.basis(made, pose)
    assert np.allclose(bodies.pose_from_local(made, made.local_rest @ own), pose, atol=1e-9)
    assert np.allclose(bodies.basis(made, made.rest[None])[0], np.eye(4), atol=1e-9)


# Files ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("turn", "scale", "place"), PLACES)
def test_a_dance_comes_back_on_the_bones(
    tmp_path: Path, turn: float, scale: float, place: tuple[float, float, float]
) -> None:
    made = body(turn, scale, place)
    skin = shoes(made)
    parents = [made.names[p] if p >= 0 else None for p in made.parents]
    same = [bodies.Bone(*parts) for parts in zip(made.names, parents, made.rest, made.tails, strict=True)]
    made = bodies.build_body(same, armature(turn, scale, place), skin.points)
    glb_file.write_character(tmp_path / "body.glb", made, skin)
    character = load_character(tmp_path / "body.glb")
    dance = swaying()
    character.save(tmp_path / "out.glb", dance)
    take = glb_file.read_take(tmp_path / "out.glb", made)
    assert len(take.pose) == len(dance)
    assert made.names.index("Hips") in take.placed
    world = take.pose[..., :3, 3] @ made.to_world[:3, :3].T + made.to_world[:3, 3]
    facing = Rotation.from_euler("y", turn).as_matrix()
    angles = []
    for side, (upper, lower) in itertools.product(
        ("Left", "Right"), (("Arm", "ForeArm"), ("UpLeg", "Leg"), ("Leg", "Foot"))
    ):
        a, b = (made.names.index(side + n) for n in (upper, lower))
        p, q = (dance.skeleton.index(side + n) for n in (upper, lower))
        mine, theirs = world[:, b] - world[:, a], (dance.positions[:, q] - dance.positions[:, p]) @ facing.T
        cosine = (mine * theirs).sum(-1) / np.linalg.norm(mine, axis=-1) / np.linalg.norm(theirs, axis=-1)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    assert np.median(angles) < 3.0
    assert np.max(angles) < 15.0


def swaying(frames: int = 60) -> fa.Motion:
    """The house's body stepping from foot to foot with its arms up and down."""
    from farandole.motion import rotations as rot
    from farandole.motion.humanoid import house_skeleton
    from farandole.motion.motion import Motion

    skeleton = house_skeleton()
    t = np.arange(frames) / 30.0
    turns = np.tile(rot.identity(), (frames, len(skeleton), 1))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        turns[:, skeleton.index(side + "Arm")] = rot.from_axis_angle(
            np.array([0.0, 0.0, sign]), 0.6 * np.sin(4 * t) - 0.4
        )
        turns[:, skeleton.index(side + "UpLeg")] = rot.from_axis_angle(
            np.array([1.0, 0.0, 0.0]), -0.3 - 0.2 * np.sin(3 * t)
        )
        turns[:, skeleton.index(side + "Leg")] = rot.from_axis_angle(
            np.array([1.0, 0.0, 0.0]), 0.6 + 0.4 * np.sin(3 * t)
        )
    path = np.stack((0.1 * np.sin(3 * t), np.full(frames, 0.9), 0.2 * t), axis=1)
    return Motion(skeleton, turns, path, 30.0, name="swaying")


@pytest.mark.parametrize(("turn", "scale", "place"), PLACES)
def test_clips_mean_the_same_here_and_there(
    tmp_path: Path, turn: float, scale: float, place: tuple[float, float, float]
) -> None:
    made = body(turn, scale, place)
    pose = random_pose(made)
    (tmp_path / "clip.bvh").write_text(bvh_file.write_clip(made, pose, 24.0))
    motion = load_motion(tmp_path / "clip.bvh")
    assert motion.fps == 24.0
    order = [made.names.index(n) for n in motion.skeleton.names]
    world = pose[..., :3, 3] @ made.to_world[:3, :3].T + made.to_world[:3, 3]
    assert np.abs(motion.positions - world[:, order]).max() < 2e-6
    save_motion(motion, tmp_path / "back.bvh")
    take = bvh_file.read_clip((tmp_path / "back.bvh").read_text(), made)
    assert np.abs(take.pose[..., :3, :3] - pose[..., :3, :3]).max() < 1e-6
    assert np.abs(take.pose[..., :3, 3] - pose[..., :3, 3]).max() < 2e-6 / scale
    with pytest.raises(ValueError, match="joints, not"):
        bvh_file.read_clip("HIERARCHY\nMOTION\nFrames: 0\nFrame Time: 1\n", made)


def test_bones_that_move_against_their_parents_keep_their_places(tmp_path: Path) -> None:
    made = body()
    pose = random_pose(made)
    hand = made.names.index("LeftHand")
    pose = bodies.moved(pose, [hand], np.array([0.0, 0.1, 0.2]), made.parents)
    assert bvh_file.placed_bones(made, pose) == {0, hand}
    take = bvh_file.read_clip(bvh_file.write_clip(made, pose, 30.0), made)
    assert np.abs(take.pose - pose).max() < 1e-5


@pytest.mark.parametrize(("turn", "scale", "place"), PLACES)
def test_frames_elsewhere_are_brought_back(turn: float, scale: float, place: tuple[float, float, float]) -> None:
    made = body(turn, scale, place)
    pose = random_pose(made)
    move = np.eye(4)
    move[:3, :3] = Rotation.from_euler("y", 1.9).as_matrix()
    move[:3, 3] = (4.0, 0.0, -3.0)
    away = np.linalg.inv(made.to_world) @ move @ made.to_world @ pose
    assert np.abs(joins.aligned(made, away, pose, range(0, 20, 3)) - pose).max() < 1e-6 / scale


def test_soles_are_brought_to_where_they_were() -> None:
    made = body()
    skin = shoes(made)
    made = bodies.build_body(bones(), armature(), skin.points)
    still = np.repeat(made.rest[None], 60, axis=0)
    off = 0.03 * np.sin(np.arange(60) / 8.0)[:, None, None] * np.linalg.inv(made.to_world[:3, :3])[:, 1]
    moving = still.copy()
    moving[..., :3, 3] += off
    assert np.abs(joins.lowest_sole(made, skin, still)).max() < 1e-9
    assert np.abs(joins.lowest_sole(made, skin, moving)).max() > 0.029
    back = joins.grounded(made, skin, moving, still, 30.0)
    assert np.abs(joins.lowest_sole(made, skin, back)).max() < 0.005
    assert joins.grounded(made, None, moving, still, 30.0) is moving
    leap = still.copy()
    leap[20:30, :, :3, 3] += 0.5 * np.linalg.inv(made.to_world[:3, :3])[:, 1]
    assert joins.lowest_sole(made, skin, joins.grounded(made, skin, leap, still, 30.0))[25] > 0.35


@pytest.mark.parametrize("gap", [(10, 24), (30, 49)])
def test_a_gap_begins_and_ends_with_what_is_kept(gap: tuple[int, int]) -> None:
    made = body()
    kept, filled = random_pose(made, 40, seed=1), random_pose(made, 50, seed=2)
    part = joins.led_in(made, kept, filled, gap, 30.0)
    assert len(part) == gap[1] - gap[0] + 1
    step = np.abs(np.diff(filled, axis=0)).max()
    assert np.abs(part[0] - kept[gap[0] - 1]).max() < 3.0 * step
    if gap[1] + 1 < len(kept):
        assert np.abs(part[-1] - kept[gap[1] + 1]).max() < 3.0 * step
    else:
        assert np.allclose(part[-1], filled[gap[1]])
    assert np.abs(np.diff(part, axis=0)).max() < 4.0 * step
    same = joins.led_in(made, filled[:40], filled, gap, 30.0)
    assert np.allclose(same, filled[gap[0] : gap[1] + 1], atol=1e-9)


def test_a_glb_without_an_animation_is_refused(tmp_path: Path) -> None:
    made = body()
    glb_file.write_character(tmp_path / "body.glb", made)
    with pytest.raises(ValueError, match="no animation"):
        glb_file.read_take(tmp_path / "body.glb", made)
    assert len(load_character(tmp_path / "body.glb").roles) >= 19


# Controls ------------------------------------------------------------------------------------------------------------------


def test_controls_of_a_generated_rigify_rig() -> None:
    spine = ["DEF-spine", "DEF-spine.001", "DEF-spine.004", "DEF-spine.006"]
    joints = [*spine, "ORG-shoulder.L", "ORG-thigh.L", "ORG-toe.L"]
    fk = ["spine_fk", "spine_fk.001", "neck", "head", "shoulder.L", "thigh_fk.L", "toe_fk.L", "upper_arm_fk.L"]
    names = [*joints, "root", "torso", *fk]
    parents: dict[str, str | None] = dict.fromkeys(names, "root")
    parents |= {"root": None, "spine_fk": "spine_fk.001", "spine_fk.001": "torso"}
    assert controls.is_generated_rigify(names)
    made = controls.rigify_controls(joints, parents)
    assert made == {
        "torso": "DEF-spine", "spine_fk": "DEF-spine", "spine_fk.001": "DEF-spine.001", "neck": "DEF-spine.004",
        "head": "DEF-spine.006", "shoulder.L": "ORG-shoulder.L", "thigh_fk.L": "ORG-thigh.L", "toe_fk.L": "ORG-toe.L",
    }  # fmt: skip
    above = [None, *spine[:3], "DEF-spine.004", "DEF-spine", "ORG-thigh.L"]
    chain: dict[str, str | None] = dict(zip(joints, above, strict=True))
    order = {c.name: c.level for c in controls.levels(made, parents, chain)}
    assert order["torso"] < order["spine_fk.001"] < order["spine_fk"] < order["thigh_fk.L"] < order["toe_fk.L"]
    assert order["neck"] < order["head"]


def test_bones_that_copy_others_are_moved_by_those() -> None:
    follows = [controls.Follow("DEF-a", "MCH-a"), controls.Follow("MCH-a", "ctrl a"), controls.Follow("DEF-b", "ik b")]
    constrained = {"DEF-a", "MCH-a", "DEF-b", "ik b", "DEF-d"}
    made = controls.followed_controls(["DEF-a", "DEF-b", "c", "DEF-d"], follows, constrained)
    assert made == {"ctrl a": "DEF-a", "c": "c"}
