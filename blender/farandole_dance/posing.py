"""Poses of a body -> keys of an armature's bones or of the controls that move them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .body import Body, basis
from .glb_file import Take
from .keys import Channel, bone_path, switch_path, values_at
from .rig import Rig
from .rotations import keyed, orthonormal

_SWEEPS = 4
_CLOSE = 1e-3  # rad by which a bone may be off before its controls are set once more


def channels(
    scene: Any, armature: Any, rig: Rig, take: Take, frames: Sequence[int], *, before: int | None = None
) -> Generator[float, None, list[Channel]]:
    """Keys that give an armature the poses of a take; yields the share that is done.

    Args:
        scene: The scene, whose frame is moved where controls have to be solved, and put back.
        armature: The object.
        rig: What `read_rig` says of it.
        take: Poses of the body, [T, J, 4, 4].
        frames: Frames of the scene, [T].
        before: A frame whose values the first keys shall continue without a spin.
    """
    plain = _as_bones(armature, rig, take) if rig.controls else (rig, take)
    if plain is None:
        return (yield from _of_controls(scene, armature, rig, take, frames, before))
    rig, take = plain
    yield 0.0
    return _of_bones(armature, rig, take, frames, before)


def _as_bones(armature: Any, rig: Rig, take: Take) -> tuple[Rig, Take] | None:
    """The controls as a body with a take of their own, where they hang on each other and on nothing that is moved otherwise."""
    names = [c.name for c in rig.controls]
    bones = [armature.data.bones[name] for name in names]
    constrained = any(len(armature.pose.bones[name].constraints) for name in names)
    if constrained or any(b.parent is not None and b.parent.name not in names[:n] for n, b in enumerate(bones)):
        return None
    joints = [rig.body.names.index(c.joint) for c in rig.controls]
    if len(set(joints)) < len(joints):
        return None
    rest = np.array([b.matrix_local for b in bones], dtype=float)
    parents = tuple(-1 if b.parent is None else names.index(b.parent.name) for b in bones)
    body = Body(tuple(names), parents, rest, np.array([b.tail_local for b in bones]), rig.body.to_world)
    pose = take.pose[:, joints] @ (np.linalg.inv(rig.body.rest[joints]) @ rest)
    own = lambda chosen: frozenset(n for n, j in enumerate(joints) if j in chosen)  # noqa: E731
    moved = Take(pose, own(take.turned), own(take.placed), own(take.still))
    return replace(rig, body=body, controls=()), moved


def _of_bones(armature: Any, rig: Rig, take: Take, frames: Sequence[int], before: int | None) -> list[Channel]:
    body, numbers = rig.body, np.asarray(frames, dtype=float)
    own = basis(body, take.pose)
    moving = take.turned | take.placed
    above = {a for j in moving for a in _ancestors(body.parents, j)} - moving
    result: list[Channel] = []
    for j, name in enumerate(body.names):
        if j not in moving and j not in above:
            continue
        bone = armature.pose.bones[name]
        if not bone.bone.use_inherit_rotation or not bone.bone.use_local_location:
            own[:, j] = _asked(armature, bone.bone, take.pose, body.names, body.parents, j)
        here = slice(0, 1) if j in take.still or j in above else slice(None)
        result += rotation_channels(armature, bone, own[here, j, :3, :3], numbers[here], before)
        if j in take.placed or j in above:
            result += location_channels(bone, own[here, j, :3, 3], numbers[here])
    return result


def _asked(
    armature: Any, bone: Any, pose: np.ndarray, names: Sequence[str], parents: Sequence[int], j: int
) -> np.ndarray:
    """What a bone that inherits in its own way does itself, as Blender says, [T, 4, 4]."""
    parent = parents[j]
    if parent < 0:
        return np.linalg.inv(np.array(bone.matrix_local)) @ pose[:, j]
    above = armature.data.bones[names[parent]]
    return np.array(
        [
            bone.convert_local_to_pose(
                Matrix(m),
                bone.matrix_local,
                parent_matrix=Matrix(p),
                parent_matrix_local=above.matrix_local,
                invert=True,
            )
            for m, p in zip(pose[:, j], pose[:, parent], strict=True)
        ]
    )


def rotation_channels(
    armature: Any, bone: Any, rotation: np.ndarray, frames: np.ndarray, before: int | None
) -> list[Channel]:
    """Keys of a pose bone's rotation in its own mode, for rotations [K, 3, 3] at frames [K]."""
    mode, start = bone.rotation_mode, None
    what = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")
    if before is not None:
        start = values_at(armature, bone_path(bone.name, what), 3 if what == "rotation_euler" else 4, before)
    what, values = keyed(rotation, mode, start)
    return [Channel(bone_path(bone.name, what), n, frames, values[:, n]) for n in range(values.shape[1])]


def location_channels(bone: Any, places: np.ndarray, frames: np.ndarray) -> list[Channel]:
    """Keys of a pose bone's location, [K, 3] at frames [K]."""
    return [Channel(bone_path(bone.name, "location"), n, frames, places[:, n]) for n in range(3)]


