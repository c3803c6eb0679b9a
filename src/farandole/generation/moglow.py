"""MoGlow's generation with the work that repeats done once: the same numbers, less arithmetic per frame.

Nearly all of MoGlow's weights map the conditioning window (past poses and controls) to the first LSTM layer of each flow
step. Controls are known in advance, so their share is one matrix product for many frames; the share of the poses is one
product for all steps. The matrices that mix channels are inverted once. Everything is made from the weights when a
`MoGlowSampler` is made, and lives in it alone: change the weights, make another.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from farandole.models.moglow import MoGlow, sliding_windows

BLOCK = 256
"""Frames whose controls are mapped at once."""


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
        layers = list(model.flow.bijection.layers)
        self.steps = [tuple(layers[i : i + 3]) for i in range(0, len(layers), 3)]
        kept, poses = model.flow.channels // 2, config.past * config.motion
        first = [coupling.network.recurrent.weight_ih_l0.detach() for _, _, coupling in self.steps]
        self.kept = [w[:, :kept].mT.contiguous() for w in first]
        self.poses = torch.cat([w[:, kept : kept + poses] for w in first]).mT.contiguous()
        self.heard = torch.cat([w[:, kept + poses :] for w in first]).mT.contiguous()
        self.bias = torch.cat([_bias(c.network.recurrent, 0) for _, _, c in self.steps])
        self.mixing = [_inverse_matrix(mix, self.bias) for _, mix, _ in self.steps]
        self.scales = [((-norm.log_scale).exp().detach(), norm.shift.detach()) for norm, _, _ in self.steps]

    @torch.inference_mode()
    def generate(
        self,
        motion: Tensor,
        audio: Tensor,
        frames: int,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Tensor:
        """Frames after a seed.

        Args:
            motion: The seed, [B, past, D].
            audio: Controls, [B, at least frames + heard - 1, A].
            frames: How many, N.
            noise: Latents [N, B, 1, latent channels]; None draws them.
            temperature: Factor on the latents.
            generator: Source of randomness.
            progress: Called with (frames done, frames in all) after each frame.
        Returns:
            [B, N, D], equal to sampling frame by frame up to rounding.
        """
        config, batch = self.model.config, len(motion)
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
            made[:, config.past + t] = self.model.signal.decode(x[:, None], known)[:, 0]
            if progress is not None:
                progress(t + 1, frames)
        return made[:, config.past :].clone()

    def _step(self, i: int, y: Tensor, entry: Tensor, state: list | None) -> tuple[Tensor, list]:
        """Inverse of flow step i on one frame y [B, K]; `entry` [B, 4 dim] is what the window gives the first layer."""
        _, _, coupling = self.steps[i]
        lstm = coupling.network.recurrent
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
        raw = coupling.network.outlet(new[-1][0])
        scale, _ = coupling.scale(raw[:, 1::2])
        x = torch.cat((kept, changed / scale - raw[:, 0::2]), dim=-1)
        factor, shift = self.scales[i]
        return x @ self.mixing[i] * factor - shift, new


def _bias(lstm: torch.nn.LSTM, layer: int) -> Tensor:
    """Both biases of a layer together."""
    return (getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")).detach()


def _inverse_matrix(mixing: torch.nn.Module, like: Tensor) -> Tensor:
    """M with x = y @ M for a layer y = f(x) that mixes channels, in the type and place of `like`."""
    if hasattr(mixing, "inverse_matrix"):
        return mixing.inverse_matrix().detach().mT.contiguous()
    one = torch.eye(len(mixing.order), device=like.device, dtype=like.dtype)
    return mixing.inverse(one[None])[0][0]
