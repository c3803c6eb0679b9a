"""Real takes, dances of the shipped model and three baselines under every metric: writes docs/results.md.

    python benchmarks/results.py SALSA [-o docs/results.md] [--report FOLDER] [--model starter] [--songs 12]

SALSA is the folder with the recordings of the CMU salsa couple. The baselines show what the metrics can be fooled by: smooth
random poses, a body that does not move, and real takes to other music.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from farandole.data.starter.salsa import SalsaTake, salsa_takes
from farandole.evaluation.clip_figures import Settings
from farandole.evaluation.figures import CLIP_FIGURES, SET_FIGURES
from farandole.evaluation.reporting.dance_report import Report, evaluate
from farandole.evaluation.reporting.dance_report_files import write_report
from farandole.evaluation.reporting.markdown_tables import figures_table, verdict_table
from farandole.motion import Motion
from farandole.motion import rotations as rot

CUT = 10.0
"""Length of the pieces between which set distances are taken, s."""

OTHERS = "<!-- "
"""Begins the parts of docs/results.md that other benchmarks write; they are kept."""

SECONDS = 40.0
"""Length of the model's dances, s."""


def noise(take: SalsaTake, seed: int) -> Motion:
    """Smooth random poses: every joint, and the root, wanders about its mean with its own spread in the take."""
    from scipy.ndimage import gaussian_filter1d

    rng, motion = np.random.default_rng(seed), take.motion
    local = rot.unroll(motion.rotations)
    mean = rot.normalize(local.mean(axis=0))
    spread = rot.to_rotvec(rot.multiply(rot.inverse(np.broadcast_to(mean, local.shape)), local)).std(axis=0)
    spread[0, 1] = 0.3  # the mean heading of a turning dancer says nothing: let it sway

    def wander(shape: tuple[int, ...]) -> np.ndarray:
        smooth = gaussian_filter1d(rng.normal(size=shape), 0.25 * motion.fps, axis=0)
        return smooth / smooth.std(axis=0)

    turns = rot.from_rotvec(wander((*local.shape[:2], 3)) * spread)
    path = motion.root_positions.mean(axis=0) + wander((len(motion), 3)) * motion.root_positions.std(axis=0)
    return replace(motion, rotations=rot.multiply(np.broadcast_to(mean, local.shape), turns), root_positions=path)


def frozen(take: SalsaTake) -> Motion:
    """The take's first pose, held."""
    still = np.zeros(len(take.motion), dtype=int)
    return replace(
        take.motion, rotations=take.motion.rotations[still], root_positions=take.motion.root_positions[still]
    )


def save(folder: Path, dances: Iterable[tuple[str, Motion, float, float]]) -> Path:
    """Write motions with their beat files into a new folder; each is name, motion, bpm, count at frame 0."""
    folder.mkdir()
    for name, motion, bpm, count in dances:
        motion.save(folder / f"{name}.npz")
        (folder / f"{name}.beats.json").write_text(json.dumps({"bpm": bpm, "count_at_0": count}))
    return folder


def starter_dances(folder: Path, model: str, songs: int, engine: str) -> Path:
    """Dances of the model to composed songs that training never heard, with the songs beside them."""
    import soundfile

    from farandole.data.starter.songs import compose, genres
    from farandole.generation.dance import dances

    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(songs):
        bpm = float(rng.uniform(155, 195))
        genre = genres()[number % len(genres())]
        song = compose(bpm, SECONDS, genre=genre, seed=9000 + number)
        name = f"{number:02d} {genre} {bpm:.0f}"
        soundfile.write(folder / f"{name}.wav", song.samples, song.sample_rate)
        made = dances(folder / f"{name}.wav", seed=number, style="salsa", takes=2, model=model, engine=engine)
        for take, motion in enumerate(made):
            motion.save(folder / f"{name}-{take + 1}.npz")
    return folder


def text(whole: Report, pieces: Report, model: str | None) -> str:
    """The page."""
    warnings = "\n".join(f"* {warning}" for warning in pieces.warnings)
    ours = f"""* **{model}**: dances of the shipped model in its salsa style to composed songs of 155-195 bpm, two takes each.
"""
    return f"""# Results

Written by `python benchmarks/results.py SALSA`; do not edit. The number of clips stands behind each set's name; numbers in
brackets are 95 % bootstrap intervals over them.
What each figure means, and what fools it, is told by the page that `farandole evaluate` writes.
Published numbers of other models are on other motion and do not compare.

* **real, held out**: two takes of the CMU salsa couple that no weight was trained on. Its own Frechet distances are those between
  its halves.
* **real, training**: the other takes; what a perfect model could reach.
{ours if model else ""}* **noise**: every joint wanders smoothly about its mean with the spread it has in a real take.
* **frozen**: the first pose of each real take, held.
* **wrong music**: the training takes with beats at 0.83 of their tempo.

## As good as real?

Whole takes.

{verdict_table(whole)}

## Every figure of whole takes

{figures_table(whole, [figure.name for figure in CLIP_FIGURES])}

## Distances between sets

Pieces of {CUT:g} s.

{figures_table(pieces, [figure.name for figure in SET_FIGURES])}

Before you believe a number:

{warnings}
"""


def main() -> None:
    """Make the sets, evaluate them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("salsa", type=Path, metavar="SALSA")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results.md"))
    parser.add_argument("--report", type=Path, help="also write the web page of `farandole evaluate` there")
    parser.add_argument("--model", default="starter", help="shipped name or checkpoint folder; 'none' leaves it out")
    parser.add_argument("--engine", default="onnx", help="onnx or torch")
    parser.add_argument("--songs", type=int, default=12)
    options = parser.parse_args()
    takes = list(salsa_takes(options.salsa))
    held, train = [t for t in takes if t.held_out], [t for t in takes if not t.held_out]
    as_is = lambda chosen: [(t.name, t.motion, t.bpm, t.count_at_0) for t in chosen]  # noqa: E731
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        reference = save(root / "real, held out", as_is(held))
        runs = [save(root / "real, training", as_is(train))]
        if options.model != "none":
            runs.append(starter_dances(root / Path(options.model).name, options.model, options.songs, options.engine))
        runs += [
            save(root / "noise", [(t.name, noise(t, i), t.bpm, t.count_at_0) for i, t in enumerate(train)]),
            save(root / "frozen", [(t.name, frozen(t), t.bpm, t.count_at_0) for t in train]),
            save(root / "wrong music", [(t.name, t.motion, t.bpm * 0.83, t.count_at_0) for t in train]),
        ]
        whole = evaluate(runs, reference)
        pieces = evaluate(runs, reference, settings=Settings(cut=CUT))
    page = text(whole, pieces, None if options.model == "none" else Path(options.model).name)
    before = options.output.read_text(encoding="utf-8") if options.output.is_file() else ""
    others = "".join(before.partition(OTHERS)[1:])
    options.output.write_text(page + (f"\n{others}" if others else ""), encoding="utf-8")
    print(options.output)
    if options.report:
        print(write_report(whole, options.report, force=True))


if __name__ == "__main__":
    main()
