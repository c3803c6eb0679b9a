"""Figures that tell dancing from moving about: known motions give known numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dancers import count, groove_dance, paced, stepping, still, turned

from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.arm_reach import arm_reach
from farandole.evaluation.metrics.phrase_variety import phrase_distances, phrase_variety
from farandole.evaluation.quality import measure_dance


def test_going_and_standing_by_turns_is_uneven_quiet_bursting_and_held() -> None:
    second = np.arange(20 * 30) // 30
    quality = measure_dance(paced(np.where(second % 2 == 0, 2.0, 0.0)))
    assert quality.joint_speed == pytest.approx(1, rel=0.01)
    assert quality.speed_deviation_short == pytest.approx(1, abs=0.1)  # windows straddle some stops
    assert quality.speed_deviation_long == pytest.approx(0, abs=0.05)
    assert quality.quiet_share == pytest.approx(0.45, abs=0.06)
    assert quality.burst_share == pytest.approx(0.45, abs=0.06)
    assert quality.holds == pytest.approx(30, abs=0.1)


def test_a_steady_pace_has_no_accents_and_no_holds() -> None:
    quality = measure_dance(paced(np.full(300, 0.7)))
    assert quality.speed_deviation_short == pytest.approx(0, abs=1e-6)
    assert (quality.quiet_share, quality.burst_share, quality.holds) == (0, 0, 0)


def test_slow_swells_show_in_long_windows() -> None:
    seconds = np.arange(60 * 30) / 30
    quality = measure_dance(paced(1 + np.sin(2 * np.pi * seconds / 20)))
    assert quality.speed_deviation_long == pytest.approx(np.sqrt(0.5), rel=0.03)


def test_short_stops_are_no_holds() -> None:
    frames = np.arange(600)
    assert measure_dance(paced(np.where(frames % 30 < 4, 0.0, 1.0))).holds == 0
    assert measure_dance(paced(np.where(frames % 30 < 9, 0.0, 1.0))).holds == pytest.approx(60, abs=3.1)


def test_the_straighter_knee_counts() -> None:
    motion = still()
    assert measure_dance(motion).straight_knees == 1
    left = turned(motion, "LeftLeg", (1, 0, 0), 0.6)
    both = turned(left, "RightLeg", (1, 0, 0), 0.4)
    assert measure_dance(left).straight_knees == 1
    assert measure_dance(both).straight_knees == 0
    straight, bent = measure_dance(motion).straighter_knee, measure_dance(both).straighter_knee
    assert bent == pytest.approx(min(straight, 180 - np.degrees(0.4)), abs=8)


def test_arms_are_long_when_the_elbow_is_straight() -> None:
    motion = still()
    assert measure_dance(motion).long_arms == 1
    right = turned(motion, "RightForeArm", (0, 1, 0), np.pi / 2)
    assert measure_dance(right).long_arms == 0.5
    assert 0.6 < arm_reach(view_humanoid(right))[0, 1] < 0.8  # upper arm and forearm as legs of a right angle


def test_the_torso_tilts_against_itself_and_not_with_the_whole_body() -> None:
    motion = still(10)
    sway = 0.2 * np.sin(np.arange(len(motion)) / 7)
    assert measure_dance(turned(motion, "Spine", (0, 0, 1), sway)).torso_tilt == pytest.approx(
        np.degrees(sway.std()), rel=0.02
    )
    assert measure_dance(turned(motion, "Hips", (0, 0, 1), sway)).torso_tilt == pytest.approx(0, abs=0.01)


def test_hips_rise_and_fall() -> None:
    motion = still(10)
    wave = 0.05 * np.sin(np.arange(len(motion)) / 7)
    bobbing = replace(motion, root_positions=motion.root_positions + wave[:, None] * [0, 1, 0])
    quality = measure_dance(bobbing)
    assert quality.hip_height == pytest.approx(100 * wave.std(), rel=1e-6)
    assert quality.hip_rise == pytest.approx(wave.max(), abs=1e-6)
    assert measure_dance(motion).hip_rise == pytest.approx(0, abs=1e-9)


def test_a_dance_that_repeats_every_four_bars_has_no_variety_and_another_has() -> None:
    motion = stepping(120, seconds=8)
    again = np.tile(np.arange(len(motion)), 4)
    loop = replace(motion, rotations=motion.rotations[again], root_positions=motion.root_positions[again])
    assert phrase_variety(view_humanoid(loop), count(loop, 120)) == pytest.approx(0, abs=0.3)
    dance, beats = groove_dance(1, seconds=40)
    assert phrase_variety(view_humanoid(dance), beats) > 3


def test_phrases_are_compared_within_reach_and_need_room() -> None:
    motion = stepping(120, seconds=60)
    body, beats = view_humanoid(motion), count(motion, 120)
    everywhere = phrase_distances(body, beats)
    near = phrase_distances(body, beats, reach_s=10)
    assert len(everywhere) == len(near) > 20
    assert (near >= everywhere - 1e-6).all()
    assert np.isnan(phrase_variety(view_humanoid(stepping(120, seconds=12)), None))


def test_phrases_turn_with_the_dancer() -> None:
    motion = stepping(120, seconds=8)
    again = np.tile(np.arange(len(motion)), 3)
    loop = replace(motion, rotations=motion.rotations[again], root_positions=motion.root_positions[again])
    heading = np.repeat([0.0, 2.0, 4.0], len(motion))
    facing = turned(loop, "Hips", (0, 1, 0), heading)
    assert phrase_variety(view_humanoid(facing), count(facing, 120)) == pytest.approx(0, abs=0.5)
