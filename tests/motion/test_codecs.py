"""Motion codecs: what goes in comes out, columns are named, and published features are the published ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farandole.errors import DataError, FrameRateError, MotionError
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.codecs.expmap import full_rotvec, unroll
from farandole.motion.codecs.expmap_spine2 import SMPL_NAMES
from farandole.motion.edit import mirror, place
from farandole.motion.files.bvh import parse_bvh, read_bvh, render_bvh
from farandole.motion.files.smpl import smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

EVERY = ("expmap", "expmap_cr", "position", "rot6d", "rotmat")


def wander(skeleton, seconds=60.0, fps=20.0, seed=0, still=()):
    """A body that turns and walks about while every joint swings."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * fps)) / fps
    swing = rng.normal(size=(len(skeleton), 3)) * 0.4
    vectors = swing * np.sin(
        t[:, None, None] * rng.uniform(1, 5, (len(skeleton), 1)) + rng.uniform(0, 6, (len(skeleton), 1))
    )
    vectors[:, [skeleton.index(n) for n in still]] = 0.1
    local = rot.from_rotvec(vectors)
    local[:, 0] = rot.multiply(rot.from_yaw(0.7 * t + np.sin(t)), local[:, 0])
    path = np.stack((np.sin(0.3 * t), 0.9 + 0.05 * np.sin(5 * t), 0.4 * t), axis=1)
    return Motion(skeleton, local, path, fps, name="wander")


@pytest.mark.parametrize("name", EVERY)
def test_a_minute_comes_back_within_a_millimetre(name):
    motion = place(wander(house_skeleton()))
    codec = codecs.codec(name, motion)
    features = codec.encode(motion).astype(np.float32)  # as feature folders keep them
    assert features.shape == (1200, len(codec.columns))
    assert len(set(codec.columns)) == len(codec.columns)
    start = {"heading": float(rot.yaw(motion.rotations[:1, 0])[0])} if name.startswith("expmap") else {}
    back = codec.decode(features, **start)
    assert back.fps == motion.fps
    assert np.abs(back.positions - motion.positions).max() < 1e-3


def test_start_and_heading_are_lost_and_given_back():
    motion = wander(house_skeleton(), 5.0, seed=1)
    motion = place(motion)
    elsewhere = wander(house_skeleton(), 5.0, seed=1)
    for name in ("expmap", "expmap_cr", "rot6d"):
        codec = codecs.codec(name, motion)
        a, b = codec.encode(motion), codec.encode(elsewhere)
        np.testing.assert_allclose(a, b, atol=1e-6)
        assert "start position and heading" in codecs.entry(name).lost
        first = codec.decode(a)
        moved = codec.decode(a, position=np.array([1.0, 2.0]), heading=0.5)
        np.testing.assert_allclose(moved.root_positions[0, [0, 2]], [1.0, 2.0], atol=1e-9)
        turn = rot.rotate(rot.from_yaw(0.5), first.positions - first.root_positions[:1])
        np.testing.assert_allclose(turn, moved.positions - moved.root_positions[:1], atol=1e-6)


@pytest.mark.parametrize(("skeleton", "width"), [(smpl_skeleton(), 219), (house_skeleton(), 192)])
def test_rotmat_is_matrices_then_path(skeleton, width):
    motion = wander(skeleton, 2.0)
    codec = codecs.codec("rotmat", motion)
    features = codec.encode(motion)
    assert features.shape[1] == width
    np.testing.assert_allclose(features[5, 9:18].reshape(3, 3), rot.to_matrix(motion.rotations[5, 1]))
    np.testing.assert_allclose(features[:, -3:], motion.root_positions)
    rough = features + np.random.default_rng(0).normal(0, 1e-3, features.shape)  # a model's output is no exact rotation
    assert rot.angle_between(codec.decode(rough).rotations, motion.rotations).max() < 0.01


def test_lafan1_bodies_have_201_columns():
    body = house_skeleton()
    from farandole.motion.skeleton import Skeleton

    spine2 = Skeleton(
        (*body.names, "Spine2"), (*body.parents, body.index("Spine1")), np.concatenate((body.offsets, [[0, 0.1, 0]]))
    )
    assert codecs.codec("rotmat", wander(spine2, 1.0)).encode(wander(spine2, 1.0)).shape[1] == 201


DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module", params=["as it is", "X Y Z, the root's OFFSET not zero"])
def dancer(request) -> Motion:
    """The synthetic dancer, as its file is and written otherwise: what a codec gives must not depend on a file's layout."""
    motion = read_bvh(DATA / "synthetic_dancer.bvh", scale=0.01)
    if request.param == "as it is":
        return motion
    turns = tuple(axis + "rotation" for axis in "XYZ")
    channels = tuple((*(c for c in given if c.endswith("position")), *turns) for given in motion.layout.channels)
    text = render_bvh(motion, layout=replace(motion.layout, channels=channels)).decode()
    before, _, after = text.partition("OFFSET")
    return parse_bvh(f"{before}OFFSET 3.5 91.25 -7.0\n{after.partition(chr(10))[2]}".encode(), scale=0.01)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("fps", "step"), [(60, 6), (20, 2)])
def test_expmap_cr_is_the_published_one(dancer, fps, step, mirrored):
    recorded = np.load(DATA / "positions.npz")
    source = codecs.every_nth(dancer, fps)
    key = f"expmap_cr_{fps}fps"
    codec = codecs.codec("expmap_cr", source)
    assert list(codec.columns) == [str(n) for n in recorded[f"{key}_names"]]
    motion = mirror(source) if mirrored else source
    features = codec.encode(motion)
    np.testing.assert_allclose(features[::step], recorded[key][int(mirrored)], atol=1e-6)
    full = codecs.codec("expmap", source).encode(motion)
    np.testing.assert_array_equal(np.delete(full, (-6, -4), axis=1), features)
    back = codec.decode(features)
    joints = [str(n) for n in recorded["inverse_joints"]]
    wanted = recorded[f"{key}_inverse_positions_{int(mirrored)}"][:, [joints.index(n) for n in back.skeleton.names]]
    np.testing.assert_allclose(back.positions[:: 2 * step] * 100, wanted, atol=1e-5)


def test_rotation_vectors_before_and_after_unrolling_are_the_published_ones(dancer):
    recorded = np.load(DATA / "positions.npz")
    assert dancer.skeleton.names == tuple(map(str, recorded["expmap_joints"]))
    plain = full_rotvec(dancer.rotations)
    np.testing.assert_allclose(plain[::6], recorded["expmap_before_unroll"], atol=1e-6)
    np.testing.assert_allclose(unroll(plain)[::6], recorded["expmap"], atol=1e-6)


@given(st.integers(0, 1000))
def test_unrolling_changes_no_rotation(seed):
    vectors = np.cumsum(np.random.default_rng(seed).normal(0, 0.3, (50, 2, 3)), axis=0)
    vectors = full_rotvec(rot.from_rotvec(vectors))
    turned = rot.from_rotvec(unroll(vectors))
    assert rot.angle_between(turned, rot.from_rotvec(vectors)).max() < 1e-7


def test_joints_that_expmap_does_not_keep_stand_as_in_the_first_motion():
    body = smpl_like_house_with_tail()
    motion = wander(body, 2.0)
    codec = codecs.codec("expmap_cr", motion)
    back = codec.decode(codec.encode(motion))
    tail = body.index("Tail")
    np.testing.assert_allclose(back.rotations[:, tail], np.repeat(motion.rotations[:1, tail], len(motion), axis=0))


def smpl_like_house_with_tail():
    from farandole.motion.skeleton import Skeleton

    body = house_skeleton()
    return Skeleton((*body.names, "Tail"), (*body.parents, 0), np.concatenate((body.offsets, [[0, 0, -0.1]])))


@pytest.mark.parametrize("name", [*EVERY, "dance129"])
def test_a_codec_survives_json_and_other_versions_are_refused(name):
    motion = wander(house_skeleton(), 1.0, fps=30.0)
    codec = codecs.codec(name, motion)
    data = json.loads(json.dumps(codecs.to_json(codec)))
    again = codecs.from_json(data, codec.fps, codec.skeleton)
    np.testing.assert_array_equal(again.encode(motion), codec.encode(motion))
    assert again.columns == codec.columns
    with pytest.raises(DataError, match=f"'{name}' were written by version 99"):
        codecs.from_json(data | {"version": 99}, codec.fps, codec.skeleton)


