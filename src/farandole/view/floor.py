"""The studio floor: a grid that fades with distance, a pool of light, and the dancers' shadow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.palette import Studio, to_srgb
from farandole.view.shadows import Shadow
from farandole.view.silhouettes import ranges

_LINE = 0.009
"""Width of the grid's lines, m."""

_SPACING = 0.5
"""Between the grid's lines, m."""


_FAINT = 1 / 90
"""Cover of a line below which nobody sees it: half of a step in 8 bits between the floor and a line."""


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
            seen = np.flatnonzero(cover > np.float32(_FAINT))
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
    near = np.flatnonzero((fade > _FAINT).any(1))
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
