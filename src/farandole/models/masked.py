"""What the masked models share: input projection, mask embedding, output head.

Each has three presets. `dancebert` is the published family with its quirks, one named field each. `farandole`, of the published
size, and `small`, for two CPU cores, mend them: a learned projection, embeddings of mask and modality, orthonormal rotations, a
correction to slerp instead of a pose from scratch, any length of window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.abilities import Abilities
from farandole.models.base import ModelConfig
from farandole.models.body import matrices_from_6d
from farandole.models.errors import ShapeError, one_of, require
from farandole.models.layers.convbert import ConvBertConfig
from farandole.models.layers.filling import fill
from farandole.models.model import Model
from farandole.models.networks import Network
from farandole.models.objectives.masking_objective import MaskingObjective

if TYPE_CHECKING:
    from typing_extensions import Self

CONTRAST = 4.0
"""Factor on differences from the mean over a window: elements of rotation matrices deviate by about a quarter."""
CORRECTION = 0.3
"""Scale of corrections to slerp, in 6D units and m: corrections are small, and so should be the first steps of training."""


@dataclass(frozen=True)
class MaskedConfig(ModelConfig):
    """Settings of every masked model; the defaults are the mended ones."""

    motion: int = 219
    """Motion features per frame: 9 for each joint's rotation matrix, then 3 for the root's position."""
    inlet: Literal["linear", "pad"] = "linear"
    """linear: a learned projection to the encoder's width. pad: zeros are appended up to that width."""
    mask_flags: bool = True
    """Mask embedding: flags of the hidden frames (or joints) are inputs. False: the model sees zeros there, and no flag."""
    joint_flags: bool = False
    """One flag per joint, for masks that hide some joints of a frame; needs `mask_flags`."""
    modality: bool = True
    """Modality embedding and common frame numbers where motion and music go through one encoder."""
    orthonormal: bool = True
    """Predict orthonormal rotation matrices. False: nine unconstrained numbers per joint."""
    residual: bool = True
    """The output is a correction to slerp between visible frames; needs `orthonormal`."""
    tanh: bool = False
    """Apply tanh to every output."""
    contrast: bool = False
    """The network also sees how every feature differs from its mean over the window. Rotations change little about that mean:
    next to it the movement is a tenth of what the encoder's norms let through."""

    def __post_init__(self) -> None:
        self._require(
            [
                (self.motion > 3, f"motion must be more than 3 features, got {self.motion}"),
                (
                    not self.orthonormal or (self.motion - 3) % 9 == 0,
                    f"orthonormal rotations need 9 J + 3 motion features, got {self.motion}",
                ),
                (self.orthonormal or not self.residual, "residual needs orthonormal"),
                (self.mask_flags or not self.joint_flags, "joint_flags need mask_flags"),
                (not (self.tanh and self.orthonormal), "tanh and orthonormal exclude each other"),
                one_of("inlet", self.inlet, ("linear", "pad")),
            ]
        )

    def _require(self, checks: list[tuple[bool, str]]) -> None:
        require(type(self).__name__.removesuffix("Config").lower(), checks)

    @property
    def dims(self) -> dict[str, int]:
        return {"motion": self.motion}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> Self:
        """See `ModelConfig.fitted`; constant columns are predicted like any other."""
        return replace(self, **{name: dims.get(name, dim) for name, dim in self.dims.items()})

    @property
    def joints(self) -> int:
        """J of the motion features 9 J + 3."""
        return (self.motion - 3) // 9

    @property
    def flags(self) -> int:
        """Mask flags per frame: 0, 1, or J + 1 (one per joint, the root's position last)."""
        if not self.mask_flags:
            return 0
        return self.joints + 1 if self.joint_flags else 1

    @property
    def seen(self) -> int:
        """Features of motion and flags per frame that the network sees."""
        return (2 if self.contrast else 1) * self.motion + self.flags

    @property
    def outputs(self) -> int:
        """Output features of the head per frame: six per rotation where rotations are orthonormal."""
        return 6 * self.joints + 3 if self.orthonormal else self.motion


