"""Standing legs stay as long as they were, and lock where they were nearly straight."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.motion import rotations as rot
from farandole.motion.feet import CleanupConfig, plant_feet
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

SIDES = ("Left", "Right")


def standing(knee, *, height=0.0, frames=40):
    """A body that stands still on bent legs, soles flat; `knee`: bend of both, degrees; `height`: how far it floats, m."""
    body = house_skeleton()
    local = rot.identity(frames, len(body))
    half = np.radians(knee) / 2
    for side in SIDES:
        for part, angle in (("UpLeg", -half), ("Leg", 2 * half), ("Foot", -half)):
            local[:, body.index(side + part)] = rot.from_axis_angle(np.array([1.0, 0.0, 0.0]), np.full(frames, angle))
    motion = Motion(body, local, np.zeros((frames, 3)), 30.0)
    ball = motion.positions[0, body.index("LeftToeBase"), 1]
    sole = -body.end_sites["LeftToeBase"][1]
    return replace(motion, root_positions=np.array([0.0, sole - ball + height, 0.0]) + np.zeros((frames, 3)))


def bends(motion):
    """Of both knees in the middle of a motion, degrees."""
    places = motion.positions[len(motion) // 2]
    at = lambda joint: places[motion.skeleton.index(joint)]  # noqa: E731
    angles = []
    for side in SIDES:
        thigh, shank = at(f"{side}Leg") - at(f"{side}UpLeg"), at(f"{side}Foot") - at(f"{side}Leg")
        cosine = thigh @ shank / np.linalg.norm(thigh) / np.linalg.norm(shank)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.array(angles)


def planted(motion, locking=0.0):
    return plant_feet(motion, np.ones((len(motion), 2), bool), CleanupConfig(pull=0.0), locking)


@pytest.mark.parametrize("height", [-0.02, 0.02])
def test_hips_give_way_and_not_the_knees(height):
    floating = standing(20.0, height=height)
    clean = planted(floating)
    np.testing.assert_allclose(bends(clean), bends(floating), atol=1.5)
    np.testing.assert_allclose(clean.root_positions[20, 1] - floating.root_positions[20, 1], -height, atol=0.004)


@pytest.mark.parametrize("knee", [6.0, 12.0])
def test_nearly_straight_knees_lock(knee):
    soft, locked = (bends(planted(standing(knee), locking=locking)) for locking in (0.0, 0.025))
    assert (locked < 0.7 * soft).all()


def test_bent_knees_do_not_lock():
    np.testing.assert_allclose(bends(planted(standing(60.0), locking=0.025)), bends(standing(60.0)), atol=1.0)


def test_locking_may_differ_from_frame_to_frame():
    motion = standing(12.0, frames=80)
    locking = np.where(np.arange(80) < 40, 0.0, 0.025)
    heights = planted(motion, locking).root_positions[:, 1] - motion.root_positions[:, 1]
    assert heights[15] == pytest.approx(0.0, abs=0.004)
    assert heights[65] > heights[15] + 0.002
