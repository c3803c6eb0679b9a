"""Where the outlines of rounded cones lie in a picture, row by row: which pixels a part of a body may be seen in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farandole.view.cones import Cones

Indices = NDArray[np.intp]

_NEAR = 0.05
"""Depth at which perspective is evaluated at the nearest, m."""


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """Columns that parts cover in the rows of a picture; a line is one row of one part, those of a part lie together.

    Attributes:
        top: First row of each part, [P].
        first: First line of each part, and the number of all lines, [P + 1].
        left: First column of each line, [L].
        right: Column after its last one, [L].
    """

    top: Indices
    first: Indices
    left: Indices
    right: Indices

    def pixels(self) -> tuple[Indices, Indices, Indices]:
        """Part, row and column of all pixels, [N] each, part by part."""
        part, row = ranges(self.top, self.top + np.diff(self.first))
        line, column = ranges(self.left, self.right)
        return part[line], row[line], column

    def contain(self, part: Indices, row: Indices, column: Indices) -> NDArray[np.bool_]:
        """Which pixels [N] are among those of their part."""
        line = row + (self.first[:-1] - self.top)[part]
        inside = (line >= self.first[part]) & (line < self.first[part + 1])
        line[~inside] = 0
        return inside & (column >= self.left[line]) & (column < self.right[line])


def silhouettes(cones: Cones, size: tuple[int, int], focal: float, *, margin: float) -> Silhouettes:
    """The outline of each part: that of the two spheres at its ends and the straight lines that touch both.

    Args:
        cones: The parts, in camera axes.
        size: Width and height of the picture in pixels.
        focal: Focal length in pixels.
        margin: Pixels around the outline that count as well.
    """
    width, height = size
    discs = []
    for centre, radius in ((cones.start, cones.radius), (cones.end, cones.radius + cones.growth)):
        depth = np.maximum(centre[2], _NEAR)
        # A sphere's outline is no larger than it would be at its near side, but for its stretch away from the middle.
        reach = focal * radius / np.maximum(centre[2] - radius, _NEAR)
        discs.append(
            (0.5 * width + focal * centre[0] / depth, 0.5 * height - focal * centre[1] / depth, 1.02 * reach + margin)
        )
    (xa, ya, ra), (xb, yb, rb) = discs
    nearest = np.minimum(cones.start[2], cones.end[2]) - cones.radius - np.maximum(cones.growth, 0.0)
    everywhere = nearest < 0.3  # reaches the eye: may be anywhere
    behind = np.maximum(cones.start[2] + cones.radius, cones.end[2] + cones.radius + cones.growth) <= 0.0
    top = np.clip(np.floor(np.minimum(ya - ra, yb - rb)), 0, height).astype(np.intp)
    bottom = np.clip(np.ceil(np.maximum(ya + ra, yb + rb)) + 1, 0, height).astype(np.intp)
    top[everywhere], bottom[everywhere] = 0, height
    bottom[behind] = top[behind]
    bottom = np.maximum(bottom, top)
    part, row = ranges(top, bottom)
    y = row + 0.5
    left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    for x, middle, radius in discs:
        square = radius[part] ** 2 - (y - middle[part]) ** 2
        half = np.where(square >= 0.0, np.sqrt(np.maximum(square, 0.0)), -np.inf)
        left, right = np.minimum(left, x[part] - half), np.maximum(right, x[part] + half)
    dx, dy = xb - xa, yb - ya
    length = np.maximum(np.hypot(dx, dy), 1e-9)
    along = np.clip((ra - rb) / length, -1.0, 1.0)  # of the normals of the touching lines, along the axis
    across = np.sqrt(1.0 - along * along)
    for side in (1.0, -1.0):
        nx, ny = (along * dx - side * across * dy) / length, (along * dy + side * across * dx) / length
        begin_y, end_y = ya + ra * ny, yb + rb * ny
        begin_x, rise = xa + ra * nx, end_y - begin_y
        slope = np.where(np.abs(rise) > 1e-9, xb + rb * nx - begin_x, 0.0) / np.where(np.abs(rise) > 1e-9, rise, 1.0)
        x = begin_x[part] + (y - begin_y[part]) * slope[part]
        touched = (y >= np.minimum(begin_y, end_y)[part]) & (y <= np.maximum(begin_y, end_y)[part])
        left, right = np.where(touched, np.minimum(left, x), left), np.where(touched, np.maximum(right, x), right)
    left[everywhere[part]], right[everywhere[part]] = 0, width
    none = left > right
    left[none], right[none] = 0, 0
    first = np.concatenate(((0,), np.cumsum(bottom - top)))
    # Pixel c is seen at c + 0.5.
    begin, end = np.ceil(left - 0.5), np.floor(right - 0.5) + 1
    begin[none], end[none] = 0, 0
    return Silhouettes(top, first, np.clip(begin, 0, width).astype(np.intp), np.clip(end, 0, width).astype(np.intp))


def ranges(first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """Numbers first[i] .. last[i] - 1 of all i in a row, and the i of each."""
    counts = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) + np.repeat(first - np.cumsum(counts) + counts, counts)
