"""Batches of random windows from the starter corpus, and the masks a window flow is trained under."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from farandole.data.feature_folder import FeatureFolder
from farandole.data.starter import STYLES
from farandole.motion.dance_codec import GROUPS, DanceCodec
from farandole.music import dance_features


class WindowBatches(IterableDataset):
    """Endless batches of windows: pose [B, T, D] (scaled), music [B, T, C], style [B].

    Sequences are drawn with probability proportional to their length times the weight of their style, so that styles are met
    as often as `style_weights` says, whatever their share of the corpus.
    """

    def __init__(
        self,
        corpus: FeatureFolder,
        split: str,
        *,
        frames: int,
        batch_size: int,
        style_weights: dict[str, float],
        phase_jitter: float = 0.02,
        seed: int = 0,
    ) -> None:
        codec = DanceCodec(corpus.fps)
        self.frames, self.batch_size, self.seed, self.phase_jitter = frames, batch_size, seed, phase_jitter
        names = [n for n in corpus.split(split) if corpus.sequences[n]["frames"] >= frames]
        mean, std = pose_scale(corpus)
        poses = [(corpus.load(n, codec.name) - mean) / std for n in names]
        lengths = np.array([len(p) for p in poses])
        self.poses = torch.from_numpy(np.concatenate(poses).astype(np.float32))
        self.music = torch.from_numpy(np.concatenate([corpus.load(n, dance_features.NAME) for n in names]))
        self.starts = torch.from_numpy(np.concatenate(([0], np.cumsum(lengths)[:-1])))
        self.lengths = torch.from_numpy(lengths)
        self.styles = torch.tensor([STYLES.index(corpus.sequences[n]["style"]) for n in names])
        weight = np.zeros(len(names))
        for style, share in style_weights.items():
            of_style = np.array([corpus.sequences[n]["style"] == style for n in names])
            weight[of_style] = share * lengths[of_style] / max(lengths[of_style].sum(), 1)
        self.weights = torch.from_numpy(weight)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        random = torch.Generator().manual_seed(self.seed)
        while True:
            yield self.draw(random)

    def draw(self, random: torch.Generator) -> dict[str, Tensor]:
        """One batch."""
        pick = torch.multinomial(self.weights, self.batch_size, replacement=True, generator=random)
        room = (self.lengths[pick] - self.frames + 1).double()
        start = self.starts[pick] + (torch.rand(self.batch_size, generator=random, dtype=torch.float64) * room).long()
        index = start[:, None] + torch.arange(self.frames)
        music = self.music[index]
        if self.phase_jitter:
            music = shift_phase(music, self.phase_jitter * torch.randn(self.batch_size, 1, generator=random))
        return {"pose": self.poses[index], "music": music, "style": self.styles[pick]}


def shift_phase(music: Tensor, beats: Tensor) -> Tensor:
    """Music features [B, T, C] as if every beat came `beats` [B, 1] earlier: what a beat tracker's error looks like."""
    shifted = music.clone()
    for n, period in enumerate(dance_features.PERIODS):
        angle = 2 * torch.pi * beats / period
        sin, cos = music[..., 2 * n], music[..., 2 * n + 1]
        shifted[..., 2 * n] = sin * angle.cos() + cos * angle.sin()
        shifted[..., 2 * n + 1] = cos * angle.cos() - sin * angle.sin()
    return shifted


def pose_scale(corpus: FeatureFolder) -> tuple[np.ndarray, np.ndarray]:
    """Mean per column and standard deviation per kind of column, each [D].

    One deviation for all rotations (and one for all points ...) keeps their relative sizes: scaled column by column, the noise of a
    joint that hardly moves would weigh as much as the swing of an arm.
    """
    codec = DanceCodec(corpus.fps)
    scaler = corpus.scaler(codec.name)
    std = np.empty(codec.dim)
    kinds = [slice(0, 1), slice(1, 3), slice(3, 4), *(codec.slices[k] for k in ("rotations", "points", "contacts"))]
    for columns in kinds:
        std[columns] = np.sqrt((scaler.std[columns] ** 2).mean())
    return scaler.mean.astype(np.float32), std.astype(np.float32)


class MaskSampler:
    """What a window flow is shown of the window it must produce.

    `known` tokens are given as clean latents: a prefix (dancing on), a prefix and a suffix (a gap), or nothing (beginning).
    `pinned` are motion features given frame by frame: keyframes, all but a span, or some joint groups throughout.
    """

    def __init__(self, codec: DanceCodec, tokens: int, *, longest_prefix: int = 20, pinned_share: float = 0.35) -> None:
        self.tokens, self.longest_prefix, self.pinned_share = tokens, longest_prefix, pinned_share
        self.columns = torch.zeros(len(GROUPS), codec.dim)
        for n, group in enumerate(GROUPS):
            self.columns[n, torch.from_numpy(codec.group_columns[group])] = 1.0

    def known(self, batch: int, random: torch.Generator) -> Tensor:
        """Flags of the tokens given clean, [B, N]: three quarters prefixes of random length (one in five empty), the rest gaps."""
        place = torch.arange(self.tokens)
        prefix = torch.randint(0, self.longest_prefix + 1, (batch, 1), generator=random)
        prefix = torch.where(torch.rand(batch, 1, generator=random) < 0.2, torch.zeros_like(prefix), prefix)
        gap = torch.randint(2, self.tokens - 4, (batch, 1), generator=random)
        is_gap = torch.rand(batch, 1, generator=random) < 0.25
        return ((place < prefix) | (is_gap & (place >= prefix + gap))).float()

    def pinned(self, pose: Tensor, random: torch.Generator) -> Tensor:
        """Pinned features and flags [B, T, D + G] for scaled poses [B, T, D]; all zero for most of the batch."""
        batch, frames, _ = pose.shape
        draw = lambda *shape: torch.rand(shape, generator=random)  # noqa: E731
        place = torch.arange(frames)
        every = torch.randint(4, 41, (batch, 1), generator=random)
        phase = (draw(batch, 1) * every).long()
        keyframes = (place - phase) % every == 0
        length = torch.randint(8, frames - 8, (batch, 1), generator=random)
        start = (draw(batch, 1) * (frames - length)).long()
        outside = (place < start) | (place >= start + length)
        kind = torch.randint(0, 3, (batch, 1), generator=random)
        in_time = torch.where(kind == 0, keyframes, torch.where(kind == 1, outside, torch.ones_like(outside)))
        some = draw(batch, len(GROUPS)) < 0.5
        groups = torch.where(kind == 2, some, torch.ones_like(some))
        chosen = draw(batch, 1) < self.pinned_share
        flags = (in_time & chosen).unsqueeze(-1) * groups.float().unsqueeze(1)
        return torch.cat((pose * (flags @ self.columns), flags), dim=-1)
