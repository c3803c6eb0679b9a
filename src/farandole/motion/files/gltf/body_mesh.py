"""The body's shapes as one skinned triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.body import SKIN, Shape, body_shapes
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_ROUND = 14  # vertices around
_CAP = 4  # rings of each rounded end
_BETWEEN = 3  # rings between the ends, where limbs bend


@dataclass(frozen=True)
class BodyMesh:
    """Triangles of a body in its rest pose.

    Attributes:
        positions, normals: [V, 3] m.
        joints: Up to two joints that move each vertex, [V, 4]; 0 where unused.
        weights: Their shares, sum 1, [V, 4].
        triangles: Vertex indices, counter-clockwise seen from outside, by material: "skin" and "clothes", [F, 3] each.
    """

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    joints: NDArray[np.uint16]
    weights: NDArray[np.float32]
    triangles: dict[str, NDArray[np.uint32]]


def body_mesh(skeleton: Skeleton) -> BodyMesh:
    """The mesh of `body.body_shapes`, bound to the rest pose with the root at its rest position."""
    roles = names.find_roles(skeleton)
    rest = skeleton.rest_positions + skeleton.offsets[0]
    parts: dict[str, list[Array]] = {"positions": [], "normals": [], "joints": [], "weights": []}
    faces: dict[str, list[NDArray[np.int64]]] = {"skin": [], "clothes": []}
    total = 0
    for shape in body_shapes(skeleton):
        points, normals, along, triangles = _rounded_cone(shape)
        joints, weights = _weights(skeleton, roles, shape, along)
        for key, value in zip(parts, (points + rest[shape.joint], normals, joints, weights), strict=True):
            parts[key].append(value)
        faces["skin" if shape.region in SKIN else "clothes"].append(triangles + total)
        total += len(points)
    return BodyMesh(
        np.concatenate(parts["positions"]).astype(np.float32),
        np.concatenate(parts["normals"]).astype(np.float32),
        np.concatenate(parts["joints"]).astype(np.uint16),
        np.concatenate(parts["weights"]).astype(np.float32),
        {material: np.concatenate(f).astype(np.uint32) for material, f in faces.items() if f},
    )


def _rounded_cone(shape: Shape) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Points [V, 3], normals [V, 3], place along the axis in [0, 1] [V], triangles [F, 3] of the hull of two spheres.

    At latitude f about the axis both spheres have the normal cos f (radial) + sin f (axis); the cone touches them where
    sin f = (r0 - r1) / length.
    """
    start, end = np.asarray(shape.start, float), np.asarray(shape.end, float)
    length = float(np.linalg.norm(end - start))
    r0, r1 = shape.start_radius, shape.end_radius
    if length <= abs(r0 - r1) + 1e-9:  # one sphere holds the other
        start = end = start if r0 >= r1 else end
        r0 = r1 = max(r0, r1)
        length = 0.0
    axis = (end - start) / length if length else np.array([0.0, 1.0, 0.0])
    touch = float(np.arcsin((r0 - r1) / length)) if length else 0.0
    low, high = np.linspace(-np.pi / 2, touch, _CAP + 1)[1:], np.linspace(touch, np.pi / 2, _CAP + 1)[:-1]
    share = np.linspace(0.0, 1.0, _BETWEEN + 2)[1:-1] if length else np.empty(0)
    latitude = np.concatenate((low, np.full(len(share), touch), high))
    along = np.concatenate((np.zeros(len(low)), share, np.ones(len(high))))
    u = rot.normalize(rot.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))]))
    v = rot.cross(axis, u)
    angle = np.arange(_ROUND) * (2 * np.pi / _ROUND)
    radial = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    normals = np.cos(latitude)[:, None, None] * radial + np.sin(latitude)[:, None, None] * axis
    centres = start + along[:, None] * (end - start)
    radii = r0 + along * (r1 - r0)
    points = centres[:, None] + radii[:, None, None] * normals
    points = np.concatenate((points.reshape(-1, 3), [start - axis * r0, end + axis * r1]))
    normals = np.concatenate((normals.reshape(-1, 3), [-axis, axis]))
    along = np.concatenate((np.repeat(along, _ROUND), [0.0, 1.0]))
    rings, k = len(latitude), np.arange(_ROUND)
    after = (k + 1) % _ROUND
    south, north = rings * _ROUND, rings * _ROUND + 1
    faces = [np.stack((np.full(_ROUND, south), after, k), -1)]
    for ring in range(rings - 1):
        a, b = ring * _ROUND, (ring + 1) * _ROUND
        faces += [np.stack((a + k, a + after, b + after), -1), np.stack((a + k, b + after, b + k), -1)]
    top = (rings - 1) * _ROUND
    faces.append(np.stack((top + k, top + after, np.full(_ROUND, north)), -1))
    return points, normals, along, np.concatenate(faces)


def _weights(skeleton: Skeleton, roles: dict[str, int], shape: Shape, along: Array) -> tuple[Array, Array]:
    """Joints [V, 4] and weights [V, 4]: rigid in the middle, shared half and half with the neighbour where a bone meets it."""
    joints, weights = np.zeros((len(along), 4)), np.zeros((len(along), 4))
    joints[:, 0], weights[:, 0] = shape.joint, 1.0
    neighbour = -1
    share = np.zeros(len(along))
    reach = max(float(np.linalg.norm(np.subtract(shape.end, shape.start))), 1e-9)
    if shape.region in ("upper arm", "thigh", "hips", "waist"):
        for child in skeleton.children[shape.joint]:
            bone = skeleton.offsets[child]
            if child in roles.values() and np.linalg.norm(bone) > 1e-6:
                beyond = float((shape.end - bone) @ rot.normalize(bone))
                if abs(beyond) < 0.1 * reach and np.linalg.norm(shape.end - bone) < 0.5 * reach + 1e-9:
                    neighbour, share = child, 0.5 * _ease((along - 0.55) / 0.45)
                    break
    elif shape.region in ("forearm", "shin", "chest") and shape.joint > 0:
        bone = rot.normalize(np.subtract(shape.end, shape.start))
        if abs(float(shape.start @ bone)) < 0.1 * reach:
            neighbour, share = int(skeleton.parents[shape.joint]), 0.5 * _ease((0.45 - along) / 0.45)
    if neighbour >= 0:
        used = share > 0
        joints[used, 1], weights[used, 1] = neighbour, share[used]
        weights[:, 0] -= weights[:, 1]
    return joints, weights


def _ease(t: Array) -> Array:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