def test_what_a_codec_cannot_take_is_said():
    motion = wander(house_skeleton(), 1.0)
    with pytest.raises(MotionError, match="unknown motion codec 'nope': known are control, dance129, expmap"):
        codecs.codec("nope", motion)
    with pytest.raises(MotionError, match="exact names"):
        codecs.codec("expmap", wander(smpl_skeleton(), 1.0))
    with pytest.raises(FrameRateError, match="20 fps, but the rotmat codec needs 30"):
        codecs.codec("rotmat", wander(house_skeleton(), 1.0, fps=30.0)).encode(motion)
    with pytest.raises(MotionError, match="needs at least 2"):
        codecs.codec("rot6d", motion).encode(motion.slice(0, 1))
    with pytest.raises(MotionError, match=r"shape \(3, 4\)"):
        codecs.codec("position", motion).decode(np.zeros((3, 4)))
    with pytest.raises(FrameRateError, match="no multiple of 15"):
        codecs.every_nth(motion, 15)


def test_rot6d_tells_when_feet_rest():
    motion = Motion(house_skeleton(), rot.identity(20, 21), np.tile(house_skeleton().offsets[0], (20, 1)), 20.0)
    codec = codecs.codec("rot6d", motion)
    contacts = [n for n in codec.columns if n.endswith("contact")]
    assert len(contacts) == 4
    assert (codec.encode(motion)[:, -4:] == 1).all()
    jump = Motion(motion.skeleton, motion.rotations, motion.root_positions + np.array([0, 0.5, 0]), 20.0)
    assert (codec.encode(jump)[:, -4:] == 0).all()


def test_travel_of_a_joint_below_a_still_root_is_kept():
    body = house_skeleton()
    text = render_bvh(wander(body, 1.0)).decode()
    head = text.index("ROOT Hips")
    below = text.replace("ROOT Hips", "JOINT Hips", 1)[head:]
    end = below.index("MOTION")
    nested = "HIERARCHY\nROOT Scene\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + below[:end] + "}\n" + below[end:]
    motion = parse_bvh(nested.encode(), scale=0.01)
    assert motion.translations is not None
    plain = codecs.plain_body(motion)
    assert plain.translations is None
    assert plain.skeleton.names == body.names
    np.testing.assert_allclose(plain.positions, motion.positions[:, 1:], atol=1e-9)


def test_the_older_aistpp_features_are_made_of_smpl_bodies_as_they_are():
    motion = place(wander(smpl_skeleton(), 5.0, still=("left_hand", "right_hand")))
    codec = codecs.codec("expmap_spine2", motion)
    features = codec.encode(motion)
    assert features.shape == (100, 72)
    assert codec.columns[:3] == ("RightHand_alpha", "RightHand_beta", "RightHand_gamma")
    assert codec.columns[-9] == "Hips_alpha"
    chest = [codec.columns.index(f"Spine2_{axis}") for axis in ("alpha", "beta", "gamma")]
    turns = rot.to_rotvec(motion.rotations[:, motion.skeleton.index("spine3")])
    assert rot.angle_between(rot.from_rotvec(features[:, chest]), rot.from_rotvec(turns)).max() < 1e-9
    back = codec.decode(features, heading=float(rot.yaw(motion.rotations[:1, 0])[0]))
    assert np.abs(back.positions - motion.positions).max() < 1e-6
    mirrored = codec.encode(mirror(motion))
    np.testing.assert_allclose(codec.mirrored(features), mirrored, atol=1e-9)
    with pytest.raises(MotionError, match="22 joints, three in the spine; missing are Spine2"):
        codecs.codec("expmap_spine2", wander(house_skeleton(), 1.0))
    renamed = Motion(
        Skeleton(
            [SMPL_NAMES.get(n, n) for n in motion.skeleton.names], motion.skeleton.parents, motion.skeleton.offsets
        ),
        motion.rotations,
        motion.root_positions,
        motion.fps,
    )
    np.testing.assert_array_equal(codecs.codec("expmap_spine2", renamed).encode(renamed), features)


def test_control_is_the_path_over_the_floor():
    motion = place(wander(house_skeleton(), 10.0))
    codec = codecs.codec("control", motion)
    features = codec.encode(motion)
    assert features.shape == (200, 3)
    np.testing.assert_array_equal(features[0], features[1])
    back = codec.decode(features)
    path = motion.root_positions[:, [0, 2]] - motion.root_positions[0, [0, 2]]
    heading = float(rot.yaw(motion.rotations[:1, 0])[0])
    turned = rot.rotate(rot.from_yaw(-heading), np.insert(path, 1, 0.0, axis=1))[:, [0, 2]]
    np.testing.assert_allclose(back.root_positions[:, [0, 2]], turned, atol=1e-6)
    np.testing.assert_allclose(codec.mirrored(features), codec.encode(mirror(motion)), atol=1e-9)
