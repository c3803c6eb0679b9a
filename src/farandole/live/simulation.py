"""A live dance on a simulated clock: blocks in their order, nothing heard ahead, as fast as it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from farandole.live.stats import LiveStats

if TYPE_CHECKING:
    from farandole.live.live import Live
    from farandole.live.outputs.output import Output
    from farandole.motion.rotations import Array

_SILENT = 1e-4


def simulate(
    live: Live,
    blocks: Iterable[Array],
    outputs: Sequence[Output],
    stats: LiveStats,
    *,
    seconds: float | None = None,
) -> None:
    """Dance to blocks of sound as if they came one after the other in real time.

    Args:
        live: The dancer.
        blocks: Float [n] or [n, channels].
        outputs: Get every frame.
        stats: Are counted.
        seconds: End after that much sound, s; None: with the last block.
    """
    samples = 0
    stats.begin()
    for block in blocks:
        if np.abs(block).max(initial=0.0) > _SILENT:
            stats.sound(samples / live.sample_rate)
        for frame in live.push(block):
            for output in outputs:
                output.send(frame)
            stats.frame(frame)
        samples += len(block)
        if seconds is not None and samples >= seconds * live.sample_rate:
            break
