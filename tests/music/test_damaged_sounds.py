"""Damaged sound files of every kind: heard, or refused in one line, within memory and time that the size of the file justifies."""

from __future__ import annotations

import functools
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sounds import CONTAINERS, clicks, write_sound

from farandole.errors import AudioError
from farandole.music.song import load_song

KINDS = tuple(CONTAINERS)
SECONDS, RATE = 4.0, 48000
MEMORY, TIMES = 48 << 20, 60
"""What reading any file may take, and beyond that so many times its size."""
LONGEST = 60.0
"""Seconds of processor time that no file of this size may take."""


@functools.cache
def intact(kind: str, folder: Path) -> bytes:
    sound = clicks(np.arange(0.5, SECONDS - 0.1, 0.5), SECONDS, RATE)
    return write_sound(folder / f"intact{kind}", sound, RATE, video=kind == ".mp4").read_bytes()


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A few mutations: bytes changed, flipped, cut out, doubled or zeroed, sizes made huge, the end cut off."""
    for _ in range(int(random.integers(1, 5))):
        at = int(random.integers(0, max(len(data), 1)))
        if random.random() < 0.5:  # headers are at the beginning, and in mp4 at the end
            at = at % 400 if random.random() < 0.7 else max(0, len(data) - 1 - at % 2000)
        size = int(random.integers(1, 200))
        what = int(random.integers(0, 7))
        if what == 0:
            data = data[:at] + random.bytes(size) + data[at + size :]
        elif what == 1 and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << int(random.integers(0, 8)))]) + data[at + 1 :]
        elif what == 2:
            data = data[:at] + data[at + size :]
        elif what == 3:
            data = data[: at + size] + data[at:]
        elif what == 4:
            data = data[:at] + bytes(size) + data[at + size :]
        elif what == 5:
            data = data[:at]
        else:
            data = data[:at] + b"\xff" * 4 + data[at + 4 :]
    return data


def assert_heard_or_refused(kind: str, seed: int, folder: Path) -> bool:
    """Whether the damaged file is heard."""
    path = folder / f"x{kind}"
    data = damaged(intact(kind, folder), np.random.default_rng([seed, KINDS.index(kind)]))
    path.write_bytes(data)
    said, begun = "", time.process_time()
    tracemalloc.start()
    try:
        song = load_song(path)
        assert np.isfinite(song.beats.times).all()
        assert np.isfinite(song.frames.power).all()
    except AudioError as error:
        said = str(error)
        assert str(path) in said
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MEMORY + TIMES * len(data), f"{kind} {seed}: {peak >> 20} MiB"
    assert time.process_time() - begun < LONGEST
    assert "\n" not in said
    assert len(said) < 600
    return not said


def run(kind: str, seeds: range, folder: Path) -> None:
    outcomes = [assert_heard_or_refused(kind, seed, folder) for seed in seeds]
    assert len(seeds) < 50 or not all(outcomes)  # some damage must have been found


COUNT: Callable[[int], int] = lambda whole: -(-whole // len(KINDS))  # noqa: E731


@pytest.mark.parametrize("kind", KINDS)
def test_forty_damaged_songs(kind: str, tmp_path: Path) -> None:
    run(kind, range(COUNT(40)), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damaged_songs(kind: str, tmp_path: Path) -> None:
    run(kind, range(1000, 1000 + COUNT(1000)), tmp_path)
