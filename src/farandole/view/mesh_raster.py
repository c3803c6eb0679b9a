"""Pictures of triangle meshes in numpy: scan lines of all triangles at once, a depth buffer, shading of what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.raycast import Layer, shade
from farandole.view.silhouettes import ranges

_NEAR = 0.05
"""Triangles with a corner nearer to the eye than this are left out, m."""
_FINE = 2
"""Samples per pixel and direction."""
_LINEAR = ((np.arange(256) / 255.0 + 0.055) / 1.055) ** 2.4
_LINEAR = np.where(np.arange(256) / 255.0 <= 0.04045, np.arange(256) / 255.0 / 12.92, _LINEAR).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Look:
    """A material: linear colour and opacity [4]; image, sRGB uint8 [H, W, 4]; opacity below which nothing is seen; sides."""

    colour: Array
    image: Array | None
    cut: float
    two_sided: bool


@dataclass(frozen=True, eq=False)
class Mesh:
    """A skinned surface, see `motion.characters.surface.Surface`; single precision."""

    positions: Array
    normals: Array
    uv: Array
    colours: Array
    matrices: NDArray[np.int64]
    weights: Array
    triangles: NDArray[np.int64]
    materials: NDArray[np.int64]
    looks: tuple[Look, ...]

    def posed(self, matrices: Array, some: NDArray[np.intp] | None = None) -> tuple[Array, Array]:
        """Vertices and unit normals [V, 3] in the world for matrices [M, 3, 4]; of `some` vertices only, where given."""
        pick = slice(None) if some is None else some
        which, weights = self.matrices[pick], self.weights[pick]
        blended = matrices[which[:, 0]] * weights[:, 0, None, None]
        for k in range(1, which.shape[1]):
            used = np.flatnonzero(weights[:, k])
            if len(used):
                blended[used] += matrices[which[used, k]] * weights[used, k, None, None]
        points, normals = self.positions[pick], self.normals[pick]
        at = np.einsum("vij,vj->vi", blended[..., :3], points) + blended[..., 3]
        turned = np.einsum("vij,vj->vi", blended[..., :3], normals)
        return at, turned / np.maximum(np.sqrt((turned * turned).sum(1, keepdims=True)), 1e-12)


def mesh_layer(parts: Sequence[tuple[Mesh, Array, Array]], camera: Camera) -> Layer:
    """Surfaces alone: box in the picture, premultiplied linear colour, coverage.

    Args:
        parts: Each surface with its vertices and normals in the world, [V, 3].
        camera: From where.
    """
    starts = np.cumsum([0, *(len(v) for _, v, _ in parts)])
    points = camera.to_camera(np.concatenate([v for _, v, _ in parts])).astype(np.float32)
    corners = np.concatenate([m.triangles + n for (m, _, _), n in zip(parts, starts, strict=False)])
    looks = [look for m, _, _ in parts for look in m.looks]
    first = np.cumsum([0, *(len(m.looks) for m, _, _ in parts)])
    material = np.concatenate([m.materials + n for (m, _, _), n in zip(parts, first, strict=False)])
    size, focal = (camera.size[0] * _FINE, camera.size[1] * _FINE), camera.focal * _FINE
    inverse = 1.0 / np.maximum(points[:, 2], 1e-6)
    x = (0.5 * size[0] + focal * points[:, 0] * inverse).astype(np.float32)
    y = (0.5 * size[1] - focal * points[:, 1] * inverse).astype(np.float32)
    faces = _facing(x, y, points[:, 2], corners, np.array([look.two_sided for look in looks])[material], size)
    corners, material = corners.take(faces, 0), material.take(faces)
    uv = np.concatenate([m.uv for m, _, _ in parts])
    at_x, at_y = x.take(corners), y.take(corners)
    planes = _Planes(at_x, at_y, inverse.take(corners).astype(np.float32))
    triangle, row, column = _fragments(at_x, at_y, size)
    cut = np.array([look.cut for look in looks], np.float32)[material]
    if cut.any():
        asked = np.flatnonzero(cut[triangle] > 0.0)
        own = triangle[asked]
        shares = planes.shares(own, row[asked], column[asked])
        opacity = _texture(looks, material[own], _mixed(uv, corners[own], shares))[:, 3]
        keep = np.ones(len(triangle), bool)
        keep[asked[opacity < cut[own]]] = False
        triangle, row, column = triangle[keep], row[keep], column[keep]
    if not len(triangle):
        return None, np.zeros((0, 0, 3)), np.zeros((0, 0))
    top, left = int(row.min()) // _FINE, int(column.min()) // _FINE
    shape = int(row.max()) // _FINE + 1 - top, int(column.max()) // _FINE + 1 - left
    # Samples in blocks: those of one pixel lie side by side.
    fine_row, fine_column = row - top * _FINE, column - left * _FINE
    place = (
        ((fine_row // _FINE) * shape[1] + fine_column // _FINE) * _FINE**2
        + (fine_row % _FINE) * _FINE
        + fine_column % _FINE
    )
    near = planes.depth(triangle, row, column)
    buffer = np.zeros(shape[0] * shape[1] * _FINE**2, np.float32)
    np.maximum.at(buffer, place, near)
    top_most = np.flatnonzero(near >= buffer.take(place))
    seen = np.full(len(buffer), -1, np.int64)
    seen[place.take(top_most)] = triangle.take(top_most)
    seen = seen.reshape(-1, _FINE**2)
    inside = seen >= 0
    covered = reduce(np.add, [inside[:, n].astype(np.float32) for n in range(_FINE**2)]) / np.float32(_FINE**2)
    # One shade does for a pixel that lies in one triangle or in the middle of the surface; others take two.
    colour = np.zeros((len(seen), 3), np.float32)
    total = np.zeros(len(seen), np.float32)
    samples = [buffer[n :: _FINE**2] for n in range(_FINE**2)]
    nearest, farthest = reduce(np.maximum, samples), reduce(np.minimum, samples)
    rough = (nearest - farthest > 0.01 * nearest) | (covered < 1.0)
    normals = np.concatenate([n for _, _, n in parts]).astype(np.float32)
    tints = np.concatenate([m.colours for m, _, _ in parts])
    vertices = np.concatenate((uv, tints, normals), axis=1)
    for sample in range(_FINE**2):
        chosen = np.flatnonzero(inside[:, sample] & rough if sample else inside[:, 0])
        if not len(chosen):
            continue
        t = seen[chosen, sample]
        r = (chosen // shape[1] + top) * _FINE + sample // _FINE
        c = (chosen % shape[1] + left) * _FINE + sample % _FINE
        colour[chosen] += _shaded(planes, corners, material, looks, vertices, t, r, c, camera)
        total[chosen] += 1.0
    colour *= (covered / np.maximum(total, 1.0))[:, None]
    box = (slice(top, top + shape[0]), slice(left, left + shape[1]))
    return box, colour.reshape(*shape, 3), covered.reshape(shape)


class _Planes:
    """Over the picture, 1 / depth and each corner's share of it are linear in every triangle: value = a x + b y + c."""

    def __init__(self, x: Array, y: Array, inverse: Array) -> None:
        self._x, self._y = (
            x[:, 0] - np.float32(0.5),
            y[:, 0] - np.float32(0.5),
        )  # from a corner on: no large sums cancel
        u, v = x - x[:, :1], y - y[:, :1]
        area = u[:, 1] * v[:, 2] - u[:, 2] * v[:, 1]
        scale = 1.0 / np.where(area == 0.0, np.float32(1.0), area)
        self._shares = []
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            f = inverse[:, k] * scale
            a, b = (v[:, i] - v[:, j]) * f, (u[:, j] - u[:, i]) * f
            self._shares.append((a, b, -a * u[:, i] - b * v[:, i]))
        first, second, third = self._shares
        self._sum = tuple(first[n] + second[n] + third[n] for n in range(3))

    def depth(self, triangle: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]) -> Array:
        """1 / depth at sample centres, 1 / m; larger is nearer."""
        a, b, c = self._sum
        u, v = self._from_corner(triangle, row, column)
        return a.take(triangle) * u + b.take(triangle) * v + c.take(triangle)

    def shares(self, triangle: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]) -> Array:
        """Shares of the three corners at sample centres, with perspective, [3, N], sum 1."""
        u, v = self._from_corner(triangle, row, column)
        result = np.stack([a.take(triangle) * u + b.take(triangle) * v + c.take(triangle) for a, b, c in self._shares])
        np.maximum(result, 0.0, out=result)
        result /= np.maximum(result.sum(0), 1e-12)
        return result

    def _from_corner(
        self, triangle: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> tuple[Array, Array]:
        return column.astype(np.float32) - self._x.take(triangle), row.astype(np.float32) - self._y.take(triangle)


def _facing(
    x: Array, y: Array, z: Array, corners: NDArray[np.int64], two_sided: Array, size: tuple[int, int]
) -> NDArray[np.intp]:
    """Triangles that may be seen: before the eye, inside the picture, with their front (or both sides) to us."""
    a, b, c = corners.T
    ahead = (z[a] > _NEAR) & (z[b] > _NEAR) & (z[c] > _NEAR)
    area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])
    front = (area < 0.0) | (two_sided & (area != 0.0))  # y points down in pictures
    low_x, high_x = np.minimum(np.minimum(x[a], x[b]), x[c]), np.maximum(np.maximum(x[a], x[b]), x[c])
    low_y, high_y = np.minimum(np.minimum(y[a], y[b]), y[c]), np.maximum(np.maximum(y[a], y[b]), y[c])
    inside = (high_x > 0) & (low_x < size[0]) & (high_y > 0) & (low_y < size[1])
    return np.flatnonzero(ahead & front & inside)


