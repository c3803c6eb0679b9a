"""Random numbers that a dance is drawn from: the same for all engines, and for a dance in any company."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from farandole.models.abilities import Autoregressive
    from farandole.motion.rotations import Array

DRIFT_SECONDS = 3.0
"""Time within which what changes slowly has forgotten all but 1 / e of what it was, s."""


def latents(facts: Autoregressive, seed: Sequence[int], steps: int, *, fps: float, keep: int = 1) -> Array:
    """Latents of one sequence, float32 [steps, frames of a prediction, channels].

    Args:
        facts: The distribution.
        seed: What the generators begin with.
        steps: Predictions.
        fps: Frame rate.
        keep: Frames kept of each prediction.
    """
    shape = steps, facts.target.frames, facts.latent_channels
    z = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    # Generators of their own for what follows, so that the numbers of a frame do not depend on how many frames follow.
    if facts.degrees is not None:  # multivariate Student: one chi-square per frame, see models.flows.priors.StudentT
        chi_square = np.random.default_rng([*seed, 1]).chisquare(facts.degrees, (*shape[:2], 1))
        z *= np.sqrt(facts.degrees / chi_square).astype(np.float32)
    if facts.drift:
        slow = wandering((steps, facts.latent_channels), keep / fps / DRIFT_SECONDS, np.random.default_rng([*seed, 3]))
        z = math.sqrt(1.0 - facts.drift) * z + math.sqrt(facts.drift) * slow[:, None]
        z = z.astype(np.float32)
    return z if facts.truncate is None else truncated(z, facts.truncate, np.random.default_rng([*seed, 2]))


def wandering(shape: tuple[int, int], step: float, random: np.random.Generator) -> Array:
    """Standard normal numbers [steps, channels] of which each goes on from the one before (an Ornstein-Uhlenbeck process).

    Args:
        shape: Of the result.
        step: Time from one to the next, in units of that within which they forget.
        random: Source of randomness.
    """
    wander = random.standard_normal(shape)
    keeps = math.exp(-step)
    for k in range(1, len(wander)):
        wander[k] = keeps * wander[k - 1] + math.sqrt(1.0 - keeps * keeps) * wander[k]
    return wander


def truncated(z: Array, most: float, random: np.random.Generator) -> Array:
    """Gaussian numbers of which those beyond `most` deviations are drawn again until none is, in place."""
    while (beyond := np.abs(z) > most).any():
        z[beyond] = random.standard_normal(np.count_nonzero(beyond), dtype=np.float32)
    return z
