"""Masks for training a model to fill in motion: which frames are hidden, what stands in their place, which are scored.

Whole frames of windows are masked, drawn one by one as in DanceBERT, in spans, all but every k-th, or all from some frame on; the
mask may be confined to some joints. Music is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
        hidden: True for the scored frames that were zeroed, not replaced or kept, [B, T].
        joints: Groups of columns that the mask is confined to, [B, G] bool; None: it covers all.
    """

    motion: np.ndarray
    attention: np.ndarray
    scored: np.ndarray
    hidden: np.ndarray
    joints: np.ndarray | None = None

    @property
    def flags(self) -> np.ndarray:
        """What is hidden, as a model is told: [B, T, 1], or [B, T, G] where the mask is confined to some joints."""
        hidden = self.hidden[..., None]
        return (hidden if self.joints is None else hidden & self.joints[:, None]).astype(np.float32)


@dataclass(frozen=True)
class Masking:
    """How frames are hidden. The defaults are the published pre-training on dances.

    Raises:
        DataError: If the numbers contradict each other.
    """

    pattern: Literal["frames", "spans", "every", "keys", "suffix"] = "frames"
    """frames: each by itself with probability `share`. spans: runs of `least` to `most` frames. every: all but every `every`-th,
    the first being visible. keys: all but every k-th, k and the first one drawn for each window, k from `least` to `most`, a short
    one as often as one of twice the length. suffix: the last `least` to `most` frames."""
    share: float = 0.15
    """Of frames: the share that is masked in patterns frames and spans; 0.15 for dances, 0.25 for LAFAN1."""
    every: int = 15
    """Distance of visible frames in the pattern every."""
    least: int = 5
    """Least frames of a span or suffix; least distance of keys."""
    most: int = 30
    """Greatest frames of a span or suffix; greatest distance of keys."""
    ends: bool = False
    """Whether the first and the last frame of every window stay visible: all that is hidden lies between known frames. A window
    with an open end has metres of error that no model can take away, beside which the centimetres in between do not count."""
    joint_share: float = 1.0
    """Of joints: the share that a window's mask covers, drawn anew for each; 1: whole frames."""
    zero: float = 0.8
    """Of masked frames: the share that is zeroed."""
    replace: float = 0.1
    """Of masked frames: the share that is replaced by another frame of the batch. The rest stays as it is."""
    shortest: int = SHORTEST
    """Least length of a window; the rest is an empty tail."""
    longest: int | None = None
    """Greatest length; None for T - 1, as published."""

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and self.zero >= 0 and self.replace >= 0 and self.zero + self.replace <= 1):
            raise DataError(
                f"masking: share {self.share}, zero {self.zero}, replace {self.replace} are no probabilities"
            )
        if self.pattern not in ("frames", "spans", "every", "keys", "suffix"):
            raise DataError(f"masking: no pattern '{self.pattern}'; there are frames, spans, every, keys, suffix")
        if self.ends and self.pattern == "suffix":
            raise DataError("masking: a suffix has no visible end (ends)")
        if self.pattern == "spans" and self.share == 1:
            raise DataError("masking: spans with a share of 1 would keep nothing")
        if not 1 <= self.least <= self.most or self.every < 1:
            raise DataError(
                f"masking: needed is 1 <= least <= most, every >= 1; got {self.least}, {self.most}, {self.every}"
            )
        if not 0 < self.joint_share <= 1:
            raise DataError(f"masking: joint_share must be in (0, 1], got {self.joint_share}")

    def draw(self, motion: np.ndarray, random: np.random.Generator, groups: np.ndarray | None = None) -> Masked:
        """Mask windows [B, T, D].

        Args:
            motion: Windows; not changed.
            random: Source of every choice.
            groups: Joint of each column, 0 to G - 1, [D] (the root's position counts as one); needed where `joint_share` < 1.

        Raises:
            DataError: If windows are shorter than `shortest`, or a suffix would leave nothing, or groups are missing.
        """
        batch, frames, _ = motion.shape
        longest = frames - 1 if self.longest is None else self.longest
        if not 2 <= self.shortest <= longest <= frames:
            raise DataError(f"windows of {frames} frames cannot be cut to {self.shortest} to {longest}")
        if self.pattern == "suffix" and self.most >= self.shortest:
            raise DataError(f"a suffix of {self.most} frames keeps nothing of windows of {self.shortest}")
        lengths = random.integers(self.shortest, longest + 1, batch)
        there = np.arange(frames) < lengths[:, None]
        masked = there & self._masked(lengths, frames, random)
        if self.ends:
            masked[:, 0] = masked[np.arange(batch), lengths - 1] = False
        joints = self._joints(batch, groups, random)
        return self._hide(motion, masked, there, lengths, random, joints, groups)

    def fixed(self, motion: np.ndarray, hidden: np.ndarray, length: int) -> Masked:
        """Zero the same frames of all windows [B, T, D], without chance: for evaluation.

        Args:
            motion: Windows.
            hidden: Frames to hide, [T] bool.
            length: Frames that are there.
        """
        there = np.broadcast_to(np.arange(motion.shape[1]) < length, motion.shape[:2])
        scored = there & hidden
        return Masked(np.where((there & ~scored)[..., None], motion, 0), there.astype(np.float32), scored, scored)

    def _masked(self, lengths: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
        """Which frames to mask, [B, T] or [T] bool; tails do not matter."""
        if self.pattern == "every":
            return np.arange(frames) % self.every != 0
        if self.pattern == "keys":
            reach = np.exp(random.uniform(np.log(self.least), np.log(self.most + 1), len(lengths)))
            apart = np.minimum(reach.astype(int), self.most)[:, None]
            return (np.arange(frames) + random.integers(0, apart)) % apart != 0
        if self.pattern == "suffix":
            count = random.integers(self.least, self.most + 1, len(lengths))
            return np.arange(frames) >= (lengths - count)[:, None]
        if self.pattern == "spans":
            return spans(len(lengths), frames, self.share, self.least, self.most, random)
        return random.random((len(lengths), frames)) < self.share

    def _joints(self, batch: int, groups: np.ndarray | None, random: np.random.Generator) -> np.ndarray | None:
        """Joints that each window's mask covers, [B, G]: always the same number, one at least."""
        if self.joint_share == 1:
            return None
        if groups is None:
            raise DataError("masking: joint_share below 1 needs features that belong to joints")
        total = int(groups.max()) + 1
        order = random.random((batch, total)).argsort(axis=1)
        return order < max(1, round(self.joint_share * total))

    def _hide(
        self,
        motion: np.ndarray,
        masked: np.ndarray,
        there: np.ndarray,
        lengths: np.ndarray,
        random: np.random.Generator,
        joints: np.ndarray | None,
        groups: np.ndarray | None,
    ) -> Masked:
        action = random.random(masked.shape)
        zeroed = masked & (action < self.zero)
        result = np.where((there & ~zeroed)[..., None], motion, 0).astype(motion.dtype)
        row, frame = np.nonzero(masked & (action >= self.zero) & (action < self.zero + self.replace))
        source = random.integers(0, len(motion), len(row))
        # Any frame of the source but the one of the same number.
        room = lengths[source] - (frame < lengths[source])
        other = (random.random(len(row)) * room).astype(int)
        other += (other >= frame) & (frame < lengths[source])
        result[row, frame] = motion[source, other]
        if joints is not None and groups is not None:
            result = np.where(~joints[:, None, groups] & there[..., None], motion, result)
        return Masked(result, there.astype(np.float32), masked, zeroed, joints)


def spans(batch: int, frames: int, share: float, least: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Runs of frames, [B, T] bool, of uniform length `least` to `most`; overlapping ones join.

    They begin anywhere, before the window too, with the probability that covers each frame with probability `share`.
    """
    # A frame stays free if no span of more than s frames begins s frames before it, for every s.
    longer = np.minimum(1.0, (most - np.arange(most)) / (most - least + 1))
    low, high = 0.0, 1.0
    for _ in range(50):
        chance = 0.5 * (low + high)
        low, high = (chance, high) if 1 - np.prod(1 - chance * longer) < share else (low, chance)
    begins = random.random((batch, frames + most - 1)) < high
    length = random.integers(least, most + 1, begins.shape)
    row, first = np.nonzero(begins)
    change = np.zeros((batch, frames + 2 * most), dtype=np.int64)
    np.add.at(change, (row, first), 1)
    np.add.at(change, (row, first + length[row, first]), -1)
    return change.cumsum(axis=1)[:, most - 1 : most - 1 + frames] > 0


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
