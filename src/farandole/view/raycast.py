"""Pictures of capsule bodies in numpy: exact ray casting of rounded cones inside each part's screen box.

A rounded cone is the hull of two spheres (a, r_a), (b, r_b). With w = b - a, g = r_b - r_a, K = |w|^2 - g^2 its side is the
envelope of the spheres between them, K (|v|^2 - r_a^2) = (w.v + g r_a)^2 for v = p - a, touching the sphere at
s = (w.v + g r_a) / K. Rays through pixels are p = t (x, y, 1) in camera axes, so t is the depth and every product with a
constant vector separates into a row and a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from farandole.motion.rotations import Array
from farandole.view.camera import Camera
from farandole.view.floor import backdrop, shadow_map
from farandole.view.palette import LIGHTS, STUDIO, Studio, to_srgb

_SEAM = 0.03
"""Depth over which the normals and colours of overlapping parts blend, m: hides the seams at the joints."""

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


def hit_depth(
    start: Array, end: Array, start_radius: float, end_radius: float, x: Array, y: Array
) -> tuple[Array, Array]:
    """First intersection of rays t (x, y, 1), t > 0, with one rounded cone in camera axes.

    Args:
        start: Centre of the first sphere, [3] m.
        end: Centre of the second sphere, [3] m.
        start_radius: Its radius, m.
        end_radius: Radius of the second, m.
        x: Ray slopes to the right, broadcastable with `y`.
        y: Ray slopes upwards.

    Returns:
        Depth t in m (inf where the ray misses) and the place s in [0, 1] of the touching sphere (0 where it misses), both of the
        broadcast shape.
    """
    w = end - start
    g = end_radius - start_radius
    k = float(w @ w - g * g)
    dd = x * x + y * y + np.float32(1.0)
    if k <= 1e-9:  # one sphere holds the other
        at_end = g > 0
        centre, radius = (end, end_radius) if at_end else (start, start_radius)
        depth = _sphere_depth(centre, radius, x, y, dd)
        return depth, np.full(depth.shape, np.float32(at_end))
    wd = x * np.float32(w[0]) + y * np.float32(w[1]) + np.float32(w[2])
    ad = x * np.float32(start[0]) + y * np.float32(start[1]) + np.float32(start[2])
    q = np.float32(w @ start - g * start_radius)
    c = np.float32(k * (start @ start - start_radius**2) - float(q) ** 2)
    k = np.float32(k)
    # A t^2 + 2 B t + C = 0
    a = k * dd - wd * wd
    b = wd * q - k * ad
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    miss = b * b < a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = (-b - root) / a
        s = (depth * wd - q) / k
    beyond = ~((s >= 0.0) & (s <= 1.0))
    narrow = a <= 0.0  # ray steeper than the cone's side: the other root is the near one
    if narrow.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            other = (-b + root) / a
            s_other = (other * wd - q) / k
        for t, place in ((other, s_other), (depth, s)):
            fits = narrow & (place >= 0.0) & (place <= 1.0)
            np.copyto(depth, t, where=fits & ((t < depth) | beyond))
            np.copyto(s, place, where=fits & (depth == t))
            beyond &= ~fits
    depth[beyond | miss] = np.inf
    for centre, radius, place in ((start, start_radius, 0.0), (end, end_radius, 1.0)):
        cap = _sphere_depth(centre, radius, x, y, dd)
        nearer = cap < depth
        np.copyto(depth, cap, where=nearer)
        s[nearer] = place
    s[depth == np.inf] = 0.0
    return depth, s


def _sphere_depth(centre: Array, radius: float, x: Array, y: Array, dd: Array) -> Array:
    cd = x * np.float32(centre[0]) + y * np.float32(centre[1]) + np.float32(centre[2])
    h = cd * cd - dd * np.float32(centre @ centre - radius * radius)
    return np.where(h >= 0.0, (cd - np.sqrt(np.maximum(h, 0.0))) / dd, np.float32(np.inf))


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
    picture = room.picture(camera, shadow_map(body.starts, body.ends, body.start_radii, body.end_radii, light))
    box, colour, alpha = body_layer(body, camera, supersample=supersample)
    if box is not None:
        part = picture[box]
        colour = colour / np.maximum(alpha, 1e-6)[..., None]
        part[:] = part + alpha[..., None] * (to_srgb(colour).astype(np.float32) - part) + 0.5
    return picture


def body_layer(
    body: Capsules, camera: Camera, *, supersample: int = 2
) -> tuple[tuple[slice, slice] | None, Array, Array]:
    """The body alone: its box in the picture (rows, columns; None if out of sight), premultiplied linear colour, coverage.

    One ray goes through each pixel, and `supersample` squared more where the outline or one part in front of another runs through it.
    """
    starts, ends = camera.to_camera(body.starts), camera.to_camera(body.ends)
    boxes = _screen_boxes(starts, ends, body, camera, 1)
    seen = [i for i, (r0, r1, c0, c1) in enumerate(boxes) if r0 < r1 and c0 < c1]
    if not seen:
        return None, np.zeros((0, 0, 3)), np.zeros((0, 0))
    top, left = min(boxes[i][0] for i in seen), min(boxes[i][2] for i in seen)
    bottom, right = max(boxes[i][1] for i in seen), max(boxes[i][3] for i in seen)
    x, y = camera.slopes()
    solid = _Solid(starts, ends, body)
    rays = [
        (i, (slice(r0 - top, r1 - top), slice(c0 - left, c1 - left)), x[None, c0:c1], y[r0:r1, None])
        for i, (r0, r1, c0, c1) in ((i, boxes[i]) for i in seen)
    ]
    near, sums = solid.trace(rays, (bottom - top, right - left))
    covered = (sums[6] > 0.0).astype(np.float32)
    rows, columns = np.nonzero(_edges(near))
    if supersample > 1 and len(rows):
        fine = (np.arange(supersample, dtype=np.float32) + np.float32(0.5 - 0.5 * supersample)) / np.float32(supersample)
        fine /= np.float32(camera.focal)
        fx = (x[left + columns][:, None, None] + fine[None, None, :] + np.zeros_like(fine)[None, :, None]).reshape(-1)
        fy = (y[top + rows][:, None, None] - fine[None, :, None] + np.zeros_like(fine)[None, None, :]).reshape(-1)
        rays = []
        for i in seen:
            r0, r1, c0, c1 = boxes[i]
            r, c = rows + top, columns + left
            inside = np.flatnonzero((r >= r0) & (r < r1) & (c >= c0) & (c < c1))
            if len(inside):
                at = (inside[:, None] * supersample**2 + np.arange(supersample**2)).ravel()
                rays.append((i, at, fx[at], fy[at]))
        fine_near, fine_sums = solid.trace(rays, (len(fx),))
        hit = (fine_sums[6] > 0.0).reshape(len(rows), -1)
        covered[rows, columns] = hit.mean(1)
        sums[:, rows, columns] = fine_sums.reshape(7, len(rows), -1).sum(-1)
        near[rows, columns] = np.where(hit, fine_near.reshape(hit.shape), 0.0).sum(1) / np.maximum(hit.sum(1), 1)
    r, c = np.nonzero(covered)
    sums, depth = sums[:, r, c], near[r, c]
    normal = sums[:3] / np.maximum(np.sqrt((sums[:3] ** 2).sum(0)), 1e-6)
    columns, rows = x[left + c], y[top + r]
    toward = np.stack((-columns, -rows, np.full(len(r), -1.0, np.float32)))
    toward /= np.sqrt((toward * toward).sum(0))
    lean = camera.axes[:, 1].astype(np.float32)
    height = np.float32(camera.eye[1]) + depth * (columns * lean[0] + rows * lean[1] + lean[2])
    colour = np.zeros((*covered.shape, 3), np.float32)
    colour[r, c] = (shade(normal, toward, sums[3:6] / sums[6], height, camera) * covered[r, c]).T
    return (slice(top, bottom), slice(left, right)), colour, covered


class _Solid:
    """Rounded cones in camera axes, and what rays meet of them."""

    def __init__(self, starts: Array, ends: Array, body: Capsules) -> None:
        self.starts, self.ends, self.body = starts, ends, body

    def trace(self, rays: list[tuple[int, Any, Array, Array]], shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Depth [*shape] (`_FAR` where nothing is hit), and the sums of normal (3), colour (3) and weight [7, *shape].

        Args:
            rays: Per part its number, where its rays lie among all, and their slopes to the right and upwards.
            shape: Of all rays.
        """
        body, starts, ends = self.body, self.starts, self.ends
        near = np.full(shape, _FAR, np.float32)
        hits = []
        for i, place, columns, rows in rays:
            depth, s = hit_depth(starts[i], ends[i], float(body.start_radii[i]), float(body.end_radii[i]), columns, rows)
            np.minimum(depth, 2 * _FAR, out=depth)
            near[place] = np.minimum(near[place], depth)
            hits.append((i, place, depth, s, columns, rows))
        layer = np.zeros((7, *shape), np.float32)
        for i, place, depth, s, columns, rows in hits:
            weight = near[place] - depth
            weight *= np.float32(1.0 / _SEAM)
            weight += np.float32(1.0)
            np.maximum(weight, 0.0, out=weight)
            weight *= weight
            w = (ends[i] - starts[i]).astype(np.float32)
            radius = s * np.float32(body.end_radii[i] - body.start_radii[i])
            radius += np.float32(body.start_radii[i])
            along = weight / radius
            depth *= along
            s *= along
            for axis, slope in enumerate((columns, rows, None)):
                n = depth * slope if slope is not None else depth
                n -= s * w[axis]
                n -= along * np.float32(starts[i, axis])
                layer[axis][place] += n
            for channel in range(3):
                layer[3 + channel][place] += weight * np.float32(body.colours[i, channel])
            layer[6][place] += weight
        return near, layer


