"""Batches of short windows filled by a model, for measuring it on the in-betweening protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from farandole.generation.bodies import same_body
from farandole.generation.completer import Completer
from farandole.generation.completion import complete, open_model
from farandole.generation.curve_correction.curve_filler import CurveFiller
from farandole.generation.partial import PartialMotion
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

BATCH = 128

WindowFill = Callable[[Skeleton, float, Array, Array, np.ndarray], tuple[Array, Array]]
"""skeleton, fps, rotations [B, T, J, 4], root positions [B, T, 3] m, known frames [T] bool -> both arrays filled."""


def window_fill(model: str | Path | Completer) -> WindowFill:
    """A model as a way to fill windows: any that serves `inbetween`; on its own skeleton many windows at once.

    Windows of another body are retargeted there and back as in `farandole inbetween`. Feet are left as the model moves them.

    Raises:
        CheckpointError: If there is no such model.
        AbilityError: On the first call, if the model fills no gaps.
    """
    completer = open_model(model) if isinstance(model, str | Path) else model

    def fill(
        skeleton: Skeleton, fps: float, rotations: Array, root_positions: Array, known: np.ndarray
    ) -> tuple[Array, Array]:
        own = same_body(skeleton, completer.skeleton) and np.isclose(fps, completer.fps)
        if own and isinstance(completer, CurveFiller):
            flags = np.tile(known, (len(rotations), 1))
            parts = [
                completer.fill_gaps(rotations[i : i + BATCH], root_positions[i : i + BATCH], flags[i : i + BATCH])
                for i in range(0, len(rotations), BATCH)
            ]
            return np.concatenate([q for q, _ in parts]), np.concatenate([p for _, p in parts])
        motions = [Motion(skeleton, q, p, fps, name="window") for q, p in zip(rotations, root_positions, strict=True)]
        made = [complete(PartialMotion(motion, known), completer, feet=False) for motion in motions]
        return np.stack([m.rotations for m in made]), np.stack([m.root_positions for m in made])

    return fill
