"""Which frames of a window go missing, drawn anew for every batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from farandole.models.errors import require

ALIKE = 4
"""Windows of a batch with the same pattern: the curves of all of them are made at once."""


@dataclass(frozen=True)
class GapPatterns:
    """Which frames go missing; every batch is of one kind.

    transition: past frames, one gap, future frames. keyframes: single kept frames, evenly or unevenly spaced. spans: several gaps.
    """

    transition: float = 1.0
    """Share of the batches, as of the other two kinds; shares need not add up to 1."""
    keyframes: float = 0.0
    """See transition."""
    spans: float = 0.0
    """See transition."""
    shortest_gap: int = 5
    """Missing frames of a transition at least."""
    longest_gap: int = 50
    """Missing frames of a gap of any kind at most."""
    gap_step: int = 1
    """Gaps of transitions are multiples of this: on a CPU every new window length costs time and memory for its kernels."""
    shortest_past: int = 10
    """Frames given before a transition, at least."""
    longest_past: int = 10
    """And at most."""
    longest_future: int = 1
    """Frames given behind a transition at most; one is the least."""
    window: int = 96
    """Frames of a window with key frames or spans."""
    short_window: int = 0
    """Frames of such a window in every third batch, so that short clips teach too; 0: all are long."""

    def __post_init__(self) -> None:
        shares = (self.transition, self.keyframes, self.spans)
        require(
            "patterns",
            [
                (min(shares) >= 0 and sum(shares) > 0, "shares must be positive"),
                (1 <= self.shortest_gap <= self.longest_gap, "need 1 <= shortest_gap <= longest_gap"),
                (1 <= self.gap_step <= self.longest_gap, "need 1 <= gap_step <= longest_gap"),
                (1 <= self.shortest_past <= self.longest_past, "need 1 <= shortest_past <= longest_past"),
                (self.longest_future >= 1, "longest_future must be at least 1"),
                (self.window >= 4, "window must be at least 4"),
                (self.short_window == 0 or self.short_window >= 4, "short_window must be 0 or at least 4"),
            ],
        )

    @property
    def longest(self) -> int:
        """Frames of the longest window drawn."""
        transition = self.longest_past + self.longest_gap + self.longest_future
        return max(transition if self.transition else 0, self.window if self.keyframes or self.spans else 0)

    def draw(self, batch: int, random: np.random.Generator) -> np.ndarray:
        """Flags of the kept frames, [B, T]; T is drawn too."""
        shares = np.array([self.transition, self.keyframes, self.spans])
        kind = random.choice(3, p=shares / shares.sum())
        short = self.short_window and kind and random.random() < 1.0 / 3.0
        drawn = replace(self, window=self.short_window, short_window=0) if short else self
        keep = (drawn._transition, drawn._keyframes, drawn._spans)[kind](-(-batch // ALIKE), random)
        return np.repeat(keep, ALIKE, axis=0)[:batch]

    def _transition(self, batch: int, random: np.random.Generator) -> np.ndarray:
        past = int(random.integers(self.shortest_past, self.longest_past + 1))
        step = self.gap_step
        gap = step * int(random.integers(-(-self.shortest_gap // step), self.longest_gap // step + 1))
        future = int(random.integers(1, self.longest_future + 1))
        place = np.arange(past + gap + future)
        return np.tile((place < past) | (place >= past + gap), (batch, 1))

    def _keyframes(self, batch: int, random: np.random.Generator) -> np.ndarray:
        most = min(self.longest_gap, self.window // 2)
        every = random.integers(2, most + 1, (batch, 1))
        uneven = random.random((batch, 1)) < 0.5
        step = np.where(uneven, random.integers(1, 2 * every, (batch, self.window)), every)
        place = np.cumsum(step, axis=1) - 1 - (random.random((batch, 1)) * every).astype(int)
        keep = np.zeros((batch, self.window), bool)
        row, column = np.nonzero((place >= 0) & (place < self.window))
        keep[row, place[row, column]] = True
        # Clips begin and end on kept frames more often than not; and no window may be without any.
        ends = random.random(batch) < 0.6
        keep[:, 0] |= ends | ~keep.any(axis=1)
        keep[:, -1] |= ends
        return keep

    def _spans(self, batch: int, random: np.random.Generator) -> np.ndarray:
        place = np.arange(self.window)
        keep = np.ones((batch, self.window), bool)
        for n in range(3):
            length = random.integers(1, min(self.longest_gap, self.window - 2) + 1, (batch, 1))
            length *= (n == 0) | (random.random((batch, 1)) < 0.5)
            start = 1 + (random.random((batch, 1)) * (self.window - 1 - length)).astype(int)
            keep &= (place < start) | (place >= start + length)
        return keep
