"""One line of a scorecard: a figure of a set of dances beside the range of real takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from farandole.evaluation.figures import FIGURES
from farandole.evaluation.plain_values import plain
from farandole.evaluation.real_range import Range

FARTHEST = 10.0
"""No dance counts for more than this outside a range, spreads: one that explodes weighs no more than one that fails."""


@dataclass(frozen=True)
class Line:
    """One figure of a set of dances beside real takes.

    Attributes:
        figure: Name in `figures.FIGURES`.
        value: Of the set: the mean over its dances, or the worst of them where the rule says so; NaN if unknown.
        each: Of every dance; NaN where a dance does not have it.
        range: What is accepted.
        failed: Dances that could not be made or measured.
    """

    figure: str
    value: float
    each: tuple[float, ...]
    range: Range
    failed: int = 0

    @property
    def counted(self) -> bool:
        """Whether the line can be judged: some dance has the figure (or broke), and the range has a bound."""
        return self.range.known and (self.failed > 0 or bool(np.isfinite(self.value)))

    @property
    def passed(self) -> bool:
        """Whether the set lies within the range of real takes. A dance that could not be made fails every line."""
        return self.counted and not self.failed and self.range.holds(self.value)

    @property
    def distance(self) -> float:
        """Mean over dances of the distance outside the range, spreads of real takes, at most `FARTHEST` for each."""
        if not self.counted:
            return 0.0
        known = [value for value in self.each if not np.isnan(value)]
        outside = [min(self.range.excess(value), FARTHEST) for value in known] + [FARTHEST] * self.failed
        return float(np.mean(outside)) if outside else 0.0

    @property
    def within(self) -> int:
        """How many dances lie within the range by themselves."""
        return sum(self.range.holds(value) for value in self.each)

    def as_dict(self) -> dict[str, Any]:
        """Plain types, NaN and infinities as None."""
        figure = FIGURES[self.figure]
        return plain(
            {
                "figure": self.figure,
                "label": figure.label,
                "unit": figure.unit,
                "value": self.value,
                "low": self.range.low,
                "high": self.range.high,
                "real": self.range.real,
                "source": self.range.source,
                "counted": self.counted,
                "passed": self.passed,
                "distance": self.distance,
                "each": list(self.each),
            }
        )
