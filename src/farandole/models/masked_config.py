"""Settings that the masked models share, and what they are in the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from farandole.models.base import ModelConfig
from farandole.models.errors import one_of, require
from farandole.models.layers.convbert import ConvBertConfig
from farandole.models.layers.frame_view import FrameView

if TYPE_CHECKING:
    from typing_extensions import Self


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
    curve: Literal["slerp", "hermite"] = "slerp"
    """What the output corrects: slerp, or curves that keep the speed at visible frames (`layers.curves`); needs `residual`."""
    reach: float = 24.0
    """Frames within which the speed at a visible frame gives way to the line to the next one (`curve: hermite`)."""
    ease: bool = False
    """A correction vanishes at visible frames and grows with the distance from them; needs `residual`."""
    view: Literal["window", "frame"] = "window"
    """window: the network sees features as they are. frame: every frame from the body's own place and heading there, with the
    places of joints and the distance to visible frames (`layers.frame_view`); needs `residual`."""
    guess: bool = False
    """The network also sees a guess of the correction, and how much noise is in it: rounds of denoising then draw motions at
    random, where a single pass gives their mean; needs `residual`."""
    shift: float = 1.0
    """How much later than evenly a guess loses its noise: see `abilities.later`. Frames and joints
    that move together tell through much noise where a motion goes; with an even share all of that is decided in the first round."""
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
                (
                    self.residual or not (self.ease or self.guess or self.view == "frame" or self.curve == "hermite"),
                    "curve, ease, view and guess need residual",
                ),
                (self.view == "window" or not self.contrast, "contrast is of the view window"),
                (self.shift > 0, f"shift must be positive, got {self.shift:g}"),
                (self.reach > 0, f"reach must be positive, got {self.reach:g}"),
                one_of("curve", self.curve, ("slerp", "hermite")),
                one_of("view", self.view, ("window", "frame")),
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
        motion = FrameView.columns(self.joints) if self.view == "frame" else (2 if self.contrast else 1) * self.motion
        return motion + self.flags + (self.outputs + 1 if self.guess else 0)

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


def fits(config: MaskedConfig, features: int, encoder: ConvBertConfig, what: str) -> tuple[bool, str]:
    """A check for `require`: padding cannot make features narrower."""
    return (
        config.inlet == "linear" or features <= encoder.dim,
        f"{features} {what} features do not fit an encoder of width {encoder.dim} without a projection (inlet: linear)",
    )
