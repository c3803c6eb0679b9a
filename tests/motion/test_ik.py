"""Two-bone inverse kinematics: lengths stay, targets are met, nothing pops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.ik import reach, two_bone

seeds = st.integers(0, 2**31 - 1)


def chains(seed: int, count: int = 32) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    root = random.normal(size=(count, 3))
    upper = rot.normalize(random.normal(size=(count, 3))) * random.uniform(0.2, 0.6, (count, 1))
    lower = rot.normalize(random.normal(size=(count, 3))) * random.uniform(0.2, 0.6, (count, 1))
    direction = rot.normalize(random.normal(size=(count, 3)))
    return root, root + upper, root + upper + lower, root + direction * random.uniform(0.0, 2.0, (count, 1))


def solve(root, mid, end, target, **options):
    first, second = two_bone(root, mid, end, target, **options)
    new_mid = root + rot.rotate(first, mid - root)
    return first, second, new_mid, new_mid + rot.rotate(second, end - mid)


@given(seeds)
def test_targets_within_reach_are_met(seed: int) -> None:
    root, mid, end, target = chains(seed)
    a, b = np.linalg.norm(mid - root, axis=-1), np.linalg.norm(end - mid, axis=-1)
    distance = np.linalg.norm(target - root, axis=-1)
    within = (distance < 0.97 * (a + b)) & (distance > np.abs(a - b) + 1e-3)
    *_, new_end = solve(root, mid, end, target)
    np.testing.assert_allclose(new_end[within], target[within], atol=1e-7)


@given(seeds)
def test_far_targets_are_pointed_at_without_full_stretch(seed: int) -> None:
    root, mid, end, target = chains(seed)
    a, b = np.linalg.norm(mid - root, axis=-1), np.linalg.norm(end - mid, axis=-1)
    target = root + rot.normalize(target - root) * 3.0 * (a + b)[:, None]
    *_, new_end = solve(root, mid, end, target)
    np.testing.assert_allclose(rot.normalize(new_end - root), rot.normalize(target - root), atol=1e-7)
    stretch = np.linalg.norm(new_end - root, axis=-1) / (a + b)
    assert (stretch <= 1.0 + 1e-9).all()
    assert (stretch > 0.97).all()


@given(seeds)
def test_own_place_is_no_change(seed: int) -> None:
    root, mid, end, _ = chains(seed)
    first, second, *_ = solve(root, mid, end, end)
    # A chain folded flat upon itself may lose a few digits.
    assert rot.angle_between(first, rot.identity()).max() < 1e-5
    assert rot.angle_between(second, rot.identity()).max() < 1e-5


@given(seeds)
def test_bend_keeps_its_side(seed: int) -> None:
    root, mid, end, _ = chains(seed)
    target = root + (end - root) * 0.9  # along the same line the plane must not turn
    _, _, new_mid, new_end = solve(root, mid, end, target)
    old, new = rot.cross(mid - root, end - mid), rot.cross(new_mid - root, new_end - new_mid)
    bent = np.minimum(np.linalg.norm(old, axis=-1), np.linalg.norm(new, axis=-1)) > 1e-3
    np.testing.assert_allclose(rot.normalize(old)[bent], rot.normalize(new)[bent], atol=1e-5)


def test_straight_leg_bends_towards_the_pole() -> None:
    root, mid, end = np.array([0, 1.0, 0]), np.array([0, 0.5, 0]), np.array([0, 0.0, 0])
    _, _, new_mid, new_end = solve(root, mid, end, np.array([0, 0.2, 0]), pole=[0.0, 0.0, 1.0])
    np.testing.assert_allclose(new_end, [0, 0.2, 0], atol=1e-9)
    assert new_mid[2] > 0.25


def test_stretching_is_smooth_in_the_target() -> None:
    heights = np.linspace(0.6, 1.4, 401)
    root = np.zeros((401, 3))
    mid, end = root + np.array([0.05, -0.5, 0.1]), root + np.array([0.0, -0.8, 0.0])
    target = np.stack((0 * heights, -heights, 0 * heights), -1)
    _, _, new_mid, _ = solve(root, mid, end, target)
    speed = np.linalg.norm(np.diff(new_mid, axis=0), axis=-1) / (heights[1] - heights[0])
    hard = solve(root, mid, end, target, soft=1.0)[2]
    hard_speed = np.linalg.norm(np.diff(hard, axis=0), axis=-1) / (heights[1] - heights[0])
    assert speed.max() < 0.6 * hard_speed.max()


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_reach_moves_one_leg_and_keeps_the_foot(side: str) -> None:
    skeleton = house_skeleton()
    random = np.random.default_rng(1)
    local = rot.from_rotvec(random.normal(size=(20, len(skeleton), 3)) * 0.3)
    path = random.normal(size=(20, 3))
    joints = tuple(skeleton.index(side + n) for n in ("UpLeg", "Leg", "Foot"))
    positions, turns = kinematics.forward(skeleton, local, path)
    hip, ankle = positions[:, joints[0]], positions[:, joints[2]]
    target = hip + 0.85 * (ankle - hip) + np.array([0.0, 0.02, 0.05])
    new = reach(skeleton, local, path, joints, target)
    new_positions, new_turns = kinematics.forward(skeleton, new, path)
    np.testing.assert_allclose(new_positions[:, joints[2]], target, atol=1e-6)
    assert rot.angle_between(new_turns[:, joints[2]], turns[:, joints[2]]).max() < 1e-6
    others = [j for j in range(len(skeleton)) if not skeleton.names[j].startswith(side)]
    np.testing.assert_allclose(new_positions[:, others], positions[:, others], atol=1e-12)
