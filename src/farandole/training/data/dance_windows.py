"""Random windows of dance with its music, styles met as often as a recipe says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from farandole.data.feature_folder import Scaler
from farandole.errors import DataError
from farandole.models.errors import require
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.rotations import Array
from farandole.music import dance_features
from farandole.music.dynamics import MOST_PHRASES, evenly, phrases_of
from farandole.training.data.training_data import (
    Batch,
    DataFacts,
    LazyBatches,
    TrainingData,
    check_features,
    held_out_split,
)

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.models.latent_dancer import LatentDancer

HELD_OUT_BATCHES, HELD_OUT_SIZE, HELD_OUT_SEED = 4, 64, 1


@dataclass(frozen=True)
class DanceSettings:
    """Which windows of dance a dancer is trained on."""

    style_weights: dict[str, float] = field(default_factory=dict)
    """Share of training windows per style, and which styles there are; none: all, windows as frequent as frames."""
    phase_jitter: float = 0.02
    """Deviation of a random shift of the count, beats: what a beat tracker's error looks like."""
    free_dynamics: float = 0.3
    """Share of windows whose dynamics are not told: then the dancer chooses them."""

    def __post_init__(self) -> None:
        fine = all(w >= 0 for w in self.style_weights.values()) and self.phase_jitter >= 0
        checks = [
            (fine, "style_weights and phase_jitter must not be negative"),
            (0 <= self.free_dynamics <= 1, f"free_dynamics {self.free_dynamics:g}: a share from 0 to 1"),
        ]
        require("windows", checks)


class DanceWindows(TrainingData):
    """Batches of windows: pose [B, T, D] (scaled), music [B, T, C], style [B].

    Sequences are drawn with probability proportional to their length times the weight of their style, so that styles are met
    as often as `style_weights` says, whatever their share of the corpus.
    """

    Settings = DanceSettings

    def __init__(
        self, corpus: FeatureFolder, model: LatentDancer, features: Mapping[str, str], settings: Any, seed: int
    ) -> None:
        super().__init__(corpus, model, features, settings, seed)
        check_features(corpus, features, {m: n for m, n in model.config.dims.items() if m != "style"})
        codec = corpus.codec(features["motion"])
        if not isinstance(codec, DanceCodec):
            raise DataError(f"recipe.features.motion: a dancer's motion feature is {DanceCodec.name}, not {codec.name}")
        unknown = sorted(set(settings.style_weights) - set(corpus.styles))
        if unknown:
            raise DataError(
                f"windows.style_weights: no sequence has the style '{unknown[0]}'; there are: {', '.join(corpus.styles)}"
            )
        self.codec = codec
        self.mean, self.std = pose_scale(corpus, codec)
        self._split = held_out_split(corpus)
        self._pools: dict[tuple[str, int], _Pool] = {}

    @classmethod
    def dims(cls, corpus: FeatureFolder, features: Mapping[str, str], settings: Any) -> dict[str, int]:
        """See `TrainingData.dims`; "style" is the number of styles."""
        return super().dims(corpus, features, settings) | {"style": len(_labels(corpus, settings))}

    def batch(self, step: int, size: int, options: Any) -> Batch:
        """See `TrainingData.batch`."""
        return self._pool("train", options.frames).draw(size, self._random(self.seed, step), self.settings)

    def held_out(self, size: int, options: Any) -> Sequence[Batch]:
        """See `TrainingData.held_out`."""
        if self._split is None:
            return []
        pool = self._pool(self._split, options.frames)
        return LazyBatches(HELD_OUT_BATCHES, lambda k: pool.draw(HELD_OUT_SIZE, self._random(HELD_OUT_SEED, k), None))

    def facts(self) -> DataFacts:
        """See `TrainingData.facts`."""
        return DataFacts(self.corpus.fps, self.corpus.skeleton, codec=self.codec, mean=self.mean, std=self.std)

    def scalers(self) -> dict[str, Scaler]:
        """See `TrainingData.scalers`; the latents' are the model's own."""
        empty = np.zeros(0)
        return {"motion": Scaler(self.mean, self.std, empty, empty)}

    def adopt(self, scalers: Mapping[str, Scaler]) -> bool:
        """See `TrainingData.adopt`."""
        known = scalers.get("motion")
        if known is None or known.mean.shape != self.mean.shape:
            return False
        self.mean, self.std = known.mean.astype(np.float32), known.std.astype(np.float32)
        self._pools.clear()
        return True

    def labels(self) -> tuple[str, ...]:
        """See `TrainingData.labels`; one nameless class where the corpus tells no styles."""
        return _labels(self.corpus, self.settings)

    def completion(self) -> dict[str, Any]:
        """See `TrainingData.completion`: styles with the dynamics of their phrases, of which a recipe may say more."""
        style = {"tempo": (80.0, 160.0), "steady_tempo": 110.0}
        return {
            "styles": {
                name: {"family": name or "dance", **style, "phrases": phrases}
                for name, phrases in zip(self.labels(), self._phrases(), strict=True)
            }
        }

    def _phrases(self) -> list[list[list[float]]]:
        """Dynamics of phrases of each style, evenly drawn from all that were danced in training."""
        found: list[list[Array]] = [[] for _ in self.labels()]
        for name in self.corpus.split("train"):
            facts = self.corpus.sequences[name]
            style = str(facts.get("style", ""))
            if style in self.labels():
                music = self.corpus.load(name, self.features["music"])
                found[self.labels().index(style)] += phrases_of(music, on_beat=bool(facts.get("on_beat", True)))
        return [[phrase.tolist() for phrase in evenly(of_style, MOST_PHRASES)] for of_style in found]

    def _pool(self, split: str, frames: int) -> _Pool:
        if (split, frames) not in self._pools:
            self._pools[split, frames] = _Pool(self, split, frames)
        return self._pools[split, frames]

    @staticmethod
    def _random(seed: int, step: int) -> torch.Generator:
        return torch.Generator().manual_seed(int(np.random.default_rng([seed, step]).integers(2**63)))


