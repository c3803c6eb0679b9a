"""The faster linear map is the linear map."""

import copy
import io

import pytest
import torch
from torch import nn

from farandole.models.kernels import linear as fast
from farandole.models.kernels import packed


@pytest.fixture(autouse=True)
def _wherever_onednn_is(monkeypatch):
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        pytest.skip("PyTorch without oneDNN")
    for module in (fast, packed):
        monkeypatch.setattr(module, "onednn_is_faster", lambda: True)


def _both(shape, wide, bias):
    torch.manual_seed(0)
    plain = nn.Linear(shape[-1], wide, bias=bias)
    quick = fast.use_fast_linear(nn.Sequential(copy.deepcopy(plain)))
    return plain, quick, torch.randn(*shape)


@pytest.mark.parametrize("shape", [(700, 96), (8, 100, 96), (3, 2, 150, 96)])
@pytest.mark.parametrize("bias", [True, False])
def test_same_values_and_gradients(shape, bias):
    plain, quick, x = _both(shape, 64, bias)
    assert x.numel() * 64 >= fast.SMALLEST_WORK  # else the plain kernel would be compared with itself
    pulls = torch.randn(*shape[:-1], 64)
    results = []
    for net in (plain, quick):
        inlet = x.clone().requires_grad_()
        y = net(inlet)
        y.backward(pulls)
        results.append([y.detach(), inlet.grad, *(p.grad for p in net.parameters())])
    for wanted, got in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, rtol=2e-5, atol=2e-5 * float(wanted.abs().max()))


def test_the_kernel_is_used_and_only_where_it_applies(monkeypatch):
    calls = []
    product = fast._product
    monkeypatch.setattr(fast, "_product", lambda *a: calls.append(1) or product(*a))
    _, quick, x = _both((8, 100, 96), 64, True)
    quick(x)
    assert len(calls) == 1
    quick(x[:1, :2])  # too small to be worth it
    with torch.autocast("cpu", torch.bfloat16):
        assert quick(x).dtype == torch.bfloat16
    quick.double()(x.double())
    assert len(calls) == 1


def test_transposed_inputs_and_expanded_gradients():
    plain, quick, x = _both((100, 96, 96), 64, True)
    for net in (plain, quick):
        net.zero_grad()
        net(x.transpose(0, 1)).sum().backward()  # sum's gradient is one number, expanded
    torch.testing.assert_close(quick[0].weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-2)


def test_state_dict_and_saving_do_not_know_of_it():
    plain, quick, x = _both((8, 100, 96), 64, True)
    plain.load_state_dict(quick[0].state_dict())
    held = io.BytesIO()
    torch.save(quick.state_dict(), held)
    held.seek(0)
    plain.load_state_dict({k.removeprefix("0."): v for k, v in torch.load(held).items()})
    torch.testing.assert_close(plain(x), quick(x), rtol=2e-5, atol=2e-5)


def test_second_derivatives_are_refused_not_wrong():
    _, quick, x = _both((8, 100, 96), 64, True)
    inlet = x.clone().requires_grad_()
    (first,) = torch.autograd.grad(quick(inlet).pow(2).sum(), inlet, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate"):
        first.sum().backward()


def test_frozen_weights_pass_gradients_on():
    plain, quick, x = _both((8, 100, 96), 64, True)
    got = []
    for net in (plain, quick):
        net.requires_grad_(False)
        inlet = x.clone().requires_grad_()
        net(inlet).square().sum().backward()
        got.append(inlet.grad)
    torch.testing.assert_close(got[1], got[0], rtol=1e-4, atol=1e-4)


def test_slices_of_columns_do_not_reach_the_reference_kernel(monkeypatch):
    """oneDNN multiplies by a strided second factor without its fast kernels."""
    seen = []

    class Spy:
        def _linear_pointwise(self, x, weight, *rest):
            seen.append(weight.is_contiguous() or weight.t().is_contiguous())
            return torch.nn.functional.linear(x, weight, rest[0])

    monkeypatch.setattr(torch.ops, "mkldnn", Spy(), raising=False)
    wide = torch.randn(800, 200, requires_grad=True)
    weight = torch.randn(64, 200, requires_grad=True)
    y = fast.linear(wide[:, :96], weight[:, 100:196])
    y.sum().backward()
    assert seen == [True] * 3
    torch.testing.assert_close(y, wide[:, :96] @ weight[:, 100:196].T, rtol=1e-4, atol=1e-4)


def test_sums_and_positive_parts_within_the_product():
    torch.manual_seed(0)
    x, other = torch.randn(3, 70, 64), torch.randn(3, 70, 96)
    plain = nn.Linear(64, 96)
    kinds = {
        "plain": plain,
        "fast": fast.use_fast_linear(copy.deepcopy(plain)),
        "packed": packed.pack_linear(copy.deepcopy(plain), 210),
    }
    with torch.no_grad():
        for layer in kinds.values():
            torch.testing.assert_close(packed.relu_of(layer, x), torch.relu(plain(x)), rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(packed.sum_of(layer, x, other), plain(x) + other, rtol=1e-5, atol=1e-5)
            wide = other.mT.contiguous().mT  # not laid out row by row
            torch.testing.assert_close(packed.sum_of(layer, x, wide), plain(x) + other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("inputs", "outputs"), [(24, 60), (60, 24)])
def test_gradients_of_weights_in_several_parts(inputs, outputs, monkeypatch):
    monkeypatch.setattr(fast, "_TURNED", 1000)
    torch.manual_seed(0)
    x, grad = torch.randn(333, inputs), torch.randn(333, outputs)
    torch.testing.assert_close(fast._of_weight(grad, x), grad.T @ x, rtol=1e-4, atol=1e-4)
