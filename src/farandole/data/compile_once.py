"""Compiling what music features are computed with, once and before work is shared out.

librosa's inner loops are compiled by numba when they are first called, and kept in a cache on disk that is not safe against two
processes that fill it at once: its index then names machine code of another signature, and every later run dies of it. So a process
that computes features for the first time does so alone, on a moment of noise, while others wait.
"""

from __future__ import annotations

import getpass
import os
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from farandole.parallel.records import lock

SECONDS = 4.0
"""Length of the sound: enough for every feature to run through."""
PLAIN = {"mel", "beats", "bands", "onsets"}
"""Features that are computed with numpy and scipy alone."""
_compiled: set[tuple[str, float]] = set()  # by this process, or by the one it was forked from


def compile_music(names: Iterable[str], fps: float) -> None:
    """Compute music features of a few seconds of noise, unless this process has done so.

    Args:
        names: Music features.
        fps: Their frame rate.

    Raises:
        MissingExtraError: If a feature needs packages that are not installed.
    """
    compiled = [name for name in names if not PLAIN.issuperset(name.split("+"))]
    missing = [name for name in compiled if (name, fps) not in _compiled]
    if not missing:
        return
    from farandole.music.features import features
    from farandole.music.song import Song

    noise = np.random.default_rng(0).normal(scale=0.1, size=round(SECONDS * 22050))
    beats = np.exp(-np.arange(len(noise)) / 22050 % 0.5 * 20)
    song = Song.from_samples((noise * beats).astype(np.float32), 22050, name="noise")
    with _alone():
        for name in missing:
            features(song, name, fps)
            _compiled.add((name, fps))


@contextmanager
def _alone() -> Iterator[None]:
    """Whatever process with the same cache is in here, others wait."""
    cache = zlib.crc32(f"{getpass.getuser()} {sys.prefix} {os.environ.get('NUMBA_CACHE_DIR', '')}".encode())
    path = Path(tempfile.gettempdir()) / f"farandole-compile-{cache:08x}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(file, wait=True)
        yield
    finally:
        os.close(file)  # the system lets go of the lock
