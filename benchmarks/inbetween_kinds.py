"""`inbetween` beside plain curves on kinds of motion: prints the tables of docs/inbetween-model.md.

    python benchmarks/inbetween_kinds.py salsa=FILE salsa=FILE waltz=FOLDER ... [--seconds 8] [--method auto ...]

The middle seconds of every clip are taken at 30 frames a second on the clip's own skeleton, every n-th frame is kept. Error: mean
distance of the joints of missing frames from where they were, cm. Tick: greatest acceleration of any joint within two frames of a
kept one, over the greatest of the clip itself. Speed: joint speed in the frames beside a kept one, over the true one. Drift: way of
a foot that both kept frames around a gap have standing in one place, cm, mean of the greatest in each such gap.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from farandole.errors import FarandoleError
from farandole.generation.inbetween import fill_kept
from farandole.generation.patterns import kept_frames
from farandole.motion import names
from farandole.motion.files import READABLE, load_motion
from farandole.motion.motion import Motion

FPS = 30.0
SPACINGS = (5, 15, 30, 60)
FIGURES = ("error, cm", "tick, x", "speed, x", "drift, cm")
STANDING, PLACE = 0.06, 0.03
"""Height of the ankle above its lowest, and distance of two places that are one, m."""


def clips(words: list[str], seconds: float, fps: list[str]) -> Iterator[tuple[str, Motion]]:
    """Kind and motion of KIND=FILE or KIND=FOLDER words."""
    rates = dict(word.split("=") for word in fps)
    for word in words:
        kind, _, place = word.partition("=")
        path = Path(place)
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in READABLE)
        for file in files:
            motion = load_motion(file).slice(1, None)  # frame 0 of some recordings is a rest pose
            if kind in rates:
                motion = Motion(
                    motion.skeleton, motion.rotations, motion.root_positions, float(rates[kind]), name=motion.name
                )
            motion = motion.resample(FPS)
            length = min(len(motion), round(seconds * FPS) + 1)
            begin = (len(motion) - length) // 2
            yield kind, motion.slice(begin, begin + length)


def measure(made: Motion, truth: Motion, kept: np.ndarray) -> np.ndarray:
    """The figures of one motion, [4]."""
    error = 100 * np.linalg.norm(made.positions - truth.positions, axis=-1)[~kept].mean()
    rate = lambda m, n: np.linalg.norm(np.diff(m.positions, n, axis=0), axis=-1) * FPS**n  # noqa: E731
    beside = np.convolve(kept, np.ones(5), mode="same")[1:-1] > 0
    tick = rate(made, 2)[beside].max() / rate(truth, 2).max()
    step = kept[1:] ^ kept[:-1]
    speed = rate(made, 1)[step].mean() / rate(truth, 1)[step].mean()
    return np.array([error, tick, speed, drift(made, truth, kept)])


def drift(made: Motion, truth: Motion, kept: np.ndarray) -> float:
    """How far feet move that stand in one place at both ends of a gap, cm; NaN without such gaps."""
    roles = names.find_roles(truth.skeleton)
    feet = [roles[f"{side}Foot"] for side in names.SIDES if f"{side}Foot" in roles]
    places, low = truth.positions[:, feet], truth.positions[:, feet, 1].min(axis=0)
    keys, ways = np.flatnonzero(kept), []
    for first, last in pairwise(keys):
        for foot in range(len(feet)):
            still = np.linalg.norm(places[first, foot] - places[last, foot]) < PLACE
            stands = (places[[first, last], foot, 1] < low[foot] + STANDING).all()
            # Where the dancer lifted it in between, nothing is to be kept.
            stayed = np.linalg.norm(places[first : last + 1, foot] - places[first, foot], axis=-1).max() < 2 * PLACE
            if last - first > 1 and still and stands and stayed:
                gone = made.positions[first : last + 1, feet[foot]] - places[first, foot]
                ways.append(100 * np.linalg.norm(gone, axis=-1).max())
    return float(np.mean(ways)) if ways else float("nan")


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", metavar="KIND=FILE")
    parser.add_argument("--seconds", type=float, default=8.0, help="of every clip")
    parser.add_argument("--fps", action="append", default=[], metavar="KIND=RATE", help="real rate of a kind's files")
    parser.add_argument("--method", action="append", help="[default: auto, hermite, slerp]")
    options = parser.parse_args()
    methods = options.method or ["auto", "hermite", "slerp"]
    motions = list(clips(options.clips, options.seconds, options.fps))
    kinds = list(dict.fromkeys(kind for kind, _ in motions))
    table: dict[tuple[str, int, str], list[np.ndarray]] = {}
    for kind, truth in motions:
        for every in SPACINGS:
            if every >= len(truth) - 1:
                continue
            kept = kept_frames(len(truth), every=every)
            for method in methods:
                try:
                    (made,) = fill_kept(truth, kept, method=method)
                except FarandoleError as problem:
                    print(f"{truth.name}: {problem}", file=sys.stderr)
                    continue
                table.setdefault((kind, every, method), []).append(measure(made, truth, kept))
    for number, figure in enumerate(FIGURES):
        print(f"\n| {figure} | {' | '.join(f'every {n}' for n in SPACINGS)} |\n|---{'|---' * len(SPACINGS)}|")
        for kind in kinds:
            cells = []
            for every in SPACINGS:
                rows = [np.array(table.get((kind, every, m), [[np.nan] * 4]))[:, number] for m in methods]
                pick = np.nanmax if figure.startswith("tick") else np.nanmean
                cells.append(" / ".join("-" if np.isnan(r).all() else f"{pick(r):.2f}" for r in rows))
            print(f"| {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
