"""One transformer per modality and a cross-modal transformer over their outputs, concatenated along time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from farandole.models.errors import ShapeError, one_of, require
from farandole.models.layers.containers import ModuleDict
from farandole.models.layers.positions import Position
from farandole.models.layers.transformer_block import TransformerBlock


@dataclass(frozen=True)
class Modality:
    """One stream of features and the window of it that a model sees."""

    name: str
    """Key in the dictionaries of windows, e.g. motion."""
    dim: int
    """Features per frame; for labels the width of their embedding."""
    frames: int
    """Length of the window."""
    offset: int = 0
    """First frame of the window, counted from the start of the example."""
    tokens: int = 0
    """Number of labels for a discrete modality, 0 for a continuous one."""
    fixed: bool = False
    """True for what belongs to the whole sequence (a style label) and does not move with the window."""

    def __post_init__(self) -> None:
        require(
            f"modality {self.name!r}",
            [
                (self.dim > 0, f"dim must be positive, got {self.dim}"),
                (self.frames > 0, f"frames must be positive, got {self.frames}"),
                (self.offset >= 0, f"offset must not be negative, got {self.offset}"),
                (self.tokens >= 0, f"tokens must not be negative, got {self.tokens}"),
            ],
        )


def check_windows(windows: Mapping[str, Tensor], modalities: tuple[Modality, ...]) -> None:
    """Raise ShapeError unless every modality is there with the right shape: [B, frames, dim], or labels [B, frames]."""
    missing = [m.name for m in modalities if m.name not in windows]
    if missing:
        raise ShapeError(f"missing modality {', '.join(missing)}; given: {', '.join(windows) or 'none'}")
    batch = windows[modalities[0].name].shape[0]
    for m in modalities:
        wanted = (batch, m.frames) if m.tokens else (batch, m.frames, m.dim)
        if tuple(windows[m.name].shape) != wanted:
            raise ShapeError(f"{m.name}: expected a window of shape {wanted}, got {tuple(windows[m.name].shape)}")


@dataclass(frozen=True)
class EncoderConfig:
    """The multimodal encoder."""

    dim: int = 800
    """Width of all transformers."""
    heads: int = 10
    """Attention heads."""
    layers: int = 12
    """Layers of the cross-modal transformer."""
    input_layers: int = 2
    """Layers of each modality's own transformer."""
    input_positions: tuple[Position, ...] = ()
    """Positions within each modality."""
    cross_positions: tuple[Position, ...] = ()
    """Positions in the cross-modal transformer."""
    clock: Literal["index", "frame"] = "index"
    """What relative and rotary positions of the cross-modal transformer count: places in the joined sequence, or frame
    numbers, so that music and motion of the same moment are at distance 0."""
    queries: Literal["first", "target"] = "first"
    """Where the result is read: at the first tokens (the oldest frames of the first modality, as published) or at
    trained query tokens placed at the time of the predicted frames."""
    dropout: float = 0.0
    """In all transformers."""
    recompute: bool = False
    """Gradient checkpointing: less memory in training, about a third more time."""

    def __post_init__(self) -> None:
        for field in ("input_positions", "cross_positions"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        require(
            "encoder",
            [
                (self.dim > 0 and self.dim % self.heads == 0, f"{self.heads} heads do not divide width {self.dim}"),
                (self.layers > 0 and self.input_layers > 0, "layers and input_layers must be positive"),
                one_of("clock", self.clock, ("index", "frame")),
                one_of("queries", self.queries, ("first", "target")),
                (0 <= self.dropout < 1, f"dropout must be in [0, 1), got {self.dropout}"),
            ],
        )


class CrossModal(nn.Module):
    """Encodings of several modalities, joined along time -> `outputs` vectors of width `output_dim`."""

    times: Tensor
    cross: TransformerBlock
    queries: nn.Parameter | None
    outputs: int

    def __init__(
        self, modalities: tuple[Modality, ...], outputs: int, output_dim: int, target_offset: int, config: EncoderConfig
    ) -> None:
        super().__init__()
        self._make_cross(modalities, outputs, output_dim, target_offset, config)

    def _make_cross(
        self, modalities: tuple[Modality, ...], outputs: int, output_dim: int, target_offset: int, config: EncoderConfig
    ) -> None:
        """The transformer over all modalities; arguments as for `MultimodalEncoder`."""
        tokens = sum(m.frames for m in modalities)
        targeted = config.queries == "target"
        require(
            "encoder",
            [(targeted or outputs <= tokens, f"{outputs} outputs need as many input tokens, there are {tokens}")],
        )
        self.outputs = outputs
        length = tokens + (outputs if targeted else 0)
        self.cross = TransformerBlock(
            config.dim,
            config.dim,
            output_dim,
            layers=config.layers,
            heads=config.heads,
            length=length,
            positions=config.cross_positions,
            dropout=config.dropout,
            recompute=config.recompute,
        )
        self.queries = nn.Parameter(0.02 * torch.randn(outputs, config.dim)) if targeted else None
        times = [torch.arange(m.frames) + m.offset for m in modalities]
        times += [torch.arange(outputs) + target_offset] if targeted else []
        clock = torch.cat(times) if config.clock == "frame" else torch.arange(length)
        self.register_buffer("times", clock, persistent=False)

    def join(self, parts: list[Tensor]) -> Tensor:
        """Encodings [B, frames, dim] of the modalities in order -> [B, K, output_dim]."""
        if self.queries is None:
            return self.cross(torch.cat(parts, dim=1), times=self.times, rows=slice(0, self.outputs))
        queries = self.queries.to(parts[0].dtype).expand(parts[0].shape[0], -1, -1)
        start = self.times.shape[0] - self.outputs
        return self.cross(torch.cat([*parts, queries], dim=1), times=self.times, rows=slice(start, None))


class MultimodalEncoder(CrossModal):
    """Windows of several modalities -> `outputs` vectors of width `output_dim`.

    Args:
        modalities: In the order in which they are concatenated along time.
        outputs: Vectors to return, K.
        output_dim: Their width.
        target_offset: Frame number of the first predicted frame, for queries at the target.
        config: Settings.
    Raises:
        ConfigError: If there are more outputs than input tokens to read them from.
    """

    def __init__(
        self, modalities: tuple[Modality, ...], outputs: int, output_dim: int, target_offset: int, config: EncoderConfig
    ) -> None:
        nn.Module.__init__(self)
        self.modalities = modalities
        self.inputs = ModuleDict(
            {
                m.name: TransformerBlock(
                    m.dim,
                    config.dim,
                    config.dim,
                    layers=config.input_layers,
                    heads=config.heads,
                    tokens=m.tokens,
                    positions=config.input_positions if m.frames > 1 else (),
                    length=m.frames,
                    dropout=config.dropout,
                    recompute=config.recompute,
                )
                for m in modalities
            }
        )
        self._make_cross(modalities, outputs, output_dim, target_offset, config)

    def read(self, windows: Mapping[str, Tensor]) -> list[Tensor]:
        """Windows [B, frames, dim] (labels: [B, frames]) by modality name -> encodings of each, [B, frames, encoder dim]."""
        return [self.inputs[m.name](windows[m.name]) for m in self.modalities]

    def forward(self, windows: Mapping[str, Tensor]) -> Tensor:
        """Windows [B, frames, dim] (labels: [B, frames]) by modality name -> [B, K, output_dim]."""
        return self.join(self.read(windows))
