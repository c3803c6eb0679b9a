"""Kinetic and geometric features of short overlapping windows: what a dance is compared with real takes by.

Whole-clip features give one vector per clip, of which a distance needs hundreds. Windows of a few seconds give one take dozens,
so that a single dance has a distance from real dance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.evaluation.metrics.geometric_features import geometric_features
from farandole.evaluation.metrics.kinetic_features import FEATURE_FPS, kinetic_features
from farandole.motion.rotations import Array

WINDOW, HOP = 5.0, 2.5
"""Length of a window and step between windows, s."""

FLOOR = 1e-3
"""Added to energies before their logarithm: (3 cm/s)^2, under which a joint is still."""


@dataclass(frozen=True, eq=False)
class WindowFeatures:
    """Features of W windows.

    Attributes:
        kinetic: Logarithms of the 72 mended kinetic features, [W, 72]: energies are positive and skewed.
        geometric: The 32 geometric features, [W, 32].
    """

    kinetic: Array
    geometric: Array

    def __len__(self) -> int:
        return len(self.kinetic)

    @classmethod
    def empty(cls) -> WindowFeatures:
        """No windows."""
        return cls(np.empty((0, 72)), np.empty((0, 32)))

    @classmethod
    def of(cls, parts: list[WindowFeatures]) -> WindowFeatures:
        """The windows of several clips one after another."""
        parts = [cls.empty(), *parts]
        return cls(np.concatenate([p.kinetic for p in parts]), np.concatenate([p.geometric for p in parts]))


def window_features(joints: Array) -> WindowFeatures:
    """Features of all windows of one clip; a clip shorter than a window counts as one, one under 3 frames as none.

    Args:
        joints: World positions of the 24 SMPL joints at 60 fps, [T, 24, 3] m.
    """
    length = min(round(WINDOW * FEATURE_FPS), len(joints))
    if length < 3:
        return WindowFeatures.empty()
    starts = np.arange(0, len(joints) - length + 1, round(HOP * FEATURE_FPS))
    windows = joints[starts[:, None] + np.arange(length)]
    kinetic = np.log(kinetic_features(windows, variant="fixed") + FLOOR)
    return WindowFeatures(kinetic, geometric_features(windows))
