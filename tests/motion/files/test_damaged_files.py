"""Damaged motion files of every format: read, or refused in one line, within memory that the size of the file justifies."""

from __future__ import annotations

import functools
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from acclaim_text import amc, asf, some_values

from farandole.errors import FarandoleError
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion, save_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

FORMATS = ("bvh", "glb", "gltf", "vrma", "npz", "smpl.npz", "pkl", "amc", "asf")
MEMORY = 64 << 20
"""What reading any file may take, and beyond that so many times its size."""
TIMES = 120
TOKENS = [
    b"-1",
    b"0",
    b"1e308",
    b"nan",
    b"-inf",
    b"99999999999999999999",
    b"4294967295",
    b"1.5.5",
    b"{",
    b"[" * 3000,
    b'""',
    b"null",
    b"\xff\xfe",
]


def moving(frames: int) -> Motion:
    random = np.random.default_rng(0)
    turns = rot.from_rotvec(random.normal(size=(frames, 21, 3)) * 0.2)
    return Motion(house_skeleton(), turns, random.normal(size=(frames, 3)), 30.0)


@functools.cache
def intact(kind: str, folder: Path) -> bytes:
    if kind == "asf":
        return asf().encode()
    if kind == "amc":
        return amc(some_values()).encode()
    return save_motion(moving(8), folder / f"intact.{kind}", force=True).read_bytes()


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A few mutations: bytes changed, bits flipped, parts cut out, doubled or zeroed, numbers replaced, the end cut off."""
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(0, max(len(data), 1)))
        # Headers and structure are near the ends: half of the damage is done there.
        if random.random() < 0.5:
            at = at % 3000 if random.random() < 0.7 else max(0, len(data) - 1 - at % 600)
        at = min(at, max(len(data) - 1, 0))
        size = int(random.integers(1, 40))
        what = int(random.integers(0, 8))
        if what == 0:
            data = data[:at] + random.bytes(size) + data[at + size :]
        elif what == 1 and data:
            data = data[:at] + bytes([data[at] ^ (1 << int(random.integers(0, 8)))]) + data[at + 1 :]
        elif what == 2:
            data = data[:at] + data[at + size :]
        elif what == 3:
            data = data[: at + size] + data[at:]
        elif what == 4:
            data = data[:at] + bytes(size) + data[at + size :]
        elif what == 5:
            data = data[:at]
        elif what == 6:
            data = data[:at] + b"\xff" * 4 + data[at + 4 :]
        else:  # the next run of digits becomes another token
            start = next((i for i in range(at, min(at + 200, len(data))) if 48 <= data[i] <= 57), at)
            stop = next((i for i in range(start, min(start + 30, len(data))) if not 48 <= data[i] <= 57), start)
            data = data[:start] + TOKENS[int(random.integers(0, len(TOKENS)))] + data[stop:]
    return data


def assert_read_or_refused(kind: str, seed: int, folder: Path) -> bool:
    """Whether the damaged file is read."""
    data = damaged(intact(kind, folder), np.random.default_rng([seed, FORMATS.index(kind)]))
    if kind in ("amc", "asf"):
        (folder / "x.amc").write_bytes(data if kind == "amc" else intact("amc", folder))
        (folder / "x.asf").write_bytes(data if kind == "asf" else intact("asf", folder))
        path = folder / "x.amc"
    else:
        path = folder / f"x.{kind}"
        path.write_bytes(data)
    said = ""
    tracemalloc.start()
    try:
        load_motion(path)
    except FarandoleError as error:
        said = str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MEMORY + TIMES * len(data), f"{kind} {seed}: {peak >> 20} MiB"
    assert "\n" not in said
    assert len(said) < 600
    return not said


def run(kind: str, seeds: range, folder: Path) -> None:
    outcomes = [assert_read_or_refused(kind, seed, folder) for seed in seeds]
    assert not all(outcomes)  # some damage must have been found


COUNT: Callable[[int], int] = lambda whole: -(-whole // len(FORMATS))  # noqa: E731


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", FORMATS)
def test_three_hundred_damaged_files(kind: str, tmp_path: Path) -> None:
    run(kind, range(COUNT(300)), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", FORMATS)
def test_ten_thousand_damaged_files(kind: str, tmp_path: Path) -> None:
    run(kind, range(1000, 1000 + COUNT(10_000)), tmp_path)


@pytest.mark.parametrize("count", ["³", "٣٣", "9" * 5000, "+-5", "1_0"])
@pytest.mark.parametrize("place", ["CHANNELS 6", "Frames: 8"])
def test_counts_that_only_look_like_numbers(count: str, place: str, tmp_path: Path) -> None:
    text = intact("bvh", tmp_path).decode()
    word = place.split()[0]
    (tmp_path / "x.bvh").write_text(text.replace(place, f"{word} {count}", 1), encoding="utf-8")
    with pytest.raises(FarandoleError):
        load_motion(tmp_path / "x.bvh")


@pytest.mark.parametrize("count", ["³", "9" * 5000, "+-5"])
def test_frame_numbers_that_only_look_like_numbers(count: str, tmp_path: Path) -> None:
    (tmp_path / "x.asf").write_bytes(intact("asf", tmp_path))
    (tmp_path / "x.amc").write_text(
        intact("amc", tmp_path).decode().replace("\n1\n", f"\n{count}\n", 1), encoding="utf-8"
    )
    with pytest.raises(FarandoleError):
        load_motion(tmp_path / "x.amc")
