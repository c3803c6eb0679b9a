"""Does it look like a person dancing? Physical, musical and dancerly figures of one motion.

All figures are for a body of the house's size at 30 fps, floor at y = 0, so that they compare between sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics import (
    arm_reach,
    elbows,
    floor_contact,
    hip_path,
    joint_speed,
    knees,
    phrase_variety,
    smoothness,
    speed_dynamics,
    torso_tilt,
)
from farandole.evaluation.metrics.step_coherence import HARMONICS, TRIPLE, step_coherence
from farandole.evaluation.metrics.supporting_foot import support_speed
from farandole.motion import Motion
from farandole.motion.rotations import Array

FPS = 30.0
"""Frame rate at which figures are taken: accelerations and jerks depend on it."""

PHRASE_REACH = 30.0
"""Phrases that begin within this of each other are compared, s, so that takes and whole songs compare."""


@dataclass(frozen=True)
class DanceQuality:
    """Figures of one dance. NaN where the input does not allow one (no beats, too short, no usable rest pose of the arms).

    Attributes:
        seconds: Length, s.
        support_median: Median horizontal speed of the supporting foot, cm/s. Sliding raises it.
        support_p90: Its 90th percentile, cm/s.
        joint_speed: Mean speed of all joints in the world, m/s.
        peak_acceleration: 99.9th percentile of joint acceleration (second differences), m/s^2. Pops raise it.
        jerk: Mean third difference of joint positions, m/s^3.
        twitch: Mean jerk divided by mean acceleration, 1/s: shakiness whatever the energy.
        energy_ratio: Mean joint speed of the last third divided by that of the first.
        root_drift: Greatest horizontal distance of the hips from their start, m.
        freeze: Share of frames in which the body stands still.
        penetration: 99th percentile of the depth of the lowest foot point under the floor, cm.
        hover: Median height of the lowest foot point above the floor, cm.
        hip_rise: Greatest height of the hips over that of the upright body, m.
        wrong_knees: Share of frames and sides in which a knee bends forward by more than 10 degrees.
        wrong_elbows: The same for elbows bent backward.
        speed_deviation_short: Deviation / mean of the joint speed in windows of 0.25 s.
        speed_deviation_long: The same in windows of 2 s.
        quiet_share: Share of windows of 0.25 s slower than half the mean.
        burst_share: Share of windows of 0.25 s faster than 1.8 times the mean.
        holds: Holds of at least 0.2 s under 0.4 of the mean speed, per minute.
        straight_knees: Share of frames with a knee straighter than 165 degrees.
        straighter_knee: Median angle of the straighter knee, degrees.
        long_arms: Share of frames and sides with the hand beyond 0.92 of the arm's length.
        torso_tilt: Deviation of the tilt of hips against shoulders, degrees.
        hip_height: Deviation of the height of the hips, cm.
        phrase_variety: Distance to the nearest other four-bar phrase within `PHRASE_REACH`, cm.
        coherence: Step coherence with the beat grid, 0-0.707.
        coherence_chance: Its mean over stretched grids.
        joint_speeds: Mean speed of each joint by role, m/s.
    """

    seconds: float
    support_median: float
    support_p90: float
    joint_speed: float
    peak_acceleration: float
    jerk: float
    twitch: float
    energy_ratio: float
    root_drift: float
    freeze: float
    penetration: float
    hover: float
    hip_rise: float
    wrong_knees: float
    wrong_elbows: float
    speed_deviation_short: float
    speed_deviation_long: float
    quiet_share: float
    burst_share: float
    holds: float
    straight_knees: float
    straighter_knee: float
    long_arms: float
    torso_tilt: float
    hip_height: float
    phrase_variety: float = float("nan")
    coherence: float = float("nan")
    coherence_chance: float = float("nan")
    joint_speeds: dict[str, float] = field(default_factory=dict)

    @property
    def coherence_gain(self) -> float:
        """Step coherence over its chance level; NaN without beats."""
        return self.coherence - self.coherence_chance

    def numbers(self) -> dict[str, float]:
        """All single figures by name."""
        numbers = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "joint_speeds"}
        return {**numbers, "coherence_gain": self.coherence_gain}


def measure_dance(
    motion: Motion, count: Array | None = None, *, fps: float = FPS, beats_per_bar: int = 4
) -> DanceQuality:
    """Measure one dance.

    Args:
        motion: Any humanoid, floor at y = 0. Brought to `fps` and to the house body's size first.
        count: Continuous beat count at the motion's own frames, [T]; None leaves the coherence NaN.
        fps: Frame rate of measurement.
        beats_per_bar: Beats in a bar: phrases are four of them, and steps of a triple meter repeat otherwise.

    Raises:
        RetargetError: If the skeleton is no humanoid that we know.
        MotionError: If `count` has another length than the motion.
    """
    if count is not None:
        count = _resample_count(motion, np.asarray(count, dtype=float), fps)
    body = view_humanoid(motion.resample(fps))
    support = support_speed(body)
    harmonics = TRIPLE if beats_per_bar == 3 else HARMONICS
    on_beat, chance = (float("nan"), float("nan")) if count is None else step_coherence(body, count, harmonics)
    return DanceQuality(
        seconds=motion.seconds,
        support_median=100 * float(np.median(support)),
        support_p90=100 * float(np.percentile(support, 90)),
        joint_speed=joint_speed.mean_joint_speed(body),
        peak_acceleration=smoothness.peak_acceleration(body),
        jerk=smoothness.mean_jerk(body),
        twitch=smoothness.twitch(body),
        energy_ratio=joint_speed.energy_ratio(body),
        root_drift=hip_path.hip_drift(body),
        freeze=joint_speed.frozen_share(body),
        penetration=floor_contact.penetration(body),
        hover=floor_contact.hover(body),
        hip_rise=hip_path.hip_rise(body),
        wrong_knees=knees.wrong_knees(body),
        wrong_elbows=elbows.wrong_elbows(body),
        speed_deviation_short=speed_dynamics.speed_deviation(body, speed_dynamics.SHORT),
        speed_deviation_long=speed_dynamics.speed_deviation(body, speed_dynamics.LONG),
        quiet_share=speed_dynamics.quiet_share(body),
        burst_share=speed_dynamics.burst_share(body),
        holds=speed_dynamics.holds_per_minute(body),
        straight_knees=knees.straight_knee_share(body),
        straighter_knee=float(np.median(knees.straighter_knee(body))),
        long_arms=arm_reach.long_arm_share(body),
        torso_tilt=torso_tilt.torso_tilt_deviation(body),
        hip_height=hip_path.hip_height_deviation(body),
        phrase_variety=phrase_variety.phrase_variety(body, count, beats_per_bar=beats_per_bar, reach_s=PHRASE_REACH),
        coherence=on_beat,
        coherence_chance=chance,
        joint_speeds=dict(zip(body.roles, body.speeds.mean(axis=0).tolist(), strict=True)),
    )


def _resample_count(motion: Motion, count: Array, fps: float) -> Array:
    if count.shape != (len(motion),):
        raise MotionError(f"{motion.name} has {len(motion)} frames, but its beat count has shape {count.shape}")
    frames = int(np.floor((len(motion) - 1) / motion.fps * fps + 1e-6)) + 1
    return np.interp(np.arange(frames) / fps, np.arange(len(motion)) / motion.fps, count)


def average(qualities: Sequence[DanceQuality]) -> DanceQuality:
    """Mean of every figure over takes, weighted by their length; NaN figures are left out."""
    weights = np.array([q.seconds for q in qualities])
    names = [f.name for f in fields(DanceQuality) if f.name not in ("seconds", "joint_speeds")]
    mean = lambda values: _weighted(np.array(values, dtype=float), weights)  # noqa: E731
    roles = [r for r in qualities[0].joint_speeds if all(r in q.joint_speeds for q in qualities)]
    return DanceQuality(
        seconds=float(weights.sum()),
        **{n: mean([getattr(q, n) for q in qualities]) for n in names},
        joint_speeds={r: mean([q.joint_speeds[r] for q in qualities]) for r in roles},
    )


def _weighted(values: Array, weights: Array) -> float:
    known = np.isfinite(values)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")
