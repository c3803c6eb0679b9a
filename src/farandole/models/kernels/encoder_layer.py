"""The encoder layer of `layers.transformer_block` with quick attention and dropout, sums and ReLUs within products."""

from __future__ import annotations

from torch import Tensor

from farandole.models.kernels.attention import attention, self_attention
from farandole.models.kernels.dropout import dropout_plus, relu_dropout
from farandole.models.kernels.linear import rows_of
from farandole.models.kernels.packed import relu_of, sum_of
from farandole.models.layers.positions import rotate_by_time
from farandole.models.layers.transformer_block import EncoderLayer, SelfAttention


class QuickSelfAttention(SelfAttention):
    """`SelfAttention` that holds the weights of a few windows at a time."""

    def forward(self, x: Tensor, queries: Tensor, times: Tensor, query_times: Tensor, bias: Tensor | None) -> Tensor:
        return self.out(self.heads_of(x, queries, times, query_times, bias))

    def heads_of(self, x: Tensor, queries: Tensor, times: Tensor, query_times: Tensor, bias: Tensor | None) -> Tensor:
        """The heads side by side, [B, Q, D], before the last linear map; arguments as of `forward`."""
        dim = x.shape[-1]
        dropout = self.dropout if self.training else 0.0
        if queries is x and not self.rotary:
            return self_attention(self.qkv(x), self.heads, bias, dropout)
        if queries is x:
            q, k, v = self.qkv(x).chunk(3, dim=-1)
        else:  # the keys and values of all rows are needed, the queries of some
            q = rows_of(self.qkv, queries, slice(0, dim))
            k, v = rows_of(self.qkv, x, slice(dim, None)).chunk(2, dim=-1)
        q, k, v = (u.unflatten(-1, (self.heads, -1)).transpose(1, 2) for u in (q, k, v))  # [B, H, ., D/H]
        if self.rotary:
            q, k = rotate_by_time(q, query_times), rotate_by_time(k, times)
        return attention(q, k, v, bias, dropout).transpose(1, 2).flatten(-2)


class QuickEncoderLayer(EncoderLayer):
    """`EncoderLayer` in fewer passes over memory."""

    attention: QuickSelfAttention

    def forward(self, x: Tensor, times: Tensor, bias: Tensor | None, rows: slice | None = None) -> Tensor:
        queries = x if rows is None else x[:, rows]
        query_times = times if rows is None else times[rows]
        heads = self.attention.heads_of(x, queries, times, query_times, bias)
        if not self.training:
            h = self.norm_attention(sum_of(self.attention.out, heads, queries))
            return self.norm_hidden(sum_of(self.contract, relu_of(self.expand, h), h))
        p = self.dropout.p
        h = self.norm_attention(dropout_plus(self.attention.out(heads), queries, p))
        return self.norm_hidden(dropout_plus(self.contract(relu_dropout(self.expand(h), p)), h, p))
