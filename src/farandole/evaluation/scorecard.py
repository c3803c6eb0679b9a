"""The scorecard of a set of dances: eleven lines that count as "as good as real", and what tells dancing from moving about.

    reference = real_range(takes, beats)                  # or reference_file.starter_reference()
    card = score(dances, beats, reference)
    card.passed, card.counted, card.distance              # 9 of 11, and how far outside the failed ones are
    card > best                                           # more lines within the real range, ties by distance
    print(card.table()); json.dumps(card.as_dict())

A minute of motion takes about 0.15 s. numpy and scipy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from farandole.evaluation.clip_figures import ClipFigures
from farandole.evaluation.figures import FIGURES
from farandole.evaluation.measuring import Count, measure_for_lines
from farandole.evaluation.plain_values import plain
from farandole.evaluation.real_range import AS_GOOD_AS_REAL, DANCED, LineRule, RealRange, real_range
from farandole.evaluation.reporting.number_text import number_text, range_text
from farandole.evaluation.score_line import Line
from farandole.motion import Motion

__all__ = ["Line", "RealRange", "Scorecard", "real_range", "score", "score_clips", "scorecard_lines", "scorecard_table"]

SHORTEST = 0.2
"""A dance shorter than this is none, s."""


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A set of dances beside real takes. Cards of the same lines are ordered: the better is the greater.

    Attributes:
        reference: Name of the real takes.
        style: Their style, empty for all.
        names: Of the dances.
        lines: The eleven lines.
        danced: The lines of "danced, not noodled".
    """

    reference: str
    style: str
    names: tuple[str, ...]
    lines: tuple[Line, ...]
    danced: tuple[Line, ...]

    @property
    def passed(self) -> int:
        """How many of the eleven lines lie within the real range."""
        return sum(line.passed for line in self.lines)

    @property
    def counted(self) -> int:
        """How many of the eleven could be judged; fewer without beats, or without enough real takes."""
        return sum(line.counted for line in self.lines)

    @property
    def danced_passed(self) -> int:
        """How many of the lines of "danced, not noodled" lie within the real range."""
        return sum(line.passed for line in self.danced)

    @property
    def distance(self) -> float:
        """Sum over the eleven lines of their distance outside the real range; 0 is within everywhere."""
        return float(sum(line.distance for line in self.lines))

    @property
    def score(self) -> tuple[int, float]:
        """The stated score by which checkpoints are chosen: lines within the real range, ties by (less) distance."""
        return self.passed, -self.distance

    def __lt__(self, other: Scorecard) -> bool:
        return self.score < other.score

    def __getitem__(self, figure: str) -> Line:
        """A line by its figure. Raises KeyError if there is none."""
        for line in (*self.lines, *self.danced):
            if line.figure == figure:
                return line
        raise KeyError(figure)

    def numbers(self) -> dict[str, float]:
        """Value of every line by figure, with `passed`, `danced_passed` and `distance`: what a training logs."""
        values = {line.figure: line.value for line in (*self.lines, *self.danced)}
        return {**values, "passed": self.passed, "danced_passed": self.danced_passed, "distance": self.distance}

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain types, NaN as None."""
        return {
            "reference": self.reference,
            "style": self.style,
            "dances": list(self.names),
            "passed": self.passed,
            "counted": self.counted,
            "distance": plain(self.distance),
            "lines": [line.as_dict() for line in self.lines],
            "danced_passed": self.danced_passed,
            "danced": [line.as_dict() for line in self.danced],
        }

    def table(self) -> str:
        """All lines as a Markdown table."""
        return scorecard_table({"dances": self})

    def __str__(self) -> str:
        return (
            f"{self.passed} of {self.counted} lines as good as {self.reference}, {self.distance:.2f} outside; "
            f"danced {self.danced_passed} of {sum(line.counted for line in self.danced)}"
        )


def score(
    motions: Sequence[Motion | None],
    beats: Sequence[Count] | None,
    reference: RealRange,
    *,
    names: Sequence[str] | None = None,
) -> Scorecard:
    """Hold dances against real takes.

    Args:
        motions: Dances of any humanoid, floor at y = 0; None for one that could not be made (say, because its numbers are NaN):
            it fails every line, and so does one shorter than `SHORTEST`.
        beats: Of each dance: `Beats` of its music, or a continuous beat count per frame [T], or None; None for all leaves the
            line about the beat uncounted.
        reference: From `real_range`; for one style `reference.of_style(style)`.
        names: Of the dances; by default the motions' own.

    Raises:
        RetargetError: If a skeleton is no humanoid that we know.
    """
    counts = [None] * len(motions) if beats is None else beats
    clips = [
        None if motion is None or motion.seconds < SHORTEST else measure_for_lines(motion, count)
        for motion, count in zip(motions, counts, strict=True)
    ]
    if names is None:
        names = [f"dance {i}" if motion is None else motion.name for i, motion in enumerate(motions, 1)]
    return score_clips(clips, reference, names=names)


def score_clips(
    clips: Sequence[ClipFigures | None], reference: RealRange, *, names: Sequence[str] | None = None
) -> Scorecard:
    """`score` of dances that are measured already; None for one that could not be."""
    if names is None:
        names = [f"dance {i}" if clip is None else clip.name for i, clip in enumerate(clips, 1)]
    with np.errstate(all="ignore"):
        numbers = [reference.numbers(clip) for clip in clips if clip is not None]
    failed = sum(clip is None for clip in clips)
    make = lambda rules: tuple(_line(rule, numbers, failed, reference) for rule in rules)  # noqa: E731
    return Scorecard(reference.name, reference.style, tuple(names), make(AS_GOOD_AS_REAL), make(DANCED))


def _line(rule: LineRule, numbers: Sequence[dict[str, float]], failed: int, reference: RealRange) -> Line:
    accepted = reference.ranges[rule.figure]
    each = tuple(float(n.get(rule.figure, np.nan)) for n in numbers)
    known = [value for value in each if not np.isnan(value)]
    if not known:
        value = float("nan")
    elif rule.worst:
        value = max(known)
    else:
        value = float(np.mean(known))
    return Line(rule.figure, value, each, accepted, failed)


def scorecard_table(cards: Mapping[str, Scorecard]) -> str:
    """One row per line, one column per set; what fails is bold. All cards have the same real takes.

    Args:
        cards: Name of a set -> its scorecard.
    """
    first = next(iter(cards.values()))
    real = f"{first.reference}, {first.style}" if first.style else first.reference
    rows = [f"| | {real} | accepted | {' | '.join(cards)} |", f"|---|---:|---:|{'---:|' * len(cards)}"]
    for group, title in (("lines", "As good as real"), ("danced", "Danced, not noodled")):
        passed = [lines_passed(getattr(card, group)) for card in cards.values()]
        rows.append(f"| **{title}** | | | {' | '.join(f'**{text}**' for text in passed)} |")
        for number, line in enumerate(getattr(first, group)):
            figure = FIGURES[line.figure]
            label = f"{figure.label}, {figure.unit}" if figure.unit else figure.label
            cells = [_cell(getattr(card, group)[number]) for card in cards.values()]
            rows.append(
                f"| {label} | {number_text(line.range.real)} | {range_text(line.range.low, line.range.high)} | "
                f"{' | '.join(cells)} |"
            )
        if group == "lines":
            rows.append(f"| Outside, in all | | 0 | {' | '.join(f'{card.distance:.2f}' for card in cards.values())} |")
    return "\n".join(rows)


def lines_passed(lines: tuple[Line, ...]) -> str:
    """How many of the lines that could be judged lie within the real range, like "9 of 11"."""
    return f"{sum(line.passed for line in lines)} of {sum(line.counted for line in lines)}"


def _cell(line: Line) -> str:
    if not line.counted:
        return "-"
    text = number_text(line.value) + (f" ({line.failed} broke)" if line.failed else "")
    return text if line.passed else f"**{text}**"


def scorecard_lines(name: str, card: Scorecard) -> list[str]:
    """A scorecard as plain lines for a terminal."""
    lines = [f"{name}: {card}"]
    for line in (*card.lines, *card.danced):
        figure = FIGURES[line.figure]
        mark = "  - " if not line.counted else "ok  " if line.passed else "FAIL"
        accepted = range_text(line.range.low, line.range.high)
        lines.append(
            f"  {mark} {figure.label:34} {number_text(line.value):>8} {figure.unit:5} (accepted {accepted}, "
            f"real {number_text(line.range.real)})"
        )
    return lines
