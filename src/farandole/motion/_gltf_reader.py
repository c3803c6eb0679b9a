"""Skeletal animation out of .glb files, from whatever tool wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import FileFormatError, MotionError
from farandole.motion import kinematics, names, units
from farandole.motion import rotations as rot
from farandole.motion._gltf import Container
from farandole.motion.layout import unique_names
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_DEFAULT_FPS = 30.0
_SANE_HEIGHT = (0.5, 3.0)  # m; bodies outside were exported in another unit than the metre glTF demands


def read_glb(
    path: str | Path, *, fps: float | None = None, animation: int | str = 0, name: str | None = None
) -> Motion:
    """Read the skeleton of a .glb and one of its animations; without any, its pose as a single frame.

    Args:
        fps: Frame rate to sample at; by default the file's own (the one farandole notes, else the spacing of its keys).
        animation: Which one, by number or name.
        name: Name of the motion; by default the animation's, else the file's.

    Returns:
        A motion whose rest pose is the one the skin is bound in, in metres, y up.

    Raises:
        FileFormatError: If it is no such file, holds no skeleton, or the animation does not exist.
    """
    path = Path(path)
    file = Container(path)
    document = file.document
    nodes: list[dict[str, Any]] = document.get("nodes", [])
    takes: list[dict[str, Any]] = document.get("animations", [])
    take = _choose(takes, animation, path)
    try:
        joints, parents = _joints(document, nodes, take, path)
        rest = [_transform(node) for node in nodes]
        tracks = _tracks(file, take, nodes)
        rate, count = _sampling(tracks, take, fps)
        return _motion(file, nodes, joints, parents, rest, tracks, rate, count, name or _name(take, path))
    except (KeyError, IndexError, TypeError, MotionError) as error:
        raise FileFormatError(f"{path}: damaged skeleton or animation ({error})") from error


def _choose(takes: list[dict[str, Any]], animation: int | str, path: Path) -> dict[str, Any] | None:
    if isinstance(animation, str):
        found = [t for t in takes if t.get("name") == animation]
        if not found:
            there = ", ".join(str(t.get("name", i)) for i, t in enumerate(takes)) or "none"
            raise FileFormatError(f"{path} has no animation '{animation}' (there are: {there})")
        return found[0]
    if not takes and animation == 0:
        return None
    if not 0 <= animation < len(takes):
        raise FileFormatError(f"{path} has {len(takes)} animations, none with number {animation}")
    return takes[animation]


def _name(take: dict[str, Any] | None, path: Path) -> str:
    return str((take or {}).get("name") or path.stem)


def _joints(
    document: dict[str, Any], nodes: list[dict[str, Any]], take: dict[str, Any] | None, path: Path
) -> tuple[list[int], dict[int, int]]:
    """Nodes of the skeleton, parents before children under one root, and every node's parent (-1 for none)."""
    parents = dict.fromkeys(range(len(nodes)), -1)
    for i, node in enumerate(nodes):
        for child in node.get("children", []):
            parents[child] = i
    skins = document.get("skins", [])
    if skins:
        wanted = {j for skin in skins[:1] for j in skin["joints"]}
    else:
        wanted = {c["target"]["node"] for c in (take or {}).get("channels", []) if "node" in c["target"]}
    if not wanted:
        raise FileFormatError(f"{path} holds no skeleton: neither a skin nor an animated node")

    def line(node: int) -> list[int]:
        result = [node]
        while parents[result[-1]] >= 0:
            result.append(parents[result[-1]])
        return result[::-1]

    lines = [line(j) for j in sorted(wanted)]
    shared = 0  # depth of the lowest node above (or among) all of them
    while all(len(x) > shared + 1 for x in lines) and len({x[shared + 1] for x in lines}) == 1:
        shared += 1
    if len({x[shared] for x in lines}) != 1:
        raise FileFormatError(
            f"{path}: its skeleton has several roots ({', '.join(_label(nodes, x[0]) for x in lines[:3])} ...)"
        )
    inside = {node for x in lines for node in x[shared:]}
    order, stack = [], [lines[0][shared]]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(reversed([c for c in nodes[node].get("children", []) if c in inside]))
    return order, parents


def _label(nodes: list[dict[str, Any]], node: int) -> str:
    return str(nodes[node].get("name", f"node {node}"))


