"""Settings that every model has; what a model that continues motion offers: losses, samples, the windows it wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from farandole.models.abilities import Abilities, InputWindow
from farandole.models.errors import ConfigError, ShapeError
from farandole.models.flows.bijection import State
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.priors import StudentT
from farandole.models.layers.further_outputs import FurtherOutputs
from farandole.models.layers.multimodal import Modality, MultimodalEncoder, check_windows
from farandole.models.layers.signal import SignalConfig
from farandole.models.model import Model
from farandole.models.networks import Network
from farandole.models.objectives.likelihood import Likelihood
from farandole.models.sampling_step import sampling_network

if TYPE_CHECKING:
    from typing_extensions import Self

Windows = Mapping[str, Tensor]
"""Input windows by modality name: [B, frames, dim] float, or labels [B, frames] int."""


class ModelConfig:
    """Mixin of the settings of a model (frozen dataclasses): presets, and sizes taken from data."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]  # of the classes that it is mixed into

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], Self]]:
        """Named settings; none by default."""
        return {}

    @classmethod
    def presets(cls) -> tuple[str, ...]:
        """Names of the presets."""
        return tuple(cls._presets())

    @classmethod
    def preset(cls, name: str = "paper", **changes: Any) -> Self:
        """The settings called `name` (one of `presets`) with some fields changed.

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

    @property
    def dims(self) -> dict[str, int]:
        """Features per frame of every modality that the model reads or predicts, by its name; labels are left out."""
        raise NotImplementedError

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> Self:
        """These settings for data with other numbers of features.

        Args:
            dims: Features per frame by modality; a modality that is not named keeps its number.
            still: Constant columns of the predicted motion: those that never vary in the data.

        Raises:
            ConfigError: If the model cannot have that many.
        """
        raise NotImplementedError


class WindowConfig(ModelConfig):
    """Mixin of settings with the fields `inputs`, `target` and `signal`."""

    inputs: tuple[Modality, ...]
    target: Modality
    signal: SignalConfig
    also: tuple[Modality, ...] = ()

    @property
    def dims(self) -> dict[str, int]:
        return {m.name: m.dim for m in (*self.inputs, self.target, *self.also) if not m.tokens}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> Self:
        def sized(m: Modality) -> Modality:
            return m if m.tokens else replace(m, dim=dims.get(m.name, m.dim))

        inputs, target = tuple(sized(m) for m in self.inputs), sized(self.target)
        more = {"also": tuple(sized(m) for m in self.also)} if self.also else {}
        return replace(self, inputs=inputs, target=target, signal=replace(self.signal, still=still), **more)


class MotionModel(Model):
    """A model of the next motion frames given windows of motion, music and labels.

    Attributes:
        inputs: Windows it is trained on.
        target: Window it predicts; `target.name` is also the autoregressive input.
        further: What it predicts beside that; None for models of one output.
    """

    Objective = Likelihood
    inputs: tuple[Modality, ...]
    target: Modality
    latent_channels: int = 0
    """Features of the latent z per frame; 0 for a deterministic model."""
    encoder: MultimodalEncoder
    """What reads the inputs, of models that have it."""

    def __init__(self) -> None:
        super().__init__()
        self.further: FurtherOutputs | None = None

    @property
    def also(self) -> tuple[Modality, ...]:
        """Windows that it predicts beside the target."""
        return () if self.further is None else tuple(o.target for _, o in self.further.outputs.items())

    def further_losses(self, windows: Windows, frames: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Losses of the windows `also` predicted, by name; they are added to the model's own."""
        return {} if self.further is None else self.further.losses(self.encoder.read(windows), frames)

    def further_samples(
        self, windows: Windows, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Frames of the windows `also` predicted, by name, [B, frames, dim]."""
        return {} if self.further is None else self.further.sample(self.encoder.read(windows), temperature, generator)

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        """Losses of a batch: "loss" is minimised, other entries are for the record (scalars).

        Args:
            windows: Windows of all `inputs` by modality.
            target: The frames to predict, [B, frames, dim], see `target`.
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
            windows: Windows of all `generation_inputs` by modality.
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
        """Windows that `sample` reads."""
        return self.inputs

    @property
    def generation_frames(self) -> int:
        """Frames that one call of `sample` returns."""
        return self.target.frames

    def abilities(self) -> Abilities:
        """See `Model.abilities`."""
        own = any(m.name == self.target.name for m in self.inputs)
        music = any(m.name != self.target.name and not m.tokens for m in self.inputs)
        labels = any(m.tokens > 0 for m in self.inputs)
        return Abilities(nothing=True, past=own, music=music, labels=labels, random=self.latent_channels > 0)

    def completion(self) -> dict[str, Any]:
        """See `Model.completion`: the windows that a step reads and predicts, and the distribution of its noise."""
        window = lambda m: InputWindow(m.name, m.dim, m.frames, m.offset, m.tokens, m.fixed)  # noqa: E731
        prior = next((m.prior for m in self.modules() if isinstance(m, ConditionalFlow)), None)
        return {
            "kind": "autoregressive",
            "inputs": tuple(window(m) for m in self.generation_inputs),
            "target": replace(window(self.target), frames=self.generation_frames),
            "latent_channels": self.latent_channels,
            "degrees": prior.degrees if isinstance(prior, StudentT) else None,
            "also": tuple(window(m) for m in self.also),
        }

    def networks(self) -> dict[str, Network]:
        """See `Model.networks`: one sampling step."""
        return {"model": sampling_network(self)}

    def check(self, windows: Windows, target: Tensor | None = None) -> None:
        """Raise ShapeError if windows (or the target) do not have the shapes of `inputs` and `target`."""
        check_windows(windows, self.inputs if target is not None else self.generation_inputs)
        if target is not None:
            batch = windows[self.inputs[0].name].shape[0]
            expected = (batch, self.target.frames, self.target.dim)
            if tuple(target.shape) != expected:
                raise ShapeError(f"target {self.target.name}: expected shape {expected}, got {tuple(target.shape)}")


def motion_and_audio(
    motion: int, audio: int, motion_frames: int, audio_frames: int, style: int = 0, style_dim: int = 256
) -> tuple[Modality, ...]:
    """The usual inputs: a window of motion, one of audio, and with `style` > 0 labels a style label before them."""
    label = (Modality("style", style_dim, 1, tokens=style, fixed=True),) if style else ()
    return (*label, Modality("motion", motion, motion_frames), Modality("audio", audio, audio_frames))
