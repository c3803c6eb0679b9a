"""Dropout by random words: the same law as PyTorch's."""

import pytest
import torch
from torch.nn import functional as F

from farandole.models.layers.dropout import Dropout, attention, dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.97])
@pytest.mark.parametrize("shape", [(1001, 999), (3, 500, 701)])
def test_drops_the_asked_share_and_keeps_the_mean(p, shape):
    torch.manual_seed(0)
    y = dropout(torch.ones(shape), p)
    share = float((y == 0).double().mean())
    assert abs(share - p) < 5 * (p * (1 - p) / y.numel()) ** 0.5 + 2**-16
    assert torch.unique(y).numel() == 2
    assert abs(float(y.double().mean()) - 1) < 5 * (p / (1 - p) / y.numel()) ** 0.5


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    kept = (dropout(torch.ones(1_000_000), 0.3) > 0).double()
    for step in (1, 2, 3, 4, 8):
        both = float((kept[step:] * kept[:-step]).mean())
        assert abs(both - 0.49) < 0.003


def test_the_gradient_passes_where_the_value_did():
    torch.manual_seed(0)
    x = torch.randn(40, 33, requires_grad=True)
    y = dropout(x, 0.4)
    y.backward(torch.ones_like(y))
    torch.testing.assert_close(y, x.detach() * x.grad)
    assert torch.unique(x.grad).tolist() == pytest.approx([0.0, 1 / 0.6], rel=1e-4)


def test_nothing_to_do_and_everything():
    x = torch.randn(5, 7)
    assert dropout(x, 0.0) is x
    assert Dropout(0.5).eval()(x) is x
    assert not dropout(x, 1.0).any()


def test_the_seed_decides():
    x = torch.randn(50, 50)
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(dropout(x, 0.2))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize("biased", [False, True])
def test_attention_is_torchs_but_for_what_is_dropped(biased):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, n, 8, requires_grad=True) for n in (5, 9, 9))
    bias = torch.randn(2, 1, 5, 9) if biased else None
    wanted = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    got = attention(q, k, v, bias, 1e-9)  # so small a chance is none, and takes the path with dropout all the same
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)
    pulls = torch.randn_like(got)
    pairs = zip(torch.autograd.grad(got, (q, k, v), pulls), torch.autograd.grad(wanted, (q, k, v), pulls), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    many = torch.stack([attention(q, k, v, bias, 0.3).detach() for _ in range(4000)]).mean(0)
    torch.testing.assert_close(many, wanted.detach(), rtol=0.1, atol=0.1)
