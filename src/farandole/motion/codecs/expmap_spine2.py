"""The 72 columns of Transflower's older AIST++ features: `expmap` with a third spine joint, from SMPL bodies as they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from farandole.errors import MotionError
from farandole.motion.codecs.expmap import ExpMap

_LIMBS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
_PARTS = ("UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand")
SMPL_NAMES = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    **{f"{side}_{own}": side.capitalize() + part for side in ("left", "right") for own, part in zip(_LIMBS, _PARTS, strict=True)},
}  # fmt: skip
"""SMPL's joints by the names they had after the published conversion to BVH, which copied their turns unchanged."""
FILE_ORDER = (
    "Hips", *(f"Left{p}" for p in _PARTS[:4]), *(f"Right{p}" for p in _PARTS[:4]), "Spine", "Spine1", "Spine2",
    *(f"Left{p}" for p in _PARTS[4:]), "Neck", "Head", *(f"Right{p}" for p in _PARTS[4:]),
)  # fmt: skip
"""Joints in the order of the BVH files that the published features were made from."""


@dataclass(frozen=True)
class ExpMapSpine2(ExpMap):
    """22 joints as rotation vectors in reverse file order, then the root's x, y, z (cm), its step and turn: D = 72.

    Joints are found by their BVH names or by SMPL's; columns are always called, and ordered, as in the published files.
    """

    name: ClassVar[str] = "expmap_spine2"
    lost: ClassVar[str] = (
        "start position and heading; joints other than these 22, which stand still; bones that change length"
    )

    @cached_property
    def joints(self) -> tuple[int, ...]:
        """Kept joints in the order of their columns: reverse file order, root last."""
        place = {SMPL_NAMES.get(name, name): j for j, name in enumerate(self.skeleton.names)}
        missing = [n for n in FILE_ORDER if n not in place]
        if missing:
            raise MotionError(
                f"the {self.name} codec needs 22 joints, three in the spine; missing are {', '.join(missing[:4])}: it is made for "
                "AIST++ (SMPL) bodies, for others take expmap or expmap_cr"
            )
        return tuple(place[name] for name in reversed(FILE_ORDER))

    @property
    def columns(self) -> tuple[str, ...]:
        """Published names, as of `expmap`."""
        vectors = [f"{name}_{axis}" for name in reversed(FILE_ORDER) for axis in ("alpha", "beta", "gamma")]
        path = ("Xposition", "Yposition", "Zposition", "dXposition", "dZposition", "dYrotation")
        return (*vectors, *(f"Hips_{p}" for p in path))
