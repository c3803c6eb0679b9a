"""Feet of a motion that a model made freely: the root takes what a standing foot would slip, the feet come down to the floor, and
the legs reach for where the feet then stand.

Works on any humanoid skeleton and without contacts of a model's own: those are estimated from height and speed. `feet` does the
same for whole dances of the house skeleton that come with contacts, `gap_feet` for gaps between known frames.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion.feet import CleanupConfig, planted_feet, standing_offsets
from farandole.motion.free_knees import bend_knees
from farandole.motion.ik import reach
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

SLOW = 2.0
"""Speed at which a foot surely bears no weight, m/s on a body with legs of 0.9 m (as all lengths below)."""
CARRIES = 0.3
"""How much faster than the other one a foot is that bears about a third of its weight, m/s: while a body is carried by one foot
and slips, it is the root that is wrong, however fast both are."""
LOW = 0.05
"""Height over the lower ball at which a foot hardly bears weight, m."""
LEG = 0.9
SURE = 0.3
"""Weight of both feet from which on the root follows the standing one altogether."""
AIRBORNE = 2.0
"""Seconds within which a dancer has a foot on the floor: who has none is floating."""


def put_on_feet(motion: Motion) -> Motion:
    """A motion with knees that bend the human way, whose standing feet stand: `bend_knees`, `stand` and `plant`.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    return plant(stand(bend_knees(motion)))


def stand(motion: Motion) -> Motion:
    """A motion whose root path does not slip over a standing foot, and whose feet neither float nor sink. The floor is y = 0.

    The slip is the velocity of the balls of the feet, weighted by how likely they bear weight and smoothed over about 0.1 s. A
    body that has no foot on the floor for `AIRBORNE` seconds is lowered, one with a foot below it lifted.

    Args:
        motion: Any humanoid.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    from farandole.motion.filters import maximum_filter1d, minimum_filter1d

    fps = motion.fps
    balls, scale = _balls(motion.skeleton)
    places = motion.positions[:, balls]
    velocity = kinematics.velocity(places, fps)
    lower = places[..., 1].min(axis=1)
    weight = _bearing(places, velocity, scale)
    sure = _smooth(weight.sum(axis=1), 2.0)
    slip = _smooth((velocity * weight[..., None]).sum(axis=1), 2.0) / np.maximum(sure, 0.05)[:, None]
    slip *= np.clip(sure / SURE, 0.0, 1.0)[:, None]
    path = motion.root_positions - np.cumsum(slip, axis=0) / fps * np.array([1.0, 0.0, 1.0])

    above = lower - _ball_height(motion.skeleton, balls)
    window = round(AIRBORNE * fps)
    floating = _smooth(np.maximum(minimum_filter1d(above, window, mode="nearest"), 0.0), 0.25 * window)
    above = above - floating
    width = 0.1 * fps
    sunk = _smooth(maximum_filter1d(np.maximum(-above, 0.0), int(2 * width) | 1, mode="nearest"), width)
    path[:, 1] += sunk - floating
    return replace(motion, root_positions=path)


def plant(motion: Motion, config: CleanupConfig | None = None) -> Motion:
    """A motion whose feet rest while they bear weight: the legs reach for where each stand has its foot. The floor is y = 0.

    What is moved is the legs only; between stands the correction passes from one to the next. For motions that `stand` has been
    through: where the root slips, legs cannot make up for it.

    Args:
        motion: Any humanoid.
        config: Thresholds and amounts; `drift` is how far a foot may travel in one stand and still be held.

    Raises:
        RetargetError: If the skeleton is not humanoid.
    """
    config = config or CleanupConfig()
    body, fps = motion.skeleton, motion.fps
    roles = names.humanoid_roles(body)
    balls, scale = _balls(body)
    places = motion.positions[:, balls]
    planted = planted_feet(_bearing(places, kinematics.velocity(places, fps), scale), fps, config)
    rotations = motion.rotations
    for foot, side in enumerate(names.SIDES):
        if not planted[:, foot].any():
            continue
        offset = standing_offsets(places[:, foot], planted[:, foot], None, fps, config)
        leg = (roles[f"{side}UpLeg"], roles[f"{side}Leg"], roles[f"{side}Foot"])
        target = motion.positions[:, leg[2]] + offset
        rotations = reach(body, rotations, motion.root_positions, leg, target, translations=motion.translations)
    return replace(motion, rotations=rotations)


def _balls(body: Skeleton) -> tuple[list[int], float]:
    """Joints at the balls of the feet, left and right, and the size of the body's legs in those that lengths are told for."""
    roles = names.humanoid_roles(body)
    joints = [roles.get(f"{side}ToeBase", roles[f"{side}Foot"]) for side in names.SIDES]
    return joints, _leg_length(body, roles) / LEG


def _bearing(places: Array, velocity: Array, scale: float) -> Array:
    """How likely each foot bears weight, from its height over the lower one and its speed, [T, 2] in 0..1."""
    low = np.exp(-(((places[..., 1] - places[..., 1].min(axis=1)[:, None]) / (LOW * scale)) ** 2))
    speed = np.linalg.norm(velocity, axis=-1) / scale
    slower = np.exp((speed.min(axis=1)[:, None] - speed) / CARRIES)
    return low * slower * np.clip(1.1 - speed / SLOW, 0.0, 1.0)


def _ball_height(body: Skeleton, balls: list[int]) -> float:
    """Height of the balls of the feet over the floor where the body stands at rest, m."""
    tips = [body.rest_positions[body.index(name), 1] + tip[1] for name, tip in body.end_sites.items()]
    return float(body.rest_positions[balls, 1].min() - min([body.rest_positions[:, 1].min(), *tips]))


def _leg_length(body: Skeleton, roles: dict[str, int]) -> float:
    """Hip to ankle along the bones at rest, mean of both sides, m."""
    p = body.rest_positions
    bones = [(f"{s}{a}", f"{s}{b}") for s in names.SIDES for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))]
    return 0.5 * float(sum(np.linalg.norm(p[roles[a]] - p[roles[b]]) for a, b in bones))


def _smooth(x: Array, width: float) -> Array:
    """Gaussian over time (axis 0) with a standard deviation of `width` frames."""
    from farandole.motion.filters import gaussian_filter1d

    return gaussian_filter1d(np.asarray(x, dtype=float), width, axis=0, mode="nearest")
