"""How good the shipped model's dances are, against real takes it has never seen: every demand, one table.

    python benchmarks/starter_quality.py [SONG ...] [--model starter] [--seeds 1] [-o report.md] [--sheets FOLDER]

Dances to the given songs and to five synthesised ones (90 s each), to a steady three-minute song and for ten minutes; compares with
the held-out takes of the starter corpus. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from farandole.data.salsa import salsa_takes
from farandole.data.songs import compose
from farandole.data.starter import GROOVE_CLIPS, groove_clip, salsa_clips
from farandole.evaluation.nearest import WindowCorpus, motion_distance, nearest_distance
from farandole.evaluation.quality import average, compare_dance, measure_dance
from farandole.generation.dance import Dancer
from farandole.music import load_song
from farandole.music.song import Song

COMPOSED = (("salsa", 186.0), ("house", 124.0), ("hiphop", 92.0), ("pop", 104.0), ("rock", 152.0))
SHOWN = (
    "support_median",
    "support_p90",
    "joint_speed",
    "peak_acceleration",
    "twitch",
    "root_drift",
    "penetration",
    "coherence",
)


def synthesised(genre: str, bpm: float, seconds: float, seed: int = 42, *, steady: bool = False) -> Song:
    """A song that training never heard."""
    made = compose(bpm, seconds, genre=genre, seed=seed, steady=steady)
    return Song.from_samples(made.samples, made.sample_rate, name=f"synth {genre} {bpm:g}")


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("songs", nargs="*", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--quick", action="store_true", help="leave out the nearest windows, three and ten minutes")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    lines: list[str] = []

    def say(text: str = "") -> None:
        lines.append(text)
        print(text, flush=True)

    dancer = Dancer(options.model)
    real = [t for t in salsa_takes() if t.held_out]
    yardstick = average([measure_dance(t.motion, t.count) for t in real])
    say(f"| dance | style | {' | '.join(SHOWN)} | over chance | nn cm | fails |")
    say("|---|---|" + "---|" * (len(SHOWN) + 3))
    corpora: dict[str, WindowCorpus] = {}
    real_nn = float("nan")
    if not options.quick:
        train = [c.motion for c in salsa_clips() if c.split == "train" and "_x100" in c.name]
        corpora["salsa"] = WindowCorpus(train)
        real_nn = float(np.mean([nearest_distance(t.motion, corpora["salsa"]) for t in real]))
        groove = [groove_clip(n) for n in range(GROOVE_CLIPS)]
        corpora["groove"] = WindowCorpus([c.motion for c in groove if c.split == "train"])
        groove_nn = np.mean([nearest_distance(c.motion, corpora["groove"]) for c in groove if c.split == "test"])
        groove_real = average([measure_dance(c.motion, c.count) for c in groove if c.split == "test"])
        _row(say, "corpus groove, held out", "groove", groove_real, float(groove_nn), "")
    _row(say, "real takes, held out", "salsa", yardstick, real_nn, "")

    songs = [load_song(p) for p in options.songs] + [synthesised(g, b, options.seconds) for g, b in COMPOSED]
    tables = []
    for song in songs:
        seconds = min(options.seconds, song.seconds)
        for seed in range(options.seeds):
            score = dancer.score(song, seconds=seconds, role=seed)
            motion = dancer.dance([score], seed=seed)[0]
            quality = measure_dance(motion, score.count)
            tables.append((score.style, quality))
            failed = [c.name for c in compare_dance(quality, yardstick) if not c.passed and c.name != "energy_ratio"]
            nn = float("nan")
            if corpora:
                nn = nearest_distance(motion, corpora["groove" if score.style == "groove" else "salsa"])
                if nn < real_nn:
                    failed.append("nearest")
            _row(say, f"{song.name} seed {seed}", score.style, quality, nn, ", ".join(failed))
            if options.sheets and seed == 0:
                from farandole.view.contact_sheet import write_contact_sheet

                options.sheets.mkdir(parents=True, exist_ok=True)
                part = motion.slice(600, 780)
                write_contact_sheet(part, options.sheets / f"{song.name}.png".replace(" ", "_"), force=True)

    say()
    say("Mean speed of each joint, m/s, real held-out takes against dances:")
    say()
    say("| joint | real | salsa | groove |")
    say("|---|---|---|---|")
    by_style = {
        family: average([q for style, q in tables if style.startswith(family)])
        for family in ("salsa", "groove")
        if any(style.startswith(family) for style, _ in tables)
    }
    for joint, speed in yardstick.joint_speeds.items():
        cells = [f"{by_style[f].joint_speeds[joint]:.2f}" if f in by_style else "-" for f in ("salsa", "groove")]
        say(f"| {joint} | {speed:.2f} | {' | '.join(cells)} |")

    say()
    song = songs[-5]
    score = dancer.score(song, seconds=30)
    a, again, b = (dancer.dance([score], seed=s)[0] for s in (1, 1, 2))
    say(f"* two seeds differ by {motion_distance(a, b):.1f} cm; the same seed gives the same bytes: "
        f"{a.rotations.tobytes() == again.rotations.tobytes()}")  # fmt: skip
    if not options.quick:
        for genre, bpm in (("house", 124.0), ("salsa", 180.0)):
            steady = synthesised(genre, bpm, 180.0, steady=True)
            score = dancer.score(steady)
            quality = measure_dance(dancer.dance([score], seed=3)[0], score.count)
            say(
                f"* 3 min of steady {genre} ({score.style}): energy of the last third is {quality.energy_ratio:.2f} of the first"
            )
        for song in (synthesised("salsa", 180.0, 60.0), synthesised("house", 120.0, 60.0)):
            score = dancer.score(song, seconds=600.0)
            begun = time.perf_counter()
            motion = dancer.dance([score], seed=4)[0]
            taken = time.perf_counter() - begun
            quality = measure_dance(motion, score.count)
            say(f"* 10 min of {song.name} ({score.style}): root at most {quality.root_drift:.2f} m from the start, "
                f"freeze {quality.freeze:.3f}, made at {600 / taken:.0f}x real time")  # fmt: skip
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


def _row(say: object, name: str, style: str, q: object, nn: float, failed: str) -> None:
    cells = [f"{getattr(q, n):.3g}" for n in SHOWN]
    say(
        f"| {name} | {style} | {' | '.join(cells)} | {q.coherence - q.coherence_chance:.3f} | {nn:.1f} | {failed or '-'} |"
    )


if __name__ == "__main__":
    sys.exit(main())
