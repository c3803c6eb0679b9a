"""An LSTM layer of two inputs, one of them given: without the copies and the gradient that joining them would cost.

MoGlow's couplings read a frame's kept channels (tens) beside its window of poses and music (thousands). Joined, as the
library's layer wants them, the window is copied for every flow step and receives a gradient that nobody asks for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import _VF, Tensor, nn

from farandole.models.flows.bijection import State
from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.kernels.linear import linear
from farandole.models.kernels.once import once

LSTMState = tuple[Tensor, Tensor]
"""Hidden and cell state, [layers, B, H] each."""


def lstm_of_both(lstm: nn.LSTM, kept: Tensor, given: Tensor, state: LSTMState | None) -> tuple[Tensor, LSTMState]:
    """What `lstm` makes of [kept; given], both [B, T, .] -> [B, T, H] and the next state.

    Args:
        lstm: Batch first, with biases, one direction, no dropout.
        kept: Gets a gradient.
        given: Gets none: data, not something learnt.
        state: To continue from, or None for zeros.
    """
    shape = (lstm.num_layers, len(kept), lstm.hidden_size)
    hidden, cell = (kept.new_zeros(shape), kept.new_zeros(shape)) if state is None else state
    weights = lstm.all_weights
    y, last, last_cell = _First.apply(kept, given, *weights[0], hidden[0], cell[0])
    if lstm.num_layers == 1:
        return y, (last[None], last_cell[None])
    upper: list[Tensor] = [w for layer in weights[1:] for w in layer]
    states = (hidden[1:].contiguous(), cell[1:].contiguous())
    y, h, c = _VF.lstm(y, states, upper, True, lstm.num_layers - 1, 0.0, False, False, True)
    return y, (torch.cat((last[None], h)), torch.cat((last_cell[None], c)))


class QuickRecurrentNetwork(RecurrentNetwork):
    """`RecurrentNetwork` with an LSTM, which reads its conditioning apart where that is data."""

    recurrent: nn.LSTM

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        if not self._apart(cond):
            return super().forward(kept, cond, state)
        y, state = lstm_of_both(self.recurrent, kept, cond, state)
        return self.outlet(y), state

    def _apart(self, cond: Tensor) -> bool:
        free = cond.device.type == "cpu" and cond.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        return free and torch.is_grad_enabled() and not cond.requires_grad and not torch.compiler.is_compiling()


class _First(torch.autograd.Function):
    """The first layer: gates in PyTorch's order, input, forget, candidate, output; time runs through the first axis."""

    @staticmethod
    def forward(
        ctx: Any, kept: Tensor, given: Tensor, w_in: Tensor, w_back: Tensor, b_in: Tensor, b_back: Tensor,
        hidden: Tensor, cell: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        near, size = kept.shape[-1], hidden.shape[-1]
        # A copy: for a slice of columns oneDNN has only its reference kernel, hundreds of times slower.
        gates = linear(given, w_in[:, near:].contiguous(), b_in + b_back)
        gates = (gates + kept @ w_in[:, :near].mT).transpose(0, 1).contiguous()  # [T, B, 4 H]
        cells = gates.new_empty(len(gates) + 1, *cell.shape)
        states = torch.empty_like(cells)
        bent = torch.empty_like(cells)  # tanh of the cells
        cells[0], states[0] = cell, hidden
        turn = w_back.mT
        for t, gate in enumerate(gates.unbind()):
            gate.addmm_(states[t], turn)
            gate[:, : 2 * size].sigmoid_()
            gate[:, 2 * size : 3 * size].tanh_()
            gate[:, 3 * size :].sigmoid_()
            take, forget, candidate, show = gate.split(size, dim=1)
            torch.addcmul(take * candidate, forget, cells[t], out=cells[t + 1])
            torch.tanh(cells[t + 1], out=bent[t + 1])
            torch.mul(show, bent[t + 1], out=states[t + 1])
        ctx.save_for_backward(kept, given, w_in, w_back, gates, cells, states, bent)
        return states[1:].transpose(0, 1).contiguous(), states[-1].clone(), cells[-1].clone()

    @staticmethod
    @once
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        kept, given, w_in, w_back, gates, cells, states, bent = ctx.saved_tensors
        size, near = w_back.shape[1], kept.shape[-1]
        slopes = gates * (1 - gates)  # of the sigmoids
        candidates = gates[..., 2 * size : 3 * size]
        slopes[..., 2 * size : 3 * size] = 1 - candidates.square()
        through = gates[..., 3 * size :] * (1 - bent[1:].square())  # from a hidden state to its cell
        pulls = torch.empty_like(gates)
        above, back, back_cell = grads[0].transpose(0, 1), grads[1], grads[2]
        for t in range(len(gates) - 1, -1, -1):
            back = above[t] + back
            back_cell = torch.addcmul(back_cell, back, through[t])
            take, forget, candidate, _ = gates[t].split(size, dim=1)
            pull = pulls[t].split(size, dim=1)
            torch.mul(back_cell, candidate, out=pull[0])
            torch.mul(back_cell, cells[t], out=pull[1])
            torch.mul(back_cell, take, out=pull[2])
            torch.mul(back, bent[t + 1], out=pull[3])
            pulls[t].mul_(slopes[t])
            back, back_cell = pulls[t] @ w_back, back_cell * forget
        flat = pulls.flatten(0, 1)
        rows = pulls.transpose(0, 1).reshape(-1, 4 * size)  # in the order of the inputs' rows
        w_in_grad = torch.empty_like(w_in)
        w_in_grad[:, :near] = rows.mT @ kept.flatten(0, 1)
        w_in_grad[:, near:] = linear(rows.mT, given.flatten(0, 1).mT)
        bias_grad = flat.sum(dim=0)
        kept_grad = pulls.transpose(0, 1) @ w_in[:, :near]
        return kept_grad, None, w_in_grad, flat.mT @ states[:-1].flatten(0, 1), bias_grad, bias_grad, back, back_cell
