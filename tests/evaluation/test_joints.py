"""Skeletons of other people are mapped to the joints that metrics need, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from dancers import LAFAN1, LAFAN1_PARENTS, SMPL, smpl_skeleton, stepping

from farandole.errors import RetargetError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.geometric_features import SMPL_JOINTS
from farandole.evaluation.metrics.smpl_joints import smpl_positions
from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot

FROM_SMPL = [0, 1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12, 15, 13, 16, 18, 20, 14, 17, 19, 21]


def standing(skeleton: Skeleton, frames: int = 5) -> Motion:
    return Motion(
        skeleton, rot.identity(frames, len(skeleton)), np.tile([0.0, 0.95, 0], (frames, 1)), 30, name="stander"
    )


@pytest.mark.parametrize("names", [tuple(SMPL), SMPL_JOINTS], ids=["official", "features"])
def test_smpl_gives_its_own_joints(names: tuple[str, ...]) -> None:
    motion = standing(smpl_skeleton(names))
    np.testing.assert_array_equal(smpl_positions(motion), motion.positions)


def test_lafan1_lands_on_the_smpl_joints_it_shares() -> None:
    smpl = smpl_skeleton(SMPL_JOINTS)
    rest = smpl.rest_positions[FROM_SMPL]
    offsets = rest - np.where(np.array(LAFAN1_PARENTS)[:, None] >= 0, rest[list(LAFAN1_PARENTS)], 0)
    mapped = smpl_positions(standing(Skeleton(LAFAN1, LAFAN1_PARENTS, offsets)))
    true = standing(smpl).positions
    np.testing.assert_allclose(mapped[:, FROM_SMPL], true[:, FROM_SMPL], atol=1e-9)
    assert np.abs(mapped - true).max() < 0.03  # hands, which LAFAN1 lacks, lie in line with the forearm


def test_the_house_skeleton_has_a_place_for_every_joint() -> None:
    motion = stepping(seconds=1)
    joints = dict(zip(SMPL_JOINTS, np.moveaxis(smpl_positions(motion), 1, 0), strict=True))
    skeleton = motion.skeleton
    for smpl, house in (
        ("root", "Hips"),
        ("lankle", "LeftFoot"),
        ("rtoes", "RightToeBase"),
        ("relbow", "RightForeArm"),
    ):
        np.testing.assert_array_equal(joints[smpl], motion.positions[:, skeleton.index(house)])
    assert (joints["belly"][:, 1] < joints["spine"][:, 1]).all()
    assert (joints["spine"][:, 1] < joints["chest"][:, 1]).all()
    assert (
        np.linalg.norm(joints["lhand"] - joints["lelbow"], axis=1).min()
        > np.linalg.norm(joints["lwrist"] - joints["lelbow"], axis=1).max()
    )


def test_a_skeleton_that_is_no_human_is_refused_with_its_name_and_what_it_lacks() -> None:
    snake = standing(Skeleton(["head", "middle", "tail"], [-1, 0, 1], np.ones((3, 3))))
    for look in (smpl_positions, view_humanoid):
        with pytest.raises(RetargetError, match=r"stander: .*LeftUpLeg"):
            look(snake)
