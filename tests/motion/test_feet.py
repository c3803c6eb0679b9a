"""Feet that stand, on real dances and on made-up slides."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.evaluation.quality import measure_dance
from farandole.motion.dance_codec import foot_contacts
from farandole.motion.feet import CleanupConfig, anchor_root, clean_feet, plant_feet, planted_feet, runs
from farandole.motion.stage import stay_near


@pytest.fixture(scope="module")
def take():
    dance = steady_groove(120.0, 15.0, seed=7)
    t = np.arange(len(dance)) / dance.fps  # soles slip in recordings: markers on skin, one skeleton for two bodies
    slip = 0.03 * np.stack((np.sin(2.6 * t), np.zeros_like(t), np.sin(3.7 * t)), axis=1)
    return replace(dance, root_positions=dance.root_positions + slip)


def slipping(motion, speed=0.3):
    """The same dance on a conveyor belt, m/s."""
    path = motion.root_positions.copy()
    path[:, 0] += speed * np.arange(len(motion)) / motion.fps
    return replace(motion, root_positions=path)


def test_a_conveyor_belt_is_stopped(take):
    scores = foot_contacts(take).astype(float)
    slid = slipping(take)
    still = anchor_root(slid, scores)
    drift = lambda m: np.linalg.norm(m.root_positions[-1] - take.root_positions[-1])  # noqa: E731
    assert drift(slid) > 4.0
    assert drift(still) < 0.15 * drift(slid)


def test_clean_feet_stand_and_keep_the_dance(take):
    clean = clean_feet(slipping(take), foot_contacts(take).astype(float))
    before, after = measure_dance(take), measure_dance(clean)
    assert after.support_median < 0.4 * before.support_median
    assert after.support_p90 < before.support_p90
    assert after.penetration < 0.1
    assert after.peak_acceleration < 1.1 * before.peak_acceleration
    assert after.wrong_knees == 0.0
    upper = [take.skeleton.index(n) for n in ("Head", "LeftHand", "RightHand", "Spine1")]
    relative = lambda m: m.positions[:, upper] - m.root_positions[:, None]  # noqa: E731
    assert np.abs(relative(clean) - relative(take)).max() < 1e-9  # only legs and root move


def test_bones_keep_their_length(take):
    clean = clean_feet(take, foot_contacts(take).astype(float))
    for child, parent in enumerate(clean.skeleton.parents):
        if parent >= 0:
            length = np.linalg.norm(clean.positions[:, child] - clean.positions[:, parent], axis=-1)
            np.testing.assert_allclose(length, np.linalg.norm(clean.skeleton.offsets[child]), atol=1e-9)


def test_planted_feet_do_not_move_at_all_in_the_middle_of_a_stand(take):
    config = CleanupConfig(drift=1.0)
    planted = planted_feet(foot_contacts(take).astype(float), take.fps, config)
    clean = plant_feet(take, planted, config)
    toes = clean.positions[:, [clean.skeleton.index(f"{s}ToeBase") for s in ("Left", "Right")]]
    checked = 0
    for foot in range(2):
        for first, last in runs(planted[:, foot]):
            if last - first > 10:
                assert np.ptp(toes[first + 4 : last - 4, foot], axis=0).max() < 0.004
                checked += 1
    assert checked > 3


def test_a_walker_is_kept_near_but_a_dancer_in_place_is_left_alone(take):
    far = slipping(take, speed=0.04)
    longer = replace(
        far,
        rotations=np.tile(far.rotations, (8, 1, 1)),
        root_positions=np.concatenate([far.root_positions + k * 0.04 * 15 * np.array([1.0, 0, 0]) for k in range(8)]),
    )
    kept = stay_near(longer, 0.8, 0.06)
    assert np.abs(longer.root_positions[-1, 0]) > 4.0
    assert np.hypot(*kept.root_positions[-1, [0, 2]]) < 2.0
    centre = replace(take, root_positions=take.root_positions * np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(stay_near(centre, 0.8, 0.06).root_positions, centre.root_positions)


def test_hysteresis_drops_flicker():
    score = np.zeros((60, 2))
    score[10:30, 0] = 1.0
    score[18, 0] = 0.0  # one frame lost in a stand
    score[45, 0] = 1.0  # one frame of false contact
    planted = planted_feet(score, 30.0, CleanupConfig())
    assert runs(planted[:, 0]) == [(10, 30)]
    assert not planted[:, 1].any()
