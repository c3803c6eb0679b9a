"""MoGlow's generation with the work that repeats done once: the same numbers, less arithmetic per frame.

Nearly all of MoGlow's weights map the conditioning window (past poses and controls) to the first LSTM layer of each flow
step. Controls are known in advance, so their share is one matrix product for many frames; the share of the poses is one
product for all steps. The matrices that mix channels are inverted once. Everything is made from the weights when a
`MoGlowSampler` is made, and lives in it alone: change the weights, make another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from farandole.models.flows.bijection import Chain
from farandole.models.flows.constants import ConstantMixing
from farandole.models.flows.coupling import Coupling
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear, Permutation
from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.flows.normalisation import ActNorm
from farandole.models.moglow import MoGlow, sliding_windows

BLOCK = 256
"""Frames whose controls are mapped at once."""


Mixing = InvertibleLinear | FactoredLinear | ConstantMixing | Permutation


class _Step(NamedTuple):
    """The three layers of a flow step, and what is inside the last."""

    norm: ActNorm
    mixing: Mixing
    coupling: Coupling
    lstm: nn.LSTM
    outlet: nn.Linear


def _steps(flow: ConditionalFlow) -> list[_Step]:
    layers = list(cast("Chain", flow.bijection).layers)
    steps = []
    for norm, mixing, coupling in zip(layers[0::3], layers[1::3], layers[2::3], strict=True):
        assert isinstance(norm, ActNorm)
        assert isinstance(mixing, Mixing)
        assert isinstance(coupling, Coupling)
        network = cast("RecurrentNetwork", coupling.network)
        steps.append(_Step(norm, mixing, coupling, cast("nn.LSTM", network.recurrent), network.outlet))
    return steps


class MoGlowSampler:
    """Draws frame after frame from a MoGlow with LSTM couplings, as `MoGlow.sample` does.

    Args:
        model: In evaluation mode; its weights are read now.

    Raises:
        ValueError: If the couplings are not LSTMs.
    """

    def __init__(self, model: MoGlow) -> None:
        if model.config.glow.network != "lstm":
            raise ValueError("only LSTM couplings can be sampled this way; use model.sample")
        self.model, config = model, model.config
        self.steps = _steps(model.flow)
        kept, poses = model.flow.channels // 2, config.past * config.motion
        first = [step.lstm.all_weights[0][0].detach() for step in self.steps]
        self.kept = [w[:, :kept].mT.contiguous() for w in first]
        self.poses = torch.cat([w[:, kept : kept + poses] for w in first]).mT.contiguous()
        self.heard = torch.cat([w[:, kept + poses :] for w in first]).mT.contiguous()
        self.bias = torch.cat([_bias(step.lstm, 0) for step in self.steps])
        self.mixing = [_inverse_matrix(step.mixing, self.bias) for step in self.steps]
        self.scales = [((-step.norm.log_scale).exp().detach(), step.norm.shift.detach()) for step in self.steps]

    @torch.inference_mode()
    def generate(
        self,
        sequences: Mapping[str, Tensor],
        frames: int,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        bounds: tuple[Tensor, Tensor] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Frames after a seed.

        Args:
            sequences: `motion`, of which the first `past` frames are the seed, [B, T, D]; `audio`, the controls,
                [B, at least frames + heard - 1, A].
            frames: How many, N.
            noise: Latents [N, B, 1, latent channels]; None draws them.
            temperature: Factor on the latents.
            generator: Source of randomness.
            bounds: Least and greatest value of each feature, [D] each, or None.
            progress: Called with (frames done, frames in all) after each frame.
        Returns:
            [B, N, D], equal to sampling frame by frame up to rounding.
        """
        config = self.model.config
        motion, audio = sequences["motion"][:, : config.past].to(self.bias), sequences["audio"]
        batch = len(motion)
        made = torch.cat((motion, motion.new_empty(batch, frames, config.motion)), dim=1)
        state: list = [None] * len(self.steps)
        gates = motion.new_empty(0)
        for t in range(frames):
            if t % BLOCK == 0:
                stop = min(frames, t + BLOCK) + config.heard - 1
                windows = sliding_windows(audio[:, t:stop], config.heard).flatten(2)
                gates = windows @ self.heard + self.bias  # [B, block, steps * 4 * dim]
            past = made[:, t : t + config.past].reshape(batch, -1)
            entry = (gates[:, t % BLOCK] + past @ self.poses).chunk(len(self.steps), dim=-1)
            if noise is None:
                place = {"device": motion.device, "dtype": motion.dtype}
                z = self.model.flow.prior.sample((batch, 1, self.model.flow.channels), generator, **place)
            else:
                z = noise[t]
            x = z[:, 0] * temperature
            for i in range(len(self.steps) - 1, -1, -1):
                x, state[i] = self._step(i, x, entry[i], state[i])
            known = {"motion": made[:, t : t + config.past]}
            drawn = self.model.signal.decode(x[:, None], known)[:, 0]
            made[:, config.past + t] = drawn if bounds is None else drawn.clip(*bounds)
            if progress is not None:
                progress(t + 1, frames)
        return made[:, config.past :].clone()

    def _step(self, i: int, y: Tensor, entry: Tensor, state: list | None) -> tuple[Tensor, list]:
        """Inverse of flow step i on one frame y [B, K]; `entry` [B, 4 dim] is what the window gives the first layer."""
        coupling, lstm = self.steps[i].coupling, self.steps[i].lstm
        kept, changed = y[:, : coupling.kept], y[:, coupling.kept :]
        gates, new = entry + kept @ self.kept[i], []
        for layer in range(lstm.num_layers):
            if layer:
                gates = new[-1][0] @ getattr(lstm, f"weight_ih_l{layer}").mT + _bias(lstm, layer)
            cell = y.new_zeros(())
            if state is not None:
                hidden, cell = state[layer]
                gates = gates + hidden @ getattr(lstm, f"weight_hh_l{layer}").mT
            take, forget, candidate, show = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + take.sigmoid() * candidate.tanh()
            new.append((show.sigmoid() * cell.tanh(), cell))
        raw = self.steps[i].outlet(new[-1][0])
        scale, _ = coupling.scale(raw[:, 1::2])
        x = torch.cat((kept, changed / scale - raw[:, 0::2]), dim=-1)
        factor, shift = self.scales[i]
        return x @ self.mixing[i] * factor - shift, new


def has_sequence_sampler(model: nn.Module) -> bool:
    """Whether `sequence_sampler` gives one."""
    return isinstance(model, MoGlow) and model.config.glow.network == "lstm"


def sequence_sampler(model: nn.Module) -> MoGlowSampler | None:
    """What samples whole sequences from a model sooner than frame by frame, or None."""
    return MoGlowSampler(model) if isinstance(model, MoGlow) and has_sequence_sampler(model) else None


def _bias(lstm: nn.LSTM, layer: int) -> Tensor:
    """Both biases of a layer together."""
    return (getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")).detach()


def _inverse_matrix(mixing: Mixing, like: Tensor) -> Tensor:
    """M with x = y @ M for a layer y = f(x) that mixes channels, in the type and place of `like`."""
    if isinstance(mixing, InvertibleLinear | FactoredLinear):
        mixing = ConstantMixing(mixing)
    if isinstance(mixing, ConstantMixing):
        return mixing.matrix
    one = torch.eye(len(mixing.order), device=like.device, dtype=like.dtype)
    return mixing.inverse(one[None])[0][0]
