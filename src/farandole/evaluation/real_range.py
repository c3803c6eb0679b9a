"""What real takes are like: the range of every figure, and where each range comes from.

`AS_GOOD_AS_REAL` states the eleven lines by which a dance counts as good as a real one; `DANCED` the lines that tell dancing from
moving about. They are stated here once; reports, training and the command show them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.feature_space import FeatureSpace
from farandole.evaluation.measuring import Count, measure_for_lines
from farandole.evaluation.metrics.window_features import HOP, WindowFeatures
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.motion import Motion

INFINITY = float("inf")


@dataclass(frozen=True)
class LineRule:
    """How the accepted range of one figure follows from real takes.

    Attributes:
        figure: Name in `figures.FIGURES`.
        side: "both": neither more nor less than real takes; "most": no more; "least": no less; "demand": the range given,
            whatever real takes have.
        low: Least accepted value of a demand; "least" never asks for less than this.
        high: Greatest accepted value of a demand; "most" never asks for less than this.
        reason: Why it is a demand, or why the bound is there; follows the number in `Range.source`.
        tolerance: The range reaches at least this far from the median of the real takes, in the figure's unit: what nobody sees.
        worst: A set is judged by its greatest value and not by its mean.
    """

    figure: str
    side: Literal["both", "most", "least", "demand"]
    low: float = -INFINITY
    high: float = INFINITY
    reason: str = ""
    tolerance: float = 0.0
    worst: bool = False


AS_GOOD_AS_REAL = (
    LineRule("joint_speed", "both"),
    LineRule(
        "energy_ratio", "demand", 0.7, 1.4, "a dance neither dies away nor runs wild; of a short take it is chance"
    ),
    LineRule("jerk", "most"),
    LineRule("support_median", "most", high=1.0, reason="1 cm/s does not show"),
    LineRule("penetration", "most", high=1.0, reason="1 cm does not show"),
    LineRule("hip_rise", "most", high=0.3, reason="0.3 m is a leap", worst=True),
    LineRule("wrong_knees", "most", high=0.01, reason="1 % is within the error of captures"),
    LineRule("coherence_gain", "least", low=0.03, reason="less is chance"),
    LineRule("frechet_kinetic", "most"),
    LineRule("frechet_geometric", "most"),
    LineRule("diversity", "both"),
)
"""The eleven lines."""

DANCED = (
    LineRule("speed_deviation_short", "both", tolerance=0.05),
    LineRule("speed_deviation_long", "both", tolerance=0.05),
    LineRule("quiet_share", "both", tolerance=0.03),
    LineRule("burst_share", "both", tolerance=0.02),
    LineRule("holds", "both", tolerance=2.0),
    LineRule("straight_knees", "both", tolerance=0.05),
    LineRule("straighter_knee", "both", tolerance=3.0),
    LineRule("long_arms", "both", tolerance=0.05),
    LineRule("torso_tilt", "both", tolerance=1.0),
    LineRule("hip_height", "both", tolerance=0.5),
    LineRule("phrase_variety", "least"),
)
"""The lines of "danced, not noodled"."""

MANY = 10
"""From this many real takes on, a range reaches from their 5th to their 95th percentile, so that one bad take does not widen it."""

DEVIATIONS = 2.0
"""Of fewer takes a range reaches from the least to the greatest, and at least this many deviations about their mean."""


@dataclass(frozen=True)
class Range:
    """Accepted values of one figure.

    Attributes:
        low: Least accepted value, -inf for none.
        high: Greatest accepted value, inf for none.
        real: Mean of the real takes, NaN if they do not have the figure.
        spread: Unit in which distances from the range are counted: the deviation of the real takes, at least a tenth of the
            mean (of half a demanded range).
        source: Where the range comes from, in words.
    """

    low: float
    high: float
    real: float
    spread: float
    source: str

    @property
    def known(self) -> bool:
        """Whether any value can fail."""
        return bool(np.isfinite(self.low) or np.isfinite(self.high))

    def holds(self, value: float) -> bool:
        """Whether a value lies within, up to rounding; NaN never does."""
        slack = 1e-9 * max(1.0, abs(value)) if np.isfinite(value) else 0.0
        return bool(self.low - slack <= value <= self.high + slack)

    def excess(self, value: float) -> float:
        """Distance outside the range in units of `spread`, 0 within; inf for NaN."""
        if np.isnan(value):
            return INFINITY
        return 0.0 if self.holds(value) else max(self.low - value, value - self.high) / self.spread


@dataclass(frozen=True, eq=False)
class RealRange:
    """Real takes as a yardstick.

    Attributes:
        name: Of the set.
        clips: Figures of every take.
        style: The style these takes have, empty for all.
    """

    name: str
    clips: tuple[ClipFigures, ...]
    style: str = ""

    def __post_init__(self) -> None:
        if not self.clips:
            raise DataError(f"{self.name}: no real takes to compare with")

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles of the takes, in order of their names."""
        return tuple(sorted({clip.style for clip in self.clips if clip.style}))

    def of_style(self, style: str) -> RealRange:
        """The takes of one style alone. Raises DataError if there are none; names the styles there are."""
        clips = tuple(clip for clip in self.clips if clip.style == style)
        if not clips:
            there = ", ".join(self.styles) or "none"
            raise DataError(f"{self.name} has no takes of style '{style}'; styles: {there}")
        return replace(self, clips=clips, style=style)

    @cached_property
    def space(self) -> FeatureSpace | None:
        """Coordinates of windows; None for fewer than two windows."""
        windows = WindowFeatures.of([clip.windows for clip in self.clips])
        return FeatureSpace.of(windows) if len(windows) > 1 else None

    def numbers(self, clip: ClipFigures) -> dict[str, float]:
        """Every figure of a clip, with its distances from these takes."""
        own = self.space.numbers(clip.windows, HOP) if self.space else {}
        return {**clip.all_numbers(), **own}

    @cached_property
    def take_numbers(self) -> tuple[dict[str, float], ...]:
        """Every figure of every take; distances are those from the other takes, a take being no yardstick for itself."""
        result = []
        for i, clip in enumerate(self.clips):
            others = self.clips[:i] + self.clips[i + 1 :]
            apart = replace(self, clips=others) if others else self
            numbers = apart.numbers(clip)
            if not others:
                numbers |= {"frechet_kinetic": np.nan, "frechet_geometric": np.nan}
            result.append(numbers)
        return tuple(result)

    @cached_property
    def ranges(self) -> dict[str, Range]:
        """Accepted range of every line, by figure."""
        return {rule.figure: self._range(rule) for rule in (*AS_GOOD_AS_REAL, *DANCED)}

    def _range(self, rule: LineRule) -> Range:
        values = np.array([numbers.get(rule.figure, np.nan) for numbers in self.take_numbers], dtype=float)
        return range_of(values[np.isfinite(values)], rule, f"{self.name}, {self.style}" if self.style else self.name)


