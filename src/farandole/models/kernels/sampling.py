"""A model made ready for generation: what depends on the weights alone is laid out once, not once per frame."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from farandole.models.base import MotionModel
from farandole.models.flows.bijection import State
from farandole.models.flows.coupling import Coupling
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.kernels.class_swap import use_quick_transformers
from farandole.models.kernels.moglow_sampler import has_sequence_sampler
from farandole.models.kernels.packed import pack_linear

M = TypeVar("M", bound=MotionModel)


class StepwiseLSTM(nn.Module):
    """An LSTM coupling network for a few frames at a time: the library's brings all weights into order at every call."""

    def __init__(self, network: RecurrentNetwork) -> None:
        super().__init__()
        lstm = network.recurrent
        self.size, self.layers, self.outlet = lstm.hidden_size, nn.ModuleList(), network.outlet
        for w_in, w_back, b_in, b_back in lstm.all_weights:
            joined = nn.Linear(w_in.shape[1] + self.size, 4 * self.size, device="meta")
            joined.weight = nn.Parameter(torch.cat((w_in, w_back), dim=1))
            joined.bias = nn.Parameter(b_in + b_back)
            self.layers.append(joined)

    def forward(self, kept: Tensor, cond: Tensor, state: State = None) -> tuple[Tensor, State]:
        """kept [B, T, K], cond [B, T, D] -> parameters [B, T, P] and the next state, as `RecurrentNetwork` has it."""
        x = torch.cat((kept, cond.to(kept.dtype)), dim=-1)
        zero = x.new_zeros(len(self.layers), len(x), self.size)
        hidden, cell = (list(s) for s in ((zero, zero) if state is None else state))
        top = []
        for h in x.unbind(dim=1):
            for i, layer in enumerate(self.layers):
                take, forget, candidate, show = layer(torch.cat((h, hidden[i]), dim=-1)).chunk(4, dim=-1)
                cell[i] = forget.sigmoid() * cell[i] + take.sigmoid() * candidate.tanh()
                h = hidden[i] = show.sigmoid() * cell[i].tanh()
            top.append(h)
        return self.outlet(torch.stack(top, dim=1)), (torch.stack(hidden), torch.stack(cell))


@torch.no_grad()
def prepare(model: M, batch: int = 1) -> M:
    """Lay the weights of linear maps and LSTMs out for the kernel that reads them, in place; returns the model.

    It samples the same numbers up to rounding; a MoGlow of LSTMs stays as it is, for its `MoGlowSampler` does better. After a
    change of the weights prepare again, from the model as it was.

    Args:
        model: In evaluation mode.
        batch: Sequences per call.
    """
    if has_sequence_sampler(model):
        return model
    use_quick_transformers(model)
    for part in list(model.modules()):
        if isinstance(part, Coupling) and (network := _with_lstm_on_cpu(part.network)) is not None:
            part.network = pack_linear(StepwiseLSTM(network), batch)
    for part in model.modules():
        if isinstance(part, ConditionalFlow):
            pack_linear(part, batch * model.generation_frames)
    return pack_linear(model, batch * sum(m.frames for m in model.generation_inputs))


def _with_lstm_on_cpu(network: nn.Module) -> RecurrentNetwork | None:
    """The network, if it is one with an LSTM there."""
    if not isinstance(network, RecurrentNetwork) or not isinstance(network.recurrent, nn.LSTM):
        return None
    return network if network.recurrent.all_weights[0][0].device.type == "cpu" else None
