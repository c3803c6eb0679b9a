"""The same dance as other makers' files have it: other names, frames of the bones, joints, sizes and rates. Positions are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton

_PARTS = {
    "Shoulder": "Shoulder", "Arm": "UpperArm", "ForeArm": "LowerArm", "Hand": "Hand", "UpLeg": "UpperLeg", "Leg": "LowerLeg",
    "Foot": "Foot", "ToeBase": "Toes",
}  # fmt: skip


def bones_in_a_row(motion: Motion) -> Motion:
    """Every bone along its joint's own x axis, `UpperArm_L` for names: as Bandai Namco's and LAFAN1's files have it."""
    body = motion.skeleton
    turn = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (len(body), 1))
    for j in range(len(body)):
        child = next((c for c in range(len(body)) if body.parents[c] == j and np.any(body.offsets[c])), None)
        if child is not None:
            turn[j] = _from_x_axis_to(body.offsets[child])
    above = np.array([turn[p] if p >= 0 else [1.0, 0.0, 0.0, 0.0] for p in body.parents])
    offsets = rot.rotate(rot.inverse(above), body.offsets)
    rotations = rot.multiply(rot.multiply(rot.inverse(above), motion.rotations), turn)
    names = [_bandai(name) for name in body.names]
    ends = {_bandai(n): rot.rotate(rot.inverse(turn[body.index(n)]), tip) for n, tip in body.end_sites.items()}
    made = Skeleton(names, body.parents, offsets, ends)
    return Motion(made, rotations, motion.root_positions, motion.fps, name="in a row")


def with_fingers(motion: Motion) -> Motion:
    """Four more joints in each hand, names as Mixamo prefixes them, 60 fps."""
    body = motion.skeleton
    names, parents, offsets = [f"mixamorig:{n}" for n in body.names], list(body.parents), [*body.offsets]
    for side, way in (("Left", 1.0), ("Right", -1.0)):
        for k, finger in enumerate(("Index1", "Index2", "Pinky1", "Pinky2")):
            parents.append(body.index(f"{side}Hand") if finger.endswith("1") else len(names) - 1)
            offsets.append(np.array([way * (0.08 if finger.endswith("1") else 0.03), 0.0, 0.02 * (1 - k // 2)]))
            names.append(f"mixamorig:{side}Hand{finger}")
    made = Skeleton(names, parents, np.array(offsets))
    curled = rot.from_rotvec(np.tile([0.0, 0.0, 0.3], (len(motion), 8, 1)))
    rotations = np.concatenate((motion.rotations, curled), axis=1)
    return replace(motion, skeleton=made, rotations=rotations, name="fingers").resample(60.0)


def long_legs(motion: Motion) -> Motion:
    """Legs a fifth longer, arms a fifth shorter, 25 fps."""
    body = motion.skeleton
    size = np.array(
        [1.2 if n.endswith(("Leg", "Foot")) and "Up" not in n else 0.8 if "ForeArm" in n else 1.0 for n in body.names]
    )
    other = Skeleton(body.names, body.parents, body.offsets * size[:, None], body.end_sites)
    return replace(retarget(motion, other).resample(25.0), name="long legs")


def long_spine(motion: Motion) -> Motion:
    """The bone below the neck in three parts that turn together."""
    body = motion.skeleton
    neck = body.index("Neck")
    names = [*body.names[:neck], "Spine2", "Spine3", *body.names[neck:]]
    shift = lambda p: p if p < neck else p + 2  # noqa: E731
    parents = [*body.parents[:neck], body.parents[neck], neck, neck + 1, *(shift(p) for p in body.parents[neck + 1 :])]
    third = body.offsets[neck] / 3
    offsets = np.vstack((body.offsets[:neck], third, third, third, body.offsets[neck + 1 :]))
    still = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (len(motion), 2, 1))
    rotations = np.concatenate((motion.rotations[:, :neck], still, motion.rotations[:, neck:]), axis=1)
    return replace(
        motion, skeleton=Skeleton(names, parents, offsets, body.end_sites), rotations=rotations, name="long spine"
    )


BODIES: dict[str, Callable[[Motion], Motion]] = {
    "bones in a row": bones_in_a_row,
    "fingers": with_fingers,
    "long legs": long_legs,
    "long spine": long_spine,
}


def _bandai(name: str) -> str:
    for side in ("Left", "Right"):
        if name.startswith(side):
            return f"{_PARTS[name.removeprefix(side)]}_{side[0]}"
    return {"Spine1": "Chest"}.get(name, name)


def _from_x_axis_to(bone: np.ndarray) -> np.ndarray:
    """The shortest turn that takes the x axis to the direction of a bone."""
    way = bone / np.linalg.norm(bone)
    axis = np.cross([1.0, 0.0, 0.0], way)
    angle = np.arctan2(np.linalg.norm(axis), way[0])
    if np.linalg.norm(axis) < 1e-9:
        axis = np.array([0.0, 1.0, 0.0])
    return rot.from_rotvec(angle * axis / np.linalg.norm(axis))