def _edges(near: Array) -> Array:
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
    key = axes @ LIGHTS.key_direction(axes[2])
    up = axes[:, 1]
    facing = np.clip((normal * toward).sum(0), 0.0, 1.0)
    n_key = np.tensordot(key, normal, 1)
    n_up = np.tensordot(up, normal, 1)
    diffuse = np.clip((n_key + LIGHTS.wrap) / (1.0 + LIGHTS.wrap), 0.0, 1.0)
    # The floor takes light away from what is close to it and faces down.
    near_floor = np.clip(height / 0.5, 0.0, 1.0) * 0.5 + 0.5
    sky = 0.5 + 0.5 * n_up
    ambient = LIGHTS.sky[:, None] * sky + LIGHTS.bounce[:, None] * ((1.0 - sky) * near_floor)
    half = key[:, None] + toward
    half /= np.sqrt((half * half).sum(0))
    gloss = np.clip((half * normal).sum(0), 0.0, 1.0) ** 24
    rim = (1.0 - facing) ** 3 * (0.4 + 0.6 * sky)
    light = LIGHTS.key[:, None] * diffuse + ambient
    return base * light + (LIGHTS.gloss * gloss * diffuse + LIGHTS.rim * rim)


def _screen_boxes(
    starts: Array, ends: Array, body: Capsules, camera: Camera, scale: int
) -> list[tuple[int, int, int, int]]:
    """Pixel boxes (top, bottom, left, right; ends exclusive) of each part at `scale` times the picture's size."""
    width, height = camera.size[0] * scale, camera.size[1] * scale
    focal = camera.focal * scale
    x_low, x_high, y_low, y_high = [], [], [], []
    for centres, radii in ((starts, body.start_radii), (ends, body.end_radii)):
        for axis, low, high in ((0, x_low, x_high), (1, y_low, y_high)):
            side, depth = centres[:, axis], centres[:, 2]
            # Seen along one axis a sphere lies between two tangents; one that reaches behind the eye may be anywhere.
            middle = np.arctan2(side, depth)
            spread = np.arcsin(np.clip(radii / np.maximum(np.hypot(side, depth), 1e-9), 0.0, 1.0))
            low.append(np.tan(np.clip(middle - spread, -1.57, 1.57)))
            high.append(np.tan(np.clip(middle + spread, -1.57, 1.57)))
    clip = lambda v, most: np.clip(v, 0, most).astype(int).tolist()  # noqa: E731
    top = clip(np.floor(0.5 * height - focal * np.maximum(*y_high)) - 1, height)
    bottom = clip(np.ceil(0.5 * height - focal * np.minimum(*y_low)) + 1, height)
    left = clip(np.floor(0.5 * width + focal * np.minimum(*x_low)) - 1, width)
    right = clip(np.ceil(0.5 * width + focal * np.maximum(*x_high)) + 1, width)
    return list(zip(top, bottom, left, right, strict=True))
