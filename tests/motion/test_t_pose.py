"""Another rest pose, the same movement."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import parse_bvh, render_bvh
from farandole.motion.files.smpl import smpl_skeleton
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton
from farandole.motion.t_pose import in_t_pose, rest_like


def moving(skeleton: Skeleton, *, stretching: bool = False) -> Motion:
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(random.normal(size=(9, len(skeleton), 3)) * 0.5)
    bones = skeleton.offsets + random.normal(size=(9, len(skeleton), 3)) * 0.01
    return Motion(skeleton, turns, random.normal(size=(9, 3)), 30.0, bones if stretching else None)


@pytest.mark.parametrize("stretching", [False, True])
@pytest.mark.parametrize("body", [house_skeleton(), smpl_skeleton()], ids=["house", "smpl"])
def test_limbs_rest_straight_and_every_joint_stays_where_it_was(body: Skeleton, stretching: bool) -> None:
    motion = moving(body, stretching=stretching)
    posed = in_t_pose(motion)
    np.testing.assert_allclose(posed.positions, motion.positions, atol=1e-9)
    rest, roles = posed.skeleton.rest_positions, names.find_roles(posed.skeleton)
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for a, b, line in (
            ("Arm", "ForeArm", [x, 0, 0]), ("ForeArm", "Hand", [x, 0, 0]),
            ("UpLeg", "Leg", [0, -1, 0]), ("Leg", "Foot", [0, -1, 0]),
        ):  # fmt: skip
            bone = rest[roles[side + b]] - rest[roles[side + a]]
            np.testing.assert_allclose(rot.normalize(bone), line, atol=1e-9)
    feet = [roles[s + p] for s in names.SIDES for p in ("Foot", "ToeBase")]
    assert rot.angle_between(posed.global_rotations, motion.global_rotations)[:, feet].max() < 1e-6


def test_there_and_back() -> None:
    """What was read from a file made here moves on the body in memory, and the other way round."""
    house = house_skeleton()
    motion = moving(house)
    posed = parse_bvh(render_bvh(motion), scale=0.01)
    back = rest_like(posed, house)
    np.testing.assert_allclose(back.skeleton.offsets[1:], house.offsets[1:], atol=1e-8)
    assert rot.angle_between(back.rotations, motion.rotations).max() < 1e-6
    again = rest_like(motion, posed.skeleton)
    assert rot.angle_between(again.rotations, posed.rotations).max() < 1e-6
    assert rest_like(motion, house) is motion
    assert rest_like(motion, house.scaled(1.1)) is motion
    assert rest_like(motion, smpl_skeleton()) is motion


def test_tips_move_along() -> None:
    motion = moving(house_skeleton())
    posed = in_t_pose(motion)
    for name, tip in motion.skeleton.end_sites.items():
        joint = motion.skeleton.index(name)
        world = lambda m, t, j=joint: rot.rotate(m.global_rotations[:, j], t)  # noqa: E731
        np.testing.assert_allclose(world(posed, posed.skeleton.end_sites[name]), world(motion, tip), atol=1e-9)


def test_other_rest_poses_are_left_alone() -> None:
    house = house_skeleton()
    hanging = house.offsets.copy()
    hanging[house.index("LeftForeArm")] = (0.2, -0.25, 0.0)
    hanging[house.index("RightForeArm")] = (-0.2, -0.25, 0.0)
    for skeleton in (
        Skeleton(house.names, house.parents, hanging),
        Skeleton(["a", "b"], [-1, 0], [[0, 0, 0], [0, 1, 0]]),
    ):
        motion = moving(skeleton)
        assert in_t_pose(motion) is motion


def test_files_made_here_rest_so_with_the_root_at_the_origin() -> None:
    motion = moving(house_skeleton())
    again = parse_bvh(render_bvh(motion), scale=0.01)
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-6)
    np.testing.assert_array_equal(again.skeleton.offsets[0], np.zeros(3))
    np.testing.assert_allclose(again.skeleton.offsets[1:], in_t_pose(motion).skeleton.offsets[1:], atol=1e-8)
    back = retarget(again, house_skeleton())
    shift = back.positions[:, :1] - motion.positions[:, :1]  # retargeting sets the height anew
    np.testing.assert_allclose(back.positions - shift, motion.positions, atol=1e-4)
