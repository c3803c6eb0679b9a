"""What `farandole dance FOLDER` costs with one worker and with more, and what it does when it is killed.

    python benchmarks/many_songs.py [--songs 20] [--broken 0] [--seconds 20] [--workers 1 2] [--rounds 3] [--kill]

Songs are composed on the spot; some files may be broken: cut in the middle, no sound at all, or noise that calls itself an mp3.
On a machine with other work, wall times say little: CPU time over the number of workers is the wall time of an idle one, as far
as the work is shared out evenly. With --kill one more run, with the most workers, is killed (SIGKILL, all its processes) when a
third of the songs are done and then called again: its files are compared with those of an undisturbed run, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from farandole.data.starter.songs import compose, genres


def command(songs: Path, out: Path, workers: int) -> list[str]:
    """The words of a run."""
    words = ["dance", str(songs), "-o", str(out), "--workers", str(workers), "--json", "--quiet"]
    return [sys.executable, "-m", "farandole", *words]


def run(songs: Path, out: Path, workers: int) -> dict[str, float]:
    """One run as a process of its own; its figures with CPU time, workers included, and its exit code."""
    before = os.times()
    done = subprocess.run(command(songs, out, workers), check=False, stdout=subprocess.PIPE, text=True)
    after = os.times()
    told = json.loads(done.stdout)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    problems = [song for song in told["songs"] if song.get("problem")]
    return {
        "wall": told["wall_seconds"],
        "cpu": cpu,
        "memory": told["worker_peak_mb"] or 0.0,
        "exit code": done.returncode,
        "danced": len(told["songs"]) - len(problems),
        "named as bad": len(problems),
    }


def make_songs(folder: Path, count: int, broken: int, seconds: float) -> None:
    """Songs of all genres, and files that are none."""
    kinds = genres()
    for number in range(count - broken):
        made = compose(80 + (7 * number) % 80, seconds + number % 10, genre=kinds[number % len(kinds)], seed=number)
        soundfile.write(folder / f"{number:03}.flac", made.samples, made.sample_rate)
    for number in range(broken):
        data = ((folder / "000.flac").read_bytes()[:20000], b"", random.Random(number).randbytes(50000))[number % 3]
        (folder / f"bad{number}{('.flac', '.wav', '.mp3')[number % 3]}").write_bytes(data)


def killed_and_resumed(songs: Path, out: Path, workers: int, count: int) -> tuple[int, dict[str, float]]:
    """Kill a run when a third of the songs are done; songs done by then, and the figures of the run that goes on."""
    child = subprocess.Popen(command(songs, out, workers), stdout=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None and len(list(out.glob("*.bvh"))) < count // 3:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    return len(list(out.glob("*.bvh"))), run(songs, out, workers)


def digests(out: Path) -> dict[str, str]:
    """Hash of every file of a run."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*")) if p.is_file()}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=20, help="files in all")
    parser.add_argument("--broken", type=int, default=0, help="how many of them are no songs")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="length of the shortest song, s; others up to 9 s more"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kill", action="store_true", help="kill a run at a third and go on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        songs = Path(place) / "songs"
        songs.mkdir()
        make_songs(songs, options.songs, options.broken, options.seconds)
        found: dict[int, list[dict[str, float]]] = {workers: [] for workers in options.workers}
        for turn in range(options.rounds):
            for workers in options.workers:  # by turns: the machine's other work drifts
                found[workers].append(run(songs, Path(place) / f"{turn} {workers}", workers))
        print(f"{os.cpu_count()} cores, {options.songs} songs of {options.seconds:g} s, median of {options.rounds}")
        heads = f"{'CPU / workers':>14} {'MB a worker':>12} {'danced':>7} {'bad':>4} {'exit':>5}"
        print(f"{'workers':>8} {'wall, s':>8} {'CPU, s':>7} {heads}")
        for workers, runs in found.items():
            wall, cpu, memory = (statistics.median(one[name] for one in runs) for name in ("wall", "cpu", "memory"))
            danced, bad, code = (runs[0][name] for name in ("danced", "named as bad", "exit code"))
            print(
                f"{workers:8} {wall:8.1f} {cpu:7.2f} {cpu / workers:14.2f} {memory:12.0f} {danced:7} {bad:4} {code:5}",
                flush=True,
            )
        if options.kill:
            most = max(options.workers)
            done, rest = killed_and_resumed(songs, Path(place) / "killed", most, options.songs)
            same = digests(Path(place) / "killed") == digests(Path(place) / f"0 {most}")
            print(
                f"killed with {done} of {options.songs} done; the rest took {rest['wall']:.1f} s of wall, {rest['cpu']:.2f} s of "
                f"CPU time, exit code {rest['exit code']}; files {'the same' if same else 'NOT the same'}, byte for byte"
            )


if __name__ == "__main__":
    main()
