"""Skeletal animation out of glTF files (.glb, .gltf, .vrm, .vrma), from whatever tool wrote them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import FileFormatError, MotionError
from farandole.motion import kinematics, names, units
from farandole.motion import rotations as rot
from farandole.motion.files.gltf.bind_pose import rest_pose
from farandole.motion.files.gltf.container import Container
from farandole.motion.files.gltf.nodes import NodeTree, local_transform
from farandole.motion.files.gltf.takes import choose_take
from farandole.motion.files.gltf.tracks import Track, frame_rate_and_count, read_tracks, sample
from farandole.motion.files.gltf.vrm import Humanoid, humanoid
from farandole.motion.files.sources import read_bytes
from farandole.motion.layout import unique_names
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

log = logging.getLogger(__name__)

_SANE_HEIGHT = (0.5, 3.0)  # m; bodies outside were exported in another unit than the metre glTF demands
_STILL = 1e-5  # m, or in quaternion numbers
_ABOUT = rot.from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi)


def read_gltf(
    path: str | Path, *, fps: float | None = None, animation: int | str | None = None, name: str | None = None
) -> Motion:
    """Read the skeleton of a .glb, .gltf, .vrm or .vrma and one of its animations; without any, its pose as a single frame.

    Args:
        fps: Frame rate to sample at; by default the file's own (the one farandole notes, else the spacing of its keys).
        animation: Which one, by number or name; by default the first of more than one key.
        name: Name of the motion; by default the animation's, else the file's.

    Returns:
        A motion whose rest pose is the one the skin is bound in, in metres, y up. Joints of a VRM have the names of its bones.

    Raises:
        FileFormatError: If it is no such file, holds no skeleton, or the animation does not exist.
    """
    path = Path(path)
    return parse_gltf(read_bytes(path), fps=fps, animation=animation, name=name, source=path)


def parse_gltf(
    data: bytes,
    *,
    fps: float | None = None,
    animation: int | str | None = None,
    name: str | None = None,
    source: str | Path = "glTF data",
) -> Motion:
    """Like `read_gltf`, from the bytes of a file; `source` is what messages call it, and where a .gltf's buffers are looked for."""
    path = Path(source)
    file = Container(data, path)
    try:
        with np.errstate(all="ignore"):  # damaged numbers are told by what they lead to
            tree = NodeTree(file)
            take = choose_take(file, animation)
            tracks = read_tracks(file, take, tree)
            person = humanoid(file)
            skin = _skin(file, tracks)
            joints = _joints(tree, tracks, person, skin, path)
            rate, count = frame_rate_and_count(file, tracks, take, fps, len(joints))
            named = name or str((take or {}).get("name") or path.stem)
            return _motion(file, tree, joints, person, skin, tracks, rate, count, named)
    except FileFormatError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, MotionError) as error:
        raise FileFormatError(f"{path}: damaged skeleton or animation ({error})") from error


def _skin(file: Container, tracks: dict[tuple[int, str], Track]) -> dict[str, Any] | None:
    """The skin with most animated joints, of equal ones the first."""
    moved = {node for node, _ in tracks}
    skins = [skin for skin in file.items("skins") if skin.get("joints")]
    return max(skins, key=lambda skin: len(moved & set(skin["joints"])), default=None)


def _joints(
    tree: NodeTree,
    tracks: dict[tuple[int, str], Track],
    person: Humanoid | None,
    skin: dict[str, Any] | None,
    path: Path,
) -> list[int]:
    """Nodes of the skeleton, parents before children: a VRM's bones, the skin's joints, or what is animated."""
    moved = {node for node, _ in tracks}
    wanted = set(person.bones) if person else set(skin["joints"]) if skin else set(moved)
    if not wanted:
        raise FileFormatError(f"{path} holds no skeleton: neither a skin nor an animated node")
    # A node above the skeleton that moves carries it.
    moved = {node for (node, _), track in tracks.items() if np.ptp(track.values, axis=0).max() > _STILL}
    above = set(tree.line(tree.spanning(wanted)[0])) if moved else set()
    return tree.spanning(wanted | (above & moved))