class _Pool:
    """All frames of the sequences of a split that are long enough for a window."""

    def __init__(self, data: DanceWindows, split: str, frames: int) -> None:
        corpus, features = data.corpus, data.features
        known = data.labels()
        names = [
            n
            for n in corpus.split(split)
            if corpus.sequences[n]["frames"] >= frames and str(corpus.sequences[n].get("style", "")) in known
        ]
        if not names:
            raise DataError(f"{corpus.folder}: no sequence of the split '{split}' has the {frames} frames of a window")
        poses = [(corpus.load(n, features["motion"]) - data.mean) / data.std for n in names]
        lengths = np.array([len(p) for p in poses])
        styles = [str(corpus.sequences[n].get("style", "")) for n in names]
        self.frames = frames
        self.poses = torch.from_numpy(np.concatenate(poses).astype(np.float32))
        self.music = torch.from_numpy(np.concatenate([corpus.load(n, features["music"]) for n in names]))
        self.starts = torch.from_numpy(np.concatenate(([0], np.cumsum(lengths)[:-1])))
        self.lengths = torch.from_numpy(lengths)
        self.styles = torch.tensor([known.index(s) for s in styles])
        self.on_beat = torch.tensor([bool(corpus.sequences[n].get("on_beat", True)) for n in names])
        self.weights = torch.from_numpy(_weights(styles, lengths, data.settings.style_weights))

    def draw(self, size: int, random: torch.Generator, settings: DanceSettings | None) -> Batch:
        """One batch; without settings as it was recorded, else with the chance that they say."""
        pick = torch.multinomial(self.weights, size, replacement=True, generator=random)
        room = (self.lengths[pick] - self.frames + 1).double()
        start = self.starts[pick] + (torch.rand(size, generator=random, dtype=torch.float64) * room).long()
        index = start[:, None] + torch.arange(self.frames)
        music = self.music[index]
        if settings is not None:
            shift = settings.phase_jitter * torch.randn(size, 1, generator=random)
            # A beat that does not fit is none: any phase is as good.
            anywhere = max(dance_features.PERIODS) * torch.rand(size, 1, generator=random)
            music = shift_phase(music, torch.where(self.on_beat[pick, None], shift, anywhere))
            free = torch.rand(size, generator=random) < settings.free_dynamics
            music[free, :, dance_features.DYNAMICS] = 0.0
        return {"pose": self.poses[index], "music": music, "style": self.styles[pick]}


def _labels(corpus: FeatureFolder, settings: DanceSettings) -> tuple[str, ...]:
    """Styles that are trained: those with a weight, or all."""
    return tuple(sorted(settings.style_weights) or corpus.styles) or ("",)


def _weights(styles: Sequence[str], lengths: np.ndarray, shares: Mapping[str, float]) -> np.ndarray:
    """Weight of each sequence: by length, and by style where shares are given, [N]."""
    if not shares:
        return lengths.astype(float)
    weight = np.zeros(len(styles))
    for style, share in shares.items():
        of_style = np.array([s == style for s in styles])
        weight[of_style] = share * lengths[of_style] / max(lengths[of_style].sum(), 1)
    if not weight.sum() > 0:
        raise DataError(f"windows.style_weights: no sequence of the styles {', '.join(shares)} is long enough")
    return weight


def shift_phase(music: Tensor, beats: Tensor) -> Tensor:
    """Music features [B, T, C] as if every beat came `beats` [B, 1] earlier: what a beat tracker's error looks like."""
    shifted = music.clone()
    for n, period in enumerate(dance_features.PERIODS):
        angle = 2 * torch.pi * beats / period
        sin, cos = music[..., 2 * n], music[..., 2 * n + 1]
        shifted[..., 2 * n] = sin * angle.cos() + cos * angle.sin()
        shifted[..., 2 * n + 1] = cos * angle.cos() - sin * angle.sin()
    return shifted


def pose_scale(corpus: FeatureFolder, codec: DanceCodec) -> tuple[np.ndarray, np.ndarray]:
    """Mean per column and standard deviation per kind of column, each [D].

    One deviation for all rotations (and one for all points ...) keeps their relative sizes: scaled column by column, the noise of a
    joint that hardly moves would weigh as much as the swing of an arm.
    """
    scaler = corpus.scaler(codec.name)
    std = np.empty(codec.dim)
    kinds = [slice(0, 1), slice(1, 3), slice(3, 4), *(codec.slices[k] for k in ("rotations", "points", "contacts"))]
    for columns in kinds:
        std[columns] = np.sqrt((scaler.std[columns] ** 2).mean())
    return scaler.mean.astype(np.float32), std.astype(np.float32)
