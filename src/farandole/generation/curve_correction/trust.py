"""How far a correction of curves is believed, gap by gap, without knowing the truth.

A model corrects motion like what it learnt from well, and motion of other kinds too much. How much is too much can be seen from
outside: by the length of the gap, by how far the correction goes beside what the curves disagree about and beside the way between
the key poses, and by how fast that way is. A linear function of these, fitted on motion that the model had not seen, tells the
share of the correction that is kept (shrinkage towards the curves: half of the best share loses a quarter of its gain, and does no
harm where nothing should have been corrected).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.models.abilities import CurveTrust
from farandole.motion.interpolation import Gaps, slerp_between
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

COLUMNS = ("one", "length", "length beyond 0.5 s", "correction to disagreement", "correction to way", "speed")
"""What the share is a linear function of; lengths, ratios and speed are logarithms."""


@dataclass(frozen=True, eq=False)
class GapSigns:
    """What can be seen of each gap G of a motion.

    Attributes:
        number: Which gap each missing frame lies in, [M].
        columns: See `COLUMNS`, [G, 6].
    """

    number: np.ndarray
    columns: Array


def gap_signs(curves: Motion, corrected: Motion, kept: np.ndarray) -> GapSigns:
    """Signs of every gap.

    Args:
        curves: Gaps filled by Hermite curves.
        corrected: With the model's whole correction.
        kept: [T] bool.
    """
    gaps = Gaps.of(kept)
    first, number = np.unique(gaps.before, return_inverse=True)
    straight = slerp_between(curves, kept)
    places, ends = curves.positions, np.array([gaps.after[gaps.before == b][0] for b in first])
    count = np.bincount(number).astype(float)
    mean = lambda x: np.bincount(number, x) / count  # noqa: E731
    correction = (corrected.positions - places)[gaps.missing]
    bend = (straight.positions - places)[gaps.missing]
    square = lambda x: (x * x).sum(axis=-1).mean(axis=-1)  # noqa: E731
    way = np.linalg.norm(places[ends] - places[first], axis=-1).mean(axis=-1)
    length = (ends - first) / curves.fps * 2.0  # half seconds
    size = mean(np.linalg.norm(correction, axis=-1).mean(axis=-1))
    log = np.log(length)
    columns = (
        np.ones(len(first)),
        log,
        np.maximum(log, 0.0),
        np.log((mean(square(correction)) + 1e-6) / (mean(square(bend)) + 1e-6)),
        np.log((size + 1e-3) / (way + 1e-3)),
        np.log(2.0 * way / length + 0.02),
    )
    return GapSigns(number, np.stack(columns, axis=1))


def trusted_share(curves: Motion, corrected: Motion, kept: np.ndarray, trust: CurveTrust) -> Array:
    """Share of the correction that is kept, [T]; the same throughout a gap."""
    signs = gap_signs(curves, corrected, kept)
    share = np.clip(signs.columns @ np.asarray(trust.weights), 0.0, 1.0) * trust.caution
    result = np.zeros(len(kept))
    result[Gaps.of(kept).missing] = share[signs.number]
    return result
