"""What `farandole dance FOLDER` costs with one worker and with more: wall and CPU time, memory of a worker, by turns.

    python benchmarks/many_songs.py [--songs 20] [--seconds 20] [--workers 1 2] [--rounds 3]

Songs are composed on the spot. On a machine with other work, wall times say little: CPU time over the number of workers is the
wall time of an idle one, as far as the work is shared out evenly.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

from farandole.data.starter.songs import compose


def run(folder: Path, workers: int) -> dict[str, float]:
    """One run as a process of its own; its figures with CPU time, workers included."""
    with tempfile.TemporaryDirectory() as out:
        words = ["dance", str(folder), "-o", f"{out}/dances", "--workers", str(workers), "--json", "--quiet"]
        before = os.times()
        done = subprocess.run(
            [sys.executable, "-m", "farandole", *words], check=True, stdout=subprocess.PIPE, text=True
        )
        after = os.times()
        told = json.loads(done.stdout)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall": told["wall_seconds"], "cpu": cpu, "memory": told["worker_peak_mb"] or 0.0}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each song, s")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.songs):
            made = compose(90 + 3 * number, options.seconds, seed=number)
            soundfile.write(f"{folder}/{number:03}.flac", made.samples, made.sample_rate)
        found = {workers: [] for workers in options.workers}
        for _ in range(options.rounds):
            for workers in options.workers:  # by turns: the machine's other work drifts
                found[workers].append(run(Path(folder), workers))
    print(f"{os.cpu_count()} cores, {options.songs} songs of {options.seconds:g} s, median of {options.rounds}")
    print(f"{'workers':>8} {'wall, s':>8} {'CPU, s':>7} {'CPU / workers':>14} {'MB a worker':>12}")
    for workers, runs in found.items():
        wall, cpu, memory = (statistics.median(one[name] for one in runs) for name in ("wall", "cpu", "memory"))
        print(f"{workers:8} {wall:8.1f} {cpu:7.2f} {cpu / workers:14.2f} {memory:12.0f}")


if __name__ == "__main__":
    main()
