"""Does it look like a person dancing? Physical and musical figures of one motion, and a verdict against real takes.

All figures are for a body of the house's size at 30 fps, floor at y = 0, so that they compare between sources.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from farandole.errors import MotionError
from farandole.evaluation.body import Body, view_body
from farandole.evaluation.coherence import step_coherence
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.kinematics import velocity
from farandole.motion.rotations import Array

FPS = 30.0
"""Frame rate at which figures are taken: accelerations and jerks depend on it."""

TIE = 0.015
"""Two feet whose lowest points differ by less than this both stand, m; the slower one then counts as the supporting foot."""

STILL_SPEED = 0.1
"""Mean joint speed, averaged over half a second, under which a dancer has frozen, m/s."""

WRONG_WAY = np.radians(10.0)
"""Knees and elbows bent the wrong way by more than this are wrong; a few degrees are within the capture's error."""


@dataclass(frozen=True)
class DanceQuality:
    """Figures of one dance. NaN where the input does not allow one (no beats, no usable rest pose of the arms).

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
        freeze: Share of frames in which the body stands still (`STILL_SPEED`).
        penetration: 99th percentile of the depth of the lowest foot point under the floor, cm.
        hover: Median height of the lowest foot point above the floor, cm.
        wrong_knees: Share of frames and sides in which a knee bends forward by more than 10 degrees.
        wrong_elbows: The same for elbows bent backward, judged in the upper arm's frame: rigs that twist it otherwise read high
            for real motion too, so compare with the reference.
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
    wrong_knees: float
    wrong_elbows: float
    coherence: float = float("nan")
    coherence_chance: float = float("nan")
    joint_speeds: dict[str, float] = field(default_factory=dict)

    def numbers(self) -> dict[str, float]:
        """All single figures by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "joint_speeds"}


