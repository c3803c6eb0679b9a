"""Feet that stand: contact detection, a root path that does not slip, planted feet by inverse kinematics, a floor at y = 0.

All of it works on whole motions of the house skeleton and keeps what the model meant: the pose is changed only in the legs, the
root only by what the standing foot would otherwise slide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.ik import two_bone
from farandole.motion.leg_lengths import with_leg_lengths
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton
from farandole.motion.stage import stay_near

SIDES = ("Left", "Right")
STRETCHED, SOFT = 0.9985, 0.997
"""Greatest distance of an ankle from its hip (a knee of 174 degrees), and where stretching begins to slow down, in leg lengths."""
SPARE = 0.006  # m that a ball of the foot may miss its place before the hips sink: nobody sees it, and both knees stay straight


@dataclass(frozen=True)
class CleanupConfig:
    """Amounts of each repair.

    Attributes:
        enter: Contact score above which a foot becomes planted.
        leave: Contact score below which it lifts.
        shortest: Shortest contact that is planted, s.
        blend: Time over which a foot glides from free to planted, s.
        drift: Greatest horizontal deviation of a foot within one contact that is held still, m; one that goes further is slowed.
        radius: Distance from the start within which the dancer roams freely, m.
        pull: Greatest speed at which the dancer is drawn back, m/s; 0 lets the dancer travel.
    """

    enter: float = 0.55
    leave: float = 0.35
    shortest: float = 0.1
    blend: float = 0.13
    drift: float = 0.10
    radius: float = 0.5
    pull: float = 0.15


def clean_feet(
    motion: Motion, scores: Array, config: CleanupConfig | None = None, *, locking: Array | float = 0.0
) -> Motion:
    """A motion whose feet stand when they bear weight.

    Args:
        motion: On the house skeleton.
        scores: How likely each foot bears weight, [T, 2] (left, right), 0..1.
        config: Amounts.
        locking: How much nearly straight legs are stretched: see `plant_feet`.
    """
    config = config or CleanupConfig()
    scores = _smooth(np.clip(scores, 0.0, 1.0), 1.0)
    motion = anchor_root(motion, scores)
    if config.pull > 0:
        motion = stay_near(motion, config.radius, config.pull)
    planted = planted_feet(scores, motion.fps, config)
    return plant_feet(motion, planted, config, locking)


def anchor_root(motion: Motion, scores: Array) -> Motion:
    """Take from the root path what the standing foot slips, and set the standing foot on the floor.

    The slip is the velocity of the balls of the feet, weighted by contact and lowness, smoothed over about 0.1 s.
    """
    ball = _balls(motion)
    velocity = kinematics.velocity(ball, motion.fps)
    sole = _sole_height(motion.skeleton)
    low = np.exp(-((np.maximum(ball[..., 1] - sole, 0.0) / 0.03) ** 2))
    weight = scores**2 * low
    sure = _smooth(weight.sum(axis=1), 2.0)
    slip = _smooth((velocity * weight[..., None]).sum(axis=1), 2.0) / np.maximum(sure, 0.05)[:, None]
    slip *= np.clip(sure / 0.3, 0.0, 1.0)[:, None]
    path = motion.root_positions - np.cumsum(slip, axis=0) / motion.fps * np.array([1.0, 0.0, 1.0])
    # Height: the lower ball, where a foot stands, belongs on the floor. Slow, so that bounces and dips stay.
    above = np.min(ball[..., 1] - sole + np.where(scores > 0.5, 0.0, 0.5), axis=1)
    standing = (scores > 0.5).any(axis=1).astype(float)
    width = 0.5 * motion.fps
    lift = _smooth(np.where(standing > 0, above, 0.0), width) / np.maximum(_smooth(standing, width), 1e-3)
    path[:, 1] -= lift
    return replace(motion, root_positions=path)


def planted_feet(scores: Array, fps: float, config: CleanupConfig) -> Array:
    """Contacts by hysteresis, short ones dropped and short gaps closed, [T, 2] bool."""
    result = np.zeros(scores.shape, bool)
    shortest = max(2, round(config.shortest * fps))
    for foot in range(scores.shape[1]):
        on = False
        for frame, score in enumerate(scores[:, foot]):
            on = score > (config.leave if on else config.enter)
            result[frame, foot] = on
        for first, last in runs(~result[:, foot]):
            if last - first < shortest and first > 0 and last < len(scores):
                result[first:last, foot] = True
        for first, last in runs(result[:, foot]):
            if last - first < shortest:
                result[first:last, foot] = False
    return result


def runs(flags: Array) -> list[tuple[int, int]]:
    """Start and stop (exclusive) of every run of True in [T] bool."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def plant_feet(motion: Motion, planted: Array, config: CleanupConfig, locking: Array | float = 0.0) -> Motion:
    """Hold the balls of planted feet still and every sole above the floor, by two-bone inverse kinematics of the legs.

    Corrections pass smoothly from one stand to the next; the foot keeps its orientation but for what the floor demands: no heel
    below it, toes bent where the foot rolls over its ball. The hips move up or down so that standing legs keep their length;
    `locking`: see `leg_lengths`.
    """
    balls = ball_targets(motion, planted, config)
    return reach_balls(lower_root(_with_leg_lengths(motion, balls, planted, locking), balls), balls)


