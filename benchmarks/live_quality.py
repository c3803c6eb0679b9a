"""Live dances beside offline dances of the same songs: scorecards, accelerations at joins, cost.

    python benchmarks/live_quality.py SONG ... [--seconds 150] [--seed 1] [--out FOLDER]

CPU time is that of the process, so other work on the machine makes it larger, never smaller.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from farandole.evaluation.quality import measure_dance
from farandole.evaluation.real_takes import read_real_takes
from farandole.evaluation.scorecard import score, scorecard_table
from farandole.generation.dance import dance
from farandole.live import Live
from farandole.live.simulation import simulate
from farandole.live.stats import LiveStats
from farandole.motion.motion import Motion
from farandole.music import load_song
from farandole.music.decode import decode_blocks


class Collected:
    """Frames, and the places where plans were joined."""

    def __init__(self) -> None:
        self.frames: list = []

    def send(self, frame) -> None:
        """Keep a frame."""
        self.frames.append(frame)


def live_dance(song: Path, seconds: float, seed: int, fps: float = 30.0) -> tuple[Motion, Collected, np.ndarray, dict]:
    """The dance, its frames, whether a join was within the last 0.4 s of each frame, and the statistics."""
    live, stats, frames = Live(22050, seed=seed, fps=fps), LiveStats(fps), Collected()
    dancer, joined = live._dancer, []
    take = dancer._take

    def taken(plan) -> None:
        joined.append(plan.first)
        take(plan)

    dancer._take = taken  # type: ignore[method-assign]
    places: list[float] = []
    show = frames.send
    frames.send = lambda frame: (places.append(dancer._place), show(frame))[1]  # type: ignore[method-assign]
    simulate(live, decode_blocks(song, block=512), [frames], stats, seconds=seconds)
    at = np.array(places)
    since = at - np.array([max((b for b in joined if b <= p), default=-1e9) for p in at])
    shown = frames.frames
    motion = Motion(live.skeleton, np.stack([f.rotations for f in shown]), np.stack([f.root for f in shown]), fps)
    return motion, frames, since < 12, stats.as_dict(joins=len(joined))


def accelerations(motion: Motion) -> np.ndarray:
    """Greatest acceleration of a joint in each frame but the ends, [T - 2] m/s^2."""
    return np.linalg.norm(np.diff(motion.positions, n=2, axis=0), axis=-1).max(axis=1) * motion.fps**2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    real = read_real_takes("starter")
    cards: dict[str, list] = {"live": [], "offline": []}
    beats: dict[str, list] = {"live": [], "offline": []}
    joins, elsewhere, offline, rows = [], [], [], []
    for path in options.songs:
        song = load_song(path)
        seconds = min(options.seconds, song.seconds)
        motion, frames, near, stats = live_dance(path, seconds, options.seed)
        standing = np.array([f.standing for f in frames.frames])
        begin = int(np.argmin(standing)) + 30
        other = dance(song, seed=options.seed, seconds=seconds)
        end = min(len(motion), len(other))
        count = song.beats.count_at(np.arange(end) / 30.0)
        own = np.array([f.count for f in frames.frames])
        pair = {"live": motion.slice(begin, end), "offline": other.slice(begin, end)}
        for name, take in pair.items():
            cards[name].append(take)
            beats[name].append(count[begin:end])
        acc = accelerations(motion)[begin:]
        joins.append(acc[near[begin + 1 : -1]])
        elsewhere.append(acc[~near[begin + 1 : -1]])
        offline.append(accelerations(other)[begin:])
        heard = measure_dance(pair["live"], own[begin:end]).coherence
        rows.append(
            {"song": path.stem, "begins_s": begin / 30 - 1, "coherence_own_count": round(float(heard), 3), **stats}
        )
        print(json.dumps(rows[-1]), flush=True)
        if options.out:
            for name, take in pair.items():
                take.save(options.out / f"{path.stem[:24]}-{name}.npz", force=True)
    print(scorecard_table({name: score(cards[name], beats[name], real) for name in cards}))
    for name, values in (("joins", joins), ("elsewhere", elsewhere), ("offline", offline)):
        a = np.concatenate(values)
        print(f"acceleration, {name}: n {len(a)}, 50/99/99.9/max {np.percentile(a, (50, 99, 99.9, 100)).round(1)}")


if __name__ == "__main__":
    main()