QUIRKS = {
    "inlet": "pad",
    "mask_flags": False,
    "modality": False,
    "orthonormal": False,
    "residual": False,
    "tanh": True,
}
"""Fields of `MaskedConfig` as published. (The model on LAFAN1 declared a tanh and did not use it.)"""


class MaskedMotionModel(Model):
    """A model that fills hidden frames of a motion."""

    Objective = MaskingObjective
    Config: ClassVar[type[MaskedConfig]]
    """Settings; the only argument of the constructor. `forward` wants music if `Config.dims` names it."""

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, motion: Tensor, hidden: Tensor, attention: Tensor | None = None, music: Tensor | None = None
    ) -> Tensor:
        """Predict all frames, hidden and visible.

        Args:
            motion: [B, T, motion]: rotation matrices row by row, root position. Hidden values are ignored with `mask_flags`;
                without, they must be 0.
            hidden: 1 for what is hidden, [B, T, 1], or [B, T, J + 1] by joint with the root's position last.
            attention: 1 for frames of the sequence, 0 for padding at its end, [B, T]; None: no padding.
            music: [B, T, music].

        Returns:
            [B, T, motion].

        Raises:
            ShapeError: If a shape is not that, or music is missing.
        """
        self._check(motion, hidden, attention, music)
        config = self.config
        hidden = hidden.to(motion.dtype)
        attention = None if attention is None else attention.to(motion.dtype)
        unknown = hidden if attention is None else torch.maximum(hidden, 1 - attention.unsqueeze(-1))
        base = motion
        if config.residual:
            base = fill(motion, unknown)
        elif config.mask_flags:
            wide = unknown if config.joint_flags else unknown.amax(dim=-1, keepdim=True)
            motion = motion * (1 - _by_feature(wide, config.motion))
        flags = self._flags(hidden)
        visible = base if config.residual else motion
        if config.contrast:
            visible = torch.cat((visible, CONTRAST * (visible - _mean_over_time(visible, attention))), dim=-1)
        out = self.encode(visible if flags is None else torch.cat((visible, flags), dim=-1), attention, music)
        return self._motion(out, base)

    fixed_length: int = 0
    """Frames that every window must have; 0: any number."""

    def abilities(self) -> Abilities:
        """See `Model.abilities`."""
        music = "music" in self.config.dims
        return Abilities(nothing=music, past=True, future=True, joints=self.config.joint_flags, music=music)

    def completion(self) -> dict[str, Any]:
        """See `Model.completion`; the length of windows and the scales are the data's."""
        return {"kind": "masked", "fixed_length": self.fixed_length > 0}

    def networks(self) -> dict[str, Network]:
        """See `Model.networks`: windows with hidden frames to filled ones."""
        frames, flags = self.fixed_length or 24, self.config.joints + 1 if self.config.joint_flags else 1
        axes = {0: "batch"} if self.fixed_length else {0: "batch", 1: "frames"}
        place = next(self.parameters()).device
        inputs = {
            "motion": torch.randn(2, frames, self.config.motion, device=place),
            "hidden": (torch.arange(frames, device=place) % 5 > 0).float()[None, :, None].repeat(2, 1, flags),
        }
        if "music" in self.config.dims:
            inputs["music"] = torch.randn(2, frames, self.config.dims["music"], device=place)
        return {"model": Network(FillStep(self), inputs, ("filled",), dict.fromkeys(inputs, axes))}

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        """Motion with mask flags [B, T, motion + flags] and music [B, T, music] -> output of the head, [B, T, outputs]."""
        raise NotImplementedError

    def _flags(self, hidden: Tensor) -> Tensor | None:
        config = self.config
        if not config.mask_flags:
            return None
        if config.joint_flags:
            return hidden.expand(-1, -1, config.flags)
        return hidden.amax(dim=-1, keepdim=True)

    def _motion(self, out: Tensor, base: Tensor) -> Tensor:
        """Output of the head to motion features [B, T, motion]."""
        config = self.config
        if not config.orthonormal:
            return out.tanh() if config.tanh else out
        unit = out.new_tensor((1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        out = out * CORRECTION if config.residual else out
        turns = matrices_from_6d(out[..., :-3].unflatten(-1, (-1, 6)) + unit)
        root = out[..., -3:]
        if config.residual:
            turns = base[..., :-3].unflatten(-1, (-1, 3, 3)) @ turns
            root = base[..., -3:] + root
        return torch.cat((turns.flatten(-3), root), dim=-1)

    def _check(self, motion: Tensor, hidden: Tensor, attention: Tensor | None, music: Tensor | None) -> None:
        config = self.config
        if motion.ndim != 3 or motion.shape[-1] != config.motion:
            raise ShapeError(f"motion: expected [B, T, {config.motion}], got {tuple(motion.shape)}")
        batch = tuple(motion.shape[:2])
        if tuple(hidden.shape) not in ((*batch, 1), (*batch, config.joints + 1)):
            raise ShapeError(
                f"hidden: expected {(*batch, 1)} or {(*batch, config.joints + 1)}, got {tuple(hidden.shape)}"
            )
        if attention is not None and tuple(attention.shape) != batch:
            raise ShapeError(f"attention: expected {batch}, got {tuple(attention.shape)}")
        if "music" not in config.dims:
            return
        wanted = (*batch, config.dims["music"])
        if music is None or tuple(music.shape) != wanted:
            raise ShapeError(f"music: expected {wanted}, got {'none' if music is None else tuple(music.shape)}")


class FillStep(nn.Module):
    """A masked model as a function of motion [B, T, D], hidden [B, T, 1 or J + 1] and music [B, T, A]."""

    def __init__(self, model: MaskedMotionModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, motion: Tensor, hidden: Tensor, music: Tensor | None = None) -> Tensor:
        """All frames, [B, T, D]."""
        return self.model(motion, hidden, None, music)


class Inlet(nn.Module):
    """Features [B, T, D] to the width of an encoder: a linear map, or zero padding."""

    def __init__(self, features: int, dim: int, kind: str) -> None:
        super().__init__()
        self.missing = dim - features
        self.project = nn.Linear(features, dim) if kind == "linear" else None

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, self.missing)) if self.project is None else self.project(x)


