"""The codec of shipped models: nothing is lost but what it says."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.errors import FrameRateError, MotionError
from farandole.motion import rotations as rot
from farandole.motion.dance_codec import GROUPS, STILL_JOINTS, DanceCodec, foot_contacts


@pytest.fixture(scope="module")
def take():
    motion = steady_groove(120.0, 20.0, seed=9)
    local = motion.rotations.copy()
    local[:, [motion.skeleton.index(n) for n in STILL_JOINTS]] = rot.identity()  # as in the recordings behind the codec
    return replace(motion, rotations=local)


def test_decode_inverts_encode_given_start(take):
    codec = DanceCodec()
    x = codec.encode(take)
    back = codec.decode(x, position=take.root_positions[0, [0, 2]], heading=codec.heading(take)[0])
    assert np.abs(back.positions - take.positions).max() < 1e-3  # float32 velocities summed over 20 s


def test_features_do_not_depend_on_place_or_heading(take):
    codec = DanceCodec()
    turn = rot.from_yaw(2.1)
    local = take.rotations.copy()
    local[:, 0] = rot.multiply(turn, local[:, 0])
    moved = replace(
        take, rotations=local, root_positions=rot.rotate(turn, take.root_positions) + np.array([3.0, 0, -1.0])
    )
    np.testing.assert_allclose(codec.encode(moved), codec.encode(take), atol=2e-5)


def test_every_column_is_named_once_and_belongs_to_one_group():
    codec = DanceCodec()
    assert len(codec.columns) == codec.dim == len(set(codec.columns)) == 129
    columns = np.concatenate(list(codec.group_columns.values()))
    assert sorted(columns) == list(range(codec.dim))
    assert set(codec.group_columns) == set(GROUPS)


def test_key_points_columns_hold_joint_positions(take):
    codec = DanceCodec()
    x = codec.encode(take)
    column = codec.columns.index("Head y m")
    np.testing.assert_allclose(x[:, column], take.positions[:, take.skeleton.index("Head"), 1], atol=1e-5)


def test_still_joints_stay_at_rest(take):
    made = DanceCodec().decode(DanceCodec().encode(take))
    for joint in STILL_JOINTS:
        np.testing.assert_array_equal(made.rotations[:, made.skeleton.index(joint)], rot.identity(len(made)))


def test_wrong_inputs_are_refused(take):
    codec = DanceCodec()
    with pytest.raises(FrameRateError, match="20 fps"):
        codec.encode(take.resample(20.0))
    with pytest.raises(MotionError, match="at least 2"):
        codec.encode(take.slice(0, 1))
    with pytest.raises(MotionError, match=r"need.* \[T, 129\]"):
        codec.decode(np.zeros((5, 7)))


def test_contacts_find_the_standing_foot(take):
    contact = foot_contacts(take)
    ankle = take.positions[:, [take.skeleton.index("LeftFoot"), take.skeleton.index("RightFoot")], 1]
    assert 0.4 < contact.mean() < 0.75
    assert ankle[contact].mean() < ankle[~contact].mean() - 0.02
