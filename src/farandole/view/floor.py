"""The studio floor: a grid that fades with distance, a pool of light, and soft shadows of capsules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.palette import Studio, to_srgb

_CELL = 0.025
"""Spacing of the shadow map, m."""

_LINE = 0.009
"""Width of the grid's lines, m."""


@dataclass(frozen=True, eq=False)
class Shadow:
    """Darkness in [0, 1] on the floor: map [Nz, Nx], its first cell's x and z in m, spacing in m."""

    darkness: Array
    origin: tuple[float, float]
    cell: float = _CELL

    def cropped(self) -> Shadow:
        """Without the margins that are as bright as the floor, but for one cell."""
        dark = self.darkness > 1e-3
        rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
        if not len(rows):
            return Shadow(self.darkness[:2, :2], self.origin, self.cell)
        first = lambda n: max(int(n[0]) - 1, 0)  # noqa: E731
        z, x = first(rows), first(columns)
        part = self.darkness[z : max(rows[-1], z) + 3, x : max(columns[-1], x) + 3]
        return Shadow(part, (self.origin[0] + x * self.cell, self.origin[1] + z * self.cell), self.cell)

    def at(self, x: Array, z: Array) -> Array:
        """Bilinear lookup at floor points inside the map, any shape."""
        u = np.clip((x - self.origin[0]) / self.cell, 0.0, self.darkness.shape[1] - 1.001)
        v = np.clip((z - self.origin[1]) / self.cell, 0.0, self.darkness.shape[0] - 1.001)
        i, j = u.astype(np.int32), v.astype(np.int32)
        u -= i
        v -= j
        flat = self.darkness.ravel()
        k = j * self.darkness.shape[1] + i
        top = flat[k] * (1 - u) + flat[k + 1] * u
        k += self.darkness.shape[1]
        return top * (1 - v) + (flat[k] * (1 - u) + flat[k + 1] * u) * v


def shadow_map(starts: Array, ends: Array, start_radii: Array, end_radii: Array, light: Array) -> Shadow:
    """Soft shadows of rounded cones on the floor y = 0.

    Each part darkens twice: along the key light (edges that soften with height) and straight down (contact, only near the
    floor). Parts multiply: what one leaves, the next may darken.

    Args:
        starts: First ends, [P, 3] m.
        ends: Second ends, [P, 3] m.
        start_radii: [P] m.
        end_radii: [P] m.
        light: Direction the key light comes from, unit [3].
    """
    lean = -light[[0, 2]] / light[1]  # floor shift per metre of height
    a, b = (np.maximum(p[:, 1:2], 0.0) * lean + p[:, [0, 2]] for p in (starts, ends))
    margin = 0.6
    low = np.minimum(np.minimum(a, b), np.minimum(starts, ends)[:, [0, 2]]).min(0) - margin
    high = np.maximum(np.maximum(a, b), np.maximum(starts, ends)[:, [0, 2]]).max(0) + margin
    high = np.minimum(high, low + 20.0)  # bodies far apart: what lies beyond 20 m goes without shadow
    low = np.floor(low / _CELL) * _CELL
    xs, zs = (np.arange(lo, hi, _CELL, dtype=np.float32) for lo, hi in zip(low, high, strict=True))
    left = np.ones((len(zs), len(xs)), np.float32)
    for i in range(len(starts)):
        heights = max(float(starts[i, 1]), 0.0), max(float(ends[i, 1]), 0.0)
        _darken(left, xs, zs, a[i], b[i], (start_radii[i], end_radii[i]), heights, 0.035, 0.16, 0.42)
        if min(heights) < 0.45:
            flat = (starts[i, [0, 2]], ends[i, [0, 2]])
            strength = 0.75 * (1.0 - min(heights) / 0.45) ** 2
            _darken(left, xs, zs, *flat, (start_radii[i], end_radii[i]), heights, 0.03, 0.5, strength)
    return Shadow(1.0 - left, (float(low[0]), float(low[1]))).cropped()


