"""What live hearing withstands: holes in the sound, a microphone in a room, tempo that jumps, real songs.

    python benchmarks/hearing/live_trials.py [--rounds N] [--seconds S] [--shared FOLDER] [--only NAME]

Songs are of the held-out kinds, each heard clean and as it is named. A jump is of 30 %; it counts how long after it eight beats
in a row are hit again. Real songs have no truth: what is heard live is held against the offline beats, after the lock.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import songs
from band import RATE
from live import live_beats
from measures import continuity, f_measure, lock_time

from farandole.music import Song, load_song

SEED = 960_000
NAMES = ("degraded", "jump", "real")


def degraded(rounds: int, seconds: float) -> None:
    """The same songs clean, with holes of 50 to 300 ms, and heard by a microphone in a room."""
    scores = {name: [] for name in ("none", "dropouts", "microphone")}
    for index in range(rounds):
        for kind in songs.held_kinds():
            for name, values in scores.items():
                made = songs.make(kind, SEED + index, seconds, degradation=name)
                found = live_beats(made.samples)[0]
                values.append([f_measure(found, made.beats), *continuity(found, made.beats)])
    for name, values in scores.items():
        f, cml, aml = np.mean(values, axis=0)
        print(f"{name:12s} {len(values)} songs: F {f:.3f}, CMLt {cml:.3f}, AMLt {aml:.3f}", flush=True)


def jump(rounds: int, seconds: float) -> None:
    """Seconds from a jump of 30 % to the first of eight beats hit in a row."""
    waits = []
    for index in range(rounds):
        for kind in songs.held_kinds():
            made = songs.make(kind, SEED + 100 + index, seconds, curve="jump30", degradation="none")
            found = live_beats(made.samples)[0]
            gaps = np.log(np.diff(made.beats))
            at = made.beats[int(np.abs(np.diff(gaps)).argmax()) + 1]
            true = made.beats[made.beats >= at - 1e-6]
            if len(true) > 12:
                waits.append(lock_time(found[found > at - 0.2], true) - at)
    waits = np.array(waits)
    print(
        f"jump of 30 %, {len(waits)} songs: locked again within 2 / 4 / 8 s "
        + " / ".join(f"{np.mean(waits <= s):.0%}" for s in (2, 4, 8))
        + f", median {np.median(waits):.1f} s, never in the song {np.mean(np.isinf(waits)):.0%}",
        flush=True,
    )


def real(shared: Path, seconds: float) -> None:
    """Live against offline beats of real songs, from the lock on; lenient: half, double and every second beat count too."""
    strict, lenient = [], []
    paths = [p for folder in ("songs", "songs-cc", "ballroom") for p in sorted((shared / "data" / folder).iterdir())]
    for path in (p for p in paths if p.suffix in (".mp3", ".ogg")):
        samples = load_song(path).samples[: round(seconds * RATE)]
        true = Song.from_samples(samples, RATE).beats.times
        found = live_beats(samples)[0]
        locked = min(lock_time(found, true), 8.0)
        found, after = found[found >= locked - 0.07], true[true >= locked - 0.07]
        middle = np.interp(np.arange(2 * len(after) - 1) / 2, np.arange(len(after)), after)
        scores = [f_measure(found, grid, trim=0.0) for grid in (after, middle, after[::2], after[1::2], middle[1::2])]
        strict.append(scores[0])
        lenient.append(max(scores))
        print(f"  {path.stem[:40]:40s} {scores[0]:.2f} {max(scores):.2f}")
    print(f"real, {len(strict)} songs, live against offline: F {np.mean(strict):.3f}, lenient {np.mean(lenient):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--only", choices=NAMES)
    options = parser.parse_args()
    names = NAMES if options.only is None else (options.only,)
    if "degraded" in names:
        degraded(options.rounds, options.seconds)
    if "jump" in names:
        jump(options.rounds, options.seconds)
    if "real" in names:
        real(options.shared, 40.0)


if __name__ == "__main__":
    main()