def range_of(values: Array, rule: LineRule, name: str) -> Range:
    """The accepted range of one figure.

    Args:
        values: Of the real takes that have it, [N].
        rule: How the range follows.
        name: Of the set, for the source.
    """
    mean = float(values.mean()) if len(values) else float("nan")
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if rule.side == "demand":
        return Range(rule.low, rule.high, mean, (rule.high - rule.low) / 2, f"a demand: {rule.reason}")
    spread = max(deviation, 0.1 * abs(mean), 1e-6) if len(values) else 1.0
    low, high, source = -INFINITY, INFINITY, "no real take has this figure"
    if len(values):
        takes = f"{len(values)} takes of {name}" if len(values) > 1 else f"the take of {name}"
        if len(values) >= MANY:
            source = f"{takes}: 5th to 95th percentile"
            low, high = (float(x) for x in np.quantile(values, (0.05, 0.95)))
        else:
            source = f"{takes}: least to greatest, at least mean ± {DEVIATIONS:g} deviations"
            low = min(float(values.min()), mean - DEVIATIONS * deviation)
            high = max(float(values.max()), mean + DEVIATIONS * deviation)
        middle = float(np.median(values))
        low, high = min(low, middle - rule.tolerance), max(high, middle + rule.tolerance)
        if rule.tolerance:
            source += f", at least ± {rule.tolerance:g}"
        if values.min() >= 0:
            low = max(low, 0.0)
    if rule.side == "most":
        low = -INFINITY
        if np.isfinite(rule.high) and not (np.isfinite(high) and high >= rule.high):
            high, source = rule.high, f"{rule.high:g}: {rule.reason}"
    elif rule.side == "least":
        high = INFINITY
        if np.isfinite(rule.low) and not (np.isfinite(low) and low >= rule.low):
            low, source = rule.low, f"{rule.low:g}: {rule.reason}"
    return Range(low, high, mean, spread, source)


def real_range(
    motions: Sequence[Motion],
    beats: Sequence[Count] | None = None,
    style: str | Sequence[str] = "",
    *,
    name: str = "real takes",
) -> RealRange:
    """Measure real takes, to be a yardstick for `scorecard.score`.

    Args:
        motions: Real takes of any humanoid, floor at y = 0.
        beats: Of each take: `Beats`, or a continuous beat count per frame [T], or None. None for all leaves the line about the
            beat to its least demand.
        style: One style for all takes, or one for each.
        name: Of the set, for messages.

    Raises:
        DataError: If there are no takes.
        RetargetError: If a skeleton is no humanoid that we know.
    """
    counts = [None] * len(motions) if beats is None else beats
    styles = [style] * len(motions) if isinstance(style, str) else style
    clips = [
        measure_for_lines(motion, count, style=kind)
        for motion, count, kind in zip(motions, counts, styles, strict=True)
    ]
    return RealRange(name, tuple(clips), style if isinstance(style, str) else "")
