"""Moments of the music that go with a motion: beats and bars."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Markers:
    """Beats and bars of the song that a motion dances to.

    Attributes:
        beats: Times from the motion's first frame, s, in order.
        bars: Those at which a bar begins.
    """

    beats: tuple[float, ...] = ()
    bars: tuple[float, ...] = ()

    def between(self, begin: float, end: float, *, slack: float = 1e-6) -> Markers:
        """Those of a part of the motion, from its beginning on, s; one that lies up to `slack` before it falls on its beginning."""
        inside = lambda times: tuple(max(round(t - begin, 6), 0.0) for t in times if begin - slack <= t < end - slack)  # noqa: E731
        return Markers(inside(self.beats), inside(self.bars))

    def as_dict(self) -> dict[str, list[float]]:
        """As files hold them."""
        return {"beats": list(self.beats), "bars": list(self.bars)}

    def text(self) -> str:
        """Lines of "seconds, tab, place in the bar": 1 at its beginning, as beat trackers write them."""
        lines, place = [], 0
        bars = {round(t, 4) for t in self.bars}
        for beat in self.beats:
            place = 1 if round(beat, 4) in bars else place + 1 if place else 0
            lines.append(f"{beat:.4f}\t{place}" if place else f"{beat:.4f}")
        return "\n".join(lines) + "\n"
