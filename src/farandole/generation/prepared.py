"""A model made ready for generation: what depends on the weights alone is worked out once, not once per frame."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from farandole.models.base import MotionModel
from farandole.models.flows.bijection import Bijection, State, per_sample
from farandole.models.flows.coupling import Coupling
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear
from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.layers.packed import pack_linear

M = TypeVar("M", bound=MotionModel)


class ConstantMixing(Bijection):
    """The inverse of a layer that mixes channels, with its matrix found once in float64; `forward` is not there."""

    def __init__(self, mixing: InvertibleLinear | FactoredLinear) -> None:
        super().__init__()
        self.matrix = mixing.inverse_matrix().detach().mT.contiguous()
        self.log_det = torch.linalg.slogdet(self.matrix)[1]

    def inverse(self, y: Tensor, cond: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """y [B, T, C] -> x [B, T, C], log |det dx/dy| [B]."""
        with torch.autocast(y.device.type, enabled=False):
            return y @ self.matrix, per_sample(self.log_det, y)


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
def prepared(model: M, batch: int = 1, *, consume: bool = False) -> M:
    """A copy of `model` (or with `consume` itself) that samples the same numbers, up to rounding, in less time.

    Inverses of mixing matrices and weights that are functions of parameters (weight norm) are worked out, and the weights
    of linear maps and LSTMs laid out for the kernel that reads them; all others are shared with `model`. After a change of
    the weights prepare again.

    Args:
        model: In evaluation mode; not changed unless `consume`.
        batch: Sequences per call.
        consume: Change `model` itself and return it, so that no weight is ever held twice.
    """
    if not consume:
        shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
        model = copy.deepcopy(model, shared)
    made = with_constants(model)
    for part in list(made.modules()):
        if isinstance(part, Coupling) and _is_lstm_on_cpu(part.network):
            part.network = pack_linear(StepwiseLSTM(part.network), batch)
    for part in made.modules():
        if isinstance(part, ConditionalFlow):
            pack_linear(part, batch * model.generation_frames)
    return pack_linear(made, batch * sum(m.frames for m in model.generation_inputs))


def with_constants(model: M) -> M:
    """Keep inverses of mixing matrices and functions of parameters as they are now, in place; returns the model.

    It still samples, but has no likelihood any more.
    """
    for part in list(model.modules()):
        if parametrize.is_parametrized(part):
            _fix(part)
        for name, child in list(part.named_children()):
            if isinstance(child, InvertibleLinear | FactoredLinear):
                setattr(part, name, ConstantMixing(child))
    return model


def _is_lstm_on_cpu(network: nn.Module) -> bool:
    lstm = network.recurrent if isinstance(network, RecurrentNetwork) else None
    return isinstance(lstm, nn.LSTM) and lstm.weight_ih_l0.device.type == "cpu"


def _fix(part: nn.Module) -> None:
    """Turn parametrised tensors of a module into plain ones."""
    for name in list(part.parametrizations):  # pyright: ignore[reportArgumentType]
        parametrize.remove_parametrizations(part, name)