def _fragments(
    x: Array, y: Array, size: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Samples whose centres lie in each triangle [F, 3]: triangle, row, column, [N]."""
    top = np.clip(np.ceil(y.min(1) - 0.5), 0, size[1]).astype(np.intp)
    bottom = np.clip(np.ceil(y.max(1) - 0.5), 0, size[1]).astype(np.intp)
    triangle, row = ranges(top, bottom)
    at = row.astype(np.float32) + np.float32(0.5)
    left = np.full(len(row), np.float32(1e9))
    right = np.full(len(row), np.float32(-1e9))
    for k in range(3):
        i = (k + 1) % 3
        dy = y[:, i] - y[:, k]
        slope = (x[:, i] - x[:, k]) / np.where(dy == 0.0, np.float32(1.0), dy)
        low, high = np.minimum(y[:, k], y[:, i]), np.maximum(y[:, k], y[:, i])
        crosses = (at >= low.take(triangle)) & (at < high.take(triangle))
        cut = x[:, k].take(triangle) + (at - y[:, k].take(triangle)) * slope.take(triangle)
        left = np.where(crosses, np.minimum(left, cut), left)
        right = np.where(crosses, np.maximum(right, cut), right)
    first = np.clip(np.ceil(left - 0.5), 0, size[0]).astype(np.intp)
    last = np.clip(np.ceil(right - 0.5), 0, size[0]).astype(np.intp)
    line, column = ranges(first, last)
    return triangle.take(line), row.take(line), column


def _mixed(values: Array, corners: NDArray[np.int64], shares: Array) -> Array:
    """Values [V, D] of triangles' corners [N, 3] by their shares [3, N]: [N, D]."""
    mixed = values.take(corners[:, 0], 0)
    mixed *= shares[0][:, None]
    for k in (1, 2):
        other = values.take(corners[:, k], 0)
        other *= shares[k][:, None]
        mixed += other
    return mixed


def _texture(looks: Sequence[Look], material: NDArray[np.int64], uv: Array) -> Array:
    """Linear colour and opacity [N, 4] of the materials at texture coordinates [N, 2]."""
    result = np.empty((len(material), 4), np.float32)
    for number in np.unique(material):
        look, here = looks[number], np.flatnonzero(material == number)
        result[here] = look.colour
        if look.image is None:
            continue
        height, width = look.image.shape[:2]
        u = (uv[here, 0] % 1.0 * width).astype(np.intp)
        v = (uv[here, 1] % 1.0 * height).astype(np.intp)
        texel = look.image[np.minimum(v, height - 1), np.minimum(u, width - 1)]
        result[here, :3] *= _LINEAR[texel[:, :3]]
        result[here, 3] *= texel[:, 3] / np.float32(255.0)
    return result


def _shaded(
    planes: _Planes, corners: NDArray[np.int64], material: NDArray[np.int64], looks: Sequence[Look], vertices: Array,
    triangle: NDArray[np.intp], row: NDArray[np.intp], column: NDArray[np.intp], camera: Camera,
) -> Array:  # fmt: skip
    """Linear colours [N, 3] of samples; `vertices` are texture coordinates, colours and normals, [V, 8]."""
    mixed = _mixed(vertices, corners.take(triangle, 0), planes.shares(triangle, row, column))
    base = _texture(looks, material.take(triangle), mixed[:, :2])[:, :3] * mixed[:, 2:5]
    normal = mixed[:, 5:] @ camera.axes.T.astype(np.float32)
    normal /= np.maximum(np.sqrt((normal * normal).sum(1, keepdims=True)), 1e-6)
    focal = np.float32(camera.focal * _FINE)
    columns = (column.astype(np.float32) + np.float32(0.5 - 0.5 * camera.size[0] * _FINE)) / focal
    rows = (np.float32(0.5 * camera.size[1] * _FINE - 0.5) - row.astype(np.float32)) / focal
    toward = np.stack((-columns, -rows, np.full(len(row), np.float32(-1.0))))
    toward /= np.sqrt((toward * toward).sum(0))
    normal = normal.T * np.where((normal.T * toward).sum(0) < 0.0, np.float32(-1.0), np.float32(1.0))
    depth = 1.0 / np.maximum(planes.depth(triangle, row, column), 1e-6)
    lean = camera.axes[:, 1]
    height = camera.eye[1] + depth * (columns * lean[0] + rows * lean[1] + lean[2])
    return shade(normal, toward, base.T, height.astype(np.float32), camera).T
