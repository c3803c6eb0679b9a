"""Feet of a motion that a model made freely: the root takes what a standing foot would slip, and the feet come down to the floor.

Works on any humanoid skeleton and without contacts of a model's own: those are estimated from height and speed. Joint rotations
stay as they are; `feet` does more for whole dances of the house skeleton, `gap_feet` for gaps between known frames.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from farandole.motion import kinematics, names
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

SLOW = 0.7
"""Speed at which a foot surely bears no weight, m/s on a body with legs of 0.9 m (as all lengths below)."""
LOW = 0.05
"""Height over the lower ball at which a foot hardly bears weight, m."""
LEG = 0.9
SURE = 0.3
"""Weight of both feet from which on the root follows the standing one altogether."""
AIRBORNE = 2.0
"""Seconds within which a dancer has a foot on the floor: who has none is floating."""


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

    body, fps = motion.skeleton, motion.fps
    roles = names.humanoid_roles(body)
    balls = [roles.get(f"{side}ToeBase", roles[f"{side}Foot"]) for side in names.SIDES]
    places = motion.positions[:, balls]
    scale = _leg_length(body, roles) / LEG
    velocity = kinematics.velocity(places, fps)
    lower = places[..., 1].min(axis=1)
    low = np.exp(-(((places[..., 1] - lower[:, None]) / (LOW * scale)) ** 2))
    weight = low * np.clip(1.1 - np.linalg.norm(velocity, axis=-1) / (SLOW * scale), 0.0, 1.0)
    sure = _smooth(weight.sum(axis=1), 2.0)
    slip = _smooth((velocity * weight[..., None]).sum(axis=1), 2.0) / np.maximum(sure, 0.05)[:, None]
    slip *= np.clip(sure / SURE, 0.0, 1.0)[:, None]
    path = motion.root_positions - np.cumsum(slip, axis=0) / fps * np.array([1.0, 0.0, 1.0])

    above = lower - _ball_height(body, balls)
    window = round(AIRBORNE * fps)
    floating = _smooth(np.maximum(minimum_filter1d(above, window, mode="nearest"), 0.0), 0.25 * window)
    above = above - floating
    width = 0.1 * fps
    sunk = _smooth(maximum_filter1d(np.maximum(-above, 0.0), int(2 * width) | 1, mode="nearest"), width)
    path[:, 1] += sunk - floating
    return replace(motion, root_positions=path)


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
