"""Pictures of capsule bodies in numpy: exact ray casting of rounded cones in the pixels that may see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.cones import Cones
from farandole.view.floor import backdrop
from farandole.view.palette import LIGHTS, STUDIO, Studio, to_srgb
from farandole.view.shadows import Shadow, shadow_map
from farandole.view.silhouettes import silhouettes

_SEAM = 0.03
"""Depth over which the normals and colours of overlapping parts blend, m: hides the seams at the joints."""

_LARGE = 400
"""Pictures whose shorter side has this many pixels or more are cast in blocks first."""

_CHUNK = 8192
"""Rays that are intersected at once: what is computed of them stays in the processor's cache."""

_MARGIN = 0.55
"""Around the outlines of parts, pixels: rays through a quarter of a pixel or of a block lie 0.36 from its middle."""

Layer = tuple[tuple[slice, slice] | None, Array, Array]
"""A body alone: its box in the picture (rows, columns; None if out of sight), premultiplied linear colour, coverage."""

_FAR = np.float32(1e6)
"""Depth of an empty ray, m: finite, so that sums over rays stay finite too."""


@dataclass(frozen=True, eq=False)
class Capsules:
    """Rounded cones in the world: ends [P, 3] m, radii [P] m, linear colours [P, 3]."""

    starts: Array
    ends: Array
    start_radii: Array
    end_radii: Array
    colours: Array

    def layer(self, camera: Camera) -> Layer:
        """The body alone, see `body_layer`."""
        return body_layer(self, camera)

    def shadow(self, light: Array) -> Shadow:
        """Its shadow on the floor, for a key light from `light`, unit [3]."""
        return shadow_map(self.starts, self.ends, self.start_radii, self.end_radii, light)


def render(
    body: Capsules, camera: Camera, *, studio: Studio = STUDIO, supersample: int = 2, focus: Array | None = None
) -> np.ndarray:
    """One picture of a body on the studio floor.

    Args:
        body: What to draw.
        camera: From where.
        studio: Colours of room and floor.
        supersample: Rays per pixel and direction at the body's edges (the floor is smoothed analytically).
        focus: Point that the light on the floor pools around, [3] m; the camera's target by default.

    Returns:
        sRGB picture, uint8 [H, W, 3].
    """
    light = LIGHTS.key_direction(camera.axes[2])
    room = backdrop(camera, np.asarray(camera.target if focus is None else focus, float), studio)
    return over(room.picture(camera, body.shadow(light)), body_layer(body, camera, supersample=supersample))


