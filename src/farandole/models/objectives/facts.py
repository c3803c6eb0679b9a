"""What data tell an objective beside their batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from farandole.motion.dance_codec import DanceCodec
    from farandole.motion.skeleton import Skeleton


@dataclass(frozen=True)
class DataFacts:
    """What data tell beside their batches; an objective takes what it needs.

    Attributes:
        fps: Frame rate.
        skeleton: The body; None for features that are no motion.
        codec: Of the motion feature (kind dance).
        canonical: Whether windows stand at the origin (kind masked).
        mean, std: Scale of the motion feature, [D] float32 (kind dance).
        feet: Foot joints (kind gaps).
        deviation: Spread of joints along the floor and in height, [J, 2] m (kind gaps).
    """

    fps: float
    skeleton: Skeleton | None
    codec: DanceCodec | None = None
    canonical: bool = True
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    std: np.ndarray = field(default_factory=lambda: np.ones(0, np.float32))
    feet: tuple[int, ...] = ()
    deviation: np.ndarray = field(default_factory=lambda: np.ones((0, 2)))
