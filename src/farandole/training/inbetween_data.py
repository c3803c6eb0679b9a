"""Batches of windows with gaps, for training in-between models: which frames are missing is drawn anew for every batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from farandole.data.feature_folder import FeatureFolder
from farandole.errors import DataError
from farandole.models.errors import require
from farandole.motion import kinematics
from farandole.motion import rotations as rot
from farandole.motion.gaps import GapCodec
from farandole.motion.rotations import Array

ALIKE = 4
"""Windows of a batch with the same pattern: the guess of all of them is made at once."""

Motions = list[tuple[Array, Array]]
"""Local rotations [T, J, 4] and root positions [T, 3] m of every sequence."""


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
        keep = (self._transition, self._keyframes, self._spans)[kind](-(-batch // ALIKE), random)
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


def read_motions(corpus: FeatureFolder, split: str, feature: str = "") -> tuple[Motions, list[str]]:
    """The motions of a split of a feature folder, and their styles ("" where none is told).

    Args:
        feature: Motion feature to decode; "" for the first one the folder has.

    Raises:
        DataError: If it has none.
    """
    name = feature or next(iter(corpus.codecs), "")
    if not name:
        raise DataError(f"{corpus.folder} has no motion feature")
    codec = corpus.codec(name)
    motions, styles = [], []
    for sequence in corpus.split(split):
        motion = codec.decode(corpus.load(sequence, name))
        motions.append((motion.rotations.astype(np.float32), motion.root_positions.astype(np.float32)))
        styles.append(str(corpus.sequences[sequence].get("style", "")))
    return motions, styles


def style_shares(motions: Motions, styles: Sequence[str], shares: Mapping[str, float]) -> Array:
    """Probability of a window to come from each sequence: by length, and by style where `shares` names them, [N]."""
    lengths = np.array([float(len(q)) for q, _ in motions])
    if not shares:
        return lengths / lengths.sum()
    weight = np.zeros(len(motions))
    for style, share in shares.items():
        of_style = np.array([s == style for s in styles])
        if not of_style.any():
            raise DataError(f"recipe.style_weights: no sequence has the style '{style}'")
        weight[of_style] = share * lengths[of_style] / lengths[of_style].sum()
    return weight / weight.sum()


class GapBatches(IterableDataset):
    """Endless batches of windows with gaps; see `GapBatches.make` for what is in them."""

    def __init__(
        self, motions: Motions, shares: Array, codec: GapCodec, patterns: GapPatterns, *, batch_size: int, seed: int = 0
    ) -> None:
        enough = np.array([len(q) >= patterns.longest for q, _ in motions])
        if not (shares * enough).sum() > 0:
            raise DataError(f"no sequence has the {patterns.longest} frames that a window needs")
        self.codec, self.patterns, self.batch_size, self.seed = codec, patterns, batch_size, seed
        self.motions, self.shares = motions, shares
        self.lengths = np.array([len(q) for q, _ in motions])
        self.feet = feet(codec)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        random = np.random.default_rng(self.seed)
        while True:
            yield self.draw(random)

    def draw(self, random: np.random.Generator) -> dict[str, Tensor]:
        """One batch."""
        keep = self.patterns.draw(self.batch_size, random)
        rotations, roots = self.windows(keep.shape[1], self.batch_size, random)
        return self.make(rotations, roots, keep)

    def windows(self, frames: int, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Windows anywhere in the motions: rotations [B, T, J, 4], root positions [B, T, 3]."""
        # Short sequences still serve for short windows.
        shares = self.shares * (self.lengths >= frames)
        pick = random.choice(len(shares), count, p=shares / shares.sum())
        start = (random.random(count) * (self.lengths[pick] - frames + 1)).astype(int)
        parts = [[x[s : s + frames] for x in self.motions[n]] for n, s in zip(pick, start, strict=True)]
        return np.stack([q for q, _ in parts]), np.stack([p for _, p in parts])

    def make(self, rotations: Array, roots: Array, keep: np.ndarray) -> dict[str, Tensor]:
        """A batch of given windows.

        Returns:
            features [B, T, D], window [B, T], keep [B, T] bool; the guess's roots [B, T, 3] m and heading [B, T, 2] (cosine, sine);
            and of the truth: facing [B, T, J, 3, 3], global rotations in the guess's heading frame; positions [B, T, J, 3] m in the
            world; contacts [B, T, F] of the foot joints.
        """
        told = self.codec.encode(rotations, roots, keep)
        positions, turns = kinematics.forward(self.codec.skeleton, rotations, roots)
        facing = rot.multiply(np.broadcast_to(rot.inverse(told.heading)[..., None, :], turns.shape), turns)
        yaw = 2.0 * np.arctan2(told.heading[..., 2], told.heading[..., 0])
        # Numbers near the origin keep their digits.
        middle = told.roots.mean(axis=1, keepdims=True) * np.array([1.0, 0.0, 1.0])
        arrays = {
            "features": told.features,
            "window": told.window,
            "roots": told.roots - middle,
            "heading": np.stack((np.cos(yaw), np.sin(yaw)), axis=-1),
            "facing": rot.to_matrix(facing),
            "positions": positions - middle[:, :, None],
            "contacts": contacts(positions[..., self.feet, :], self.codec.fps),
        }
        batch = {k: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for k, v in arrays.items()}
        return batch | {"keep": torch.from_numpy(keep)}


def feet(codec: GapCodec) -> list[int]:
    """Ankles and toe joints by name; empty for a skeleton without feet."""
    from farandole.motion import names

    roles = names.find_roles(codec.skeleton)
    return [roles[s + p] for s in names.SIDES for p in ("Foot", "ToeBase") if s + p in roles]


def contacts(positions: Array, fps: float, *, slow: float = 0.25) -> np.ndarray:
    """True where a foot joint rests in the truth: slower than `slow` m/s, [B, T, F]."""
    speed = np.linalg.norm(np.diff(positions, axis=1), axis=-1) * fps
    return np.concatenate((speed[:, :1], speed), axis=1) < slow


def deviations(motions: Motions, codec: GapCodec, *, frames: int = 50, stride: int = 20) -> Array:
    """Spread of every joint's place along the floor and in height over windows that begin alike, [J, 2] m.

    Windows are centred and turned to one heading in frame 9, as for the published L2P figures, so a loss in these units weighs
    joints and heights as those do.
    """
    parts = []
    for rotations, roots in motions:
        for start in range(0, len(rotations) - frames, stride):
            part = slice(start, start + frames)
            positions, _ = kinematics.forward(codec.skeleton, rotations[part], roots[part])
            positions = positions - roots[part].mean(axis=0) * np.array([1.0, 0.0, 1.0])
            parts.append(rot.rotate(rot.inverse(codec.headings(rotations[start + 9, 0])), positions))
    if not parts:
        raise DataError(f"no sequence is longer than {frames} frames")
    std = np.concatenate(parts).std(axis=0)
    return np.stack((np.sqrt((std[:, 0] ** 2 + std[:, 2] ** 2) / 2), std[:, 1]), axis=-1)