def _transform(node: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Translation [3], rotation [4] (w first), scale [3] of a node."""
    if "matrix" in node:
        m = np.array(node["matrix"], dtype=float).reshape(4, 4).T
        scale = np.linalg.norm(m[:3, :3], axis=0)
        return m[:3, 3], rot.from_matrix(m[:3, :3] / np.maximum(scale, 1e-12)), scale
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turn = rot.normalize(np.array([w, x, y, z], dtype=float))
    return (
        np.array(node.get("translation", (0.0, 0.0, 0.0)), dtype=float),
        turn,
        np.array(node.get("scale", (1.0, 1.0, 1.0)), float),
    )


def _tracks(file: Container, take: dict[str, Any] | None, nodes: list[dict[str, Any]]) -> dict[tuple[int, str], tuple]:
    """(node, "rotation" or "translation") -> key times [K] s, values [K, ...], interpolation."""
    result = {}
    for channel in (take or {}).get("channels", []):
        target, sampler = channel["target"], (take or {})["samplers"][channel["sampler"]]
        if target.get("path") not in ("rotation", "translation") or "node" not in target:
            continue
        times, values = file.array(sampler["input"])[:, 0], file.array(sampler["output"])
        how = sampler.get("interpolation", "LINEAR")
        if len(times) == 0 or len(values) != len(times) * (3 if how == "CUBICSPLINE" else 1):
            raise FileFormatError(
                f"{file.path}: {len(values)} values for {len(times)} keys of '{_label(nodes, target['node'])}'"
            )
        result[target["node"], target["path"]] = (times, values, how)
    return result


def _sampling(
    tracks: dict[tuple[int, str], tuple], take: dict[str, Any] | None, fps: float | None
) -> tuple[float, int]:
    """Frame rate and number of frames."""
    ends = [times[-1] for times, *_ in tracks.values()]
    if not ends:
        return fps or _DEFAULT_FPS, 1
    if fps is None:
        fps = (take or {}).get("extras", {}).get("fps") if isinstance((take or {}).get("extras"), dict) else None
    if not fps:
        steps = np.concatenate([np.diff(times) for times, *_ in tracks.values()])
        step = float(np.median(steps[steps > 1e-6])) if (steps > 1e-6).any() else 1.0 / _DEFAULT_FPS
        rate = 1.0 / step
        # Sparse keys say nothing about the rate they were made at; dense ones are whole frames, but for 32-bit rounding.
        fps = _DEFAULT_FPS if rate < 10.0 else (round(rate) if abs(rate - round(rate)) < 0.01 * rate**0.5 else rate)
    return float(fps), round(max(ends) * float(fps)) + 1


def _sample(times: Array, values: Array, how: str, at: Array) -> Array:
    """Values at times [T] (glTF specification, appendix C); quaternions are recognised by their width 4."""
    turning = values.shape[1] == 4
    if how == "CUBICSPLINE":
        values = values.reshape(len(times), 3, -1)
        tangent_in, points, tangent_out = values[:, 0], values[:, 1], values[:, 2]
    else:
        points = values
    at = np.clip(at, times[0], times[-1])
    if len(times) == 1:
        return np.repeat(points, len(at), axis=0)
    low = np.clip(np.searchsorted(times, at + 1e-6, side="right") - 1, 0, len(times) - 2)
    span = np.maximum(times[low + 1] - times[low], 1e-9)
    t = np.clip((at - times[low]) / span, 0.0, 1.0)
    if how == "STEP":
        result = points[np.where(t > 1.0 - 1e-6, low + 1, low)]
    elif how == "CUBICSPLINE":
        t, d = t[:, None], span[:, None]
        result = (
            (2 * t**3 - 3 * t**2 + 1) * points[low]
            + (t**3 - 2 * t**2 + t) * d * tangent_out[low]
            + (-2 * t**3 + 3 * t**2) * points[low + 1]
            + (t**3 - t**2) * d * tangent_in[low + 1]
        )
    elif turning:
        return rot.slerp(points[low], points[low + 1], t)
    else:
        result = points[low] + t[:, None] * (points[low + 1] - points[low])
    return rot.normalize(result) if turning else result


def _motion(
    file: Container,
    nodes: list[dict[str, Any]],
    joints: list[int],
    parents: dict[int, int],
    rest: list[tuple[Array, Array, Array]],
    tracks: dict[tuple[int, str], tuple],
    fps: float,
    count: int,
    name: str,
) -> Motion:
    at = np.arange(count) / fps
    index = {node: i for i, node in enumerate(joints)}
    tree = [index.get(parents[node], -1) for node in joints]

    # What lies above the root stands still: one fixed transform.
    base_position, base_turn, base_scale = np.zeros(3), rot.identity(), 1.0
    above, node = [], parents[joints[0]]
    while node >= 0:
        above.append(node)
        node = parents[node]
    for node in reversed(above):
        position, turn, scale = rest[node]
        base_position = base_position + rot.rotate(base_turn, position * base_scale)
        base_turn, base_scale = rot.multiply(base_turn, turn), base_scale * float(np.mean(scale))

    def walk(local_turns: Array, local_positions: Array) -> tuple[Array, Array]:
        """World positions and rotations, with scales above each joint applied, of [..., J, 4] and [..., J, 3]."""
        positions, turns = np.empty_like(local_positions), np.empty_like(local_turns)
        scales = np.empty(len(joints))
        for i, parent in enumerate(tree):
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
            times, values, how = tracks[node, "rotation"]
            local_turns[:, i] = rot.normalize(_sample(times, values, how, at)[:, [3, 0, 1, 2]])
        if (node, "translation") in tracks:
            local_positions[:, i] = _sample(*tracks[node, "translation"], at)

    positions, turns = walk(local_turns, local_positions)
    labels = unique_names([_label(nodes, node) for node in joints])
    ends = {
        labels[i]: nodes[node].get("extras", {}).get("end_site")
        for i, node in enumerate(joints)
        if _has_end(nodes[node])
    }
    bound_positions, bound_turns = _bind_pose(file, joints, labels, tree, walk(*still))
    offsets = bound_positions.copy()
    offsets[1:] -= bound_positions[tree[1:]]
    # In the new rest pose every joint is unturned, so what turned it at rest is taken off.
    world = rot.multiply(turns, rot.inverse(bound_turns))
    skeleton = Skeleton(
        labels, tree, offsets, {k: rot.rotate(bound_turns[labels.index(k)], np.array(v)) for k, v in ends.items()}
    )
    local = rot.normalize(kinematics.to_local(skeleton, world))
    bones = np.repeat(offsets[None], count, axis=0)
    bones[:, 1:] = rot.rotate(rot.inverse(world[:, tree[1:]]), positions[:, 1:] - positions[:, tree[1:]])
    size = max(float(np.abs(offsets[1:]).max(initial=0.0)), 1e-9)
    moving = len(joints) > 1 and np.abs(bones[:, 1:] - offsets[1:]).max() > 1e-4 * size
    unit = _unit(skeleton)
    return Motion(
        skeleton.scaled(unit), local, positions[:, 0] * unit, fps, bones * unit if moving else None, None, name
    )


def _has_end(node: dict[str, Any]) -> bool:
    extras = node.get("extras")
    return isinstance(extras, dict) and np.shape(extras.get("end_site")) == (3,)


def _bind_pose(
    file: Container, joints: list[int], labels: tuple[str, ...], tree: list[int], still: tuple[Array, Array]
) -> tuple[Array, Array]:
    """World positions [J, 3] and rotations [J, 4] of the joints in the rest pose.

    The pose the skin is bound in, where it is complete, as large as the nodes' own pose and, if that stands, standing too;
    otherwise the nodes' own pose.
    """
    skins = file.document.get("skins", [])
    if not skins or "inverseBindMatrices" not in skins[0] or set(skins[0]["joints"]) != set(joints):
        return still
    matrices = file.array(skins[0]["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    order = [skins[0]["joints"].index(node) for node in joints]
    try:
        bound = np.linalg.inv(matrices[order])
    except np.linalg.LinAlgError:
        return still
    scale = np.linalg.norm(bound[:, :3, :3], axis=1)
    turns, positions = rot.from_matrix(bound[:, :3, :3] / np.maximum(scale[:, None, :], 1e-12)), bound[:, :3, 3]
    lengths = lambda p: float(np.linalg.norm(p[1:] - p[tree[1:]], axis=-1).sum())  # noqa: E731
    if lengths(positions) <= 0 or lengths(still[0]) <= 0:
        return still
    positions = positions * (lengths(still[0]) / lengths(positions))
    stands = [_stands(Skeleton(labels, tree, np.vstack((p[:1], p[1:] - p[tree[1:]])))) for p in (positions, still[0])]
    return still if stands[1] and not stands[0] else (positions, turns)


def _stands(skeleton: Skeleton) -> bool:
    from farandole.motion.retarget import rests_standing

    roles = names.find_roles(skeleton)
    return all(role in roles for role in names.ESSENTIAL) and rests_standing(skeleton, roles)


def _unit(skeleton: Skeleton) -> float:
    """1 for bodies of a sane height in metres, as glTF demands; else what makes them so."""
    roles = names.find_roles(skeleton)
    if any(role not in roles for role in names.ESSENTIAL):
        return 1.0
    height = units.body_height(skeleton, roles, 1)
    return 1.0 if _SANE_HEIGHT[0] <= height <= _SANE_HEIGHT[1] else units.metres_per_unit(height)
