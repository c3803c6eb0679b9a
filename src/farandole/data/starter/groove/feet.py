"""From placed moves to the paths of the feet, and of the pelvis that rides on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from farandole.data.starter.groove.ease import arch, ease, smooth
from farandole.data.starter.groove.plan import Segment, turned
from farandole.data.starter.groove.steps import Step
from farandole.motion.rotations import Array

STANCE = (0.098, 0.030)
"""Neutral place of the ball of the foot beside and before the dancer's place, m: below the hip joint, as in the rest pose."""

TURN_OUT = 0.16
"""How far the toes point outwards, rad."""

WIDEST_STEP = 0.62
"""Greatest distance between the two balls of the feet, m: a wider stance would pull the pelvis into a lunge."""

HIGHEST_KICK = 0.55
"""Greatest horizontal way of a foot in the air beyond its path, m: what a kick from an easy knee reaches."""

SHORTEST_SWING = 0.30
"""A foot that leaves the floor takes at least this long, s, unless its next landing forbids."""


@dataclass(frozen=True)
class Landing:
    """A step in the world: `foot` 0 left, 1 right; `leave`, `land` in counts; `spot` (x, z) of the ball, `bump` in m."""

    foot: int
    leave: float
    land: float
    spot: Array
    yaw: float
    weight: float
    heel: float
    rise: float
    bump: Array
    late: float


@dataclass(frozen=True)
class Feet:
    """Paths over T frames.

    Attributes:
        balls: Toe joints, left and right, [T, 2, 3] m.
        yaw, pitch: Direction and heel lift of the feet, [T, 2] rad.
        weight: Share of the body's weight on the left foot, [T].
        seat: Where over the floor the pelvis wants to be, in line with the balls, [T, 2] m (x, z).
        planted: Whether the ball of the foot stands still on the floor, [T, 2].
    """

    balls: Array
    yaw: Array
    pitch: Array
    weight: Array
    seat: Array
    planted: Array


def heading_at(segments: list[Segment], c: Array) -> Array:
    """Facing direction at counts `c`, rad: straight lines between the segments' ends."""
    knots = [s.start - 0.25 for s in segments] + [segments[-1].stop - 0.25]
    values = [s.heading for s in segments] + [segments[-1].heading + segments[-1].turn]
    return np.interp(c, knots, values)


def landings(
    segments: list[Segment], beat_seconds: Callable[[float], float], rng: np.random.Generator
) -> list[Landing]:
    """All steps in the world, ordered by landing.

    Args:
        beat_seconds: Count -> seconds per beat there.
        rng: Human timing: landings fall within +-15 ms of the count, feet never twice on the same spot.
    """
    result: list[Landing] = []
    free_since = [-np.inf, -np.inf]
    spots = [_start(segments[0], side) for side in (1, -1)]
    for segment in segments:
        steps = segment.move.steps(segment.variation)
        if segment.flip:
            steps[-1] = replace(steps[-1], weight=1.0, heel=0.0)
        for step in steps:
            landing = _place(segment, step, beat_seconds(segment.start + step.at), free_since, rng)
            free_since[landing.foot] = landing.land + 0.06
            apart = landing.spot - spots[1 - landing.foot]
            # Long steps are shortened softly: nearly untouched up to half the limit, never beyond it.
            shorten = (1.0 + (np.linalg.norm(apart) / WIDEST_STEP) ** 6) ** (-1.0 / 6.0)
            if landing.bump.any():  # otherwise it pivots on the ball, which stays where it is
                spots[landing.foot] = spots[1 - landing.foot] + shorten * apart
            result.append(replace(landing, spot=spots[landing.foot]))
    return sorted(result, key=lambda landing: landing.land)


def _place(segment: Segment, step: Step, beat: float, free_since: list[float], rng: np.random.Generator) -> Landing:
    side = segment.side * step.foot
    at = segment.start + step.at
    land = at + float(np.clip(rng.normal(0.0, 0.007), -0.015, 0.015)) / beat
    own, other = (0, 1) if side > 0 else (1, 0)
    leave = max(land - max(step.swing, SHORTEST_SWING / beat), free_since[own])
    # No flight: the foot waits until the other one stands, as far as that leaves it time.
    leave = min(max(leave, free_since[other] - 0.04), land - 0.16 / beat) if step.bump[1] else leave
    share = (at - segment.start) / segment.move.counts
    heading = segment.heading + segment.turn * share
    # While a turn goes on, the foot lands ahead of it and leaves behind it, so that the leg twists equally both ways.
    ahead = 0.45 * segment.turn / segment.move.counts
    mirror = np.array([segment.side, 1.0])
    local = np.array([side * STANCE[0], STANCE[1]]) + segment.size * np.array([step.x, step.z]) * mirror
    spot = segment.place + segment.pull * share + turned(local, heading) + rng.normal(0.0, 0.008, 2)
    lift = step.bump[1] * (0.55 + 0.45 * segment.size)
    sideways = turned(segment.size * np.array([step.bump[0], step.bump[2]]) * mirror, heading)
    sideways *= (1.0 + (np.linalg.norm(sideways) / HIGHEST_KICK) ** 6) ** (-1.0 / 6.0)
    heel = step.heel * (0.8 + 0.2 * rng.random())
    return Landing(
        foot=0 if side > 0 else 1, leave=leave, land=land, spot=spot,
        yaw=heading + ahead + side * (TURN_OUT + step.yaw + rng.normal(0.0, 0.03)),
        weight=step.weight, heel=heel, rise=0.105 * max(0.0, np.sin(-heel)),
        bump=np.array([sideways[0], lift, sideways[1]]), late=step.late,
    )  # fmt: skip