def measure_dance(motion: Motion, count: Array | None = None, *, fps: float = FPS) -> DanceQuality:
    """Measure one dance.

    Args:
        motion: Any humanoid, floor at y = 0. Brought to `fps` and to the house body's size first.
        count: Continuous beat count at the motion's own frames, [T]; None leaves the coherence NaN.
        fps: Frame rate of measurement.

    Raises:
        RetargetError: If the skeleton is no humanoid that we know.
        MotionError: If `count` has another length than the motion.
    """
    if count is not None:
        count = _resample_count(motion, np.asarray(count, dtype=float), fps)
    body = view_body(motion.resample(fps))
    x, speeds = body.positions, body.speeds
    support = support_speed(body)
    acceleration = np.linalg.norm(np.diff(x, 2, axis=0), axis=-1) * fps**2 if len(x) > 2 else np.zeros((1, 1))
    jerk = np.linalg.norm(np.diff(x, 3, axis=0), axis=-1) * fps**3 if len(x) > 3 else np.zeros((1, 1))
    third = max(1, len(x) // 3)
    hips = body.role("Hips")[:, (0, 2)]
    lowest = body.feet[..., 1].min(axis=(1, 2))
    knees, elbows = hinge_angles(body)
    on_beat, chance = (float("nan"), float("nan")) if count is None else step_coherence(body, count)
    return DanceQuality(
        seconds=motion.seconds,
        support_median=100 * float(np.median(support)),
        support_p90=100 * float(np.percentile(support, 90)),
        joint_speed=float(speeds.mean()),
        peak_acceleration=float(np.percentile(acceleration, 99.9)),
        jerk=float(jerk.mean()),
        twitch=float(jerk.mean() / max(acceleration.mean(), 1e-9)),
        energy_ratio=float(speeds[-third:].mean() / max(speeds[:third].mean(), 1e-9)),
        root_drift=float(np.linalg.norm(hips - hips[0], axis=-1).max()),
        freeze=float((_smooth(speeds.mean(axis=1), round(fps / 2)) < STILL_SPEED).mean()),
        penetration=100 * float(np.percentile(np.maximum(-lowest, 0), 99)),
        hover=100 * float(np.median(lowest)),
        wrong_knees=float((knees < -WRONG_WAY).mean()),
        wrong_elbows=float((elbows < -WRONG_WAY).mean()) if np.isfinite(elbows).all() else float("nan"),
        coherence=on_beat,
        coherence_chance=chance,
        joint_speeds=dict(zip(body.roles, speeds.mean(axis=0).tolist(), strict=True)),
    )


def support_speed(body: Body) -> Array:
    """Horizontal speed of the foot that stands, [T] m/s.

    Of each foot the lowest of its points (ankle, toe joint, tip) is where it touches; its horizontal velocity by central
    differences is the foot's slip. The supporting foot is the one whose touching point is lower; when the two differ by less
    than `TIE`, both stand, and the slower one carries.
    """
    height = body.feet[..., 1]  # [T, 2, P]
    touching = height.argmin(axis=2)[..., None]
    slip = np.linalg.norm(velocity(body.feet, body.fps)[..., (0, 2)], axis=-1)
    slip = np.take_along_axis(slip, touching, axis=2)[..., 0]  # [T, 2]
    low = np.take_along_axis(height, touching, axis=2)[..., 0]
    tie = np.abs(low[:, 0] - low[:, 1]) < TIE
    return np.where(tie, slip.min(axis=1), np.where(low[:, 0] < low[:, 1], slip[:, 0], slip[:, 1]))


def hinge_angles(body: Body) -> tuple[Array, Array]:
    """Signed bend of knees and elbows, each [T, 2] rad, left then right; positive bends the human way.

    The knee's bend is measured in the plane of shank and foot: a knee points where the toes point. The elbow's is measured in
    the upper arm's own frame, where a T-pose that faces +z bends the forearm towards +z; NaN for other rest poses. Frames in
    which the foot is stretched out along the shank (under 17 degrees) leave the plane undefined and count as straight.
    """
    knees, elbows = [], []
    turns = body.motion.global_rotations
    for side in ("Left", "Right"):
        hip, knee, ankle = (body.role(side + part) for part in ("UpLeg", "Leg", "Foot"))
        toe = body.role(f"{side}ToeBase") if f"{side}ToeBase" in body.index else None
        thigh, shank = knee - hip, _unit(ankle - knee)
        pointing = (toe - ankle) if toe is not None else _forward(body)
        pointing = _unit(pointing)
        ahead = pointing - _dot(pointing, shank) * shank
        clear = np.linalg.norm(ahead, axis=-1) > 0.3
        bend = np.arctan2(_dot(thigh, _unit(ahead))[:, 0], _dot(thigh, shank)[:, 0])
        knees.append(np.where(clear, bend, 0.0))
        elbows.append(_elbow(body, turns, side))
    return np.stack(knees, axis=1), np.stack(elbows, axis=1)


def _elbow(body: Body, turns: Array, side: str) -> Array:
    """Signed bend of one elbow [T] rad; NaN if the rest pose is no T-pose facing +z."""
    arm, skeleton = body.index.get(f"{side}Arm"), body.motion.skeleton
    rest = skeleton.rest_positions
    elbow, wrist = body.index[f"{side}ForeArm"], body.index[f"{side}Hand"]
    if arm is None:
        return np.full(len(turns), np.nan)
    bone = rest[elbow] - rest[arm]
    sideways = bone[0] * (1 if side == "Left" else -1) / max(float(np.linalg.norm(bone)), 1e-9)
    if sideways < 0.9:
        return np.full(len(turns), np.nan)
    positions = body.motion.positions
    forearm = rot.rotate(rot.inverse(turns[:, arm]), positions[:, wrist] - positions[:, elbow])
    along = forearm @ (bone / np.linalg.norm(bone))
    return np.arctan2(forearm[:, 2], along) - np.arctan2(*(rest[wrist] - rest[elbow])[[2, 0]] * (1, np.sign(bone[0])))


def _forward(body: Body) -> Array:
    return np.stack((np.sin(body.heading), np.zeros(len(body.heading)), np.cos(body.heading)), axis=-1)


def _dot(a: Array, b: Array) -> Array:
    return (a * b).sum(axis=-1, keepdims=True)


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _smooth(x: Array, width: int) -> Array:
    """Running mean over `width` frames, ends repeated, [T] -> [T]."""
    from scipy.ndimage import uniform_filter1d

    return uniform_filter1d(x, max(1, width), mode="nearest")


def _resample_count(motion: Motion, count: Array, fps: float) -> Array:
    if count.shape != (len(motion),):
        raise MotionError(f"{motion.name} has {len(motion)} frames, but its beat count has shape {count.shape}")
    frames = int(np.floor((len(motion) - 1) / motion.fps * fps + 1e-6)) + 1
    return np.interp(np.arange(frames) / fps, np.arange(len(motion)) / motion.fps, count)


@dataclass(frozen=True)
class Check:
    """One line of the verdict.

    Attributes:
        name: Figure of `DanceQuality` (or "coherence over chance").
        value: Measured.
        low: Least accepted value, -inf if any.
        high: Greatest accepted value, inf if any.
        unit: Unit of the three.
        passed: Whether low <= value <= high; a NaN never passes.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the value lies within the accepted range, up to rounding."""
        slack = 1e-9 * max(1.0, abs(self.value))
        return bool(self.low - slack <= self.value <= self.high + slack)

    def __str__(self) -> str:
        bounds = " and ".join(
            f"{sign} {bound:.3g}" for sign, bound in ((">=", self.low), ("<=", self.high)) if np.isfinite(bound)
        )
        return f"{'ok  ' if self.passed else 'FAIL'} {self.name:22} {self.value:8.3g} {self.unit:6} (need {bounds})"


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


def compare_dance(dance: DanceQuality, reference: Sequence[DanceQuality] | DanceQuality) -> list[Check]:
    """Hold one dance against real held-out takes, line by line.

    Args:
        dance: The dance to judge, made at neutral energy.
        reference: Real takes; their `average` is the yardstick.

    Returns:
        One `Check` per line. Lines about the beat are left out when the dance was measured without a beat count.
    """
    real = reference if isinstance(reference, DanceQuality) else average(reference)
    inf = float("inf")
    checks = [
        Check("support_median", dance.support_median, -inf, real.support_median, "cm/s"),
        Check("support_p90", dance.support_p90, -inf, real.support_p90, "cm/s"),
        Check("joint_speed", dance.joint_speed, 0.8 * real.joint_speed, 1.25 * real.joint_speed, "m/s"),
        Check("peak_acceleration", dance.peak_acceleration, -inf, real.peak_acceleration, "m/s^2"),
        Check("twitch", dance.twitch, -inf, 1.25 * real.twitch, "1/s"),
        Check("energy_ratio", dance.energy_ratio, 0.8, 1.25, ""),
        Check("root_drift", dance.root_drift, -inf, 3.0, "m"),
        Check("freeze", dance.freeze, -inf, real.freeze + 0.05, ""),
        Check("penetration", dance.penetration, -inf, max(real.penetration, 1.0), "cm"),
        Check("wrong_knees", dance.wrong_knees, -inf, real.wrong_knees + 0.01, ""),
    ]
    if np.isfinite(dance.wrong_elbows) and np.isfinite(real.wrong_elbows):
        checks.append(Check("wrong_elbows", dance.wrong_elbows, -inf, real.wrong_elbows + 0.01, ""))
    if np.isfinite(dance.coherence):
        if np.isfinite(real.coherence):
            checks.append(Check("coherence", dance.coherence, real.coherence, inf, ""))
        checks.append(Check("coherence over chance", dance.coherence - dance.coherence_chance, 0.1, inf, ""))
    return checks
