"""Fits how far the in-between model's corrections are believed (generation.curve_correction.trust), and says what that is worth.

    python benchmarks/inbetween_trust.py modern=FILE modern=FILE walk=FOLDER ... [--check waltz=FILE] [--model inbetween]

The clips must be such as the model was not trained on. Every gap at every spacing gives, for each part of the body, what is seen
of it and how much of the correction would have been best; the weights minimise the squared error relative to the curves', and every
kind and spacing weighs alike. Printed: the weights as a recipe has them, and for each kind (left out of the fit; --check kinds are
never in it) how far the root of the mean squared error, of limbs measured from the hips, lies above that of the curves, per cent.
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
from farandole.generation.curve_correction.trust import COLUMNS, PARTS, BodyParts, gap_signs
from farandole.generation.patterns import kept_frames
from farandole.motion import Motion
from farandole.motion.interpolation import Gaps, hermite_between

RIDGE = 1e-2


@dataclass(frozen=True, eq=False)
class GapTable:
    """Gaps of a kind at a spacing: signs [G, P, 6], greatest shares [G, 1]; per gap and part [G, P], summed over frames: truth^2,
    correction^2 and their product.
    """

    signs: np.ndarray
    most: np.ndarray
    truth: np.ndarray
    correction: np.ndarray
    product: np.ndarray

    def change(self, weights: np.ndarray, caution: float) -> float:
        """Root mean squared error with weights [P, 6] beside that of the curves, per cent."""
        share = caution * self.most * np.clip((self.signs * weights).sum(axis=-1), 0.0, 1.0)
        left = (self.truth - 2 * share * self.product + share**2 * self.correction).sum()
        return 100.0 * (np.sqrt(left / self.truth.sum()) - 1.0)


def gaps_of(filler: CurveFiller, motions: Sequence[Motion], every: int) -> GapTable | None:
    """The gaps of some motions; None where all are too short."""
    tables = []
    for truth in (m for m in motions if every < len(m) - 1):
        kept = kept_frames(len(truth), every=every)
        curves = hermite_between(truth, kept)
        made = fill_with(filler, curves, kept)
        signs, gaps, parts = gap_signs(curves, made, kept), Gaps.of(kept), BodyParts.of(truth.skeleton)
        wanted, given = (parts.own((m.positions - curves.positions)[gaps.missing]) for m in (truth, made))

        def total(
            a: np.ndarray, b: np.ndarray, number: np.ndarray = signs.number, parts: BodyParts = parts
        ) -> np.ndarray:
            return np.stack([np.bincount(number, x) for x in parts.means((a * b).sum(-1)).T], axis=1)

        tables.append(
            (signs.columns, signs.most[:, None], total(wanted, wanted), total(given, given), total(wanted, given))
        )
    return GapTable(*(np.concatenate(p) for p in zip(*tables, strict=True))) if tables else None


def fitted(tables: Sequence[GapTable]) -> np.ndarray:
    """Weights of the columns for every part, [P, 6]."""
    result = []
    for part in range(len(PARTS)):
        left, right = np.zeros((len(COLUMNS), len(COLUMNS))), np.zeros(len(COLUMNS))
        for table in tables:
            scale, signs, most = 1.0 / table.truth[:, part].sum(), table.signs[:, part], table.most[:, 0]
            square = table.correction[:, part] * most**2
            left += scale * (signs * square[:, None]).T @ signs + RIDGE * scale * square.sum() * np.eye(len(COLUMNS))
            right += scale * (signs * (most * table.product[:, part])[:, None]).sum(axis=0)
        result.append(np.linalg.solve(left, right))
    return np.array(result)


def main() -> None:
    """Collect, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", metavar="KIND=FILE")
    parser.add_argument("--check", action="append", default=[], metavar="KIND=FILE")
    parser.add_argument("--model", default="inbetween", help="shipped name or checkpoint folder")
    parser.add_argument("--caution", type=float, default=0.5, help="factor on the best share")
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
    for part, row in zip(PARTS, weights, strict=True):
        print(f"{part}: [{', '.join(f'{w:.3f}' for w in row)}]")
    print(f"\n| kind, left out | {' | '.join(f'every {n}' for n in SPACINGS)} |\n|---{'|---:' * len(SPACINGS)}|")
    for kind in motions:
        others = fitted([table for (k, _), table in tables.items() if k in learnt and k != kind])
        cells = [
            f"{tables[kind, n].change(others, options.caution):.1f}" if (kind, n) in tables else "-" for n in SPACINGS
        ]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
