"""Parallel `prepare` in fresh numba caches: how many runs end well, and whether their caches can be used afterwards.

    python benchmarks/prepare_caches.py --runs 20

Two workers that compile the same function at once used to write a cache that killed every later run (a segmentation fault). Each
run here gets an empty cache and prepares recordings with two workers, then the same command once more with that cache. Prints
a line per run, and the count at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from farandole.data.starter.groove.dancer import steady_groove


def recordings(folder: Path, seconds: float, count: int) -> Path:
    """Made dances with beeps on their beats."""
    folder.mkdir(parents=True)
    t = np.arange(round(seconds * 22050)) / 22050
    for n in range(count):
        steady_groove(100.0 + n, seconds, seed=n).save(folder / f"take_{n}.bvh")
        phase = t % (60 / (100.0 + n))
        soundfile.write(folder / f"take_{n}.wav", 0.5 * np.sin(2764 * t) * np.exp(-20 * phase), 22050)
    return folder


def prepare(source: Path, data: Path, cache: Path, music: str, workers: int) -> int:
    """Exit code of one run of the command; negative: the signal that ended it."""
    words = [
        "prepare",
        "folder",
        source,
        "-o",
        data,
        "--motion",
        "control",
        "--music",
        music,
        "--workers",
        workers,
        "-q",
    ]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "farandole", *map(str, words)]
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--music", default="aistpp35")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of the recordings")
    options = parser.parse_args()
    well = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = recordings(folder / "source", options.seconds, 2 * options.workers)
        for run in range(1, options.runs + 1):
            cache, begun = folder / f"cache_{run}", time.perf_counter()
            codes = [
                prepare(source, folder / f"data_{run}_{turn}", cache, options.music, options.workers)
                for turn in ("fresh", "again")
            ]
            well += codes == [0, 0]
            entries = len(list(cache.rglob("*.nbi")))
            print(
                f"run {run}: exit codes {codes}, {entries} functions in the cache, {time.perf_counter() - begun:.0f} s"
            )
            sys.stdout.flush()
    print(f"{well} of {options.runs} runs without a fault")
    sys.exit(well != options.runs)


if __name__ == "__main__":
    main()