def _darken(
    light: Array,
    xs: Array,
    zs: Array,
    a: Array,
    b: Array,
    radii: tuple[float, float],
    heights: tuple[float, float],
    sharp: float,
    spread: float,
    strength: float,
) -> None:
    """Multiply the light under one segment, whose edge is `sharp + spread * height` metres soft."""
    soft_a, soft_b = (sharp + spread * h for h in heights)
    reach = max(radii) + max(soft_a, soft_b)
    i0, i1 = np.searchsorted(xs, (min(a[0], b[0]) - reach, max(a[0], b[0]) + reach))
    j0, j1 = np.searchsorted(zs, (min(a[1], b[1]) - reach, max(a[1], b[1]) + reach))
    if i0 >= i1 or j0 >= j1:
        return
    x, z = xs[None, i0:i1] - np.float32(a[0]), zs[j0:j1, None] - np.float32(a[1])
    wx, wz = np.float32(b[0] - a[0]), np.float32(b[1] - a[1])
    s = np.clip((x * wx + z * wz) / max(wx * wx + wz * wz, np.float32(1e-9)), 0.0, 1.0)
    distance = np.sqrt((x - s * wx) ** 2 + (z - s * wz) ** 2)
    radius = np.float32(radii[0]) + s * np.float32(radii[1] - radii[0])
    soft = np.float32(soft_a) + s * np.float32(soft_b - soft_a)
    cover = np.clip((radius + soft - distance) / (2.0 * soft), 0.0, 1.0)
    cover *= cover * (3.0 - 2.0 * cover)
    # An edge softer than the part is wide also takes its core away.
    light[j0:j1, i0:i1] *= 1.0 - strength * cover * np.minimum(1.0, (radius + 0.02) / soft)


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Room and floor seen by a camera that keeps its height, its direction and its distance to the pool of light.

    All that stays the same while such a camera travels is computed once; a frame then costs its grid lines and shadow only.
    Colours are mixed in sRGB here: the differences to linear light are too small to see and 8 bits save most of the time.
    """

    size: tuple[int, int]
    plain: np.ndarray  # the room without lines and shadow, uint8 [H, W, 3]
    first: int  # first row that sees the floor near enough for lines
    east: Array  # floor point minus eye, x and z, float32 [H - first, W] m
    south: Array
    soft: Array  # size of a pixel on the floor, [H - first, 1] m
    fade: Array  # strength of lines, [H - first, W]
    line: Array  # sRGB 0..255, [3]
    shadow: Array

    def picture(self, camera: Camera, shadow: Shadow | None, photo: np.ndarray | None = None) -> np.ndarray:
        """The room from one camera position, or `photo` with the shadow on it, uint8 [H, W, 3]."""
        picture = (self.plain if photo is None else photo).copy()
        if self.first == self.size[1]:
            return picture
        floor = picture[self.first :].reshape(-1, 3)
        x, z = self.east + np.float32(camera.eye[0]), self.south + np.float32(camera.eye[2])
        if photo is None:
            cover = np.maximum(_line(x, self.soft), _line(z, self.soft))
            cover *= self.fade
            touched = np.flatnonzero(cover > 1 / 255)
            under = floor[touched].astype(np.float32)
            under += cover.ravel()[touched, None] * (self.line - under)
            floor[touched] = under + 0.5
        if shadow is not None:
            rows, columns = _box(shadow, camera, self.first)
            darkness = shadow.at(x[rows, columns], z[rows, columns])
            r, c = np.nonzero(darkness > 1 / 512)
            part = picture[self.first :][rows, columns]
            tint = 1.0 - self.shadow / 255.0 if photo is None else np.full(3, 0.55, np.float32)
            part[r, c] = part[r, c] * (1.0 - darkness[r, c][:, None] * tint) + 0.5
        return picture


def backdrop(camera: Camera, focus: Array, studio: Studio) -> Backdrop:
    """The backdrop for `camera` and a pool of light around `focus`, [3] m; made anew only when their relation changes."""
    key = tuple(np.round((*(camera.eye - focus)[[0, 2]], camera.eye[1], *camera.axes.ravel()), 6).tolist())
    return _backdrop(key, camera.size, camera.view_angle, studio)


@lru_cache(maxsize=4)
def _backdrop(key: tuple[float, ...], size: tuple[int, int], view_angle: float, studio: Studio) -> Backdrop:
    to_eye_x, to_eye_z, eye_y = key[:3]
    axes = np.array(key[3:], np.float32).reshape(3, 3)
    width, height = size
    camera = Camera(np.zeros(3), np.ones(3), size, view_angle)
    x, y = camera.slopes()
    fall = -(y * axes[1, 1] + axes[2, 1])  # metres down per metre of depth: without roll one number per row
    room = np.empty((height, width, 3), np.float32)
    first = int(np.searchsorted(fall, 1e-3)) if eye_y > 0 else height  # rows above see the wall
    blend = np.clip(fall[:first] / -0.35, 0.0, 1.0)[:, None]
    room[:first] = (studio.horizon + blend * (studio.zenith - studio.horizon))[:, None, :]
    y, fall = y[first:], fall[first:]
    depth = (np.float32(eye_y) / fall)[:, None]
    east = depth * (x[None] * axes[0, 0] + (y * axes[1, 0] + axes[2, 0])[:, None])
    south = depth * (x[None] * axes[0, 2] + (y * axes[1, 2] + axes[2, 2])[:, None])
    far = (east + np.float32(to_eye_x)) ** 2 + (south + np.float32(to_eye_z)) ** 2
    pool = (1.0 / (1.0 + far / np.float32(7.0))) ** 2
    room[first:] = studio.horizon + pool[..., None] * (studio.pool - studio.horizon)
    across = depth / np.float32(camera.focal)  # size of a pixel, m
    along = across * (depth / max(eye_y, 1e-6))
    # Lines run across as well as along: a mean footprint keeps both free of shimmer.
    soft = np.sqrt(across * along)
    fade = pool * np.float32(0.9) * np.minimum(1.0, _LINE / soft)
    near = np.flatnonzero((fade > 1 / 255).any(1))
    skip = int(near[0]) if len(near) else len(fade)
    return Backdrop(
        size, to_srgb(room), first + skip, east[skip:], south[skip:], soft[skip:], fade[skip:],
        to_srgb(studio.line).astype(np.float32), to_srgb(studio.shadow).astype(np.float32),
    )  # fmt: skip


def _box(shadow: Shadow, camera: Camera, first: int) -> tuple[slice, slice]:
    """Rows (counted from row `first`) and columns of the picture that may see the shadow map."""
    width, height = camera.size
    nz, nx = shadow.darkness.shape
    x, z = shadow.origin
    corners = np.array([(x + i * nx * shadow.cell, 0.0, z + j * nz * shadow.cell) for i in (0, 1) for j in (0, 1)])
    if (camera.to_camera(corners)[:, 2] < 0.1).any():
        return slice(None), slice(None)
    seen = camera.project(corners)
    (c0, r0), (c1, r1) = np.floor(seen.min(0)), np.ceil(seen.max(0))
    clip = lambda v, most: int(min(max(v, 0), most))  # noqa: E731
    rows = slice(clip(r0 - first, height - first), clip(r1 - first, height - first))
    return rows, slice(clip(c0, width), clip(c1, width))


def _line(u: Array, soft: Array, *, spacing: float = 0.5) -> Array:
    """Coverage in [0, 1] of grid lines every `spacing` m, seen with pixels `soft` m wide; at most 1 where they are thin."""
    u = u * np.float32(1.0 / spacing)
    u -= np.rint(u)
    np.abs(u, out=u)
    u *= np.float32(-spacing)
    u += np.float32(0.5) * (np.float32(_LINE) + soft)
    u /= np.maximum(soft, np.float32(_LINE))
    return np.clip(u, 0.0, 1.0, out=u)
