"""Words for hands and feet that must be somewhere: LeftFoot@280:320, RightHand@1.2s=0.3,1.2,0.4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from farandole.errors import MotionError

if TYPE_CHECKING:
    from farandole.generation.frame_times import FrameTimes
    from farandole.motion.goals import Goal


def parse_goals(pins: Sequence[str], goals: Sequence[str], times: FrameTimes) -> tuple[Goal, ...]:
    """Goals of --pin and --goal words.

    Raises:
        MotionError: If a word is none.
    """
    from farandole.motion.goals import Goal

    found = [Goal(*_where(f"--pin {word}", word, times)) for word in pins]
    for word in goals:
        where, equals, place = word.partition("=")
        try:
            x, y, z = (float(part) for part in place.split(",") if equals)
        except ValueError as error:
            raise MotionError(
                f"--goal {word}: write a hand or foot, when, and where in metres: RightHand@100=0.3,1.2,0.4"
            ) from error
        found.append(Goal(*_where(f"--goal {word}", where, times), (x, y, z)))
    return tuple(found)


def _where(option: str, word: str, times: FrameTimes) -> tuple[str, int, int]:
    joint, sign, when = word.partition("@")
    if not sign or not joint.strip():
        raise MotionError(f"{option}: write a hand or foot and when, like LeftFoot@280:320 or RightHand@1.2s")
    first, last = times.span(when)
    return joint.strip(), first, last


def parse_times(text: str) -> list[float | tuple[float, float]]:
    """Times of poses in seconds: "0,0.6:1.0,1.6s" -> [0, (0.6, 1.0), 1.6]. Raises MotionError naming the part that is none."""
    times: list[float | tuple[float, float]] = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            begin = float(first.strip().removesuffix("s"))
            times.append((begin, float(last.strip().removesuffix("s"))) if colon else begin)
        except ValueError:
            raise MotionError(
                f"--at {text}: '{part.strip()}' is no time in seconds; write 0,0.6,1.2 or 0.6:1.0 to hold"
            ) from None
    return times
