"""How well live hearing follows songs of known beats, and at what cost.

    python benchmarks/hearing/live.py [--set development|held_out|composed] [--rounds N] [--seconds S]

Samples are pushed in blocks of 256; after each the clock is asked for that moment, so a beat is where the clock's count
passes a whole number while the ear is not idle. Nothing is heard ahead.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import songs
from band import RATE
from measures import continuity, f_measure, local_tempo, lock_time, offset, table

from farandole.music.live import LiveEars

BLOCK = 256


def live_beats(samples: np.ndarray, rate: int = RATE, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beats and downbeats of the live clock, s, and the CPU seconds of each block."""
    ears = LiveEars(rate)
    beats, downbeats, cost = [], [], []
    before = None
    for at in range(0, len(samples) - block + 1, block):
        begun = time.process_time()
        ears.push(samples[at : at + block])
        now = (at + block) / rate
        state = ears.clock(now)
        cost.append(time.process_time() - begun)
        if before is not None and not state.idle and np.floor(state.count) > np.floor(before.count):
            share = (np.floor(state.count) - before.count) / (state.count - before.count)
            beats.append(before.time + share * (now - before.time))
            if state.bar % 1 < 0.5 and state.bar < 1 - 1e-9:
                downbeats.append(beats[-1])
        before = state
    return np.array(beats), np.array(downbeats), np.array(cost)


def composed(rounds: int, seconds: float):
    """Songs of the package's own generator, other ones than those (seeds from 500) that the level was fitted on."""
    from farandole.data.starter.songs import compose, genres

    for index in range(rounds):
        for genre in genres():
            rng = np.random.default_rng([900 + index, len(genre)])
            bpm = float(rng.uniform(150, 215)) if genre == "salsa" else float(rng.uniform(80, 140))
            made = compose(bpm, seconds, genre=genre, seed=900 + index, first_count=float(rng.uniform(0, 4)))
            yield songs.MadeSong(
                f"{genre} {bpm:.0f}", made.samples, made.beat_times, made.downbeats, 4, "steady", "none"
            )


def chosen(name: str, rounds: int, seconds: float):
    if name == "composed":
        return composed(rounds, seconds)
    return {"development": songs.development, "held_out": songs.held_out}[name](seconds, rounds=rounds)


HEAD = ["F", "CMLt", "AMLt", "F down", "Acc1", "Acc2", "offset ms", "lock s"]


def row(found: np.ndarray, down: np.ndarray, song: songs.MadeSong) -> list[float]:
    """One line of the table."""
    return [
        f_measure(found, song.beats), *continuity(found, song.beats), f_measure(down, song.beats[song.downbeats]),
        *local_tempo(found, song.beats), 1e3 * offset(found, song.beats), lock_time(found, song.beats),
    ]  # fmt: skip


def report(title: str, rows: dict[str, list[list[float]]]) -> None:
    """The table by kind, and the shares of songs that lock."""
    every = np.concatenate([np.array(values) for values in rows.values()])
    begin = every[:, -1]
    with np.errstate(all="ignore"):
        shown = {
            name: np.nanmean(np.where(np.isinf(v), np.nan, v), axis=0)
            for name, v in ((n, np.array(r)) for n, r in rows.items())
        }
    table(title, [f"{title[:20]}", *HEAD], shown, mean=False)
    mean = np.nanmean(np.where(np.isinf(every), np.nan, every), axis=0)
    print(f"all {len(every)} songs: " + ", ".join(f"{h} {v:.3f}" for h, v in zip(HEAD, mean, strict=True)))
    print(
        "locked by 2 / 4 / 8 s of music: "
        + " / ".join(f"{np.mean(begin <= s):.0%}" for s in (2, 4, 8)) + f", never {np.mean(np.isinf(begin)):.0%}; "
        f"median |offset| of songs {np.nanmedian(np.abs(every[:, 6])):.1f} ms\n", flush=True
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="development")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    rows: dict[str, list[list[float]]] = defaultdict(list)
    costs = []
    for song in chosen(options.set, options.rounds, options.seconds):
        found, down, cost = live_beats(song.samples)
        begin = song.beats[0] if len(song.beats) else 0.0
        values = row(found, down, song)
        values[-1] -= begin if song.degradation.startswith("silence_before") else 0.0
        rows[song.name.split()[0]].append(values)
        costs.append(cost)
    report(f"Live, {options.set}", rows)
    cost = 1e3 * np.concatenate(costs)
    print(f"cost per hop: mean {cost.mean():.3f} ms, 99.9 % {np.percentile(cost, 99.9):.3f} ms")


if __name__ == "__main__":
    main()
