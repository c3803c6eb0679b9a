"""The shipped in-between model on takes it was not trained on, beside interpolation: prints the table of docs/inbetween-model.md.

    python benchmarks/inbetween_starter.py [--salsa FOLDER] [--model inbetween] [--groove 4]

Every n-th frame of the held-out groove clips, and of the held-out takes of the CMU salsa couple in FOLDER, is kept. Error: mean
distance of the joints of missing frames from where they were. Speed: mean joint speed in missing frames over the true one; jerk
likewise. Sliding: mean speed of feet that rest in the truth, less what they do there themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from farandole.data.starter.salsa import salsa_takes
from farandole.data.starter.starter_corpus import GROOVE_HELD_OUT, groove_clip
from farandole.generation.completion import open_model
from farandole.generation.inbetween import inbetween
from farandole.generation.patterns import kept_frames
from farandole.motion import Motion

SPACINGS = (5, 10, 15, 30, 45, 60)
FIGURES = ("error, cm", "speed, x", "jerk, x", "sliding, cm/s")


def held_out(salsa: Path | None, grooves: int) -> Iterator[tuple[str, Motion]]:
    """Kind and motion of what the model was not trained on."""
    for take in salsa_takes(salsa) if salsa else ():
        if take.held_out:
            yield "salsa", take.motion
    for number in range(min(grooves, GROOVE_HELD_OUT)):
        yield "groove", groove_clip(number).motion


def measure(made: Motion, truth: Motion, kept: np.ndarray) -> np.ndarray:
    """The figures of one motion, [4]."""
    missing = ~kept
    error = np.linalg.norm(made.positions - truth.positions, axis=-1)[missing].mean() * 100
    rate = lambda m, n: np.linalg.norm(np.diff(m.positions, n, axis=0), axis=-1) * m.fps**n  # noqa: E731
    steps, jerks = missing[1:] | missing[:-1], missing[3:]
    speed = rate(made, 1)[steps].mean() / rate(truth, 1)[steps].mean()
    jerk = rate(made, 3)[jerks].mean() / rate(truth, 3)[jerks].mean()
    feet = [truth.skeleton.index(f"{side}{part}") for side in ("Left", "Right") for part in ("Foot", "ToeBase")]
    made_feet, true_feet = rate(made, 1)[:, feet], rate(truth, 1)[:, feet]
    resting = (true_feet < 0.25) & steps[:, None]
    return np.array([error, speed, jerk, 100 * (made_feet - true_feet)[resting].mean()])


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salsa", type=Path, metavar="FOLDER", help="recordings of the couple")
    parser.add_argument("--model", default="inbetween", help="shipped name or checkpoint folder")
    parser.add_argument("--groove", type=int, default=GROOVE_HELD_OUT, help="groove clips")
    options = parser.parse_args()
    open_model(options.model)  # says at once if there is none
    motions = list(held_out(options.salsa, options.groove))
    for kind in dict.fromkeys(k for k, _ in motions):
        of_kind = [m for k, m in motions if k == kind]
        results = {method: _all(method, of_kind, options.model) for method in ("slerp", "hermite", "model")}
        for index, figure in enumerate(FIGURES):
            print(
                f"\n| {kind}: {figure} | {' | '.join(f'every {n}' for n in SPACINGS)} |\n|---{'|---:' * len(SPACINGS)}|"
            )
            for method, rows in results.items():
                print(f"| {method} | {' | '.join(f'{x:.2f}' for x in rows[:, index])} |", flush=True)


def _all(method: str, motions: list[Motion], model: str) -> np.ndarray:
    """Figures at every spacing, [S, 4], means over motions."""
    rows = []
    for every in SPACINGS:
        figures = []
        for truth in motions:
            kept = kept_frames(len(truth), every=every)
            made = inbetween(truth, every=every, method=method, model=model if method == "model" else None)
            figures.append(measure(made, truth, kept))
        rows.append(np.mean(figures, axis=0))
    return np.array(rows)


if __name__ == "__main__":
    main()
