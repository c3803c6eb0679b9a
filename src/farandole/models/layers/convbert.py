"""The ConvBERT encoder: attention and a span-dynamic convolution share every layer (Jiang et al., 2020, arXiv:2008.02496).

Weights, their names and their start are those of the transformers library, so its checkpoints fit; words are not encoded here, and
the library's table of 30522 of them, which masked motion models carried along without ever reading it, is not made at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.errors import ShapeError, one_of, require
from farandole.models.layers.positions import rotate_by_time


@dataclass(frozen=True)
class ConvBertConfig:
    """Sizes of an encoder; the defaults are the library's where masked motion models did not change them."""

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
    """Heads per head that is left: half of the width goes to the convolution, whatever the ratio is."""
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
    mask_convolution: bool = True
    """Keep empty frames out of the convolution too. False: as in the library, where they reach kernel // 2 frames per layer."""

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
        library = _library_model(config)
        self.embeddings, self.encoder = library.embeddings, library.encoder
        del self.embeddings.word_embeddings
        if config.positions == "rotary":
            del self.embeddings.position_embeddings

    def forward(
        self, inputs: Tensor, mask: Tensor | None = None, *, types: Tensor | None = None, times: Tensor | None = None
    ) -> Tensor:
        """Encode.

        Args:
            inputs: Vectors [B, T, dim].
            mask: True or 1 where there is something, False or 0 in empty frames, [B, T]; None: everywhere. What stands in
                empty frames does not matter (see `mask_convolution`), and what is returned for them means nothing.
            types: Row of the table of token types for each frame, [T]; None: 0.
            times: Number of each frame, [T]; None: 0, 1, 2 ... Frames of two modalities may share one.

        Returns:
            [B, T, dim].

        Raises:
            ShapeError: If the width is not `dim`, or the table of positions is shorter than T.
        """
        self._check(inputs, mask)
        times = torch.arange(inputs.shape[1], device=inputs.device) if times is None else times
        x = inputs + self.embeddings.token_type_embeddings.weight[0 if types is None else types]
        if self.config.positions == "table":
            x = x + self.embeddings.position_embeddings.weight[times]
        x = self.embeddings.dropout(self.embeddings.LayerNorm(x))
        there = None if mask is None else mask.bool()
        for layer in self.encoder.layer:
            x = layer.attention.output(self._mix(layer.attention.self, x, there, times), x)
            x = layer.output(layer.intermediate(x), x)
        return x

    def _mix(self, layer: Any, x: Tensor, there: Tensor | None, times: Tensor) -> Tensor:
        """Self-attention of one half of the width beside the span-dynamic convolution of the other, [B, T, dim]."""
        heads = self.config.effective_heads
        query = layer.query(x)
        q, k, v = (u.unflatten(-1, (heads, -1)).transpose(1, 2) for u in (query, layer.key(x), layer.value(x)))
        if self.config.positions == "rotary":
            q, k = rotate_by_time(q, times), rotate_by_time(k, times)
        dropout = self.config.attention_dropout if self.training else 0.0
        seen = None if there is None else there[:, None, None, :]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, dropout_p=dropout).transpose(1, 2)
        valid = there.unsqueeze(-1).to(x.dtype) if there is not None and self.config.mask_convolution else None
        spans = layer.key_conv_attn_layer((x if valid is None else x * valid).mT).mT  # [B, T, dim / 2]
        taps = layer.conv_kernel_layer(spans * query).unflatten(-1, (heads, -1)).softmax(dim=-1)  # [B, T, H, kernel]
        values = layer.conv_out_layer(x)
        values = (values if valid is None else values * valid).unflatten(-1, (heads, -1))
        return torch.cat((attended, convolve(values, taps)), dim=2).flatten(-2)

    def _check(self, inputs: Tensor, mask: Tensor | None) -> None:
        if inputs.ndim != 3 or inputs.shape[-1] != self.config.dim:
            raise ShapeError(f"convbert: expected vectors [B, T, {self.config.dim}], got {tuple(inputs.shape)}")
        if mask is not None and mask.shape != inputs.shape[:2]:
            raise ShapeError(f"convbert: expected a mask {tuple(inputs.shape[:2])}, got {tuple(mask.shape)}")
        if self.config.positions == "table" and inputs.shape[1] > self.config.length:
            raise ShapeError(f"convbert: {inputs.shape[1]} frames, but it has positions for {self.config.length}")


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


def _library_model(config: ConvBertConfig) -> Any:
    from transformers import ConvBertConfig as LibraryConfig
    from transformers import ConvBertModel

    return ConvBertModel(
        LibraryConfig(
            vocab_size=1,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=None,
            embedding_size=config.dim,
            hidden_size=config.dim,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.inner,
            max_position_embeddings=config.length,
            conv_kernel_size=config.kernel,
            head_ratio=config.head_ratio,
            num_groups=config.groups,
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.attention_dropout,
            layer_norm_eps=config.norm_eps,
            type_vocab_size=config.types,
        )
    )
