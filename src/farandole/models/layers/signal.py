"""What a model predicts of the target window: poses or the steps between them, without constant columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from farandole.models.errors import one_of, require
from farandole.models.layers.multimodal import Modality

Predict = Literal["poses", "steps", "increments"]


@dataclass(frozen=True)
class SignalConfig:
    """From the target's frames to the signal that is modelled."""

    predict: Predict = "poses"
    """poses: the frames themselves, as published. steps: each frame less the one before, so that a model begins as a
    random walk from the last known pose and need not learn to repeat that pose. increments: steps from 0, for the
    residual of a predicted mean. Both are shifts: the log-determinant is 0."""
    retain: float = 1.0
    """Of steps: each frame less so much of the one before. 1 is a random walk, which may go anywhere when the model runs free;
    below 1 what is modelled is the step away from a pose that falls back to the mean, by 1 - retain a frame, so that bounded
    steps make bounded poses."""
    still: tuple[int, ...] = ()
    """Columns of the target that never vary in the data. They have no density (it would be infinite), so they are not
    modelled; samples have 0 there, which is the mean of standardised features."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "still", tuple(self.still))
        require(
            "signal",
            [
                one_of("predict", self.predict, get_args(Predict)),
                (0 <= self.retain <= 1, f"retain must be from 0 to 1, got {self.retain}"),
                (self.retain == 1 or self.predict == "steps", "retain is for predict: steps"),
            ],
        )


class Signal(nn.Module):
    """Frames [B, T, D] to the modelled signal [B, T, K] and back, K = D less the constant columns.

    Args:
        inputs: The model's input windows; `steps` needs the target's past among them, up to the frame before its first.
        target: The predicted window.
        config: Settings.

    Raises:
        ConfigError: If a constant column does not exist, or the past that `steps` needs is missing.
    """

    moving: Tensor | None

    def __init__(self, inputs: tuple[Modality, ...], target: Modality, config: SignalConfig) -> None:
        super().__init__()
        own = next((m for m in inputs if m.name == target.name), None)
        before = target.offset - own.offset - 1 if own else -1
        sees = own is not None and 0 <= before < own.frames
        require(
            "signal",
            [
                (all(0 <= i < target.dim for i in config.still), f"still columns must be from 0 to {target.dim - 1}"),
                (config.predict != "steps" or sees, f"steps need the {target.name} just before the target as input"),
            ],
        )
        self.name, self.dim, self.predict, self._before = target.name, target.dim, config.predict, before
        self.retain = config.retain
        moving = [i for i in range(target.dim) if i not in set(config.still)]
        self.channels = len(moving)
        """K."""
        self.register_buffer("moving", torch.tensor(moving) if config.still else None, persistent=False)

    def select(self, frames: Tensor) -> Tensor:
        """The columns that move: [B, T, D] -> [B, T, K]."""
        return frames if self.moving is None else frames[..., self.moving]

    def spread(self, signal: Tensor) -> Tensor:
        """The inverse of `select`, with 0 for constant columns."""
        if self.moving is None:
            return signal
        return signal.new_zeros(*signal.shape[:-1], self.dim).index_copy(-1, self.moving, signal)

    def encode(self, frames: Tensor, windows: Mapping[str, Tensor]) -> Tensor:
        """Frames [B, T, D] that follow the input windows -> signal [B, T, K].

        Where the input goes on beside the target, as in training of models that draw frame by frame, steps begin at the poses
        of the input: if those are noisy or the model's own, it learns the way back.
        """
        signal = self.select(frames)
        if self.predict == "poses":
            return signal
        first = signal[:, :1]
        if self.predict == "steps":
            seen = self.select(windows[self.name][:, self._before :][:, : signal.shape[1]]).to(signal.dtype)
            if seen.shape[1] == signal.shape[1]:
                return signal - self.retain * seen
            first = first - self.retain * seen[:, :1]
        return torch.cat((first, signal[:, 1:] - self.retain * signal[:, :-1]), dim=1)

    def decode(self, signal: Tensor, windows: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `encode`."""
        if self.predict == "poses":
            return self.spread(signal)
        if self.predict == "increments":
            return self.spread(signal.cumsum(dim=1))
        last = self._last(windows).to(signal.dtype)
        if self.retain == 1:
            return self.spread(signal.cumsum(dim=1) + last)
        frames = [last[:, 0]]
        for step in signal.unbind(dim=1):
            frames.append(step + self.retain * frames[-1])
        return self.spread(torch.stack(frames[1:], dim=1))

    def _last(self, windows: Mapping[str, Tensor]) -> Tensor:
        """The last known pose, [B, 1, K]."""
        return self.select(windows[self.name][:, self._before : self._before + 1])
