"""Hours of live dance on the simulated clock: songs without a gap, clipping, drop-outs, broken samples, silence.

    python benchmarks/live_soak.py [--hours 4] [--fps 30] [--rate 22050] [--seed 1] [-o FILE]

A line of JSON for every ten minutes of sound (--report): memory now and at its peak, CPU per frame, how far the danced count is
from the true beats (median, ms, from 8 s after a song began), greatest acceleration of the hips, values that are no numbers, and
how far the time of the last frame is from the sound. Every hour holds five minutes of silence, in which the dancer must stand.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from live_beats import count_error

from farandole.data.starter.songs import compose
from farandole.live import Live
from farandole.live.stats import Histogram, peak_megabytes

SONGS = (
    ("house", 124.0),
    ("salsa", 186.0),
    ("hiphop", 92.0),
    ("pop", 104.0),
    ("rock", 152.0),
    ("pop", 208.0),
    ("funk", 76.0),
)
STYLES = ("auto", "salsa", "modern", "auto", "street", "slow", "party")
SECONDS = 75.0
SILENCE = 300.0
SETTLED = 8.0


def memory_now() -> float:
    """Megabytes in use; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * 4096 / 2**20


def sounds(rate: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Samples and beat times of each song."""
    songs = []
    for number, (genre, bpm) in enumerate(SONGS):
        song = compose(bpm, SECONDS, genre=genre, seed=900 + number)
        mono = np.asarray(song.samples, np.float32)
        mono = mono.mean(axis=1) if mono.ndim == 2 else mono
        at = np.arange(int(SECONDS * rate)) * (song.sample_rate / rate)
        songs.append((np.interp(at, np.arange(len(mono)), mono).astype(np.float32), song.beat_times))
    return songs


def changed(samples: np.ndarray, kind: int, random: np.random.Generator) -> np.ndarray:
    """As it is; clipped; with drop-outs; with values that are no numbers; very soft."""
    samples = samples.copy()
    if kind == 1:
        return np.clip(20.0 * samples, -1.0, 1.0)
    if kind == 2:
        for at in random.integers(0, len(samples), 20):
            samples[at : at + 3000] = 0.0
    elif kind == 3:
        samples[random.integers(0, len(samples), 50)] = np.nan
        samples[random.integers(0, len(samples), 50)] = np.inf
    elif kind == 4:
        samples *= 0.03
    return samples


class Interval:
    """What is measured from one line to the next."""

    def __init__(self) -> None:
        self.cpu, self.off = Histogram(), []
        self.frames = self.broken = self.dancing = 0
        self.acceleration = 0.0

    def line(self, minutes: float, sound_s: float, frame_s: float) -> dict[str, float | None]:
        """Plain values."""
        return {
            "minutes": round(minutes, 1),
            "mb_now": round(memory_now(), 1),
            "mb_peak": round(peak_megabytes() or 0.0, 1),
            "cpu_ms_mean": round(self.cpu.mean or 0.0, 2),
            "cpu_ms_p99": round(self.cpu.percentile(99) or 0.0, 2),
            "count_off_ms": round(1e3 * float(np.median(self.off)), 1) if self.off else None,
            "dancing": round(self.dancing / max(self.frames, 1), 3),
            "acceleration": round(self.acceleration, 1),
            "not_numbers": self.broken,
            "behind_ms": round(1e3 * (sound_s - frame_s), 1),
        }


def main() -> None:
    """Dance and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=22050)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=float, default=600.0, help="seconds of sound between two lines")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    rate, random = options.rate, np.random.default_rng(options.seed)
    live, songs = Live(rate, fps=options.fps, seed=options.seed), sounds(rate)
    lines, interval, pushed, last, number = [], Interval(), 0, 0.0, 0
    before: list[np.ndarray] = []
    next_report, next_silence = options.report, 600.0
    used, begun = time.process_time(), time.monotonic()
    while pushed < options.hours * 3600 * rate:
        if pushed / rate >= next_silence:
            samples, beats, next_silence = np.zeros(int(SILENCE * rate), np.float32), None, next_silence + 3600.0
        else:
            samples, beats = songs[number % len(songs)]
            samples = changed(samples, number % 5, random)
            live.change(style=STYLES[number % len(STYLES)], seed=number, energy=float(random.uniform(0.6, 1.6)))
            number += 1
        start, tracked = pushed / rate, []
        for at in range(0, len(samples), 512):
            frames = live.push(samples[at : at + 512])
            pushed += len(samples[at : at + 512])
            for frame in frames:
                now = time.process_time()
                interval.cpu.add(1e3 * (now - used))
                used = now
                interval.frames += 1
                interval.dancing += not frame.standing
                interval.broken += not (np.isfinite(frame.rotations).all() and np.isfinite(frame.root).all())
                before = [*before[-2:], frame.root]
                if len(before) == 3:
                    step = before[2] - 2 * before[1] + before[0]
                    interval.acceleration = max(interval.acceleration, float(np.linalg.norm(step)) * options.fps**2)
                last, within = frame.time, frame.time - start
                if beats is not None and within > SETTLED and within < beats[-1]:
                    tracked.append((frame.count, np.interp(within, beats, np.arange(len(beats)))))
        if len(tracked) > 2 and beats is not None:
            off = count_error(*np.array(tracked).T)
            interval.off += (np.abs(off) * float(np.median(np.diff(beats)))).tolist()
        if pushed / rate >= next_report:
            lines.append(
                {**interval.line(pushed / rate / 60, pushed / rate, last), "wall_s": round(time.monotonic() - begun)}
            )
            print(json.dumps(lines[-1]), flush=True)
            interval, next_report = Interval(), next_report + options.report
    if options.out:
        options.out.write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
