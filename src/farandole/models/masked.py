"""What the masked models share: how motion comes in, what is told of the mask, how motion goes out.

Each has two sets of settings. `dancebert` is the published family with its quirks, one named field each; `farandole` has them
mended: learned projections, the mask and the modality told, rotations that are rotations, a correction to slerp instead of a pose
from nothing, any length of window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from farandole.models.base import PresetConfig
from farandole.models.body import matrices_from_6d
from farandole.models.errors import ShapeError, one_of, require
from farandole.models.layers.convbert import ConvBertConfig
from farandole.models.layers.filling import fill

MASKED_PRESETS = ("dancebert", "farandole", "small")
"""dancebert: as published, quirks included. farandole: mended, of the published size. small: mended, for two CPU cores."""

CORRECTION = 0.3
"""Unit of corrections to slerp, 6D numbers and m: they are small, and an optimiser's first steps should be too."""


@dataclass(frozen=True)
class MaskedConfig(PresetConfig):
    """Settings of every masked model; the defaults are the mended ones."""

    motion: int = 219
    """Motion features per frame: 9 for each joint's rotation matrix, then 3 for the root's position."""
    inlet: Literal["linear", "pad"] = "linear"
    """linear: a learned projection to the encoder's width. pad: features are filled up with zeros to that width."""
    mask_flags: bool = True
    """Tell the model which frames (or joints) are hidden: a learned embedding. False: it must guess from the zeros."""
    joint_flags: bool = False
    """Flags by joint, for masks that hide some joints of a frame; needs `mask_flags`."""
    modality: bool = True
    """Embeddings that tell motion from music where both go through one encoder, and one clock for both."""
    orthonormal: bool = True
    """Rotations come out as rotation matrices. False: as nine free numbers."""
    residual: bool = True
    """The output is a correction to slerp between visible frames; needs `orthonormal`."""
    tanh: bool = False
    """Every output goes through tanh."""

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
    def joints(self) -> int:
        """J of the motion features 9 J + 3."""
        return (self.motion - 3) // 9

    @property
    def flags(self) -> int:
        """Features per frame that tell what is hidden: 0, 1, or J + 1 by joint with the root's position last."""
        if not self.mask_flags:
            return 0
        return self.joints + 1 if self.joint_flags else 1

    @property
    def outputs(self) -> int:
        """Numbers per frame that the head makes: six for each rotation where rotations are orthonormal."""
        return 6 * self.joints + 3 if self.orthonormal else self.motion


QUIRKS = {
    "inlet": "pad",
    "mask_flags": False,
    "modality": False,
    "orthonormal": False,
    "residual": False,
    "tanh": True,
}
"""Fields of `MaskedConfig` as published, but for the model on LAFAN1, whose tanh was declared and not used."""


class MaskedMotionModel(nn.Module):
    """A model that fills hidden frames of a motion. Knows no data, trainer or file."""

    Config: type[MaskedConfig]
    needs_music: bool = True
    """Whether `forward` wants music."""

    def __init__(self, config: MaskedConfig) -> None:
        super().__init__()
        self.config = config

    def forward(
        self, motion: Tensor, hidden: Tensor, attention: Tensor | None = None, music: Tensor | None = None
    ) -> Tensor:
        """All frames, hidden and visible, as the model believes them to be.

        Args:
            motion: [B, T, motion]: rotation matrices row by row, root position; hidden values are never looked at where masks
                are told (`mask_flags`), else they must be 0.
            hidden: 1 for what is hidden, [B, T, 1], or [B, T, J + 1] by joint with the root's position last.
            attention: 1 where there is motion, 0 in an empty tail, [B, T]; None: everywhere.
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
        told = base if config.residual else motion
        out = self.encode(told if flags is None else torch.cat((told, flags), dim=-1), attention, music)
        return self._motion(out, base)

    def encode(self, motion: Tensor, attention: Tensor | None, music: Tensor | None) -> Tensor:
        """Motion with its flags [B, T, motion + flags] and music -> what the head says, [B, T, outputs]."""
        raise NotImplementedError

    def _flags(self, hidden: Tensor) -> Tensor | None:
        config = self.config
        if not config.mask_flags:
            return None
        if config.joint_flags:
            return hidden.expand(-1, -1, config.flags)
        return hidden.amax(dim=-1, keepdim=True)

    def _motion(self, out: Tensor, base: Tensor) -> Tensor:
        """What the head says as motion features."""
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
        if not self.needs_music:
            return
        wanted = (*batch, getattr(config, "music", 0))
        if music is None or tuple(music.shape) != wanted:
            raise ShapeError(f"music: expected {wanted}, got {'none' if music is None else tuple(music.shape)}")


class Inlet(nn.Module):
    """Features [B, T, D] to the width of an encoder: a linear map, or zeros on the right."""

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


def start_at_nothing(outlet: nn.Linear | nn.Conv1d) -> None:
    """Let a head begin with the baseline: a correction of zero."""
    nn.init.zeros_(outlet.weight)
    if outlet.bias is not None:
        nn.init.zeros_(outlet.bias)


def _by_feature(hidden: Tensor, features: int) -> Tensor:
    """Flags [B, T, 1] or [B, T, J + 1] for every feature of 9 J + 3, [B, T, 1 or 9 J + 3]."""
    if hidden.shape[-1] == 1:
        return hidden
    joints = hidden.shape[-1] - 1
    return torch.cat(
        (hidden[..., :-1].repeat_interleave(9, dim=-1), hidden[..., -1:].expand(-1, -1, features - 9 * joints)), dim=-1
    )
