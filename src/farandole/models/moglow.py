"""MoGlow: a Glow with recurrent couplings, conditioned on recent poses and music (Henter et al., 2020, arXiv:1905.06598)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from farandole.models.base import ModelConfig, MotionModel, Windows
from farandole.models.errors import require
from farandole.models.flows.bijection import State
from farandole.models.flows.builders import GlowConfig, build_glow
from farandole.models.flows.flow import bits_per_frame
from farandole.models.layers.multimodal import Modality
from farandole.models.layers.signal import Signal, SignalConfig
from farandole.models.registry import register


@dataclass(frozen=True)
class MoGlowConfig(ModelConfig):
    """Settings of MoGlow."""

    motion: int
    """Motion features per frame."""
    controls: int
    """Control (audio) features per frame."""
    past: int = 40
    """Past poses that condition a frame."""
    heard: int = 50
    """Control frames that condition a frame, starting with the oldest past pose's."""
    frames: int = 80
    """Frames predicted per training window."""
    pose_dropout: float = 0.0
    """Probability in training that a past pose is zeroed, all its features at once."""
    glow: GlowConfig = field(default_factory=GlowConfig)
    """The flow."""
    signal: SignalConfig = field(default_factory=SignalConfig)
    """What is predicted of the target's frames."""

    def __post_init__(self) -> None:
        require(
            "moglow",
            [
                (min(self.motion, self.controls) > 0, "motion and controls must be positive"),
                (min(self.past, self.heard, self.frames) > 0, "past, heard and frames must be positive"),
                (0 <= self.pose_dropout < 1, f"pose_dropout must be in [0, 1), got {self.pose_dropout}"),
            ],
        )

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], MoGlowConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.motion, "audio": self.controls}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> MoGlowConfig:
        motion, controls = dims.get("motion", self.motion), dims.get("audio", self.controls)
        return replace(self, motion=motion, controls=controls, signal=replace(self.signal, still=still))


def _paper() -> MoGlowConfig:
    """Table 5 of Transflower (hidden width 512) with the pose dropout of MoGlow's own paper."""
    return MoGlowConfig(67, 85, pose_dropout=0.95)


def _as_released() -> MoGlowConfig:
    """moglow_expmap: hidden width 128 and no pose dropout."""
    return MoGlowConfig(67, 85, glow=GlowConfig(dim=128))


def _farandole() -> MoGlowConfig:
    """Pose dropout 0.7, which its authors came to prefer, and factored channel mixing."""
    return MoGlowConfig(67, 85, pose_dropout=0.7, glow=GlowConfig(permutation="factored"))


def sliding_windows(x: Tensor, length: int) -> Tensor:
    """x [B, T, D] -> the window of `length` frames starting at each frame, [B, T - length + 1, length, D] (a view)."""
    return x.unfold(1, length, 1).movedim(-1, -2)


@register("moglow")
class MoGlow(MotionModel):
    """Each frame is conditioned on a window of poses and controls, and through the LSTM states on all frames before.

    The states are zero at the start of a training window and of a dance; `sample` takes and returns them.
    """

    Config = MoGlowConfig

    def __init__(self, config: MoGlowConfig) -> None:
        super().__init__()
        self.config = config
        extra = config.frames - 1
        self.inputs = (
            Modality("motion", config.motion, config.past + extra),
            Modality("audio", config.controls, config.heard + extra),
        )
        self.target = Modality("motion", config.motion, config.frames, config.past)
        self.signal = Signal(self.inputs, self.target, config.signal)
        self.latent_channels = self.signal.channels
        cond_dim = config.past * config.motion + config.heard * config.controls
        self.flow = build_glow(self.signal.channels, cond_dim, config.glow)

    @property
    def generation_inputs(self) -> tuple[Modality, ...]:
        motion, audio = self.inputs
        return replace(motion, frames=self.config.past), replace(audio, frames=self.config.heard)

    @property
    def generation_frames(self) -> int:
        return 1

    def condition(self, windows: Windows) -> Tensor:
        """For each frame its window of poses, oldest first, then of controls: [B, frames, past * D + heard * A]."""
        poses = sliding_windows(windows["motion"], self.config.past)
        if self.training and self.config.pose_dropout:
            keep = torch.rand(poses.shape[:3], device=poses.device) >= self.config.pose_dropout
            poses = poses * keep[..., None]
        controls = sliding_windows(windows["audio"], self.config.heard)
        return torch.cat((poses.flatten(2), controls.flatten(2)), dim=-1)

    def log_prob(self, windows: Windows, target: Tensor) -> Tensor:
        """log p(target | windows) in nats, [B], recurrent states starting at zero."""
        self.check(windows, target)
        return self.flow.log_prob(self.signal.encode(target, windows), self.condition(windows))

    def forward(self, windows: Windows, target: Tensor) -> dict[str, Tensor]:
        nll = bits_per_frame(self.log_prob(windows, target), target.shape[1])
        return {"loss": nll, "nll": nll.detach()}

    def sample(
        self,
        windows: Windows,
        *,
        noise: Tensor | None = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        state: State = None,
    ) -> tuple[Tensor, State]:
        self.check(windows)
        cond = self.condition(windows)
        x, state = self.flow.sample(cond, 1, noise=noise, temperature=temperature, generator=generator, state=state)
        return self.signal.decode(x, windows), state

    def listen(self, windows: Windows, target: Tensor) -> State:
        """The recurrent state after known frames, e.g. a seed: `sample` continues from it.

        (The published generation starts from zeros instead; the seed then acts through the window alone.)
        """
        self.check(windows, target)
        return self.flow.stream_log_prob(self.signal.encode(target, windows), self.condition(windows), None)[1]

    @torch.no_grad()
    def initialize(self, windows: Windows, target: Tensor) -> None:
        self.check(windows, target)
        self.flow.initialize(self.signal.encode(target, windows), self.condition(windows))