def _with_leg_lengths(motion: Motion, balls: Array, planted: Array, locking: Array | float) -> Motion:
    """Hips moved up or down so that standing legs stay as long as they are while their balls go to `balls` [T, 2, 3] m."""
    body = motion.skeleton
    hips = motion.places([body.index(f"{side}UpLeg") for side in SIDES])
    ankles = motion.places([body.index(f"{side}Foot") for side in SIDES])
    to_ball = motion.places([body.index(f"{side}ToeBase") for side in SIDES]) - ankles
    full = np.array([_leg_length(motion, side) for side in SIDES])
    return with_leg_lengths(motion, hips, ankles, balls - to_ball, full, planted.astype(float), locking)


def ball_targets(motion: Motion, planted: Array, config: CleanupConfig, *, past: Array | None = None) -> Array:
    """Where the balls of the feet belong: still in every planted run [T, 2] bool, above the floor elsewhere, [T, 2, 3] m.

    Args:
        motion: On the house skeleton.
        planted: Which foot stands, [T, 2] bool.
        config: Amounts.
        past: Targets of the first frames, which were shown already, [P, 2, 3] m: stands that began then stay where they are.
    """
    ball = _balls(motion)
    sole = _sole_height(motion.skeleton)
    target = ball.copy()
    for foot in range(2):
        before = None if past is None else past[:, foot]
        correction = standing_offsets(ball[:, foot], planted[:, foot], sole, motion.fps, config, before)
        target[:, foot] += correction
        # Balls of swinging feet stay above the floor, softly: no kink where the limit begins to act.
        target[:, foot, 1] = sole + _softplus(target[:, foot, 1] - sole, 0.004)
    return target


def standing_offsets(
    ball: Array, planted: Array, sole: float | None, fps: float, config: CleanupConfig, past: Array | None = None
) -> Array:
    """Offsets [T, 3] m that bring the path of a foot's ball to rest on the floor in every stand; between stands they pass smoothly.

    Args:
        ball: The path, [T, 3] m; planted: when the foot stands, [T] bool; config, past [P, 3] m: as for `ball_targets`.
        sole: Height of the ball of a foot that stands flat, m; None: each stand keeps its median height.
    """
    stands = runs(planted)
    done = 0 if past is None else len(past)
    if not stands and not done:
        return np.zeros_like(ball)
    offset = np.full_like(ball, np.nan)
    for first, last in stands:
        path = ball[first:last]
        rest = np.median(path, axis=0)
        away = path - rest
        reach = np.hypot(away[:, 0], away[:, 2])[:, None]
        # Beyond `drift` the foot really travels: keep the excess.
        keep = away * np.maximum(1.0 - config.drift / np.maximum(reach, 1e-9), 0.0)
        if past is not None and first < done < last:
            rest = past[-1] - keep[done - 1 - first]
        held = rest + keep
        held[:, 1] = rest[1] if sole is None else sole
        offset[first:last] = held - path
    if past is not None:
        offset[:done] = past - ball[:done]
    frames = np.arange(len(ball))
    known = np.flatnonzero(np.isfinite(offset[:, 0]))
    # Swings: from the correction at lift-off to the one at landing, easing in and out.
    before = known[np.clip(np.searchsorted(known, frames, side="right") - 1, 0, len(known) - 1)]
    after = known[np.clip(np.searchsorted(known, frames), 0, len(known) - 1)]
    t = np.clip((frames - before) / np.maximum(after - before, 1), 0.0, 1.0)[:, None]
    ease = t * t * t * (t * (6.0 * t - 15.0) + 10.0)
    filled = offset[before] * (1.0 - ease) + offset[after] * ease
    width = config.blend * fps / 4.0
    smooth = _smooth(filled, width)
    # Smoothing joins stands and swings; within a stand the exact correction returns as the border recedes.
    inside = _smooth(_eroded(planted, max(1, round(width))).astype(float), width)[:, None]
    return inside * filled + (1.0 - inside) * smooth


def _eroded(flags: Array, by: int) -> Array:
    """Flags [T] with `by` frames taken from both ends of every run."""
    result = flags.copy()
    for shift in range(1, by + 1):
        result[shift:] &= flags[:-shift]
        result[:-shift] &= flags[shift:]
    return result


def lower_root(motion: Motion, ball: Array) -> Motion:
    """Sink the hips, smoothly, where a leg could not reach its foot, whose ball belongs at `ball` [T, 2, 3] m."""
    lowest = np.zeros(len(motion))
    for foot, side in enumerate(SIDES):
        hip, length, ankle = _hip(motion, side), _leg_length(motion, side), motion.skeleton.index(f"{side}Foot")
        foot_turns = np.concatenate([part.global_rotations[:, ankle] for _, part in motion.in_parts()])
        away = _ankle_target(motion.skeleton, foot_turns, side, ball[:, foot]) - hip
        flat = np.hypot(away[:, 0], away[:, 2])
        reach = STRETCHED * length
        down = np.sqrt(np.maximum(reach**2 - flat**2, 0.0))
        lowest = np.minimum(lowest, down + away[:, 1] + SPARE)
    if lowest.min() > -1e-4:
        return motion
    from farandole.motion.filters import minimum_filter1d

    width = 0.07 * motion.fps
    sink = _smooth(minimum_filter1d(np.maximum(lowest, -0.25), int(2 * width) | 1), width)
    root = motion.root_positions.copy()
    root[:, 1] += sink
    return replace(motion, root_positions=root)


