"""An armature of the scene read for the pure parts: bones, skin, constraints, poses over frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .body import Body, Bone, build_body, carrier
from .commands import CommandError
from .controls import Control, Follow, followed_controls, is_generated_rigify, levels, rigify_controls
from .glb_file import Skin
from .rotations import Z_UP_TO_Y_UP

_MOST_POINTS = 60_000


@dataclass(frozen=True)
class Rig:
    """What an armature is made of.

    Attributes:
        body: Its bones that hold the pose.
        skin: What they move, None without a mesh.
        controls: Controls to be keyed instead of the bones, in the order in which to set them; empty for plain armatures.
        travels: The control that carries the body's place.
        switches: Bones with Rigify's property IK_FK, which is set to 1 where forward kinematics are keyed.
        overridden: Bones of the body whose own keys constraints override.
    """

    body: Body
    skin: Skin | None
    controls: tuple[Control, ...]
    travels: str
    switches: tuple[str, ...]
    overridden: tuple[str, ...]


def read_rig(armature: Any) -> Rig:
    """Read an armature object. Raises CommandError if it has no bones."""
    bones = [
        Bone(
            b.name,
            b.parent.name if b.parent else None,
            np.array(b.matrix_local, dtype=float),
            np.array(b.tail_local, dtype=float),
            bool(b.use_deform),
        )
        for b in armature.data.bones
    ]
    if not bones:
        raise CommandError(f"{armature.name} has no bones")
    by_name = {b.name: b for b in bones}
    world = Z_UP_TO_Y_UP @ np.array(armature.matrix_world, dtype=float)
    body = build_body(bones, world)
    skin = _read_skin(armature, body, by_name)
    if skin is not None:
        body = build_body(bones, world, skin.points)
    parents = {b.name: b.parent for b in bones}
    controls, constrained = _controls(armature, body, parents)
    body_parents = {n: body.names[p] if p >= 0 else None for n, p in zip(body.names, body.parents, strict=True)}
    ordered = tuple(levels(controls, parents, body_parents)) if controls else ()
    switches = tuple(b.name for b in armature.pose.bones if "IK_FK" in b.keys()) if controls else ()  # noqa: SIM118
    moved = set(controls.values())
    overridden = tuple(n for n in body.names if n in constrained and n not in moved)
    travels = ordered[0].name if ordered else ""
    return Rig(body, skin, ordered, travels, switches, overridden)


def _controls(armature: Any, body: Body, parents: dict[str, str | None]) -> tuple[dict[str, str], set[str]]:
    if is_generated_rigify(list(parents)):
        return rigify_controls(body.names, parents), set()
    constrained, follows = set(), []
    for bone in armature.pose.bones:
        for c in bone.constraints:
            if c.mute or c.influence == 0.0 or c.type.startswith("LIMIT") or c.type in ("CHILD_OF", "DAMPED_TRACK"):
                continue
            constrained.add(bone.name)
            copies = c.type in ("COPY_TRANSFORMS", "COPY_ROTATION") and c.influence == 1.0
            if copies and c.target == armature and c.subtarget in parents:
                follows.append(Follow(bone.name, c.subtarget))
    if not follows or not constrained & set(body.names):
        return {}, constrained
    return followed_controls(body.names, follows, constrained), constrained


def _read_skin(armature: Any, body: Body, bones: dict[str, Bone]) -> Skin | None:
    points, joints, weights = [], [], []
    index = {name: j for j, name in enumerate(body.names)}
    inside = armature.matrix_world.inverted()
    for thing in bpy.data.objects:
        if thing.type != "MESH" or not _moves(armature, thing):
            continue
        groups = {g.index: carrier(g.name, bones, index) for g in thing.vertex_groups}
        groups = {number: index[name] for number, name in groups.items() if name is not None}
        place = np.array(inside @ thing.matrix_world, dtype=float)
        vertices = thing.data.vertices
        step = max(1, len(vertices) // _MOST_POINTS)
        where = np.empty(3 * len(vertices))
        vertices.foreach_get("co", where)
        where = where.reshape(-1, 3) @ place[:3, :3].T + place[:3, 3]
        for n in range(0, len(vertices), step):
            shares: dict[int, float] = {}
            for g in vertices[n].groups:
                if g.group in groups and g.weight > 0.0:
                    shares[groups[g.group]] = shares.get(groups[g.group], 0.0) + g.weight
            best = sorted(shares.items(), key=lambda item: -item[1])[:4]
            total = sum(w for _, w in best)
            if total > 0.0:
                best += [(0, 0.0)] * (4 - len(best))
                points.append(where[n])
                joints.append([j for j, _ in best])
                weights.append([w / total for _, w in best])
    if not points:
        return None
    return Skin(np.array(points), np.array(joints), np.array(weights))


def _moves(armature: Any, thing: Any) -> bool:
    modified = any(m.type == "ARMATURE" and m.object == armature for m in thing.modifiers)
    return modified or (thing.parent == armature and thing.parent_type == "ARMATURE")


def sampled(scene: Any, armature: Any, body: Body, frames: Sequence[int]) -> Iterator[np.ndarray]:
    """Poses [J, 4, 4] of the body at frames of the scene, one after another; the scene's frame is put back in the end."""
    before = scene.frame_current
    bones = [armature.pose.bones[name] for name in body.names]
    try:
        for frame in frames:
            scene.frame_set(frame)
            yield np.array([bone.matrix for bone in bones], dtype=float)
    finally:
        scene.frame_set(before)
