"""A motion as an animation of a glTF document: one track for every joint that moves, linear between frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.files.gltf.builder import Builder
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

_STILL = 1e-6  # a track that moves less (m, or in quaternion numbers) is left out


def add_animation(builder: Builder, motion: Motion, *, name: str | None = None) -> dict[str, Any]:
    """Store the tracks of a motion, whose joint j is node j; returns the animation for the document.

    Args:
        name: Name of the animation; by default the motion's.
    """
    name = name or motion.name
    times = builder.add((np.arange(len(motion)) / motion.fps).astype(np.float32), "SCALAR", bounds=True)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def track(joint: int, path: str, values: Array, kind: str) -> None:
        output = builder.add(values.astype(np.float32), kind)
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": joint, "path": path}})

    track(0, "translation", motion.root_positions, "VEC3")
    # Neighbouring keys in one hemisphere: players that interpolate without a check then take the short way.
    turns = rot.unroll(rot.normalize(motion.rotations))[..., [1, 2, 3, 0]]
    for joint in range(len(motion.skeleton)):
        if np.abs(turns[:, joint, :3]).max() > _STILL:
            track(joint, "rotation", turns[:, joint], "VEC4")
    if motion.translations is not None:
        gap = np.abs(motion.translations - motion.skeleton.offsets).max(axis=(0, 2))
        for joint in np.flatnonzero(gap > _STILL):
            if joint:
                track(int(joint), "translation", motion.translations[:, joint], "VEC3")
    extras: dict[str, Any] = {"fps": float(motion.fps), "name": name}
    if motion.markers is not None:
        extras |= motion.markers.as_dict()
    return {"name": name, "samplers": samplers, "channels": channels, "extras": extras}
