"""Pops, jerk and shakiness. Differences depend on the frame rate: bring motion to 30 fps first."""

from __future__ import annotations

import numpy as np

from farandole.evaluation.humanoid_view import HumanoidView
from farandole.motion.rotations import Array


def accelerations(body: HumanoidView) -> Array:
    """Length of the second difference of every joint, [T-2, R] m/s^2; one 0 where the motion is too short."""
    return _difference(body, 2)


def jerks(body: HumanoidView) -> Array:
    """Length of the third difference of every joint, [T-3, R] m/s^3; one 0 where the motion is too short."""
    return _difference(body, 3)


def peak_acceleration(body: HumanoidView) -> float:
    """99.9th percentile of joint acceleration, m/s^2. Pops raise it."""
    return float(np.percentile(accelerations(body), 99.9))


def mean_jerk(body: HumanoidView) -> float:
    """Mean third difference of joint positions, m/s^3. Jitter raises it, and so does the noise of a recording."""
    return float(jerks(body).mean())


def twitch(body: HumanoidView) -> float:
    """Mean jerk divided by mean acceleration, 1/s: shakiness whatever the energy."""
    return float(jerks(body).mean() / max(accelerations(body).mean(), 1e-9))


def _difference(body: HumanoidView, order: int) -> Array:
    if len(body.positions) <= order:
        return np.zeros((1, 1))
    return np.linalg.norm(np.diff(body.positions, order, axis=0), axis=-1) * body.fps**order