def walk(steps: list[Landing], segments: list[Segment], c: Array, ball_height: float, fps: float) -> Feet:
    """Feet and pelvis seat at counts `c` [T]. A foot stands perfectly still from one landing to its next leaving."""
    count = len(c)
    balls, yaw, pitch = np.empty((count, 2, 3)), np.empty((count, 2)), np.empty((count, 2))
    planted = np.ones((count, 2), bool)
    spots = [_start(segments[0], side) for side in (1, -1)]
    for foot in (0, 1):
        own = [s for s in steps if s.foot == foot]
        path = np.tile([spots[foot][0], ball_height, spots[foot][1]], (count, 1))
        direction = np.full(count, segments[0].heading + (1, -1)[foot] * TURN_OUT)
        previous = Landing(foot, c[0] - 9, c[0] - 8, spots[foot], direction[0], 0.5, 0.0, 0.0, np.zeros(3), 1.0)
        for s in own:
            first = np.searchsorted(c, s.leave)
            u = (c[first:] - s.leave) / (s.land - s.leave)
            swing = u < 1.0
            e = ease(u)
            change = np.array([s.spot[0] - previous.spot[0], s.rise - previous.rise, s.spot[1] - previous.spot[1]])
            path[first:] = (
                np.array([previous.spot[0], ball_height + previous.rise, previous.spot[1]]) + e[:, None] * change
            )
            path[first:] += arch(np.clip(u, 0, 1) ** s.late)[:, None] * s.bump
            direction[first:] = previous.yaw + e * (s.yaw - previous.yaw)
            planted[first:, foot] = ~(swing & s.bump.any())
            previous = s
        balls[:, foot], yaw[:, foot] = path, direction
        pitch[:, foot] = _heels(own, c, fps)
    weight, seat = _ride(steps, segments, spots, c)
    return Feet(balls, yaw, pitch, weight, seat, planted)


def _start(segment: Segment, side: int) -> Array:
    return segment.place + turned(np.array([side * STANCE[0], STANCE[1]]), segment.heading)


def _heels(own: list[Landing], c: Array, fps: float) -> Array:
    """Heel lift: the heel leaves before the ball, hangs in the air, and settles just after the ball has landed."""
    from scipy.interpolate import PchipInterpolator

    keys: list[tuple[float, float]] = [(c[0] - 20.0, 0.0)]
    held = 0.0
    for s in own:
        span = s.land - s.leave
        flat = not s.bump.any()
        push = held if flat else max(held, 0.0) + 0.34
        for at, value in (
            (s.leave - 0.30, held),
            (s.leave + 0.10 * span, push),
            (s.leave + 0.42 * span, max(s.heel, 0.0) if flat else 0.42 + 0.5 * min(s.bump[1], 0.3)),
            (s.land - 0.05 * span, s.heel if flat else s.heel + 0.10),
            (s.land + 0.12, s.heel),
        ):
            keys.append((max(at, keys[-1][0] + 0.02), value))
        held = s.heel
    keys.append((max(c[-1], keys[-1][0]) + 20.0, held))
    times, values = np.array(keys).T
    return smooth(PchipInterpolator(times, values)(c), 0.035 * fps)


def _ride(steps: list[Landing], segments: list[Segment], spots: list[Array], c: Array) -> tuple[Array, Array]:
    """Weight on the left foot [T] and pelvis seat [T, 2]: the body sets out before each landing and arrives after it."""
    spots = list(spots)
    middle = lambda share: share * spots[0] + (1.0 - share) * spots[1]  # noqa: E731
    weight, seat = np.full(len(c), 0.5), np.tile(middle(0.5), (len(c), 1))
    on_left, at = 0.5, middle(0.5)
    for s in steps:
        spots[s.foot] = s.spot
        new = s.weight if s.foot == 0 else 1.0 - s.weight
        target = middle(0.5 + 0.66 * (new - 0.5))
        first = np.searchsorted(c, s.land - 0.62)
        e = ease((c[first:] - (s.land - 0.62)) / 0.98)
        weight[first:] += (new - on_left) * e
        seat[first:] += (target - at) * e[:, None]
        on_left, at = new, target
    return weight, seat
