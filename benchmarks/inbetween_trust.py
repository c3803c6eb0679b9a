"""Fits how far the in-between model's corrections are believed (generation.curve_correction.trust), and says what that is worth.

    python benchmarks/inbetween_trust.py modern=FILE modern=FILE walk=FOLDER ... [--check waltz=FILE] [--model inbetween]

The clips must be such as the model was not trained on. Every gap at every spacing gives what is seen of it and how much of the
correction would have been best; the weights minimise the squared error relative to the curves', and every kind and spacing weighs
alike. Printed: the weights, and for each kind (left out of the fit; --check kinds are never in it) how far the root of the mean
squared error lies above that of the curves, in per cent.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from inbetween_kinds import SPACINGS, clips

from farandole.generation.bodies import fill_with
from farandole.generation.completion import open_model
from farandole.generation.curve_correction.curve_filler import CurveFiller
from farandole.generation.curve_correction.trust import COLUMNS, gap_signs
from farandole.generation.patterns import kept_frames
from farandole.motion import Motion
from farandole.motion.interpolation import Gaps, hermite_between

CAUTION = 0.5
RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class GapTable:
    """Gaps of a kind at a spacing: signs [G, 6]; per gap, summed over frames, truth^2, correction^2 and truth * correction [G]."""

    signs: np.ndarray
    truth: np.ndarray
    correction: np.ndarray
    product: np.ndarray

    def change(self, weights: np.ndarray, caution: float) -> float:
        """Root mean squared error beside that of the curves, per cent."""
        share = caution * np.clip(self.signs @ weights, 0.0, 1.0)
        left = (self.truth - 2 * share * self.product + share**2 * self.correction).sum()
        return 100.0 * (np.sqrt(left / self.truth.sum()) - 1.0)


def gaps_of(filler: CurveFiller, motions: Sequence[Motion], every: int) -> GapTable | None:
    """The gaps of some motions; None where all are too short."""
    parts = []
    for truth in (m for m in motions if every < len(m) - 1):
        kept = kept_frames(len(truth), every=every)
        curves = hermite_between(truth, kept)
        made = fill_with(filler, curves, kept)
        signs, gaps = gap_signs(curves, made, kept), Gaps.of(kept)
        wanted, given = ((m.positions - curves.positions)[gaps.missing] for m in (truth, made))
        total = lambda a, b: np.bincount(signs.number, (a * b).sum(-1).mean(-1))  # noqa: B023, E731
        parts.append((signs.columns, total(wanted, wanted), total(given, given), total(wanted, given)))
    return GapTable(*(np.concatenate(p) for p in zip(*parts, strict=True))) if parts else None


def fitted(tables: Sequence[GapTable]) -> np.ndarray:
    """Weights of the columns, [6]."""
    size = len(COLUMNS)
    left, right = np.zeros((size, size)), np.zeros(size)
    for table in tables:
        scale = 1.0 / table.truth.sum()
        squares = (table.signs * (scale * table.correction)[:, None]).T @ table.signs
        left += squares + RIDGE * scale * table.correction.sum() * np.eye(size)
        right += scale * (table.signs * table.product[:, None]).sum(axis=0)
    return np.linalg.solve(left, right)


def main() -> None:
    """Collect, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", metavar="KIND=FILE")
    parser.add_argument("--check", action="append", default=[], metavar="KIND=FILE")
    parser.add_argument("--model", default="inbetween", help="shipped name or checkpoint folder")
    parser.add_argument("--seconds", type=float, default=8.0, help="of every clip")
    options = parser.parse_args()
    filler = open_model(options.model)
    assert isinstance(filler, CurveFiller)  # others correct no curves
    motions: dict[str, list[Motion]] = {}
    for kind, motion in clips([*options.clips, *options.check], options.seconds, []):
        motions.setdefault(kind, []).append(motion)
    tables = {(k, n): table for k, ms in motions.items() for n in SPACINGS if (table := gaps_of(filler, ms, n))}
    learnt = {word.partition("=")[0] for word in options.clips}
    weights = fitted([table for (kind, _), table in tables.items() if kind in learnt])
    print("weights:", ", ".join(f"{name} {w:.3f}" for name, w in zip(COLUMNS, weights, strict=True)))
    print(f"\n| kind, left out | {' | '.join(f'every {n}' for n in SPACINGS)} |\n|---{'|---:' * len(SPACINGS)}|")
    for kind in motions:
        others = fitted([table for (k, _), table in tables.items() if k in learnt and k != kind])
        cells = [f"{tables[kind, n].change(others, CAUTION):.1f}" if (kind, n) in tables else "-" for n in SPACINGS]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
