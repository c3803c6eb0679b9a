"""The LSTM layer of two inputs is the library's on both joined: values, states, gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.kernels.lstm import QuickRecurrentNetwork, lstm_of_both


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("continued", [False, True])
def test_values_states_and_gradients(layers: int, continued: bool) -> None:
    lstm = nn.LSTM(3 + 7, 5, num_layers=layers, batch_first=True).double()
    kept, given = torch.randn(2, 6, 3).double(), torch.randn(2, 6, 7).double()
    state = (torch.randn(layers, 2, 5).double(), torch.randn(layers, 2, 5).double()) if continued else None
    pull = torch.randn(2, 6, 5).double()
    got = []
    for run in (lambda k, s: lstm(torch.cat((k, given), dim=-1), s), lambda k, s: lstm_of_both(lstm, k, given, s)):
        lstm.zero_grad()
        x = kept.clone().requires_grad_()
        s = None if state is None else tuple(v.clone().requires_grad_() for v in state)
        y, (h, c) = run(x, s)
        ((y * pull).sum() + h.square().sum() + (c * c.sin()).sum()).backward()
        got.append([y, h, c, x.grad, *(p.grad.clone() for p in lstm.parameters()), *(v.grad for v in s or ())])
    for plain, quick in zip(*got, strict=True):
        torch.testing.assert_close(quick, plain, rtol=1e-9, atol=1e-10)


def test_a_coupling_takes_it_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("farandole.models.kernels.lstm.lstm_of_both", lambda *a: calls.append(1) or lstm_of_both(*a))
    network = RecurrentNetwork(3, 7, 4, kind="lstm", dim=5, layers=2)
    kept, cond = torch.randn(2, 6, 3), torch.randn(2, 6, 7)
    wanted = network(kept, cond)[0]
    network.__class__ = QuickRecurrentNetwork
    torch.testing.assert_close(network(kept, cond)[0], wanted)
    assert len(calls) == 1
    learnt = cond.clone().requires_grad_()
    network(kept, learnt)[0].sum().backward()  # conditioning that is learnt gets its gradient
    assert learnt.grad is not None
    with torch.no_grad():
        network(kept, cond)
    with torch.autocast("cpu", torch.bfloat16):
        network(kept, cond)
    assert len(calls) == 1
