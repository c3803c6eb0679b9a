"""How this process deals with the system's memory."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM, _MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
_KEPT = 32 * 2**20  # bytes: more than the arrays of some minutes of motion take


@cache
def keep_freed_memory() -> None:
    """Let this process use freed memory again instead of giving it back at once; for work on many arrays of some MB.

    By default glibc returns blocks of more than 128 kB to the system as soon as they are freed, and the next array pays for every
    page of it anew: half the time of reading a motion file. Does nothing where there is no glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP, _KEPT)
        mallopt(_TRIM, 2 * _KEPT)
