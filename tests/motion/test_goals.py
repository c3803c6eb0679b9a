"""Hands and feet that are led; joints by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import groove
from farandole.errors import MotionError
from farandole.motion.goals import Goal, eased, meet_goals
from farandole.motion.interpolation import hermite_between, weakened
from farandole.motion.joint_names import chosen_joints
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton


@pytest.fixture(scope="module")
def take() -> Motion:
    return groove(np.arange(120) / 30 * 110 / 60, seed=14, energy=0.5)


def kept_but(frames: slice) -> np.ndarray:
    kept = np.ones(120, bool)
    kept[frames] = False
    return kept


def test_a_pinned_foot_is_where_the_motion_has_it_and_all_else_stays(take: Motion) -> None:
    kept = kept_but(slice(30, 90))
    made = hermite_between(take, kept)
    pinned = meet_goals(made, take, kept, [Goal("LeftFoot", 50, 70)])
    foot = take.skeleton.index("LeftFoot")
    assert np.abs(made.positions - take.positions)[50:71, foot].max() > 0.02
    np.testing.assert_allclose(pinned.positions[50:71, foot], take.positions[50:71, foot], atol=2e-3)
    np.testing.assert_allclose(
        np.abs((pinned.global_rotations[50:71, foot] * take.global_rotations[50:71, foot]).sum(-1)), 1.0, atol=1e-6
    )
    np.testing.assert_array_equal(pinned.rotations[kept], take.rotations[kept])
    leg = [take.skeleton.index(f"Left{part}") for part in ("UpLeg", "Leg", "Foot")]
    others = np.setdiff1d(np.arange(len(take.skeleton)), leg)
    np.testing.assert_array_equal(pinned.rotations[:, others], made.rotations[:, others])
    jumps = lambda m: np.linalg.norm(np.diff(m.positions[:, foot], n=2, axis=0), axis=-1).max()  # noqa: E731
    assert jumps(pinned) < 2.0 * max(jumps(take), jumps(made))


def test_a_hand_goes_to_a_place_and_no_farther_than_the_arm_reaches(take: Motion) -> None:
    kept = kept_but(slice(30, 90))
    shoulder = take.positions[60, take.skeleton.index("RightArm")]
    for away, error in ((0.3, 3e-3), (2.0, None)):
        place = shoulder + np.array([0.0, 0.0, away])
        made = meet_goals(hermite_between(take, kept), take, kept, [Goal("RightHand", 60, 60, tuple(place))])
        hand = made.positions[60, take.skeleton.index("RightHand")]
        if error is not None:
            np.testing.assert_allclose(hand, place, atol=error)
        else:
            arm = hand - made.positions[60, take.skeleton.index("RightArm")]
            assert np.linalg.norm(arm) > 0.45
            assert arm[2] / np.linalg.norm(arm) > 0.98  # stretched towards it


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        (Goal("Head", 40, 50), "Head is no hand or foot that can be led; there are: LeftHand"),
        (Goal("Wing", 40, 50), "no joint 'Wing'"),
        (Goal("LeftFoot", 0, 20), "every frame of that is kept"),
        (Goal("LeftFoot", 50, 130), "lies outside"),
        (Goal("LeftFoot", 50, 60, (0.0, float("nan"), 0.0)), "is no place"),
    ],
)
def test_goals_that_cannot_be_met(take: Motion, goal: Goal, says: str) -> None:
    kept = kept_but(slice(30, 90))
    with pytest.raises(MotionError, match=says):
        meet_goals(take, take, kept, [goal])


def test_offsets_are_eased_without_a_jump_of_speed() -> None:
    offset = np.full((60, 3), np.nan)
    offset[:5] = 0.0
    offset[25:35] = np.linspace(0.1, 0.4, 10)[:, None]
    offset[55:] = 0.0
    made = eased(offset)
    known = np.isfinite(offset[:, 0])
    np.testing.assert_array_equal(made[known], offset[known])
    assert np.abs(np.diff(made, n=2, axis=0)).max() < 0.012  # a broken line would jump by 0.033


def test_joints_by_name(take: Motion) -> None:
    body = take.skeleton
    named = lambda words: {body.names[j] for j in np.flatnonzero(chosen_joints(body, words))}  # noqa: E731
    assert named("RightArm") == {"RightArm"}
    assert named("RightArm+") == {"RightArm", "RightForeArm", "RightHand"}
    assert named("RightForeArm+,Head") == {"RightForeArm", "RightHand", "Head"}
    assert named("left-leg") == {"LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase"}
    assert named("legs") == named("left-leg,right-leg") | {"Hips"}
    assert named("Hips+") == set(body.names)
    with pytest.raises(MotionError, match="no joint 'Wing'; there are: Hips"):
        chosen_joints(body, "Wing+")
    with pytest.raises(MotionError, match="arms: this skeleton shows no human body"):
        chosen_joints(Skeleton(("a", "b"), (-1, 0), ((0, 1, 0), (0, 0.3, 0))), "arms")


def test_a_weakened_fill_lies_between_curves_and_model(take: Motion) -> None:
    kept = kept_but(slice(30, 90))
    curves = hermite_between(take, kept)
    np.testing.assert_allclose(weakened(curves, take, kept, strength=1.0).positions, take.positions, atol=1e-9)
    np.testing.assert_allclose(weakened(curves, take, kept, strength=0.0).positions, curves.positions, atol=1e-9)
    moved = replace(take, root_positions=take.root_positions + np.array([0.0, 0.0, 0.4]) * ~kept[:, None])
    half = weakened(take, moved, kept, strength=0.5, fade=10.0)
    np.testing.assert_allclose((half.root_positions - take.root_positions)[45:75, 2], 0.2)
    assert (half.root_positions - take.root_positions)[30, 2] < 0.02