def fits(config: MaskedConfig, features: int, encoder: ConvBertConfig, what: str) -> tuple[bool, str]:
    """A check for `require`: padding cannot make features narrower."""
    return (
        config.inlet == "linear" or features <= encoder.dim,
        f"{features} {what} features do not fit an encoder of width {encoder.dim} without a projection (inlet: linear)",
    )


def zero_initialise(outlet: nn.Linear | nn.Conv1d) -> None:
    """Initialise a head to zero: the model begins as its baseline."""
    nn.init.zeros_(outlet.weight)
    if outlet.bias is not None:
        nn.init.zeros_(outlet.bias)


def _mean_over_time(motion: Tensor, attention: Tensor | None) -> Tensor:
    """Mean of motion [B, T, D] over the frames of the sequence, [B, 1, D]."""
    if attention is None:
        return motion.mean(dim=1, keepdim=True)
    there = attention.unsqueeze(-1)
    return (motion * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True).clamp(min=1)


def _by_feature(hidden: Tensor, features: int) -> Tensor:
    """Flags [B, T, 1] or [B, T, J + 1] for every feature of 9 J + 3, [B, T, 1 or 9 J + 3]."""
    if hidden.shape[-1] == 1:
        return hidden
    joints = hidden.shape[-1] - 1
    return torch.cat(
        (hidden[..., :-1].repeat_interleave(9, dim=-1), hidden[..., -1:].expand(-1, -1, features - 9 * joints)), dim=-1
    )