def _ankle_target(body: Skeleton, turn: Array, side: str, ball: Array) -> Array:
    return ball - rot.rotate(turn, body.offsets[body.index(f"{side}ToeBase")])


def reach_balls(motion: Motion, ball: Array) -> Motion:
    """Legs turned so that the balls of the feet lie at `ball` [T, 2, 3] and no heel below the floor."""
    rotations = np.empty_like(motion.rotations)
    for frames, part in motion.in_parts():
        for some in kinematics.parts(len(part)):
            at = slice(frames.start + some.start, min(frames.start + some.stop, frames.stop))
            rotations[at] = _reach(part.skeleton, part.positions[some], part.global_rotations[some], ball[at])
    return replace(motion, rotations=rotations)


def _reach(body: Skeleton, positions: Array, turns: Array, ball: Array) -> Array:
    """Local rotations [T, J, 4] of world positions [T, J, 3] m and rotations [T, J, 4], each frame on its own."""
    turns = turns.copy()
    sole, ankle_height = _sole_height(body), _rest_ankle(body)
    heel_height = -sole + ankle_height
    for foot, side in enumerate(SIDES):
        thigh, shin, ankle = (body.index(f"{side}{part}") for part in ("UpLeg", "Leg", "Foot"))
        toe = body.index(f"{side}ToeBase")
        hip, knee, end = (positions[:, j] for j in (thigh, shin, ankle))
        target = _ankle_target(body, turns[:, ankle], side, ball[:, foot])
        # A heel under the floor tips the foot about its ball.
        lifted = target.copy()
        lifted[:, 1] = heel_height + sole + _softplus(target[:, 1] - heel_height - sole, 0.004)
        span = np.linalg.norm(body.offsets[toe])
        lifted = ball[:, foot] + rot.normalize(lifted - ball[:, foot]) * span
        tip = rot.between(ball[:, foot] - target, ball[:, foot] - lifted)
        upper, lower = two_bone(hip, knee, end, lifted, soft=SOFT)
        turns[:, thigh] = rot.multiply(upper, turns[:, thigh])
        turns[:, shin] = rot.multiply(lower, turns[:, shin])
        turns[:, ankle] = rot.multiply(tip, turns[:, ankle])
        turns[:, toe] = _toes_up(rot.multiply(tip, turns[:, toe]), body.end_sites[f"{side}ToeBase"], ball[:, foot, 1])
    return kinematics.to_local(body, turns)


def _toes_up(turn: Array, tip: Array, height: Array) -> Array:
    """Toes [T, 4] bent up where the foot rolls over its ball: tips, at `tip` [3] m in the toe joint, stay above the floor.

    Args:
        height: Height of the ball, [T] m.
    """
    direction = rot.rotate(turn, np.broadcast_to(tip, (len(turn), 3)))
    length = float(np.linalg.norm(tip))
    wanted = direction.copy()
    wanted[:, 1] = np.clip(_softplus(height + direction[:, 1], 0.002) - height, -length, length)
    flat = np.sqrt(np.maximum(length**2 - wanted[:, 1] ** 2, 0.0))
    wanted[:, [0, 2]] = rot.normalize(direction[:, [0, 2]]) * flat[:, None]
    return rot.multiply(rot.between(direction, wanted), turn)


def _balls(motion: Motion) -> Array:
    """World positions of the balls of both feet, [T, 2, 3] m."""
    return motion.places([motion.skeleton.index(f"{s}ToeBase") for s in SIDES])


def _hip(motion: Motion, side: str) -> Array:
    return motion.places(motion.skeleton.index(f"{side}UpLeg"))


def _leg_length(motion: Motion, side: str) -> float:
    body = motion.skeleton
    return float(sum(np.linalg.norm(body.offsets[body.index(f"{side}{part}")]) for part in ("Leg", "Foot")))


def _sole_height(body: Skeleton) -> float:
    """Height of the ball of a foot that stands flat, m."""
    return -float(body.end_sites["LeftToeBase"][1])


def _rest_ankle(body: Skeleton) -> float:
    """Height of the ankle of a foot that stands flat, m."""
    return _sole_height(body) - float(body.offsets[body.index("LeftToeBase")][1])


def _softplus(x: Array, scale: float) -> Array:
    """max(x, 0) with a rounded corner of about `scale`."""
    return scale * np.logaddexp(0.0, x / scale)


def _smooth(x: Array, width: float) -> Array:
    """Gaussian over time (axis 0) with a standard deviation of `width` frames."""
    from farandole.motion.filters import gaussian_filter1d

    return gaussian_filter1d(np.asarray(x, dtype=float), width, axis=0, mode="nearest")
