"""Faster CPU kernels for the plain layers of `models`: the same weights, names and results, less time.

Everything here is optional: the layers work without it, and deleting this folder leaves a working package. Private operators of
torch are used, so `farandole.models.acceleration`, the only module that imports this one, asks `tested` first.
"""

from __future__ import annotations

import re

from farandole.models.kernels.class_swap import enable
from farandole.models.kernels.moglow_sampler import sequence_sampler
from farandole.models.kernels.sampling import prepare

__all__ = ["TESTED", "enable", "prepare", "sequence_sampler", "tested"]

TESTED = ((2, 13), (2, 14))
"""From this version of torch up to, not including, that one."""


def tested(version: str) -> bool:
    """Whether the kernels were tested with a version of torch, e.g. "2.13.0+cpu"."""
    parts = re.match(r"(\d+)\.(\d+)", version)
    return parts is not None and TESTED[0] <= (int(parts[1]), int(parts[2])) < TESTED[1]
