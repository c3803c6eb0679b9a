"""Masks for training a model to fill in motion, as in DanceBERT: whole frames are hidden, and only they are scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.errors import DataError

SHORTEST = 120
"""Least frames that a window keeps."""


@dataclass(frozen=True)
class Masked:
    """A batch as the model sees it.

    Attributes:
        motion: Windows with hidden frames and empty tails, [B, T, D].
        attention: 1 where there is motion, 0 in the tail, [B, T].
        scored: True for the frames that count in the loss, [B, T].
    """

    motion: np.ndarray
    attention: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class Masking:
    """How frames are hidden.

    Attributes:
        share: Probability with which a frame is masked: 0.15 for dances, 0.25 for LAFAN1.
        zero, replace: Of the masked frames, shares that are zeroed and that are replaced by another frame; the rest stays.
        shortest: Least length of a window; the rest is an empty tail.
        longest: Greatest length; None for T - 1, as published.
    """

    share: float = 0.15
    zero: float = 0.8
    replace: float = 0.1
    shortest: int = SHORTEST
    longest: int | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and self.zero >= 0 and self.replace >= 0 and self.zero + self.replace <= 1):
            raise DataError(
                f"masking: share {self.share}, zero {self.zero}, replace {self.replace} are no probabilities"
            )

    def draw(self, motion: np.ndarray, random: np.random.Generator) -> Masked:
        """Mask windows [B, T, D].

        Raises:
            DataError: If they are shorter than `shortest`.
        """
        batch, frames, _ = motion.shape
        longest = frames - 1 if self.longest is None else self.longest
        if not 1 <= self.shortest <= longest <= frames:
            raise DataError(f"windows of {frames} frames cannot be cut to {self.shortest} to {longest}")
        lengths = random.integers(self.shortest, longest + 1, batch)
        there = np.arange(frames) < lengths[:, None]
        masked = there & (random.random((batch, frames)) < self.share)
        return self._hide(motion, masked, there, lengths, random)

    def fixed(self, motion: np.ndarray, hidden: np.ndarray, length: int) -> Masked:
        """Zero the same frames of all windows [B, T, D], without chance: for evaluation.

        Args:
            motion: Windows.
            hidden: Frames to hide, [T] bool.
            length: Frames that are there.
        """
        there = np.broadcast_to(np.arange(motion.shape[1]) < length, motion.shape[:2])
        scored = there & hidden
        return Masked(np.where((there & ~scored)[..., None], motion, 0), there.astype(np.float32), scored)

    def _hide(
        self,
        motion: np.ndarray,
        masked: np.ndarray,
        there: np.ndarray,
        lengths: np.ndarray,
        random: np.random.Generator,
    ) -> Masked:
        action = random.random(masked.shape)
        result = np.where((there & ~(masked & (action < self.zero)))[..., None], motion, 0).astype(motion.dtype)
        row, frame = np.nonzero(masked & (action >= self.zero) & (action < self.zero + self.replace))
        source = random.integers(0, len(motion), len(row))
        # Any frame of the source but the one of the same number.
        room = lengths[source] - (frame < lengths[source])
        other = (random.random(len(row)) * room).astype(int)
        other += (other >= frame) & (frame < lengths[source])
        result[row, frame] = motion[source, other]
        return Masked(result, there.astype(np.float32), masked)


def pattern(number: int, frames: int, *, lafan1: bool = False) -> np.ndarray:
    """The fixed patterns of hidden frames, [T] bool.

    0: the first frame; 1: five visible, five hidden (LAFAN1: ten) in turn; 2: every fifth visible (tenth); 3: frames 88 to 97.

    Raises:
        DataError: If there is no such pattern.
    """
    t = np.arange(frames)
    period = 10 if lafan1 else 5
    patterns = (t == 0, t % (5 + period) >= 5, t % period != 0, (t >= 88) & (t <= 97))
    if not 0 <= number < len(patterns):
        raise DataError(f"no pattern {number}: there are 0 to {len(patterns) - 1}")
    return patterns[number]
