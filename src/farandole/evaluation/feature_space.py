"""Where windows of dances lie beside those of real takes: distance and spread of one dance in a few principal directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.evaluation.metrics.frechet_distance import Moments, frechet_between
from farandole.evaluation.metrics.window_features import WINDOW, WindowFeatures
from farandole.motion.rotations import Array

DIMENSIONS = 8
"""Principal directions that are kept: a dance of a minute has 23 windows, too few for a covariance of 72 numbers."""

SMALLEST_DEVIATION = {"kinetic": 0.1, "geometric": 0.02}
"""Features that vary less among real windows are divided by this: a tenth in log energy, 2 % of a window's frames."""

FARTHEST = 1e3
"""Coordinates are cut at this many deviations, so that a body that flies away has a large distance and not an infinite one."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Standardised principal coordinates of one kind of features.

    Attributes:
        mean: Of the real windows, [D].
        scale: Deviations of the real windows, [D].
        axes: Orthonormal principal directions, [D, K].
        moments: Mean and covariance of the real windows in those coordinates.
    """

    mean: Array
    scale: Array
    axes: Array
    moments: Moments

    @classmethod
    def of(cls, real: Array, smallest: float) -> Projection:
        """Fit to real windows [W >= 2, D]."""
        mean, scale = real.mean(axis=0), np.maximum(real.std(axis=0), smallest)
        standard = (real - mean) / scale
        _, _, directions = np.linalg.svd(standard, full_matrices=False)
        axes = directions[: min(DIMENSIONS, len(real) - 1)].T
        return cls(mean, scale, axes, Moments.of(standard @ axes))

    def coordinates(self, features: Array) -> Array:
        """Coordinates of windows [W, D], [W, K]."""
        standard = (np.nan_to_num(features, nan=FARTHEST) - self.mean) / self.scale
        return np.clip(standard, -FARTHEST, FARTHEST) @ self.axes

    def distance(self, features: Array) -> float:
        """Frechet distance of windows [W, D] from the real ones; NaN for fewer than two windows."""
        if len(features) < 2:
            return float("nan")
        return max(0.0, frechet_between(self.moments, Moments.of(self.coordinates(features))))


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Kinetic and geometric coordinates of windows, fitted to real ones."""

    kinetic: Projection
    geometric: Projection

    @classmethod
    def of(cls, real: WindowFeatures) -> FeatureSpace:
        """Fit to real windows, at least two."""
        return cls(
            Projection.of(real.kinetic, SMALLEST_DEVIATION["kinetic"]),
            Projection.of(real.geometric, SMALLEST_DEVIATION["geometric"]),
        )

    def coordinates(self, windows: WindowFeatures) -> Array:
        """Kinetic and geometric coordinates side by side, [W, K]."""
        parts = (self.kinetic.coordinates(windows.kinetic), self.geometric.coordinates(windows.geometric))
        return np.concatenate(parts, axis=1)

    def numbers(self, windows: WindowFeatures, hop: float) -> dict[str, float]:
        """Figures of one dance's windows, which begin every `hop` s: `frechet_kinetic`, `frechet_geometric`, `diversity`.

        Diversity is the mean distance between windows of the dance that do not overlap, NaN where there are none.
        """
        apart = max(1, round(WINDOW / hop))
        x = self.coordinates(windows)
        pairs = [np.linalg.norm(x[k:] - x[:-k], axis=1) for k in range(apart, len(x))]
        return {
            "frechet_kinetic": self.kinetic.distance(windows.kinetic),
            "frechet_geometric": self.geometric.distance(windows.geometric),
            "diversity": float(np.concatenate(pairs).mean()) if pairs else float("nan"),
        }