def over(picture: np.ndarray, layer: Layer) -> np.ndarray:
    """A picture, uint8 [H, W, 3], with a layer painted over it; returns the picture."""
    box, colour, alpha = layer
    if box is None:
        return picture
    width = picture.shape[1]
    covered = np.flatnonzero(alpha)
    place = covered + (covered // alpha.shape[1]) * (width - alpha.shape[1]) + box[0].start * width + box[1].start
    cover, own = alpha.take(covered), colour.reshape(-1, 3).take(covered, 0)
    pixels = picture.reshape(-1, 3)
    edge = np.flatnonzero(cover < 1.0)
    some = cover.take(edge)[:, None]
    own[edge] /= some
    seen = to_srgb(own)
    under = pixels.take(place.take(edge), 0).astype(np.float32)
    seen[edge] = under + some * (seen.take(edge, 0) - under) + np.float32(0.5)
    pixels[place] = seen
    return picture


def cut_out(size: tuple[int, int], layer: Layer) -> np.ndarray:
    """A layer on nothing: sRGB and coverage, not premultiplied, uint8 [H, W, 4]; `size` is width and height."""
    picture = np.zeros((size[1], size[0], 4), np.uint8)
    box, colour, alpha = layer
    if box is not None:
        part = picture[box]
        part[..., :3] = to_srgb(colour / np.maximum(alpha, 1e-6)[..., None])
        part[..., 3] = np.rint(255.0 * alpha)
    return picture


def body_layer(body: Capsules, camera: Camera, *, supersample: int = 2) -> Layer:
    """The body alone: its box in the picture (rows, columns; None if out of sight), premultiplied linear colour, coverage.

    In large pictures one ray goes through each block of 2 x 2 pixels, and colours are interpolated: surfaces are smooth. Where the
    outline, or one part in front of another, runs through the neighbourhood, one ray goes through each pixel; and where it runs
    through a pixel, `supersample` squared.
    """
    cones = Cones(camera.to_camera(body.starts), camera.to_camera(body.ends), body.start_radii, body.end_radii)
    coarse = 2 if min(camera.size) >= _LARGE and supersample > 1 else 1
    eye = camera if coarse == 1 else replace(camera, size=(camera.size[0] // 2, camera.size[1] // 2))
    part, row, column = silhouettes(cones, eye.size, eye.focal, margin=_MARGIN).pixels()
    if not len(part):
        return None, np.zeros((0, 0, 3)), np.zeros((0, 0))
    grid = _Grid(int(row.min()), int(column.min()), int(row.max()) + 1, int(column.max()) + 1)
    colours = np.ascontiguousarray(body.colours.T, np.float32)
    x, y = eye.slopes()
    place = grid.place(row, column)
    near, sums = _trace(cones, colours, part, place, x[column], y[row], grid.count)
    pixels = np.arange(grid.count)
    if coarse == 1:
        colour, covered = np.zeros((grid.count, 3), np.float32), np.zeros(grid.count, np.float32)
    else:
        hit = near < _FAR
        smooth = _colours(grid, pixels, near, sums, hit, eye)
        blocks = _widened(_edges(near.reshape(grid.shape)))
        colour, covered = np.zeros((4 * grid.count, 3), np.float32), np.zeros(4 * grid.count, np.float32)
        for four, fine in _between(smooth, np.flatnonzero(hit & ~blocks.ravel()), grid.shape[1]):
            colour[four], covered[four] = fine, 1.0
        rays = np.flatnonzero(blocks.ravel()[place])
        part = np.repeat(part[rays], 4)
        row = np.repeat(2 * row[rays], 4) + np.tile((0, 0, 1, 1), len(rays))
        column = np.repeat(2 * column[rays], 4) + np.tile((0, 1, 0, 1), len(rays))
        grid, eye = grid.doubled(), camera
        rays = np.flatnonzero(silhouettes(cones, eye.size, eye.focal, margin=_MARGIN).contain(part, row, column))
        part, row, column = part[rays], row[rays], column[rays]
        x, y = eye.slopes()
        pixels = np.flatnonzero(np.repeat(np.repeat(blocks, 2, 0), 2, 1))
        number = np.zeros(grid.count, np.intp)
        number[pixels] = np.arange(len(pixels))
        place = number[grid.place(row, column)]
        near, sums = _trace(cones, colours, part, place, x[column], y[row], len(pixels))
    hit = (near < _FAR).astype(np.float32)
    if supersample > 1:
        # Around the blocks that were looked at lies what is smooth: no edge runs along their border.
        depth = np.full(grid.count, np.nan, np.float32)
        depth[pixels] = near
        edge = _edges(depth.reshape(grid.shape)).ravel()[pixels]
        _refine(cones, colours, eye, edge, (part, place, x[column], y[row]), supersample, near, sums, hit)
    covered[pixels] = hit
    colour[pixels] = _colours(grid, pixels, near, sums, hit, eye)
    box = (slice(grid.top, grid.bottom), slice(grid.left, grid.right))
    return box, colour.reshape(*grid.shape, 3), covered.reshape(grid.shape)


@dataclass(frozen=True)
class _Grid:
    """A box of pixels, numbered row by row."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    @property
    def count(self) -> int:
        return self.shape[0] * self.shape[1]

    def place(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.intp]:
        return (row - self.top) * self.shape[1] + (column - self.left)

    def doubled(self) -> _Grid:
        return _Grid(2 * self.top, 2 * self.left, 2 * self.bottom, 2 * self.right)


def _refine(
    cones: Cones, colours: Array, camera: Camera, edge: NDArray[np.bool_],
    rays: tuple[NDArray[np.intp], NDArray[np.intp], Array, Array], supersample: int, near: Array, sums: Array, covered: Array,
) -> None:  # fmt: skip
    """Trace `supersample` squared rays through the pixels of `edge` [N], and put what they meet into near, sums, covered."""
    part, place, x, y = rays
    pixels = np.flatnonzero(edge)
    if not len(pixels):
        return
    number = np.zeros(len(edge), np.intp)
    number[pixels] = np.arange(len(pixels))
    own = np.flatnonzero(edge[place])
    fine = (np.arange(supersample, dtype=np.float32) + np.float32(0.5 - 0.5 * supersample)) / np.float32(supersample)
    fine /= np.float32(camera.focal)
    count, size = supersample**2, len(pixels)
    # Rays of a pixel lie `size` apart, so that sums over them run along memory.
    places = number[place[own]][:, None] + size * np.arange(count)
    fine_x = x[own][:, None] + np.tile(fine, supersample)
    fine_y = y[own][:, None] - np.repeat(fine, supersample)
    fine_near, fine_sums = _trace(
        cones, colours, np.repeat(part[own], count), places.ravel(), fine_x.ravel(), fine_y.ravel(), size * count
    )
    fine_near = fine_near.reshape(count, size)
    hit = fine_near < _FAR
    covered[pixels] = hit.mean(0)
    sums[:, pixels] = fine_sums.reshape(7, count, size).sum(1)
    near[pixels] = np.where(hit, fine_near, np.float32(0.0)).sum(0) / np.maximum(hit.sum(0), 1)


def _colours(
    grid: _Grid, pixels: NDArray[np.intp], near: Array, sums: Array, covered: NDArray[Any], camera: Camera
) -> Array:
    """Premultiplied linear colours [N, 3] of what rays met in some pixels of a grid, where anything is `covered` [N]."""
    x, y = camera.slopes()
    seen = np.flatnonzero(covered)
    at, sums, depth = pixels[seen], sums[:, seen], near[seen]
    normal = sums[:3] / np.maximum(np.sqrt(np.einsum("kn,kn->n", sums[:3], sums[:3])), 1e-6)
    columns, rows = x[grid.left + at % grid.shape[1]], y[grid.top + at // grid.shape[1]]
    toward = np.stack((-columns, -rows, np.full(len(seen), -1.0, np.float32)))
    toward /= np.sqrt(np.einsum("kn,kn->n", toward, toward))
    lean = camera.axes[:, 1].astype(np.float32)
    height = np.float32(camera.eye[1]) + depth * (columns * lean[0] + rows * lean[1] + lean[2])
    colour = np.zeros((len(pixels), 3), np.float32)
    colour[seen] = (shade(normal, toward, sums[3:6] / sums[6], height, camera) * covered[seen]).T
    return colour


def _between(colour: Array, pixels: NDArray[np.intp], width: int) -> Iterator[tuple[NDArray[np.intp], Array]]:
    """Some pixels of a picture [H * W, 3], each as 2 x 2 that are interpolated between the middles of the old ones.

    Yields:
        Four times: where they are in the picture with twice the pixels each way [N], and their colours [N, 3].
    """
    rows, columns = np.divmod(pixels, width)
    near = {(r, c): colour.take(pixels + (r * width + c), 0, mode="clip") for r in (-1, 0, 1) for c in (-1, 0, 1)}
    for r, c in ((0, 0), (0, 1), (1, 0), (1, 1)):
        up, aside = 2 * r - 1, 2 * c - 1
        fine = near[0, 0] * np.float32(9 / 16)
        fine += (near[up, 0] + near[0, aside]) * np.float32(3 / 16)
        fine += near[up, aside] * np.float32(1 / 16)
        yield (2 * rows + r) * (2 * width) + 2 * columns + c, fine


def _widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask [H, W] and the eight neighbours of all that is in it."""
    for axis in (0, 1):
        grown = mask.copy()
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        grown[tuple(before)] |= mask[tuple(after)]
        grown[tuple(after)] |= mask[tuple(before)]
        mask = grown
    return mask


def _trace(
    cones: Cones, colours: Array, part: NDArray[np.intp], place: NDArray[np.intp], x: Array, y: Array, count: int
) -> tuple[Array, Array]:
    """What rays meet that are the same where `place` is: depth [count] (`_FAR` for nothing), and sums [7, count].

    The sums are of normal (3), colour (3) and weight, over the parts near the surface.
    """
    depth, s = np.empty(len(part), np.float32), np.empty(len(part), np.float32)
    for at in range(0, len(part), _CHUNK):
        some = slice(at, at + _CHUNK)
        depth[some], s[some] = cones.hit(part[some], x[some], y[some])
    near = np.full(count, _FAR, np.float32)
    np.minimum.at(near, place, depth)
    top = np.flatnonzero(depth < near[place] + np.float32(_SEAM))
    part, place, x, y, depth, s = part[top], place[top], x[top], y[top], depth[top], s[top]
    weight = near[place] - depth
    weight *= np.float32(1.0 / _SEAM)
    weight += np.float32(1.0)
    weight *= weight
    along = weight / (cones.radius[part] + s * cones.growth[part])
    depth, s = depth * along, s * along
    sums = np.empty((7, count), np.float32)
    for axis, n in enumerate((depth * x, depth * y, depth)):
        n = n - s * cones.axis[axis][part] - along * cones.start[axis][part]
        sums[axis] = np.bincount(place, n, count)
    for channel in range(3):
        sums[3 + channel] = np.bincount(place, weight * colours[channel][part], count)
    sums[6] = np.bincount(place, weight, count)
    return near, sums


def _edges(near: Array) -> NDArray[np.bool_]:
    """Pixels [H, W] whose depth leaps to that of a neighbour, by more than parts that flow into one another have."""
    edge = np.zeros(near.shape, bool)
    for axis in (0, 1):
        leap = np.abs(np.diff(near, axis=axis)) > 1.5 * _SEAM
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        edge[tuple(before)] |= leap
        edge[tuple(after)] |= leap
    return edge


def shade(normal: Array, toward: Array, base: Array, height: Array, camera: Camera) -> Array:
    """Linear colours [3, N]: wrapped key light, sky and floor ambient, soft highlight, rim."""
    axes = camera.axes.astype(np.float32)
    key, up = axes @ LIGHTS.key_direction(axes[2]), axes[:, 1]
    n_key, n_up = np.stack((key, up)) @ normal
    n_toward = np.einsum("kn,kn->n", normal, toward)
    light = np.empty((3, len(height)), np.float32)  # how much of key light, sky and bounce there is
    diffuse, sky, bounce = light
    np.clip((n_key + LIGHTS.wrap) / (1.0 + LIGHTS.wrap), 0.0, 1.0, out=diffuse)
    np.add(0.5, 0.5 * n_up, out=sky)
    # The floor takes light away from what is close to it and faces down.
    np.multiply(1.0 - sky, np.clip(height, 0.0, 0.5) + 0.5, out=bounce)
    # With the half vector (key + toward) / |key + toward|.
    gloss = np.clip((n_key + n_toward) / np.sqrt(2.0 + 2.0 * (key @ toward)), 0.0, 1.0)
    gloss *= gloss
    gloss *= gloss
    gloss *= gloss
    gloss = gloss * gloss * gloss  # to the power of 24
    rim = 1.0 - np.clip(n_toward, 0.0, 1.0)
    rim = rim * rim * rim * (0.4 + 0.6 * sky)
    colour = np.stack((LIGHTS.key, LIGHTS.sky, LIGHTS.bounce), axis=1) @ light
    colour *= base
    colour += LIGHTS.gloss * gloss * diffuse + LIGHTS.rim * rim
    return colour
