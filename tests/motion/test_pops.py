"""Pops are smoothed where they are."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.motion import rotations as rot
from farandole.motion.pops import soften_pops


@pytest.fixture(scope="module")
def take():
    return steady_groove(120.0, 7.0, seed=7).slice(0, 200)


def peak(motion):
    return (np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1) * motion.fps**2).max()


def test_a_clean_motion_is_left_as_it_is(take):
    assert soften_pops(take, limit=1.01 * peak(take)) is take


def test_a_jerk_is_softened_and_the_rest_untouched(take):
    arm = take.skeleton.index("LeftArm")
    jerked = take.rotations.copy()
    jerked[100:102, arm] = rot.multiply(jerked[100:102, arm], rot.from_rotvec(np.array([0.0, 0.0, 1.0])))
    popped = replace(take, rotations=jerked)
    assert peak(popped) > 200
    limit = max(60.0, 1.01 * peak(take))
    mended = soften_pops(popped, limit=limit)
    assert peak(mended) < 0.45 * peak(popped)
    far = np.r_[0:88, 114:200]
    np.testing.assert_array_equal(mended.rotations[far], take.rotations[far])
    np.testing.assert_allclose(np.linalg.norm(mended.rotations, axis=-1), 1.0, atol=1e-9)
