"""The transformer block of the normalizing-flow system: linear in, post-norm encoder layers, linear out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from farandole.models.errors import require
from farandole.models.layers.containers import ModuleList
from farandole.models.layers.positions import POSITIONS, Position, RelativeBias, rotate_by_time


class SelfAttention(nn.Module):
    """Multi-head attention (Vaswani et al., 2017, section 3.2.2) with packed query, key and value maps."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.0, rotary: bool = False) -> None:
        super().__init__()
        self.heads, self.dropout, self.rotary = heads, dropout, rotary
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, queries: Tensor, times: Tensor, query_times: Tensor, bias: Tensor | None) -> Tensor:
        """Queries attend to tokens.

        Args:
            x: Tokens [B, T, D].
            queries: The rows of x that ask, [B, Q, D]; x itself for all.
            times, query_times: Frame numbers [T] and [Q], for `rotary`.
            bias: Added to the scores, broadcastable to [B, H, Q, T], or None.

        Returns:
            [B, Q, D].
        """
        dim = x.shape[-1]
        q = F.linear(queries, self.qkv.weight[:dim], self.qkv.bias[:dim])
        k, v = F.linear(x, self.qkv.weight[dim:], self.qkv.bias[dim:]).chunk(2, dim=-1)
        q, k, v = (u.unflatten(-1, (self.heads, -1)).transpose(1, 2) for u in (q, k, v))  # [B, H, ., D/H]
        if self.rotary:
            q, k = rotate_by_time(q, query_times), rotate_by_time(k, times)
        dropout = self.dropout if self.training else 0.0
        mask = None if bias is None else bias.to(q.dtype)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.out(heads.transpose(1, 2).flatten(-2))


class EncoderLayer(nn.Module):
    """Attention, add, norm; two linear maps with a ReLU between, add, norm (Vaswani et al., 2017, figure 1, left)."""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float, rotary: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(dim, heads, dropout, rotary)
        self.norm_attention = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, hidden)
        self.contract = nn.Linear(hidden, dim)
        self.norm_hidden = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, times: Tensor, bias: Tensor | None, rows: slice | None = None) -> Tensor:
        """x [B, T, D] -> [B, T, D], or only the rows [B, R, D]; bias is already cut to those rows."""
        queries = x if rows is None else x[:, rows]
        query_times = times if rows is None else times[rows]
        h = self.norm_attention(queries + self.dropout(self.attention(x, queries, times, query_times, bias)))
        hidden = self.dropout(F.relu(self.expand(h)))
        return self.norm_hidden(h + self.dropout(self.contract(hidden)))


class TransformerBlock(nn.Module):
    """Linear map to `dim`, `layers` post-norm encoder layers, linear map to `output_dim`; no final norm.

    Args:
        input_dim: Features per token; for discrete input (`tokens` > 0) the width of the embedding.
        dim: Width, also of the feed-forward part (`hidden` overrides that).
        output_dim: Features per output token.
        layers: Encoder layers.
        heads: Attention heads; must divide `dim`.
        positions: Any of POSITIONS. Tables need `length`.
        length: Longest input in tokens, for tables; reach in frames of the relative bias.
        dropout: Probability, on attention, in and after the feed-forward part.
        hidden: Width of the feed-forward part; None means `dim`, as in transflower-lightning.
        tokens: Vocabulary size for discrete input, 0 for continuous.
        zero_output: Start with an output of zero instead of weights from U(-0.1, 0.1).
        recompute: Trade time for memory in training: keep only the input of each layer (gradient checkpointing).
    Raises:
        ConfigError: If heads do not divide dim, an option is unknown, or a table has no length.
    """

    table: Tensor | None

    def __init__(
        self,
        input_dim: int,
        dim: int,
        output_dim: int,
        *,
        layers: int,
        heads: int,
        positions: Sequence[Position] = (),
        length: int = 0,
        dropout: float = 0.0,
        hidden: int | None = None,
        tokens: int = 0,
        zero_output: bool = False,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        unknown = sorted(set(positions) - set(POSITIONS))
        require(
            "transformer block",
            [
                (not unknown, f"unknown positions {unknown}; accepted: {', '.join(POSITIONS)}"),
                (dim % heads == 0, f"{heads} heads do not divide width {dim}"),
                (
                    "rotary" not in positions or (dim // heads) % 2 == 0,
                    f"rotary needs an even width per head, got {dim // heads}",
                ),
                (not positions or set(positions) == {"rotary"} or length > 0, "positions need a length in frames"),
            ],
        )
        self.recompute = recompute
        self.embedding = nn.Embedding(tokens, input_dim) if tokens else None
        self.inlet = nn.Linear(input_dim, dim)
        if "table" in positions:
            self.table = nn.Parameter(torch.zeros(length, dim))
        elif "frozen-table" in positions:
            self.register_buffer("table", torch.zeros(length, dim))
        else:
            self.table = None
        self.pairwise = nn.Parameter(torch.zeros(length, length)) if "pairwise" in positions and length > 1 else None
        self.relative = RelativeBias(heads, length) if "relative" in positions else None
        rotary = "rotary" in positions
        self.dropout = nn.Dropout(dropout)
        self.layers = ModuleList(EncoderLayer(dim, heads, hidden or dim, dropout, rotary) for _ in range(layers))
        self.outlet = nn.Linear(dim, output_dim)
        nn.init.zeros_(self.outlet.bias)
        nn.init.zeros_(self.outlet.weight) if zero_output else nn.init.uniform_(self.outlet.weight, -0.1, 0.1)

    def forward(
        self, x: Tensor, *, mask: Tensor | None = None, times: Tensor | None = None, rows: slice | None = None
    ) -> Tensor:
        """Map a sequence.

        Args:
            x: Tokens [B, T, input_dim], or for discrete input their numbers [B, T] (integers): rows of a batch never
                see each other.
            mask: Attention mask, bool [T, T] (row = query), True = may attend.
            times: Frame number of each token [T] (integers), for relative and rotary positions; None means 0, 1, 2...
            rows: Which tokens to return; the last layer is computed for these alone.
        Returns:
            [B, T, output_dim], or [B, R, output_dim] for the R tokens of `rows`.
        """
        x = self.inlet(x if self.embedding is None else self.embedding(x))
        length = x.shape[1]
        times = torch.arange(length, device=x.device) if times is None else times
        if self.table is not None:
            x = self.dropout(x + self.table[:length])
        bias = self._bias(length, times, mask)
        for i, layer in enumerate(self.layers):
            last = rows if i + 1 == len(self.layers) else None
            seen = bias if bias is None or last is None else bias[..., last, :]
            if self.recompute and self.training:
                x = checkpoint(layer, x, times, seen, last, use_reentrant=False)
            else:
                x = layer(x, times, seen, last)
        return self.outlet(x if self.layers or rows is None else x[:, rows])

    def _bias(self, length: int, times: Tensor, mask: Tensor | None) -> Tensor | None:
        """Everything added to the scores: [T, T], [H, T, T] or None."""
        bias = None if self.pairwise is None else self.pairwise[:length, :length]
        if self.relative is not None:
            relative = self.relative(times, times)
            bias = relative if bias is None else bias + relative
        if mask is None:
            return bias
        if bias is None:
            bias = self.inlet.weight.new_zeros(())
        return torch.where(mask, bias, float("-inf"))
