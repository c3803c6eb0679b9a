"""Does a dance of three minutes go on being one? Variety, form, stage and facing of a long dance in every style. Prints Markdown.

    python benchmarks/long_dances.py [--styles street,slow] [--seconds 180] [--songs 1] [--salsa FOLDER] [--free FOLDER ...]
        [--dances FOLDER] [--keep FOLDER]

Variety: the distance of each four-bar phrase to the nearest other one of a dance (evaluation/metrics/phrase_variety.py); with
--salsa and --free the same of real takes: all takes of a style up to the dance's length, their phrases compared across takes too.
--dances measures NAME-SONG.npz of a folder instead of dancing (another version's), --keep writes what was danced there.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from farandole.data.starter.recordings import find_recordings, read_take
from farandole.data.starter.salsa import SOURCE_UNIT, clean_take
from farandole.data.starter.songs import compose
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.measuring import measure_for_lines
from farandole.evaluation.metrics.phrase_variety import phrase_distances
from farandole.generation.completion import open_model
from farandole.generation.dance import dance
from farandole.generation.latent_flow.dance_form import DanceForm
from farandole.generation.latent_flow.dancer import LatentDancer
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.motion.files.bvh.bvh_reader import read_bvh
from farandole.motion.motion import Motion
from farandole.music.conditioning import conditions
from farandole.music.sections import find_sections
from farandole.music.song import Song

SONGS = (("pop", 104.0), ("house", 122.0), ("hiphop", 94.0))
SALSA = (("salsa", 180.0), ("salsa", 168.0), ("salsa", 192.0))
REST = 0.5
"""Seconds at the end in which a dance is to stand."""
COLUMNS = (
    "nearest phrase, cm", "a tenth nearer than", "real", "repeats / others, cm", "speed with level", "away > 90°", "longest, s",
    "width x depth, m", "slide, cm/s", "last 0.5 s, m/s",
)  # fmt: skip


def main() -> None:
    """Dance, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", default="")
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--songs", type=int, default=1)
    parser.add_argument("--salsa", type=Path)
    parser.add_argument("--free", type=Path, action="append", default=[])
    parser.add_argument("--dances", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    model = open_model("starter")
    assert isinstance(model, LatentDancer)
    families = dict.fromkeys(style.family for style in model.facts.styles.values())
    real = real_takes(options.salsa, options.free)
    print(f"| style | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}", flush=True)
    for family in options.styles.split(",") if options.styles else families:
        rows = []
        for number in range(options.songs):
            genre, bpm = (SALSA if family == "salsa" else SONGS)[number]
            made = compose(bpm, options.seconds, genre=genre, seed=700 + number)
            song = Song.from_samples(made.samples, made.sample_rate, name=genre)
            if options.dances:
                motion = load_motion(options.dances / f"{family}-{number}.npz")
            else:
                motion = dance(song, style=family, seed=number, model=model)
            if options.keep:
                motion.save(options.keep / f"{family}-{number}.npz")
            rows.append(measured(model, motion, song, family, number))
        pool = variety(real.get(family, []), options.seconds)
        row = np.mean([r[:-1] for r in rows], axis=0)
        width, depth = np.max([r[-1] for r in rows], axis=0)
        cells = [
            f"{row[0]:.1f}", f"{row[1]:.1f}", f"{pool[0]:.1f} / {pool[1]:.1f}" if pool else "-", f"{row[2]:.1f} / {row[3]:.1f}",
            f"{row[4]:.2f}", f"{row[5]:.0%}", f"{row[6]:.0f}", f"{width:.1f} x {depth:.1f}", f"{row[7]:.1f}", f"{row[8]:.2f}",
        ]  # fmt: skip
        print(f"| {family} | {' | '.join(cells)} |", flush=True)


def measured(model: LatentDancer, motion: Motion, song: Song, family: str, number: int) -> tuple:
    """Figures of one dance, in the order of the table; the last is its width and depth."""
    score = model.score(song, len(motion), style=family, role=number)
    nearest = phrase_distances(view_humanoid(motion), score.count)
    echo = score.echo if score.echo is not None else np.zeros(len(motion), int)
    alike, others = repeats(motion, score.count, echo)
    form = DanceForm.of(find_sections(song), conditions(song, motion.fps).energy[: len(motion)], motion.fps)
    speed = np.linalg.norm(np.diff(motion.positions, axis=0, prepend=motion.positions[:1]), axis=-1).mean(axis=1)
    parts = list(pairwise(form.starts))
    levels = [[float(x[a:b].mean()) for a, b in parts] for x in (speed, form.gain)]
    follows = float(np.corrcoef(levels)[0, 1]) if len(parts) > 2 else float("nan")
    away = np.abs(np.angle(np.exp(1j * rot.yaw(motion.rotations[:, 0])))) > np.pi / 2
    longest = max((len(run) for run in "".join("x" if a else " " for a in away).split()), default=0) / motion.fps
    slide = measure_for_lines(motion, score.count).quality.support_median
    rest = float(speed[-round(REST * motion.fps) :].mean() * motion.fps)
    reach = np.ptp(motion.root_positions, axis=0)[[0, 2]]
    return nearest.mean(), np.percentile(nearest, 10), alike, others, follows, away.mean(), longest, slide, rest, reach


def repeats(motion: Motion, count: np.ndarray, echo: np.ndarray) -> tuple[float, float]:
    """Mean distance of poses in repeated sections to those of the first time, and to others at the same of eight counts, cm."""
    local = view_humanoid(motion).local
    frames, random = np.arange(len(motion)), np.random.default_rng(0)
    alike, others = [], []
    for t in frames[(echo > 0) & (echo <= frames)][::10]:
        elsewhere = (
            (np.abs(count - count[t]) % 8 < 0.1) & (np.abs(frames - t) > 60) & (np.abs(frames - t + echo[t]) > 60)
        )
        if elsewhere.any():
            alike.append(np.linalg.norm(local[t] - local[t - echo[t]], axis=-1).mean())
            others.append(np.linalg.norm(local[t] - local[random.choice(np.flatnonzero(elsewhere))], axis=-1).mean())
    return (100.0 * float(np.mean(alike)), 100.0 * float(np.mean(others))) if alike else (float("nan"), float("nan"))


def real_takes(salsa: Path | None, free: list[Path]) -> dict[str, list[Motion]]:
    """Takes by style, at 30 fps on the default body."""
    takes: dict[str, list[Motion]] = {}
    if salsa is not None:
        takes["salsa"] = [
            clean_take(read_bvh(path, scale=SOURCE_UNIT)) for path in sorted(salsa.glob("salsa_60_*.bvh"))
        ]
    for folder in free:
        for recording in find_recordings(folder)[0]:
            if recording.style != "locomotion":
                takes.setdefault(recording.style, []).append(read_take(recording).motion)
    return takes


def variety(takes: list[Motion], seconds: float) -> tuple[float, float] | None:
    """Nearest phrase and its tenth percentile, cm, in takes one after the other, so long in all; phrases are of 8 s."""
    joined, left = [], round(seconds * 30)
    for take in takes:
        part = take.resample(30.0).slice(0, left)
        joined.append(part)
        left -= len(part)
        if left < 60:
            break
    if not joined or sum(len(part) for part in joined) < 900:
        return None
    whole = joined[0]
    rotations = np.concatenate([part.rotations for part in joined])
    roots = np.concatenate([part.root_positions for part in joined])
    nearest = phrase_distances(view_humanoid(Motion(whole.skeleton, rotations, roots, 30.0, name="takes")))
    return float(nearest.mean()), float(np.percentile(nearest, 10))


if __name__ == "__main__":
    main()
