"""The studio floor: a grid that fades with distance, a pool of light, and soft shadows of capsules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.cones import ranges
from farandole.view.palette import Studio, to_srgb

_CELL = 0.025
"""Spacing of the shadow map, m."""

_LINE = 0.009
"""Width of the grid's lines, m."""

_SPACING = 0.5
"""Between the grid's lines, m."""


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
    for i, (low_a, low_b) in enumerate(np.maximum(np.stack((starts[:, 1], ends[:, 1]), 1), 0.0).tolist()):
        radii, heights = (float(start_radii[i]), float(end_radii[i])), (low_a, low_b)
        _darken(left, xs, zs, a[i], b[i], radii, heights, 0.035, 0.16, 0.42)
        if min(heights) < 0.45:
            flat = (starts[i, [0, 2]], ends[i, [0, 2]])
            strength = 0.75 * (1.0 - min(heights) / 0.45) ** 2
            _darken(left, xs, zs, *flat, radii, heights, 0.03, 0.5, strength)
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
    (ax, az), (bx, bz) = a.tolist(), b.tolist()
    near = lambda v, axis: min(max(math.ceil((v - float(axis[0])) / _CELL), 0), len(axis))  # noqa: E731
    i0, i1 = near(min(ax, bx) - reach, xs), near(max(ax, bx) + reach, xs)
    j0, j1 = near(min(az, bz) - reach, zs), near(max(az, bz) + reach, zs)
    if i0 >= i1 or j0 >= j1:
        return
    x, z = xs[None, i0:i1] - np.float32(ax), zs[j0:j1, None] - np.float32(az)
    wx, wz = bx - ax, bz - az
    scale = 1.0 / max(wx * wx + wz * wz, 1e-9)
    s = x * np.float32(wx * scale) + z * np.float32(wz * scale)
    np.maximum(s, 0.0, out=s)
    np.minimum(s, 1.0, out=s)
    x, z = x - s * np.float32(wx), z - s * np.float32(wz)
    x *= x
    z *= z
    x += z
    np.sqrt(x, out=x)
    # Cover falls from 1 to 0 while the distance goes from radius - soft to radius + soft.
    soft = s * np.float32(soft_b - soft_a)
    soft += np.float32(soft_a)
    radius = s * np.float32(radii[1] - radii[0])
    radius += np.float32(radii[0])
    cover = radius - x
    cover += soft
    cover /= soft
    cover *= np.float32(0.5)
    np.maximum(cover, 0.0, out=cover)
    np.minimum(cover, 1.0, out=cover)
    cover *= cover * (np.float32(3.0) - np.float32(2.0) * cover)
    # An edge softer than the part is wide also takes its core away.
    radius += np.float32(0.02)
    radius /= soft
    np.minimum(radius, 1.0, out=radius)
    cover *= radius
    cover *= np.float32(-strength)
    cover += np.float32(1.0)
    light[j0:j1, i0:i1] *= cover


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Room and floor seen by a camera that keeps its height, its direction and its distance to the pool of light.

    All that stays the same while such a camera travels is computed once; a frame then costs its grid lines and shadow only.
    Colours are mixed in sRGB here: the differences to linear light are too small to see and 8 bits save most of the time.
    """

    size: tuple[int, int]
    plain: np.ndarray  # the room without lines and shadow, uint8 [H, W, 3]
    first: int  # first row that sees the floor near enough for lines
    begin: Array  # floor point of each row's first pixel minus eye, x and z, [H - first, 2] m
    step: Array  # from pixel to pixel of a row, x and z, [H - first, 2] m
    soft: Array  # size of a pixel on the floor, [H - first] m
    fade: Array  # strength of lines, [H - first, W]
    line: Array  # sRGB 0..255, [3]
    shadow: Array

    def picture(self, camera: Camera, shadow: Shadow | None, photo: np.ndarray | None = None) -> np.ndarray:
        """The room from one camera position, or `photo` with the shadow on it, uint8 [H, W, 3]."""
        picture = (self.plain if photo is None else photo).copy()
        if self.first == self.size[1]:
            return picture
        eye = camera.eye[[0, 2]]
        if photo is None:
            floor = picture[self.first :].reshape(-1, 3)
            touched, cover = self._lines(eye)
            under = floor.take(touched, 0).astype(np.float32)
            under += cover[:, None] * (self.line - under)
            under += np.float32(0.5)
            floor[touched] = under
        if shadow is not None:
            rows, columns = _box(shadow, camera, self.first)
            # Its edges are many pixels soft: looked up for two pixels of a row at once.
            across = np.arange(columns.start + 0.5, columns.stop, 2.0)
            x, z = (
                (self.begin[rows, k, None] + across * self.step[rows, k, None] + eye[k]).astype(np.float32)
                for k in (0, 1)
            )
            width = max(columns.stop - columns.start, 1)
            darkness = np.repeat(shadow.at(x, z), 2, axis=1)[:, :width]
            dark = np.flatnonzero(darkness > 1 / 512)
            place = dark + (dark // width) * (self.size[0] - width) + rows.start * self.size[0] + columns.start
            part = picture[self.first :].reshape(-1, 3)
            tint = np.float32(1.0) - self.shadow / np.float32(255.0) if photo is None else np.full(3, 0.55, np.float32)
            light = part.take(place, 0).astype(np.float32)
            light -= light * (darkness.take(dark)[:, None] * tint)
            light += np.float32(0.5)
            part[place] = light
        return picture

    def _lines(self, eye: Array) -> tuple[NDArray[np.intp], Array]:
        """Pixels of the floor that the grid's lines touch, [N] (counted from row `first`; some twice), and how much, [N]."""
        width = self.size[0]
        pixels, covers = [], []
        for k in (0, 1):
            # Along a row the floor point moves evenly: a line u = spacing * i lies around one column.
            step, begin = self.step[:, k], self.begin[:, k] + eye[k]
            half = 0.5 * (_LINE + self.soft)
            ends = begin, begin + step * (width - 1)
            first = np.ceil((np.minimum(*ends) - half) / _SPACING).astype(np.intp)
            last = np.floor((np.maximum(*ends) + half) / _SPACING).astype(np.intp) + 1
            row, number = ranges(first, last)
            slope = np.where(np.abs(step) < 1e-9, 1e-9, step)[row]
            column = (_SPACING * number - begin[row]) / slope
            reach = half[row] / np.abs(slope)
            left = np.clip(np.ceil(column - reach), 0, width).astype(np.intp)
            right = np.clip(np.floor(column + reach) + 1, 0, width).astype(np.intp)
            which, at = ranges(left, right)
            row = row[which]
            off = np.abs((at - column[which]).astype(np.float32) * slope[which].astype(np.float32))
            cover = (half[row].astype(np.float32) - off) / np.maximum(self.soft, _LINE).astype(np.float32)[row]
            place = row * width + at
            cover = np.minimum(np.maximum(cover, 0.0), 1.0) * self.fade.ravel()[place]
            seen = np.flatnonzero(cover > np.float32(1 / 255))
            pixels.append(place[seen])
            covers.append(cover[seen])
        # Where two lines cross, the stronger one is seen: painted last.
        (one, other), (weak, strong) = pixels, covers
        table = np.zeros(self.fade.size, np.float32)
        table[one] = weak
        strong = np.maximum(strong, table[other])
        return np.concatenate((one, other)), np.concatenate((weak, strong))


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
    depth: Array = eye_y / fall.astype(float)
    begin, step = np.empty((len(y), 2)), np.empty((len(y), 2))
    for k, axis in enumerate((0, 2)):
        begin[:, k] = depth * (float(x[0]) * axes[0, axis] + (y * axes[1, axis] + axes[2, axis]))
        step[:, k] = depth * (axes[0, axis] / camera.focal)
    across = np.arange(width, dtype=np.float32)
    east, south = ((begin[:, k, None] + across * step[:, k, None]).astype(np.float32) for k in (0, 1))
    far = (east + np.float32(to_eye_x)) ** 2 + (south + np.float32(to_eye_z)) ** 2
    pool = (1.0 / (1.0 + far / np.float32(7.0))) ** 2
    room[first:] = studio.horizon + pool[..., None] * (studio.pool - studio.horizon)
    footprint: Array = depth / camera.focal  # of a pixel, m; along the view it is longer on the floor
    # Lines run across as well as along: a mean footprint keeps both free of shimmer.
    soft = np.sqrt(footprint * footprint * (depth / max(eye_y, 1e-6)))
    fade = pool * (0.9 * np.minimum(1.0, _LINE / soft)).astype(np.float32)[:, None]
    near = np.flatnonzero((fade > 1 / 255).any(1))
    skip = int(near[0]) if len(near) else len(fade)
    return Backdrop(
        size=camera.size, plain=to_srgb(room), first=first + skip, begin=begin[skip:], step=step[skip:], soft=soft[skip:],
        fade=fade[skip:], line=to_srgb(studio.line).astype(np.float32), shadow=to_srgb(studio.shadow).astype(np.float32),
    )  # fmt: skip


def _box(shadow: Shadow, camera: Camera, first: int) -> tuple[slice, slice]:
    """Rows (counted from row `first`) and columns of the picture that may see the shadow map."""
    width, height = camera.size
    nz, nx = shadow.darkness.shape
    x, z = shadow.origin
    corners = np.array([(x + i * nx * shadow.cell, 0.0, z + j * nz * shadow.cell) for i in (0, 1) for j in (0, 1)])
    if (camera.to_camera(corners)[:, 2] < 0.1).any():
        return slice(0, height - first), slice(0, width)
    seen = camera.project(corners)
    (c0, r0), (c1, r1) = np.floor(seen.min(0)), np.ceil(seen.max(0))
    clip = lambda v, most: int(min(max(v, 0), most))  # noqa: E731
    rows = slice(clip(r0 - first, height - first), clip(r1 - first, height - first))
    return rows, slice(clip(c0, width), clip(c1, width))
