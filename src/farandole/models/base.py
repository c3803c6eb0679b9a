"""What every motion model offers: losses on a window, samples of the next frames, and the windows it wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from farandole.models.errors import ConfigError, ShapeError
from farandole.models.flows.bijection import State
from farandole.models.layers.multimodal import Modality, check_windows

if TYPE_CHECKING:
    from typing_extensions import Self

Windows = Mapping[str, Tensor]
"""Input windows by modality name: [B, frames, dim] float, or labels [B, frames] int."""
PRESETS = ("paper", "as-released", "farandole")
"""paper: as the publication describes it. as-released: as the published code behaves (for comparison).
farandole: the same model with its known defects mended."""


class PresetConfig:
    """Mixin of model configs: named settings, changed field by field."""

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], Self]]:
        raise NotImplementedError

    @classmethod
    def preset(cls, name: str = "paper", **changes: Any) -> Self:
        """The settings called `name` (one of PRESETS) with some fields changed.

        Raises:
            ConfigError: If there is no such preset or field, or the result contradicts itself.
        """
        presets = cls._presets()
        if name not in presets:
            raise ConfigError(f"{cls.__name__} has no preset {name!r}; accepted: {', '.join(presets)}")
        try:
            return replace(presets[name](), **changes)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__}: {error}") from error


class MotionModel(nn.Module):
    """A model of the next motion frames given windows of motion, music and labels. Knows no data, trainer or file.

    Attributes:
        inputs: Windows it is trained on.
        target: Window it predicts; `target.name` is also the autoregressive input.
    """

    inputs: tuple[Modality, ...]
    target: Modality
    latent_channels: int = 0
    """Features of the latent z per frame; 0 for a deterministic model."""

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        """Losses of a batch: "loss" is minimised, other entries are for the record (scalars).

        Args:
            windows: Inputs by modality, as `inputs` says.
            target: The frames to predict, [B, frames, dim], as `target` says.
        """
        raise NotImplementedError

    def sample(
        self,
        windows: Windows,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        state: State = None,
    ) -> tuple[Tensor, State]:
        """Draw the next frames.

        Args:
            windows: Inputs by modality, as `generation_inputs` says.
            noise: The latent [B, frames, latent_channels]; None draws it.
            temperature: Factor on the latent.
            generator: Source of randomness.
            state: Recurrent state of the previous call, None at the start of a sequence.
        Returns:
            Frames [B, generation frames, dim] and the next state (None for models without one).
        """
        raise NotImplementedError

    def initialize(self, windows: Windows, target: Tensor) -> None:
        """Data-dependent start from a first batch; call it once, before training. Nothing to do by default."""

    @property
    def generation_inputs(self) -> tuple[Modality, ...]:
        """Windows that `sample` wants."""
        return self.inputs

    @property
    def generation_frames(self) -> int:
        """Frames that one call of `sample` returns."""
        return self.target.frames

    def check(self, windows: Windows, target: Tensor | None = None) -> None:
        """Raise ShapeError if windows (or the target) are not what the model is made for."""
        check_windows(windows, self.inputs if target is not None else self.generation_inputs)
        if target is not None:
            batch = windows[self.inputs[0].name].shape[0]
            wanted = (batch, self.target.frames, self.target.dim)
            if tuple(target.shape) != wanted:
                raise ShapeError(f"target {self.target.name}: expected shape {wanted}, got {tuple(target.shape)}")


def motion_and_audio(
    motion: int, audio: int, past: int, heard: int, style: int = 0, style_dim: int = 256
) -> tuple[Modality, ...]:
    """The usual inputs: motion window, audio window and, for `style` > 0 labels, a style label in front."""
    label = (Modality("style", style_dim, 1, tokens=style, fixed=True),) if style else ()
    return (*label, Modality("motion", motion, past), Modality("audio", audio, heard))
