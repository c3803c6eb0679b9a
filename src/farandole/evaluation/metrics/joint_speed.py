"""How much the body moves: mean joint speed, whether it dies away, how often it stands still."""

from __future__ import annotations

from farandole.evaluation.humanoid_view import HumanoidView

STILL_SPEED = 0.1
"""Mean joint speed, averaged over half a second, under which a dancer has frozen, m/s."""


def mean_joint_speed(body: HumanoidView) -> float:
    """Mean speed of all joints in the world, m/s."""
    return float(body.speeds.mean())


def energy_ratio(body: HumanoidView) -> float:
    """Mean joint speed of the last third divided by that of the first: below 1 the dance dies away, above it grows wild."""
    third = max(1, len(body.speeds) // 3)
    return float(body.speeds[-third:].mean() / max(body.speeds[:third].mean(), 1e-9))


def frozen_share(body: HumanoidView) -> float:
    """Share of frames in which the body stands still: mean joint speed over half a second under `STILL_SPEED`."""
    from scipy.ndimage import uniform_filter1d

    smoothed = uniform_filter1d(body.speeds.mean(axis=1), max(1, round(body.fps / 2)), mode="nearest")
    return float((smoothed < STILL_SPEED).mean())
