"""VRM animations (.vrma): a motion for any VRM character (VRMC_vrm_animation 1.0, github.com/vrm-c/vrm-specification)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from farandole._io import atomic_path
from farandole.motion import names
from farandole.motion.files.gltf.animation import add_animation
from farandole.motion.files.gltf.builder import Builder
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton

BONES = {
    "Hips": "hips",
    "Spine": "spine",
    "Spine1": "chest",
    "Neck": "neck",
    "Head": "head",
    **{
        side + part: side.lower() + bone
        for side in names.SIDES
        for part, bone in {
            "Shoulder": "Shoulder", "Arm": "UpperArm", "ForeArm": "LowerArm", "Hand": "Hand",
            "UpLeg": "UpperLeg", "Leg": "LowerLeg", "Foot": "Foot", "ToeBase": "Toes",
        }.items()
    },
}  # fmt: skip
"""Bone of VRM by the role of a joint."""


def write_vrma(motion: Motion, path: str | Path, *, force: bool = False) -> Path:
    """Write a VRM animation, whole or not at all.

    Raises:
        RetargetError: If the body is no human.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    path = Path(path)
    data = render_vrma(motion)
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(data)
    return path


def render_vrma(motion: Motion) -> bytes:
    """The bytes of a .vrma: rotations of 21 bones, and the path of the hips in metres, over an exact T-pose that faces +z."""
    posed = retarget(motion, t_pose(motion.skeleton))
    skeleton = posed.skeleton
    builder = Builder()
    nodes: list[dict[str, Any]] = []
    for joint, name in enumerate(skeleton.names):
        node: dict[str, Any] = {"name": BONES[name], "translation": skeleton.offsets[joint].tolist()}
        if skeleton.children[joint]:
            node["children"] = list(skeleton.children[joint])
        nodes.append(node)
    bones = {BONES[name]: {"node": joint} for joint, name in enumerate(skeleton.names)}
    extension = {"specVersion": "1.0", "humanoid": {"humanBones": bones}}
    return builder.pack(
        {
            "asset": {"version": "2.0", "generator": "farandole"},
            "extensionsUsed": ["VRMC_vrm_animation"],
            "extensions": {"VRMC_vrm_animation": extension},
            "scene": 0,
            "scenes": [{"name": motion.name, "nodes": [0]}],
            "nodes": nodes,
            "animations": [add_animation(builder, posed, name=motion.name)],
        }
    )


def t_pose(skeleton: Skeleton) -> Skeleton:
    """A body in an exact T-pose, as tall in the legs as this one: arms along x, legs straight down, trunk upright."""
    house = house_skeleton()
    offsets = house.offsets.copy()
    for joint, name in enumerate(house.names):
        length = float(np.linalg.norm(offsets[joint]))
        if name.endswith(("Arm", "Hand")):
            offsets[joint] = (length if name.startswith("Left") else -length, 0.0, 0.0)
        elif name.endswith(("Leg", "Foot")) and not name.endswith("UpLeg"):
            offsets[joint] = (0.0, -length, 0.0)
        elif name in ("Spine", "Spine1", "Neck", "Head"):
            offsets[joint] = (0.0, length, 0.0)
        elif name.endswith(("Shoulder", "UpLeg")):
            offsets[joint, 2] = 0.0
        elif name.endswith("ToeBase"):
            offsets[joint, 0] = 0.0
    tips = dict(house.end_sites)
    for hand, left in (("LeftHand", 1.0), ("RightHand", -1.0)):  # a straight hand goes on along the arm
        tips[hand] = np.array([left * float(np.linalg.norm(tips[hand])), 0.0, 0.0])
    roles = names.humanoid_roles(skeleton)
    upright = Skeleton(house.names, house.parents, offsets, tips)
    mine, theirs = _leg(skeleton, roles), _leg(upright, names.find_roles(upright))
    low = min(float(upright.rest_positions[:, 1].min()), 0.0)
    offsets[0] = (0.0, -low, 0.0)
    return Skeleton(house.names, house.parents, offsets, tips).scaled(mine / theirs)


def _leg(skeleton: Skeleton, roles: dict[str, int]) -> float:
    """Length of the left leg, m."""
    chain = names.path(skeleton, roles["LeftUpLeg"], roles["LeftFoot"])[1:]
    return float(np.linalg.norm(skeleton.offsets[chain], axis=-1).sum())
