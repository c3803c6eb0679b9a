"""Batches of windows with gaps, for models that correct curves between known frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.data.feature_folder import Scaler
from farandole.errors import DataError
from farandole.models.abilities import CurveCorrection
from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.gaps import GapCodec
from farandole.motion.interpolation import REACH
from farandole.motion.rotations import Array
from farandole.training.data.gap_patterns import GapPatterns
from farandole.training.data.training_data import Batch, DataFacts, LazyBatches, TrainingData, held_out_split, tensors

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.models.model import Model

Motions = list[tuple[Array, Array]]
"""Local rotations [T, J, 4] and root positions [T, 3] m of every sequence."""
HELD_OUT_BATCHES, HELD_OUT_SIZE, HELD_OUT_SEED = 8, 64, 1


@dataclass(frozen=True)
class GapSettings:
    """Which windows, with which gaps."""

    patterns: GapPatterns = field(default_factory=GapPatterns)
    """Which frames go missing."""
    reach: float = REACH
    """Reach of the curves that are corrected, s; 0: arcs and straight lines."""
    style_weights: dict[str, float] = field(default_factory=dict)
    """Share of training windows per style; none: windows are as frequent as frames."""


class GapBatches(TrainingData):
    """Windows anywhere in the motions of a feature folder, with gaps; see `make` for what is in a batch."""

    Settings = GapSettings

    def __init__(
        self, corpus: FeatureFolder, model: Model, features: Mapping[str, str], settings: Any, seed: int
    ) -> None:
        super().__init__(corpus, model, features, settings, seed)
        motions, styles = read_motions(corpus, "train", features.get("motion", ""))
        self.codec = gap_codec(corpus, motions, settings.reach)
        self.drawn = GapWindows(
            motions, style_shares(motions, styles, settings.style_weights), self.codec, settings.patterns
        )
        self._deviation = deviations(motions, self.codec)
        split = held_out_split(corpus, frames=settings.patterns.longest)
        self.val = None
        if split is not None:
            motions, _ = read_motions(corpus, split, features.get("motion", ""))
            self.val = GapWindows(motions, style_shares(motions, [], {}), self.codec, settings.patterns)

    @classmethod
    def dims(cls, corpus: FeatureFolder, features: Mapping[str, str], settings: Any) -> dict[str, int]:
        """See `TrainingData.dims`: columns of the features of windows with gaps."""
        return {"motion": GapCodec(corpus.skeleton, corpus.fps, rot.identity()).dim}

    def batch(self, step: int, size: int, options: Any) -> Batch:
        """See `TrainingData.batch`."""
        return self.drawn.draw(size, np.random.default_rng([self.seed, step]))

    def held_out(self, size: int, options: Any) -> Sequence[Batch]:
        """See `TrainingData.held_out`: of the val split, or else the test split."""
        val = self.val
        if val is None:
            return []
        return LazyBatches(
            HELD_OUT_BATCHES, lambda k: val.draw(HELD_OUT_SIZE, np.random.default_rng([HELD_OUT_SEED, k]))
        )

    def facts(self) -> DataFacts:
        """See `TrainingData.facts`."""
        return DataFacts(self.codec.fps, self.codec.skeleton, feet=tuple(self.drawn.feet), deviation=self._deviation)

    def scalers(self) -> dict[str, Scaler]:
        """See `TrainingData.scalers`: none, the model scales itself."""
        return {}

    def completion(self) -> dict[str, Any]:
        """See `TrainingData.completion`."""
        codec = self.codec
        facts = CurveCorrection(
            window=self.settings.patterns.longest,
            upright=(
                float(codec.upright[0]),
                float(codec.upright[1]),
                float(codec.upright[2]),
                float(codec.upright[3]),
            ),
            still=tuple(int(j) for j in codec.still),
            reach=codec.reach,
        )
        return {"window": facts.window, "upright": facts.upright, "still": facts.still, "reach": facts.reach}


def gap_codec(corpus: FeatureFolder, motions: Motions, reach: float) -> GapCodec:
    """The codec of windows with gaps for motions like these."""
    return GapCodec.fit(corpus.skeleton, corpus.fps, [q for q, _ in motions], reach=reach)


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
            raise DataError(f"windows.style_weights: no sequence has the style '{style}'")
        weight[of_style] = share * lengths[of_style] / lengths[of_style].sum()
    return weight / weight.sum()


class GapWindows:
    """Windows with gaps from some motions.

    Raises:
        DataError: If no motion is long enough.
    """

    def __init__(self, motions: Motions, shares: Array, codec: GapCodec, patterns: GapPatterns) -> None:
        enough = np.array([len(q) >= patterns.longest for q, _ in motions])
        if not (shares * enough).sum() > 0:
            raise DataError(f"no sequence has the {patterns.longest} frames that a window needs")
        self.codec, self.patterns = codec, patterns
        self.motions, self.shares = motions, shares
        self.lengths = np.array([len(q) for q, _ in motions])
        self.feet = feet(codec)

    def draw(self, size: int, random: np.random.Generator) -> Batch:
        """One batch."""
        keep = self.patterns.draw(size, random)
        rotations, roots = self.windows(keep.shape[1], size, random)
        return self.make(rotations, roots, keep)

    def windows(self, frames: int, count: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Windows anywhere in the motions: rotations [B, T, J, 4], root positions [B, T, 3]."""
        # Short sequences still serve for short windows.
        shares = self.shares * (self.lengths >= frames)
        pick = random.choice(len(shares), count, p=shares / shares.sum())
        start = (random.random(count) * (self.lengths[pick] - frames + 1)).astype(int)
        parts = [[x[s : s + frames] for x in self.motions[n]] for n, s in zip(pick, start, strict=True)]
        return np.stack([q for q, _ in parts]), np.stack([p for _, p in parts])

    def make(self, rotations: Array, roots: Array, keep: np.ndarray) -> Batch:
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
        return tensors({k: np.asarray(v, dtype=np.float32) for k, v in arrays.items()} | {"keep": keep})


def feet(codec: GapCodec) -> list[int]:
    """Ankles and toe joints by name; empty for a skeleton without feet."""
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
