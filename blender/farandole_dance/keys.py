"""Keys of an armature's action: which are selected, and new ones written among them. Blender 3.4 to 5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

_STILL = 1e-6
"""Change of a value without keys up to which it gets none."""


@dataclass(frozen=True)
class Channel:
    """Values of one number of the armature at frames.

    Attributes:
        path: Its data path, as `pose.bones["Hips"].location`.
        index: Which of its numbers.
        frames: [K].
        values: [K].
        constant: Whether it keeps each value until the next key.
    """

    path: str
    index: int
    frames: np.ndarray
    values: np.ndarray
    constant: bool = False


def curves(armature: Any, *, create: bool = False) -> Any:
    """The curves of the armature's action (slotted since Blender 4.4), or an empty list."""
    data = armature.animation_data
    action = data.action if data else None
    if action is None:
        return []
    if not hasattr(action, "slots"):
        return action.fcurves
    slot = data.action_slot
    if slot is None:
        if not create:
            return []
        slot = action.slots.new(id_type="OBJECT", name=armature.name)
        data.action_slot = slot
    if not action.layers:
        if not create:
            return []
        action.layers.new("Layer")
    layer = action.layers[0]
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    bag = strip.channelbag(slot, ensure=create)
    return bag.fcurves if bag else []


def new_action(armature: Any, name: str) -> Any:
    """Give the armature a new action; its old one is kept in the file."""
    data = armature.animation_data or armature.animation_data_create()
    if data.action is not None:
        data.action.use_fake_user = True
    action = bpy.data.actions.new(name)
    data.action = action
    return action


def ensure_action(armature: Any, name: str) -> Any:
    """The armature's action, or a new one."""
    data = armature.animation_data
    return data.action if data and data.action else new_action(armature, name)


def bone_path(bone: str, what: str) -> str:
    """The data path of a pose bone's property."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"].{what}'


def switch_path(bone: str) -> str:
    """The data path of Rigify's switch between inverse and forward kinematics of a limb."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]["IK_FK"]'


def selected_frames(armature: Any) -> list[int]:
    """Frames at which keys of the armature's bones are selected, in order."""
    return sorted(
        {
            round(key.co[0])
            for curve in curves(armature)
            if curve.data_path.startswith("pose.bones[")
            for key in curve.keyframe_points
            if key.select_control_point
        }
    )


def keyed_range(armature: Any) -> tuple[int, int] | None:
    """First and last frame at which the armature's bones have keys."""
    ends = [
        (curve.keyframe_points[0].co[0], curve.keyframe_points[-1].co[0])
        for curve in curves(armature)
        if curve.data_path.startswith("pose.bones[") and len(curve.keyframe_points)
    ]
    return (round(min(a for a, _ in ends)), round(max(b for _, b in ends))) if ends else None


def values_at(armature: Any, path: str, count: int, frame: float) -> np.ndarray:
    """What a property is at a frame: from its curves, else as it stands."""
    value = armature.path_resolve(path)
    result = np.array(value, dtype=float).reshape(-1)[:count] if count > 1 else np.array([value], dtype=float)
    for curve in curves(armature):
        if curve.data_path == path and curve.array_index < count:
            result[curve.array_index] = curve.evaluate(frame)
    return result


def write(armature: Any, channels: Iterable[Channel]) -> int:
    """Write channels into the armature's new action; returns how many keys."""
    home = curves(armature, create=True)
    total = 0
    for channel in channels:
        curve = home.new(channel.path, index=channel.index)
        curve.keyframe_points.add(len(channel.frames))
        curve.keyframe_points.foreach_set("co", np.stack((channel.frames, channel.values), axis=1).ravel())
        for key in curve.keyframe_points:
            key.interpolation = "CONSTANT" if channel.constant else "LINEAR"
        curve.update()
        total += len(channel.frames)
    return total


def fill(armature: Any, channels: Sequence[Channel], gaps: Sequence[tuple[int, int]], *, open_end: bool = False) -> int:
    """Put keys into gaps of curves and leave everything else as it is; returns how many keys.

    The frames before and after each gap get a key of what they showed, if they have none: they stay as they are.

    Args:
        armature: The object.
        channels: Values at frames within the gaps (others are passed over).
        gaps: First and last frame of each.
        open_end: Whether nothing comes after the (last) gap.
    """
    marks = {edge for a, b in gaps for edge in (a - 1, b + 1)}
    if open_end:
        marks.discard(max(b for _, b in gaps) + 1)
    there = {(c.data_path, c.array_index): c for c in curves(armature, create=True)}
    home = curves(armature, create=True)
    total = 0
    for channel in channels:
        curve = there.get((channel.path, channel.index))
        if curve is None:
            value = armature.path_resolve(channel.path)
            standing = float(value[channel.index]) if hasattr(value, "__len__") else float(value)
            if np.abs(channel.values - standing).max(initial=0.0) < _STILL:
                continue
            curve = home.new(channel.path, index=channel.index)
            edges = dict.fromkeys(marks, standing)
        else:
            edges = {edge: curve.evaluate(edge) for edge in marks}
        _pin(curve, edges, channel.constant)
        points = curve.keyframe_points
        for n in reversed(range(len(points))):
            if any(a - 0.5 < points[n].co[0] < b + 0.5 for a, b in gaps):
                points.remove(points[n], fast=True)
        for frame, value in zip(channel.frames.tolist(), channel.values.tolist(), strict=True):
            if any(a <= frame <= b for a, b in gaps):
                key = points.insert(frame, value, options={"FAST"})
                key.interpolation = "CONSTANT" if channel.constant else "LINEAR"
                total += 1
        curve.update()
    return total


def _pin(curve: Any, edges: dict[int, float], constant: bool) -> None:
    """Keys at the edges of gaps, whose handles no longer move with what lies in the gap."""
    for frame, value in sorted(edges.items()):
        key = next((k for k in curve.keyframe_points if abs(k.co[0] - frame) < 1e-3), None)
        if key is None:
            key = curve.keyframe_points.insert(frame, value)
            if constant:
                key.interpolation = "CONSTANT"
        elif key.interpolation == "BEZIER":
            left, right = tuple(key.handle_left), tuple(key.handle_right)
            key.handle_left_type = key.handle_right_type = "FREE"
            key.handle_left, key.handle_right = left, right
