"""What `farandole dance` costs as a whole process: wall time, peak memory, speed of generation, for a short and a long song.

    python benchmarks/dance.py [--runs 3] [--seconds 60 600]

Songs are composed on the spot. Each run is a new process, as a user starts it; the median run is given.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """One run: wall time s, CPU time s, peak resident memory MB, seconds of dance per second of generation."""

    wall: float
    cpu: float
    memory: float
    speed: float


def run(words: list[str]) -> Cost:
    """Run `farandole ...` as a process and measure it."""
    begun = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "farandole", *words], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"farandole {' '.join(words)} failed with status {os.waitstatus_to_exitcode(status)}")
    unit = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kilobytes here
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, json.loads(out)["times_real_time"])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="processes per song")
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 600], help="lengths of the songs, s")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.runs} runs each, median; formats bvh,html")
    print(f"{'song, s':>8} {'wall, s':>8} {'CPU, s':>8} {'peak, MB':>9} {'generation, x real time':>24}")
    with tempfile.TemporaryDirectory() as folder:
        for seconds in options.seconds:
            song = Path(folder) / f"{seconds:g}.flac"
            compose = ["compose", "-o", str(song), "--seconds", str(seconds), "--quiet"]
            subprocess.run([sys.executable, "-m", "farandole", *compose], check=True, stdout=subprocess.DEVNULL)
            costs = [
                run(["dance", str(song), "-o", folder, "--force", "--json", "--quiet"]) for _ in range(options.runs)
            ]
            median = lambda name: statistics.median(getattr(c, name) for c in costs)  # noqa: B023, E731
            print(
                f"{seconds:8g} {median('wall'):8.2f} {median('cpu'):8.2f} {median('memory'):9.0f} {median('speed'):24.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
