"""How fast recordings become features: BVH to expmap_cr beside a frame-by-frame pipeline, hours of recordings per minute, and
peak memory.

    python benchmarks/prepare.py [FILE.bvh] [--rounds 5] [--seconds 60] [--pairs 8] [--workers 2]
    python benchmarks/prepare.py --seconds 5 --pairs 50 500        does memory grow with the corpus?

Without a file a walk is made on the spot.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from yardsticks.frame_by_frame import expmap_cr

from farandole._memory import keep_freed_memory
from farandole.data.corpus import CorpusSettings, prepare_corpus
from farandole.data.importers import find_pairs
from farandole.data.starter.songs import compose
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import read_bvh
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


def ours(path: Path) -> np.ndarray:
    """All frames of a BVH file as expmap_cr."""
    motion = read_bvh(path, scale=0.01)
    return codecs.codec("expmap_cr", motion).encode(motion)


def one_file(path: Path, rounds: int) -> None:
    """BVH to expmap_cr, all frames, beside the yardstick; both take turns. CPU time, reading included."""
    keep_freed_memory()  # as workers do
    text = path.read_text()
    found, wanted = ours(path), expmap_cr(text)
    same = np.abs(found - wanted).max()
    times = np.array(
        [[seconds(lambda: ours(path), 10), seconds(lambda: expmap_cr(text), 1)] for _ in range(rounds)]
    ) / len(found)
    print(
        f"BVH -> expmap_cr, {path.name}: {len(found)} frames, {found.shape[1]} columns; largest difference {same:.1e}"
    )
    for name, column in zip(("farandole", "frame by frame"), times.T, strict=True):
        best, median = 1e3 * column.min(), 1e3 * np.median(column)
        print(f"  {name:15} {best:9.5f} s of CPU time per 1000 frames (median {median:.5f})")
    ratio = times[:, 1] / times[:, 0]
    print(
        f"  frame by frame / farandole: {times[:, 1].min() / times[:, 0].min():.0f} (median of rounds {np.median(ratio):.0f})"
    )


def seconds(call: Callable[[], object], times: int) -> float:
    """CPU time of one call, the best of some, s."""
    best = np.inf
    for _ in range(times):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def make_pairs(folder: Path, count: int, length: float) -> Path:
    """Motions and sounds of the same names; eight are different, the others copies."""
    folder.mkdir(parents=True)
    for n in range(min(count, 8)):
        walk(length, seed=n).save(folder / f"pair{n}.bvh")
        song = compose(100.0 + 5 * n, length, genre="pop", seed=n)
        soundfile.write(folder / f"pair{n}.wav", song.samples, song.sample_rate)
    for n in range(8, count):
        for suffix in (".bvh", ".wav"):
            shutil.copy(folder / f"pair{n % 8}{suffix}", folder / f"pair{n}{suffix}")
    return folder


def prepared(source: Path, wanted: CorpusSettings, workers: int) -> tuple[float, float, float, float]:
    """Wall and CPU time (s), and peak memory (MB) of this process and of its largest worker."""
    import resource

    start = time.perf_counter()
    prepare_corpus(find_pairs(source).sources, source.with_name(f"{source.name}_data"), wanted, workers=workers)
    wall = time.perf_counter() - start
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(told.ru_utime + told.ru_stime for told in (own, others))
    return wall, cpu, own.ru_maxrss / 1024, others.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of what is made here")
    parser.add_argument("--pairs", type=int, nargs="*", default=[8], help="sizes of the corpora that are made here")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--motion", default="expmap_cr")
    parser.add_argument("--music", default="transflower")
    told = parser.parse_args()
    wanted = CorpusSettings((told.motion,), (told.music,), fps=20.0)
    with tempfile.TemporaryDirectory() as folder:
        one_file(told.file or Path(walk(told.seconds).save(Path(folder) / "walk.bvh")), told.rounds)
        print(f"prepare folder, {told.motion} + {told.music}, pairs of {told.seconds:g} s, {told.workers} workers")
        for count in told.pairs:
            source = make_pairs(Path(folder) / f"pairs{count}", count, told.seconds)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
                wall, cpu, own, worker = fresh.submit(prepared, source, wanted, told.workers).result()
            per_minute = count * told.seconds / 3600 / (wall / 60)
            print(f"  {count:5} pairs: {wall:6.1f} s, {cpu:.1f} s of CPU time, {per_minute:5.2f} hours a minute;")
            print(f"        peak memory {worker:.0f} MB in a worker, {own:.0f} MB in the process that hands out tasks")


if __name__ == "__main__":
    main()