def _motion(
    file: Container,
    tree: NodeTree,
    joints: list[int],
    person: Humanoid | None,
    skin: dict[str, Any] | None,
    tracks: dict[tuple[int, str], Track],
    fps: float,
    count: int,
    name: str,
) -> Motion:
    nodes, parents = tree.nodes, tree.parents
    rest = {node: local_transform(nodes[node]) for node in (*tree.line(joints[0]), *joints)}
    at = np.arange(count) / fps
    index = {node: i for i, node in enumerate(joints)}
    above_each = [index.get(parents[node], -1) for node in joints]

    # What lies above the root stands still: one fixed transform.
    base_position, base_turn, base_scale = np.zeros(3), rot.identity(), 1.0
    if person is not None and person.faces_back:
        base_turn = _ABOUT
    for node in tree.line(joints[0])[:-1]:
        position, turn, scale = rest[node]
        base_position = base_position + rot.rotate(base_turn, position * base_scale)
        base_turn, base_scale = rot.multiply(base_turn, turn), base_scale * float(np.mean(scale))

    def walk(local_turns: Array, local_positions: Array) -> tuple[Array, Array]:
        """World positions and rotations, with scales above each joint applied, of [..., J, 4] and [..., J, 3]."""
        positions, turns = np.empty_like(local_positions), np.empty_like(local_turns)
        scales = np.empty(len(joints))
        for i, parent in enumerate(above_each):
            up_turn = base_turn if parent < 0 else turns[..., parent, :]
            up_position = base_position if parent < 0 else positions[..., parent, :]
            up_scale = base_scale if parent < 0 else scales[parent]
            positions[..., i, :] = up_position + rot.rotate(up_turn, local_positions[..., i, :] * up_scale)
            turns[..., i, :] = rot.multiply(
                np.broadcast_to(up_turn, local_turns[..., i, :].shape), local_turns[..., i, :]
            )
            scales[i] = up_scale * float(np.mean(rest[joints[i]][2]))
        return positions, turns

    still = np.stack([rest[node][1] for node in joints]), np.stack([rest[node][0] for node in joints])
    local_turns = np.repeat(still[0][None], count, axis=0)
    local_positions = np.repeat(still[1][None], count, axis=0)
    for i, node in enumerate(joints):
        if (node, "rotation") in tracks:
            local_turns[:, i] = rot.normalize(sample(tracks[node, "rotation"], at)[:, [3, 0, 1, 2]])
        if (node, "translation") in tracks:
            local_positions[:, i] = sample(tracks[node, "translation"], at)

    positions, turns = walk(local_turns, local_positions)
    bones = person.bones if person else {}
    labels = unique_names([bones.get(node) or tree.name(node) for node in joints])
    ends = {labels[i]: nodes[node]["extras"]["end_site"] for i, node in enumerate(joints) if _has_end(nodes[node])}
    bound_positions, bound_turns = rest_pose(file, None if person else skin, joints, labels, above_each, walk(*still))
    offsets = bound_positions.copy()
    offsets[1:] -= bound_positions[above_each[1:]]
    # In the new rest pose every joint is unturned, so what turned it at rest is taken off.
    world = rot.multiply(turns, rot.inverse(bound_turns))
    skeleton = Skeleton(
        labels, above_each, offsets, {k: rot.rotate(bound_turns[labels.index(k)], np.array(v)) for k, v in ends.items()}
    )
    local = rot.normalize(kinematics.to_local(skeleton, world))
    lengths = np.repeat(offsets[None], count, axis=0)
    lengths[:, 1:] = rot.rotate(rot.inverse(world[:, above_each[1:]]), positions[:, 1:] - positions[:, above_each[1:]])
    size = max(float(np.abs(offsets[1:]).max(initial=0.0)), 1e-9)
    moving = len(joints) > 1 and np.abs(lengths[:, 1:] - offsets[1:]).max() > 1e-4 * size
    unit = _unit(skeleton)
    return Motion(
        skeleton.scaled(unit), local, positions[:, 0] * unit, fps, lengths * unit if moving else None, None, name
    )


def _has_end(node: dict[str, Any]) -> bool:
    extras = node.get("extras")
    return isinstance(extras, dict) and "end_site" in extras and np.shape(extras["end_site"]) == (3,)


def _unit(skeleton: Skeleton) -> float:
    """1 for bodies of a sane height in metres, as glTF demands; else what makes them so."""
    roles = names.find_roles(skeleton)
    if any(role not in roles for role in names.ESSENTIAL):
        return 1.0
    height = units.body_height(skeleton, roles, 1)
    return 1.0 if _SANE_HEIGHT[0] <= height <= _SANE_HEIGHT[1] else units.metres_per_unit(height)
