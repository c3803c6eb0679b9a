"""Soft shadows of rounded cones on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from farandole.motion.rotations import Array
from farandole.view.silhouettes import ranges

CELL = 0.025
"""Spacing of shadow maps, m."""

_SOFT = 4.5
"""Cells of softness from which on a shadow is worked out for every other cell each way, and interpolated between them."""


@dataclass(frozen=True, eq=False)
class Shadow:
    """Darkness in [0, 1] on the floor: map [Nz, Nx], its first cell's x and z in m, spacing in m."""

    darkness: Array
    origin: tuple[float, float]
    cell: float = CELL

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
    places = np.stack((starts, ends))[..., [0, 2]]  # [2, P, 2] m
    heights = np.maximum(np.stack((starts, ends))[..., 1], 0.0)
    radii = np.stack((start_radii, end_radii))
    cast = places + heights[..., None] * lean
    margin = 0.6
    low, high = (f(np.concatenate((cast, places)), (0, 1)) for f in (np.min, np.max))
    low = np.floor((low - margin) / CELL) * CELL
    high = np.minimum(high + margin, low + 20.0)  # bodies far apart: what lies beyond 20 m goes without shadow
    near = heights.min(0) < 0.45
    contact = 0.75 * (1.0 - heights.min(0)[near] / 0.45) ** 2
    segments = _Segments(
        np.concatenate((cast, places[:, near]), 1) - low,
        np.concatenate((radii, radii[:, near]), 1),
        np.concatenate((0.035 + 0.16 * heights, 0.03 + 0.5 * heights[:, near]), 1),
        np.concatenate((np.full(len(starts), 0.42), contact)),
    )
    rows, columns = np.ceil((high - low) / CELL).astype(int)[::-1] // 2 + 1
    blurred = segments.soft.min(0) >= _SOFT * CELL
    light_left = _doubled(segments.only(blurred).light((rows + 1, columns + 1), 2.0 * CELL))
    light_left = light_left[: 2 * rows, : 2 * columns] * segments.only(~blurred).light((2 * rows, 2 * columns), CELL)
    return Shadow(1.0 - light_left, (float(low[0]), float(low[1]))).cropped()


@dataclass(frozen=True, eq=False)
class _Segments:
    """Segments on the floor with a shadow each: ends [2, S, 2] m from the map's corner, radii and softness at the ends [2, S] m,
    strength [S].
    """

    ends: Array
    radii: Array
    soft: Array
    strength: Array

    def only(self, chosen: np.ndarray) -> _Segments:
        """Some of them, by mask [S]."""
        return _Segments(self.ends[:, chosen], self.radii[:, chosen], self.soft[:, chosen], self.strength[chosen])

    def light(self, shape: tuple[int, int], cell: float) -> Array:
        """What they leave of the light at the points of a grid, float32 [Nz, Nx]."""
        reach = self.radii.max(0) + self.soft.max(0)
        first, last = (
            np.clip(np.ceil(v / cell), 0, shape[::-1]).astype(np.intp)
            for v in (self.ends.min(0) - reach[:, None], self.ends.max(0) + reach[:, None])
        )
        segment, row = ranges(first[:, 1], last[:, 1])
        line, column = ranges(first[segment, 0], last[segment, 0])
        segment, row = segment[line], row[line]
        of_each = lambda v: np.asarray(v, np.float32)[segment]  # noqa: E731
        single = np.float32
        along = self.ends[1] - self.ends[0]
        wx, wz = of_each(along[:, 0]), of_each(along[:, 1])
        x = column.astype(single) * single(cell) - of_each(self.ends[0, :, 0])
        z = row.astype(single) * single(cell) - of_each(self.ends[0, :, 1])
        s = np.clip((x * wx + z * wz) * of_each(1.0 / np.maximum((along * along).sum(1), 1e-9)), 0.0, 1.0)
        x -= s * wx
        z -= s * wz
        distance = np.sqrt(x * x + z * z)
        soft = of_each(self.soft[0]) + s * of_each(self.soft[1] - self.soft[0])
        radius = of_each(self.radii[0]) + s * of_each(self.radii[1] - self.radii[0])
        # Cover falls from 1 to 0 while the distance goes from radius - soft to radius + soft.
        cover = np.clip((radius - distance + soft) / soft * single(0.5), 0.0, 1.0)
        cover *= cover * (single(3.0) - single(2.0) * cover)
        # An edge softer than the part is wide also takes its core away.
        cover *= np.minimum((radius + single(0.02)) / soft, 1.0) * of_each(self.strength)
        dark = np.bincount(row * shape[1] + column, np.log1p(-cover), shape[0] * shape[1])
        return np.exp(dark.astype(single)).reshape(shape)


def _doubled(picture: Array) -> Array:
    """Values [N, M] on a grid -> on one of half the spacing from the same corner, [2 N - 1, 2 M - 1]."""
    for _ in range(2):
        fine = np.empty((2 * len(picture) - 1, picture.shape[1]), picture.dtype)
        fine[::2] = picture
        fine[1::2] = 0.5 * (picture[:-1] + picture[1:])
        picture = fine.T
    return picture
