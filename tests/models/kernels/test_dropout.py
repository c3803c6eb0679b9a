"""Dropout by random words: the same law as PyTorch's."""

import pytest
import torch
from torch.nn import functional as F

from farandole.models.kernels.dropout import Dropout, dropout, dropout_plus, relu_dropout


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


def test_dropout_after_a_relu_is_both_of_them():
    x = torch.randn(40, 50, requires_grad=True)
    torch.manual_seed(1)
    wanted = dropout(F.relu(x), 0.3)
    torch.manual_seed(1)
    got = relu_dropout(x, 0.3)
    assert torch.equal(got, wanted)
    pulls = torch.randn_like(x)
    ours, theirs = (torch.autograd.grad(y, x, pulls)[0] for y in (got, wanted))
    assert torch.equal(ours, theirs)
    assert torch.equal(relu_dropout(x, 0.3, training=False), F.relu(x))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_dropout_and_a_sum_in_one(kind):
    x = torch.randn(40, 50, requires_grad=True)
    other = torch.randn(40, 50).to(kind).requires_grad_()
    torch.manual_seed(1)
    wanted = dropout(x, 0.3) + other
    torch.manual_seed(1)
    got = dropout_plus(x, other, 0.3)
    torch.testing.assert_close(got, wanted)
    pulls = torch.randn_like(got)
    pairs = zip(*(torch.autograd.grad(y, (x, other), pulls) for y in (got, wanted)), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert torch.equal(dropout_plus(x, other, 0.0), x + other)