def _of_controls(
    scene: Any, armature: Any, rig: Rig, take: Take, frames: Sequence[int], before: int | None
) -> Generator[float, None, list[Channel]]:
    """Controls are solved frame by frame with the armature's own constraints and drivers at work."""
    solver = _Solver(armature, rig)
    index = {name: j for j, name in enumerate(rig.body.names)}
    names = [c.name for c in rig.controls if index[c.joint] in take.turned]
    turns = {name: np.empty((len(frames), 3, 3)) for name in names}
    places = np.empty((len(frames), 3))
    shown = scene.frame_current
    try:
        for t, frame in enumerate(frames):
            scene.frame_set(frame)
            found, places[t] = solver.solve(take.pose[t], set(names))
            for name, turn in found.items():
                turns[name][t] = turn
            yield (t + 1) / len(frames)
    finally:
        scene.frame_set(shown)
    numbers = np.asarray(frames, dtype=float)
    result: list[Channel] = []
    for name, turn in turns.items():
        result += rotation_channels(armature, armature.pose.bones[name], turn, numbers, before)
    result += location_channels(armature.pose.bones[rig.travels], places, numbers)
    for name in rig.switches:
        result.append(Channel(switch_path(name), 0, numbers, np.ones(len(numbers)), constant=True))
    return result


class _Solver:
    """Sets controls so that the bones they move have a given pose."""

    def __init__(self, armature: Any, rig: Rig) -> None:
        self.armature, self.rig = armature, rig
        self.index = {name: j for j, name in enumerate(rig.body.names)}
        self.rest = orthonormal(rig.body.rest[:, :3, :3])
        self.hips = rig.controls[0].joint
        self.stubborn: set[str] = set()  # controls that no further sweep brings nearer

    def solve(self, pose: np.ndarray, wanted: set[str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Own rotations [3, 3] of the controls, and the place [3] of the one that travels, for a pose [J, 4, 4]."""
        bones = self.armature.pose.bones
        for name in self.rig.switches:
            bones[name]["IK_FK"] = 1.0
        self._update()
        goal = orthonormal(pose[:, :3, :3])
        found: dict[str, np.ndarray] = {}
        controls = [c for c in self.rig.controls if c.name in wanted]
        away: dict[str, float] = {}
        for _ in range(_SWEEPS):
            for level in sorted({c.level for c in controls}):
                for control in [c for c in controls if c.level == level]:
                    found[control.name] = self._turn(control.name, self.index[control.joint], goal)
                self._update()
            before, away = away, self._away(goal, controls)
            far = {name for name, angle in away.items() if angle > _CLOSE} - self.stubborn
            self.stubborn |= {name for name in far if name in before and away[name] > 0.9 * before[name]}
            if not far - self.stubborn:
                break
        carrier = bones[self.rig.travels]
        for _ in range(2):
            matrix = carrier.matrix.copy()
            j = self.index[self.hips]
            gap = pose[j, :3, 3] - np.array(bones[self.hips].matrix.translation)
            matrix.translation = [a + b for a, b in zip(matrix.translation, gap.tolist(), strict=True)]
            carrier.location = self._own(carrier, matrix).translation
            self._update()
        return found, np.array(carrier.location)

    def _turn(self, name: str, joint: int, goal: np.ndarray) -> np.ndarray:
        bone = self.armature.pose.bones[name]
        rest = orthonormal(np.array(bone.bone.matrix_local, dtype=float)[:3, :3])
        matrix = Matrix((goal[joint] @ self.rest[joint].T @ rest).tolist()).to_4x4()
        matrix.translation = bone.matrix.translation
        own = self._own(bone, matrix).to_3x3().normalized()
        if bone.rotation_mode == "QUATERNION":
            bone.rotation_quaternion = own.to_quaternion()
        elif bone.rotation_mode == "AXIS_ANGLE":
            axis, angle = own.to_quaternion().to_axis_angle()
            bone.rotation_axis_angle = (angle, *axis)
        else:
            bone.rotation_euler = own.to_euler(bone.rotation_mode)
        return np.array(own, dtype=float)

    def _own(self, bone: Any, matrix: Any) -> Any:
        """What a bone must do itself to have a matrix in the armature's space, under its parent as it is."""
        rest, above = bone.bone.matrix_local, bone.parent
        if above is None:
            return bone.bone.convert_local_to_pose(matrix, rest, invert=True)
        return bone.bone.convert_local_to_pose(
            matrix, rest, parent_matrix=above.matrix, parent_matrix_local=above.bone.matrix_local, invert=True
        )

    def _away(self, goal: np.ndarray, controls: list[Any]) -> dict[str, float]:
        """Angles (rad) by which the bones of controls are off their goals."""
        joints = [self.index[c.joint] for c in controls]
        here = np.array([self.armature.pose.bones[c.joint].matrix for c in controls], dtype=float)
        trace = np.einsum("nij,nij->n", orthonormal(here[:, :3, :3]), goal[joints])
        angles = np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))
        return dict(zip((c.name for c in controls), angles.tolist(), strict=True))

    def _update(self) -> None:
        self.armature.update_tag()
        bpy.context.view_layer.update()


def _ancestors(parents: Sequence[int], j: int) -> list[int]:
    result = []
    while parents[j] >= 0:
        j = parents[j]
        result.append(j)
    return result
