"""How far a live dance is from the beat, and where that comes from: heard against true beats, live against offline, and real takes.

    python benchmarks/live_beats.py [--seconds 60] [--seed 1] [--style auto ...] [--modes heard ...] [--salsa FOLDER]

Composed songs, whose beats are known. A plant is the moment a foot comes to rest (its ball slower than 0.25 m/s after more than
0.5), an accent the moment the body moves least (motion beats of the beat alignment score). Printed per dance: mean distance to
the nearest beat and to the nearest beat or half beat, ms; what chance would give; how late they are in the mean of the circle, ms;
and how long that mean arrow is (0 no relation to the beat, 1 always at the same place). Frames before the lock are left out.

Modes: heard (simulated clock), jitter (the same, with a sound card 200 ppm fast whose blocks of any length come up to 4 ms late,
and frames asked for up to 5 ms late), real (a clock on the wall: takes as long as the songs; what the machine could not do in
time is left out, as for every viewer), oracle (true beats are told instead of heard), offline (`farandole dance`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from farandole.data.starter.salsa import HELD_OUT_TAKES, LEAD_IN, SOURCE_UNIT, clean_take
from farandole.data.starter.songs import compose
from farandole.data.starter.songs.composer import ComposedSong
from farandole.evaluation.humanoid_view import HumanoidView, view_humanoid
from farandole.evaluation.metrics.beat_alignment import motion_beats
from farandole.generation.dance import dance
from farandole.generation.live.on_beat import landings
from farandole.live import Live, LiveFrame
from farandole.live.outputs.recorder import Recorder
from farandole.live.runner import Runner
from farandole.live.simulation import simulate
from farandole.live.sources.sound_file import SoundFile
from farandole.live.stats import LiveStats
from farandole.motion.files.bvh.bvh_reader import read_bvh
from farandole.motion.motion import Motion
from farandole.music.song import Song

SONGS = (("house", 124.0), ("pop", 104.0), ("hiphop", 92.0), ("salsa", 186.0), ("funk", 112.0), ("reggaeton", 96.0))
LOCKED = 6.0
"""Seconds from which on the dance is measured."""


def plants(body: HumanoidView) -> np.ndarray:
    """Moments at which a foot comes to rest, sorted, s."""
    return np.array(landings(body.feet[:, :, 1], body.fps)) / body.fps


def offsets(times: np.ndarray, beats: np.ndarray) -> dict[str, float]:
    """See the top."""
    count = np.interp(times, beats, np.arange(len(beats)))
    period = float(np.median(np.diff(beats)))
    off = count - np.round(count)
    half = (2 * count - np.round(2 * count)) / 2
    arrow = np.exp(2j * np.pi * count).mean()
    ms = 1e3 * period
    return {
        "n": len(times),
        "beat": ms * np.abs(off).mean(),
        "chance": ms / 4,
        "half": ms * np.abs(half).mean(),
        "half_chance": ms / 8,
        "late": ms * float(np.angle(arrow)) / (2 * np.pi),
        "arrow": abs(arrow),
    }


def count_error(count: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Beats by which a danced count is ahead of the true one at every frame, where it may be danced at another octave, [T]."""
    slope = np.gradient(count) / np.gradient(true)
    factor = 2.0 ** np.round(np.log2(np.clip(slope, 0.25, 4.0)))
    gap, unit = count - factor * true, np.minimum(factor, 1.0)
    return (gap - unit * np.round(gap / unit)) / factor


def row(name: str, motion: Motion, beats: np.ndarray, extra: str = "") -> dict[str, dict[str, float]]:
    """Measure and print a dance."""
    body, end = view_humanoid(motion), motion.seconds - 0.5
    found = {"plants": plants(body), "accents": motion_beats(body.positions, body.fps)}
    values = {}
    for kind, times in found.items():
        inside = times[(times > max(LOCKED, beats[0])) & (times < min(end, beats[-1]))]
        values[kind] = v = offsets(inside, beats)
        print(
            f"{name:32} {kind:8} n {v['n']:4} beat {v['beat']:4.0f} of {v['chance']:3.0f}, half {v['half']:3.0f} of "
            f"{v['half_chance']:3.0f}, late {v['late']:+4.0f}, arrow {v['arrow']:.2f} {extra}",
            flush=True,
        )
    return values


