"""Attention by portions is attention: values, gradients, dropout, biases of any shape."""

import pytest
import torch
from torch.nn import functional as F

from farandole.models.kernels import attention as module
from farandole.models.kernels.attention import attention, self_attention

B, H, Q, T, C = 5, 3, 6, 9, 8


@pytest.fixture(params=[1, 2 * H * Q * T, 1 << 20], ids=["one window", "two windows", "the whole batch"])
def portions(request, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", request.param)


def plainly(q, k, v, bias, kept, p):
    """Written out, with the weights that are kept given."""
    scores = q @ k.mT / C**0.5
    weights = torch.softmax(scores if bias is None else scores + bias, dim=-1)
    return (weights * kept / (1 - p)) @ v


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("shape", [None, (Q, T), (H, Q, T), (1, 1, Q, T), (B, 1, Q, T), (B, H, 1, T)])
def test_values_and_gradients_with_known_dropout(shape, monkeypatch):
    torch.manual_seed(0)
    q, k, v = (torch.randn(B, n, H, C).transpose(1, 2).requires_grad_() for n in (Q, T, T))
    bias = None if shape is None else torch.randn(shape, requires_grad=True)
    kept = (torch.rand(B, H, Q, T) > 0.25).to(torch.uint8)
    drawn = iter(kept)
    monkeypatch.setattr(module, "draw", lambda size, p: torch.stack([next(drawn) for _ in range(size[0])]))
    got, wanted = attention(q, k, v, bias, 0.25), plainly(q, k, v, bias, kept, 0.25)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)
    wrt = [q, k, v] if bias is None else [q, k, v, bias]
    pulls = torch.randn_like(got)
    for ours, theirs in zip(torch.autograd.grad(got, wrt, pulls), torch.autograd.grad(wanted, wrt, pulls), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_side_by_side_is_the_same(p):
    qkv = torch.randn(B, T, 3 * H * C, requires_grad=True)
    bias = torch.randn(H, T, T, requires_grad=True)
    torch.manual_seed(1)
    got = self_attention(qkv, H, bias, p)
    torch.manual_seed(1)
    split = (part.unflatten(-1, (H, C)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    wanted = attention(*split, bias, p).transpose(1, 2).flatten(-2)
    assert torch.equal(got, wanted)
    pulls = torch.randn_like(got)
    ours, theirs = (torch.autograd.grad(y, (qkv, bias), pulls) for y in (got, wanted))
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_nothing_is_lost_on_average_and_what_is_masked_is_not_seen():
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, H, n, C) for n in (Q, T, T))
    mask = torch.where(torch.rand(Q, T) > 0.4, 0.0, float("-inf"))
    mask[:, 0] = 0.0
    wanted = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    many = torch.stack([attention(q, k, v, mask, 0.3) for _ in range(4000)]).mean(0)
    torch.testing.assert_close(many, wanted, rtol=0.1, atol=0.1)
    nearly = attention(q, k, v, mask, 1e-9)  # so small a chance is none, and takes the path with dropout all the same
    torch.testing.assert_close(nearly, wanted, rtol=1e-5, atol=1e-6)


def test_lower_precision_stays_near(portions):
    q, k, v = (torch.randn(B, H, n, C).bfloat16().requires_grad_() for n in (Q, T, T))
    bias = torch.randn(Q, T)
    y = attention(q, k, v, bias, 1e-9)
    assert y.dtype == torch.bfloat16
    wanted = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=bias)
    torch.testing.assert_close(y.float(), wanted, rtol=0.05, atol=0.05)
    y.float().square().sum().backward()
    assert all(part.grad.dtype == torch.bfloat16 and part.grad.isfinite().all() for part in (q, k, v))
