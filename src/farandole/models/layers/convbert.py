"""The ConvBERT encoder: attention and a span-dynamic convolution share every layer (Jiang et al., 2020, arXiv:2008.02496).

Names and start of the weights are those of the transformers library, so its checkpoints fit but for the table of words, which
motion has no use for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import ShapeError, one_of, require
from farandole.models.layers.positions import rotate_by_time


@dataclass(frozen=True)
class ConvBertConfig:
    """Sizes of an encoder; the defaults are those of masked motion models, else of the library."""

    layers: int = 10
    """Layers."""
    dim: int = 512
    """Width of its input, its output and everything between."""
    heads: int = 8
    """Configured heads; `head_ratio` times as many as attend."""
    inner: int = 3072
    """Width of the feed-forward part."""
    length: int = 300
    """Rows of the table of positions; with rotary positions any length is accepted."""
    kernel: int = 9
    """Frames under the convolution."""
    head_ratio: int = 2
    """Configured heads per attending head. Half of the width goes to the convolution, for every ratio."""
    groups: int = 1
    """Groups of the feed-forward part's linear maps."""
    dropout: float = 0.1
    """Probability, behind embeddings, attention and feed-forward part."""
    attention_dropout: float = 0.1
    """Probability, on attention weights."""
    norm_eps: float = 1e-12
    """Of all layer norms."""
    types: int = 2
    """Rows of the table of token types."""
    positions: Literal["table", "rotary"] = "table"
    """table: one trained vector per frame, added to the input. rotary: attention sees time differences (Su et al., 2021)."""
    norm: Literal["post", "pre"] = "post"
    """post: behind every sum, as in the library. pre: before every part, and once at the end; deep and quick training does not
    make all frames alike (Xiong et al., 2020, arXiv:2002.04745)."""
    mask_convolution: bool = True
    """Mask padding in the convolution too. False: as in the library, where it leaks kernel // 2 frames per layer."""

    def __post_init__(self) -> None:
        numbers = ("layers", "dim", "heads", "inner", "length", "kernel", "head_ratio", "groups", "types")
        wrong = [f"{n} {getattr(self, n)}" for n in numbers if getattr(self, n) < 1]
        require("convbert", [(not wrong, f"must be positive: {', '.join(wrong)}")])
        width = 2 * self.effective_heads
        rotary = self.positions == "rotary"
        require(
            "convbert",
            [
                (self.dim % width == 0, f"dim {self.dim} is no multiple of {width} (2 x {self.effective_heads} heads)"),
                (self.kernel % 2 == 1, f"kernel {self.kernel} is not odd"),
                (self.dim % self.groups == self.inner % self.groups == 0, f"{self.groups} groups divide not both widths"),
                (0 <= self.dropout < 1 and 0 <= self.attention_dropout < 1, "dropout must be in [0, 1)"),
                one_of("positions", self.positions, ("table", "rotary")),
                one_of("norm", self.norm, ("post", "pre")),
                (not rotary or self.dim // width % 2 == 0, f"rotary needs an even width per head, got {self.dim // width}"),
            ],
        )  # fmt: skip

    @property
    def effective_heads(self) -> int:
        """Heads that attend: configured heads over `head_ratio`, one at least."""
        return max(1, self.heads // self.head_ratio)


class ConvBert(nn.Module):
    """Encodes sequences of vectors.

    References:
        ConvBERT: Improving BERT with Span-based Dynamic Convolution (Jiang et al., 2020), section 3.
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(config) for _ in range(config.layers))})
        self.last = nn.LayerNorm(config.dim, eps=config.norm_eps) if config.norm == "pre" else None
        self.apply(_start)

    def forward(
        self, inputs: Tensor, mask: Tensor | None = None, *, types: Tensor | None = None, times: Tensor | None = None
    ) -> Tensor:
        """Encode.

        Args:
            inputs: Vectors [B, T, dim].
            mask: True or 1 for frames of the sequence, False or 0 for padding, [B, T]; None: no padding. Padding does not
                influence other frames (see `mask_convolution`), and its own outputs are meaningless.
            types: Row of the table of token types for each frame, [T]; None: 0.
            times: Number of each frame, [T]; None: 0, 1, 2 ... Frames of two modalities may share one.

        Returns:
            [B, T, dim].

        Raises:
            ShapeError: If the width is not `dim`, or the table of positions is shorter than T.
        """
        self._check(inputs, mask)
        times = torch.arange(inputs.shape[1], device=inputs.device) if times is None else times
        mask = None if mask is None else mask.bool()
        x = self.embeddings(inputs, types, times)
        for layer in self.encoder["layer"].children():
            x = layer(x, mask, times)
        return x if self.last is None else self.last(x)

    def _check(self, inputs: Tensor, mask: Tensor | None) -> None:
        if inputs.ndim != 3 or inputs.shape[-1] != self.config.dim:
            raise ShapeError(f"convbert: expected vectors [B, T, {self.config.dim}], got {tuple(inputs.shape)}")
        if mask is not None and mask.shape != inputs.shape[:2]:
            raise ShapeError(f"convbert: expected a mask {tuple(inputs.shape[:2])}, got {tuple(mask.shape)}")
        if self.config.positions == "table" and inputs.shape[1] > self.config.length:
            raise ShapeError(f"convbert: {inputs.shape[1]} frames, but it has positions for {self.config.length}")


class Embeddings(nn.Module):
    """Adds token types and, from a table, positions to the vectors."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        table = config.positions == "table"
        self.position_embeddings = nn.Embedding(config.length, config.dim) if table else None
        self.token_type_embeddings = nn.Embedding(config.types, config.dim)
        self.LayerNorm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, types: Tensor | None, times: Tensor) -> Tensor:
        """x [B, T, D], types and times [T] -> [B, T, D]."""
        x = x + self.token_type_embeddings.weight[0 if types is None else types]
        if self.position_embeddings is not None:
            x = x + self.position_embeddings(times)
        return self.dropout(self.LayerNorm(x))


class Layer(nn.Module):
    """Mixed attention, add, norm; feed-forward part, add, norm. With `norm: pre` each norm stands before its part."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.first = config.norm == "pre"
        attention, dense = (
            AddNorm(nn.Linear(config.dim, config.dim), config),
            _linear(config.dim, config.inner, config.groups),
        )
        self.attention = nn.ModuleDict({"self": MixedAttention(config), "output": attention})
        self.intermediate = nn.ModuleDict({"dense": dense})
        self.output = AddNorm(_linear(config.inner, config.dim, config.groups), config)

    def forward(self, x: Tensor, mask: Tensor | None, times: Tensor) -> Tensor:
        """x [B, T, D], mask [B, T] bool or None, times [T] -> [B, T, D]."""
        attend, project = self.attention["self"], cast(AddNorm, self.attention["output"])
        if self.first:
            x = project.add(attend(project.LayerNorm(x), mask, times), x)
            return self.output.add(F.gelu(self.intermediate["dense"](self.output.LayerNorm(x))), x)
        x = project(attend(x, mask, times), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class AddNorm(nn.Module):
    """LayerNorm(skip + dropout(dense(x)))."""

    def __init__(self, dense: nn.Module, config: ConvBertConfig) -> None:
        super().__init__()
        self.dense = dense
        self.LayerNorm = nn.LayerNorm(config.dim, eps=config.norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """x [B, T, I], skip [B, T, D] -> [B, T, D]."""
        return self.LayerNorm(self.add(x, skip))

    def add(self, x: Tensor, skip: Tensor) -> Tensor:
        """The sum without its norm."""
        return skip + self.dropout(self.dense(x))


class MixedAttention(nn.Module):
    """Self-attention on one half of the width, a span-dynamic convolution on the other; section 3.2 and figure 3.

    The kernel of the convolution is generated at every frame, from its query and a local summary of the keys (the span).
    """

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        self.config = config
        dim, half, kernel = config.dim, config.dim // 2, config.kernel
        self.query, self.key, self.value = nn.Linear(dim, half), nn.Linear(dim, half), nn.Linear(dim, half)
        self.key_conv_attn_layer = SeparableConv(dim, half, kernel)
        self.conv_kernel_layer = nn.Linear(half, config.effective_heads * kernel)
        self.conv_out_layer = nn.Linear(dim, half)

    def forward(self, x: Tensor, mask: Tensor | None, times: Tensor) -> Tensor:
        """x [B, T, D], mask [B, T] bool or None, times [T] -> [B, T, D]."""
        config, heads = self.config, self.config.effective_heads
        query = self.query(x)
        q, k, v = (u.unflatten(-1, (heads, -1)).transpose(1, 2) for u in (query, self.key(x), self.value(x)))
        if config.positions == "rotary":
            q, k = rotate_by_time(q, times), rotate_by_time(k, times)
        dropout = config.attention_dropout if self.training else 0.0
        visible = None if mask is None else mask[:, None, None, :]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=dropout).transpose(1, 2)
        valid = mask.unsqueeze(-1).to(x.dtype) if mask is not None and config.mask_convolution else None
        spans = self.key_conv_attn_layer((x if valid is None else x * valid).mT).mT  # [B, T, D / 2]
        taps = self.conv_kernel_layer(spans * query).unflatten(-1, (heads, -1)).softmax(dim=-1)  # [B, T, H, kernel]
        values = self.conv_out_layer(x)
        values = (values if valid is None else values * valid).unflatten(-1, (heads, -1))
        return torch.cat((attended, convolve(values, taps)), dim=2).flatten(-2)


class SeparableConv(nn.Module):
    """A convolution along time of each channel by itself, then a linear map of the channels, [B, D, T] -> [B, D', T]."""

    def __init__(self, dim: int, output_dim: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=False)
        self.pointwise = nn.Conv1d(dim, output_dim, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(output_dim, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x)) + self.bias


class GroupedLinear(nn.Module):
    """A linear map for each of `groups` parts of the vector, [..., I] -> [..., O]."""

    def __init__(self, dim: int, output_dim: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(groups, dim // groups, output_dim // groups))
        self.bias = nn.Parameter(torch.zeros(output_dim))

    def forward(self, x: Tensor) -> Tensor:
        parts = x.unflatten(-1, (len(self.weight), 1, -1))  # [..., groups, 1, I / groups]
        return (parts @ self.weight).flatten(-3) + self.bias


def _linear(dim: int, output_dim: int, groups: int) -> nn.Module:
    return nn.Linear(dim, output_dim) if groups == 1 else GroupedLinear(dim, output_dim, groups)


def _start(part: nn.Module) -> None:
    """Weights from N(0, 0.02^2), biases 0, as BERT starts."""
    if isinstance(part, nn.Linear | nn.Conv1d | nn.Embedding | GroupedLinear):
        nn.init.normal_(part.weight, std=0.02)
    if isinstance(part, nn.Linear):
        nn.init.zeros_(part.bias)


def convolve(values: Tensor, taps: Tensor) -> Tensor:
    """A convolution along time with its own kernel at every frame and head: y_t = sum_j taps_tj values_(t + j - K // 2).

    Args:
        values: [B, T, H, W]; zero beyond the ends.
        taps: [B, T, H, K], K odd.

    Returns:
        [B, T, H, W].
    """
    frames, count = values.shape[1], taps.shape[-1]
    padded = F.pad(values, (0, 0, 0, 0, count // 2, count // 2))
    result = padded[:, :frames] * taps[..., :1]
    for j in range(1, count):
        result = result + padded[:, j : j + frames] * taps[..., j : j + 1]
    return result
