"""How this process deals with the system's memory."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from threading import Event

# of glibc's malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_KEPT = 32 * 2**20  # bytes: more than the arrays of some minutes of motion take
_GROWTH = 64 * 2**20  # bytes asked of the system at a time
_ALL_IS_KEPT = Event()


def keep_freed_memory() -> None:
    """Let this process use freed memory again instead of giving it back at once; for work on many arrays of some MB.

    By default glibc returns blocks of more than 128 kB to the system as soon as they are freed, and the next array pays for every
    page of it anew: half the time of reading a motion file. Does nothing where there is no glibc, and where all is kept already.
    """
    if _ALL_IS_KEPT.is_set():
        return
    _tell_malloc({_MMAP_THRESHOLD: _KEPT, _TRIM_THRESHOLD: 2 * _KEPT})


def keep_all_freed_memory() -> None:
    """The same for a process that trains: nothing that was ever needed is given back, whatever its size.

    Every step needs the same GB again, and fetching them page by page took a third of a step of a large model. Does nothing where
    there is no glibc.
    """
    _ALL_IS_KEPT.set()
    _tell_malloc({_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: _GROWTH})


def give_back_freed_memory() -> None:
    """Return to the system what is free now; after work that needed much more than what comes. Does nothing without glibc."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@cache
def _mallopt() -> Callable[[int, int], int] | None:
    return getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None


def _tell_malloc(options: dict[int, int]) -> None:
    mallopt = _mallopt()
    if mallopt is not None:
        for option, value in options.items():
            mallopt(option, value)
