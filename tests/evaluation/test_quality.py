"""Figures of a dance: known motions give known numbers, faults raise the figure that is meant to show them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dancers import count, sliding, stepping, still, turned

from farandole.errors import MotionError, RetargetError
from farandole.evaluation.quality import average, measure_dance
from farandole.motion import Motion, Skeleton
from farandole.motion import rotations as rot


def test_a_statue_does_not_move_and_is_frozen() -> None:
    quality = measure_dance(still())
    assert quality.support_median == quality.joint_speed == quality.peak_acceleration == quality.root_drift == 0
    assert quality.freeze == 1
    assert quality.penetration == pytest.approx(0, abs=1e-6)
    assert quality.hover == pytest.approx(0, abs=1e-6)
    assert np.isnan(quality.coherence)


def test_sliding_is_measured_in_centimetres_per_second() -> None:
    quality = measure_dance(sliding(0.25, seconds=4))
    assert quality.support_median == pytest.approx(25)
    assert quality.support_p90 == pytest.approx(25)
    assert quality.joint_speed == pytest.approx(0.25)
    assert quality.root_drift == pytest.approx(0.25 * (4 - 1 / 30))
    assert quality.joint_speeds["Head"] == pytest.approx(0.25)


def test_the_standing_foot_supports_although_the_other_swings() -> None:
    motion = still()
    swing = 0.6 * np.sin(np.arange(len(motion)) / 5.0)
    quality = measure_dance(turned(turned(motion, "LeftUpLeg", (1, 0, 0), -0.8), "LeftLeg", (1, 0, 0), 0.8 + swing))
    assert quality.support_p90 == pytest.approx(0, abs=1e-9)
    assert quality.joint_speeds["LeftFoot"] > 0.5


@pytest.mark.parametrize("fps", [25.0, 60.0, 120.0])
def test_figures_do_not_depend_on_the_frame_rate_or_size_of_the_recording(fps: float) -> None:
    reference = measure_dance(stepping(fps=30.0), count(stepping(fps=30.0), 120))
    motion = stepping(fps=fps)
    big = replace(motion, skeleton=motion.skeleton.scaled(1.3), root_positions=motion.root_positions * 1.3)
    quality = measure_dance(big, count(big, 120))
    for name in ("support_median", "joint_speed", "coherence", "hover", "freeze"):
        assert getattr(quality, name) == pytest.approx(getattr(reference, name), rel=0.06, abs=0.02), name


def test_one_bad_frame_in_thirty_pops_and_twitches() -> None:
    motion = stepping()
    local = motion.rotations.copy()
    bad = np.arange(10, len(motion), 30)
    arm = motion.skeleton.index("LeftArm")
    local[bad, arm] = rot.multiply(local[bad, arm], rot.from_rotvec([0.0, 0.0, 1.0]))
    clean, popped = measure_dance(motion), measure_dance(replace(motion, rotations=local))
    assert popped.peak_acceleration > 10 * clean.peak_acceleration
    assert popped.twitch > 1.2 * clean.twitch


def test_a_dance_that_dies_away_has_an_energy_ratio_below_one() -> None:
    motion = stepping()
    slower = np.linspace(0, 1, len(motion)) ** 0.5 * (len(motion) - 1)
    dying = replace(motion, rotations=motion.rotations[slower.astype(int)])
    assert measure_dance(motion).energy_ratio == pytest.approx(1, abs=0.1)
    assert measure_dance(dying).energy_ratio < 0.8


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize("heading", [0.0, 2.0])
def test_knees_and_elbows_bend_one_way(side: str, heading: float) -> None:
    motion = turned(still(1.0), "Hips", (0, 1, 0), heading)
    towards_front = -1.0 if side == "Left" else 1.0
    good = turned(turned(motion, f"{side}Leg", (1, 0, 0), 0.6), f"{side}ForeArm", (0, 1, 0), towards_front)
    bad = turned(turned(motion, f"{side}Leg", (1, 0, 0), -0.6), f"{side}ForeArm", (0, 1, 0), -towards_front)
    assert (measure_dance(good).wrong_knees, measure_dance(good).wrong_elbows) == (0, 0)
    assert (measure_dance(bad).wrong_knees, measure_dance(bad).wrong_elbows) == (0.5, 0.5)


def test_feet_under_the_floor_are_seen() -> None:
    sunk = replace(still(), root_positions=still().root_positions - [0, 0.03, 0])
    assert measure_dance(sunk).penetration == pytest.approx(3)
    assert measure_dance(sunk).hover == pytest.approx(-3)


def test_an_average_weighs_by_length_and_skips_unknown_figures() -> None:
    short, long = measure_dance(sliding(0.1, seconds=2)), measure_dance(sliding(0.4, seconds=6))
    mean = average([short, long])
    assert mean.support_median == pytest.approx((10 * 2 + 40 * 6) / 8)
    assert mean.seconds == pytest.approx(8)
    known = replace(short, coherence=0.3)
    assert average([known, long]).coherence == pytest.approx(0.3)


def test_what_cannot_be_measured_is_refused_by_name() -> None:
    with pytest.raises(MotionError, match="beat count"):
        measure_dance(still(), np.zeros(3))
    snake = Skeleton(["head", "middle", "tail"], [-1, 0, 1], np.ones((3, 3)))
    with pytest.raises(RetargetError, match="snake"):
        measure_dance(Motion(snake, rot.identity(9, 3), np.zeros((9, 3)), 30, name="snake"))
