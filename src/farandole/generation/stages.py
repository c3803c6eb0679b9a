"""Stages that dances keep to: a width and a depth, as the audience sees them."""

from __future__ import annotations

import re

import numpy as np

from farandole.errors import MotionError

Stage = tuple[float, float]
"""Width and depth, m; its middle is where a dance begins, and the audience is where the dancer looks then."""
STAGE: Stage = (4.0, 4.0)
"""Where there is no other."""
FREE = "free"
SMALLEST, LARGEST = 1.0, 100.0
"""Sides of a stage, m."""


def check_stage(stage: Stage | None) -> None:
    """Raise MotionError if a stage is no width and depth in metres."""
    if stage is not None and not all(np.isfinite(side) and SMALLEST <= side <= LARGEST for side in stage):
        width, depth = stage
        raise MotionError(f"a stage of {width:g}x{depth:g} m: width and depth must be {SMALLEST:g} to {LARGEST:g} m")


def stage_of(text: str) -> Stage | None:
    """A stage as a person writes it: "3x4", m, or "free" for none.

    Raises:
        MotionError: If it is neither, or too small or large.
    """
    if text.strip().lower() == FREE:
        return None
    sides = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*[xX\u00d7]\s*(\d+(?:\.\d*)?)\s*m?\s*", text)
    if sides is None:
        raise MotionError(f"stage '{text}': write width and depth in metres, like 3x3, or {FREE}")
    stage = (float(sides[1]), float(sides[2]))
    check_stage(stage)
    return stage