def live_dance(song: ComposedSong, seed: int, style: str, mode: str) -> tuple[Motion, np.ndarray, LiveStats]:
    """The dance, its count's distance from the true beats after the lock (s), and what it took."""
    rate = song.sample_rate
    live, stats = Live(rate, seed=seed, style=style), LiveStats(30.0)
    recorded, counted = Recorder([], live.skeleton, 30.0), Counts()
    beats, places = song.beat_times, np.arange(len(song.beat_times))
    down = int(np.argmin(np.abs(beats - song.downbeats[0])))
    true = lambda t: float(np.interp(t, beats, places)) + (t - beats[-1]) * 2 * (t > beats[-1]) - down + 64  # noqa: E731
    if mode == "oracle":
        clock = live._ears.clock

        def known(now: float):
            count = true(now)
            return replace(
                clock(now),
                count=count,
                tempo=song.bpm,
                sure=1.0,
                bar=count % 4,
                beats_per_bar=4,
                bar_sure=1.0,
                idle=now < 1.0,
            )

        live._ears.clock = known  # type: ignore[method-assign]
    mono = np.asarray(song.samples, np.float32)
    mono = mono.mean(axis=1) if mono.ndim == 2 else mono
    outputs = [recorded, counted]
    if mode == "jitter":
        jittered(live, mono, outputs)
    elif mode == "real":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "song.wav"
            soundfile.write(path, mono, rate)
            source = SoundFile(path)
            live = Live(source.sample_rate, seed=seed, style=style)
            Runner(live, source, outputs, stats, tail=0.0).run()
    else:
        simulate(live, (mono[at : at + 512] for at in range(0, len(mono), 512)), outputs, stats)
    times, count = np.array(counted.rows).T
    inside = (times > LOCKED) & (times < beats[-1])
    off = count_error(count[inside], np.array([true(t) for t in times[inside]]))
    return recorded.motion(), off * 60 / song.bpm, stats


class Counts:
    """Time and danced count of each frame."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    def send(self, frame: LiveFrame) -> None:
        """Keep a frame's."""
        self.rows.append((frame.time, frame.count))

    def close(self) -> None:
        """Nothing is open."""


def jittered(live: Live, mono: np.ndarray, outputs: list) -> None:
    """Blocks and frames at unpunctual moments; see the top."""
    random, rate = np.random.default_rng(3), live.sample_rate * 1.0002
    at = frame = 0
    while at < len(mono):
        size = int(random.integers(200, 900))
        while frame / 30 < (at + size) / rate:  # the block comes when its last sample has sounded
            made = live.frame(frame / 30 + float(random.uniform(0.0, 0.005)))
            for output in outputs:
                output.send(made)
            frame += 1
        live.hear(mono[at : at + size], at / rate + float(random.uniform(0.0, 0.004)))
        at += size


def real_takes(folder: Path) -> None:
    """The same of the salsa takes that no weights were trained on."""
    grids = json.loads((folder / "beats.json").read_text())
    for path in sorted(folder.glob("salsa_*.bvh")):
        _, subject, take = path.stem.split("_")
        if take in HELD_OUT_TAKES:
            motion, grid = clean_take(read_bvh(path, scale=SOURCE_UNIT)), grids[take]
            count = grid[f"count_at_0_subject_{subject}"] + LEAD_IN * grid["bpm"] / 60.0
            beats = (np.arange(np.ceil(count), count + motion.seconds * grid["bpm"] / 60) - count) * 60 / grid["bpm"]
            row(f"real {path.stem} {grid['bpm']:.0f}", motion, beats)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", nargs="+", default=["auto"])
    parser.add_argument("--songs", nargs="+", default=[genre for genre, _ in SONGS])
    parser.add_argument("--modes", nargs="+", default=["heard", "oracle", "offline"])
    parser.add_argument("--salsa", type=Path, help="folder of the CMU salsa takes")
    options = parser.parse_args()
    if options.salsa:
        real_takes(options.salsa)
    every: dict[str, list[dict[str, dict[str, float]]]] = {}
    for genre, bpm in SONGS:
        if genre not in options.songs:
            continue
        song = compose(bpm, options.seconds, genre=genre, seed=77)
        for style in options.style:
            for mode in options.modes:
                if mode == "offline":
                    heard = Song.from_samples(song.samples, song.sample_rate, name=genre)
                    motion, note = dance(heard, seed=options.seed, style=style, seconds=options.seconds), ""
                else:
                    motion, off, stats = live_dance(song, options.seed, style, mode)
                    note = f"count off {1e3 * np.abs(off).mean():.0f} ms, mean {1e3 * off.mean():+.0f}"
                    if mode == "real":
                        note += f" {json.dumps(stats.as_dict())}"
                every.setdefault(mode, []).append(
                    row(f"{genre} {bpm:.0f} {style} {mode}", motion, song.beat_times, note)
                )
    for mode, values in every.items():
        for kind in ("plants", "accents"):
            mean = {key: np.mean([v[kind][key] for v in values]) for key in values[0][kind]}
            print(f"mean of {mode} {kind}: " + ", ".join(f"{key} {value:.2f}" for key, value in mean.items()))


if __name__ == "__main__":
    main()
