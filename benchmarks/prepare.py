"""How fast recordings become features: BVH to expmap_cr, and hours of paired recordings per minute.

    python benchmarks/prepare.py [FILE.bvh] [--rounds 5] [--seconds 60] [--pairs 8] [--workers 1]

Without a file a walk is made on the spot.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from farandole.data.corpus import Wanted, prepare_corpus
from farandole.data.importers import find_pairs
from farandole.data.songs import compose
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.bvh import read_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion


def walk(seconds: float, fps: float = 60.0, seed: int = 0) -> Motion:
    """A body that sways along a circle."""
    body, random = house_skeleton(), np.random.default_rng(seed)
    t = np.arange(round(seconds * fps)) / fps
    swing = random.normal(size=(len(body), 3)) * 0.3
    local = rot.from_rotvec(swing * np.sin(3 * t[:, None, None] + random.uniform(0, 6, (len(body), 1))))
    local[:, 0] = rot.multiply(rot.from_yaw(0.5 * t), local[:, 0])
    path = np.stack((2 * np.sin(0.5 * t), 0.9 + 0.03 * np.sin(6 * t), 2 * np.cos(0.5 * t)), axis=1)
    return Motion(body, local, path, fps, name="walk")


def ours(path: Path, fps: float) -> np.ndarray:
    """BVH to expmap_cr."""
    motion = codecs.every_nth(read_bvh(path, scale=0.01), fps)
    return codecs.codec("expmap_cr", motion).encode(motion)


def timed(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Best and median time, s."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times), statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of what is made here")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--motion", default="expmap_cr")
    parser.add_argument("--music", default="transflower")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = told.file or Path(walk(told.seconds).save(Path(folder) / "walk.bvh"))
        motion = read_bvh(path)
        ratio = next(n for n in range(max(1, round(motion.fps / 20)), 0, -1) if abs(motion.fps / n % 1) < 1e-6)
        fps = motion.fps / ratio
        best, median = timed(lambda: ours(path, fps), told.rounds)
        print(f"BVH -> expmap_cr, {path.name}: {len(motion)} frames at {motion.fps:g} fps to {fps:g} fps")
        print(
            f"  farandole  best {best * 1e3:8.1f} ms, median {median * 1e3:8.1f} ms, {len(motion) / best:,.0f} frames/s"
        )
        pairs = Path(folder) / "pairs"
        pairs.mkdir()
        for n in range(told.pairs):
            walk(told.seconds, seed=n).save(pairs / f"pair{n}.bvh")
            song = compose(100.0 + 5 * n, told.seconds, genre="pop", seed=n)
            soundfile.write(pairs / f"pair{n}.wav", song.samples, song.sample_rate)
        wanted = Wanted((told.motion,), (told.music,), fps=20.0)
        start = time.perf_counter()
        prepare_corpus(find_pairs(pairs).sources, Path(folder) / "data", wanted, workers=told.workers)
        seconds = time.perf_counter() - start
    hours = told.pairs * told.seconds / 3600
    print(
        f"prepare folder, {told.motion} + {told.music}: {told.pairs} pairs of {told.seconds:g} s, {told.workers} workers"
    )
    print(f"  {seconds:.1f} s, {hours / (seconds / 60):.2f} hours of recordings per minute")


if __name__ == "__main__":
    main()
