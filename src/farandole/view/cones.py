"""Where rays meet rounded cones, all parts of a body at once.

A rounded cone is the hull of two spheres (a, r_a), (b, r_b). With w = b - a, g = r_b - r_a, K = |w|^2 - g^2 its side is the
envelope of the spheres between them, K (|v|^2 - r_a^2) = (w.v + g r_a)^2 for v = p - a, touching the sphere at
s = (w.v + g r_a) / K. Rays through pixels are p = t (x, y, 1) in camera axes, so t is the depth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from farandole.motion.rotations import Array

Part = int | NDArray[np.intp]


class Cones:
    """Rounded cones in camera axes.

    Args:
        starts: Centres of the first spheres, [P, 3] m.
        ends: Centres of the second spheres, [P, 3] m.
        start_radii: [P] m.
        end_radii: [P] m.
    """

    def __init__(self, starts: Array, ends: Array, start_radii: Array, end_radii: Array) -> None:
        a, b = np.array(starts, float), np.array(ends, float)
        ra, rb = np.array(start_radii, float), np.array(end_radii, float)
        w, g = b - a, rb - ra
        k = (w * w).sum(-1) - g * g
        # Where one sphere holds the other, that sphere is all: its quadric is that of a cone without length.
        ball = k <= 1e-9
        last = ball & (g > 0)
        a[last], ra[last] = b[last], rb[last]
        b[ball], rb[ball], w[ball], g[ball], k[ball] = a[ball], ra[ball], 0.0, 0.0, 1.0
        q = (w * a).sum(-1) - g * ra
        inner, outer = (a * a).sum(-1) - ra * ra, (b * b).sum(-1) - rb * rb
        c = k * inner - np.where(ball, 0.0, q * q)
        q[last] = -1.0  # touches at s = 1
        single = lambda v: np.ascontiguousarray(v, np.float32)  # noqa: E731
        self.start, self.end, self.axis = single(a.T), single(b.T), single(w.T)
        self.q, self.k, self.c, self.inner, self.outer = map(single, (q, k, c, inner, outer))
        self.radius, self.growth = single(ra), single(g)

    def hit(self, part: Part, x: Array, y: Array) -> tuple[Array, Array]:
        """First intersection of rays t (x, y, 1), t > 0, with a part: depth t in m and place s in [0, 1] of the touching sphere.

        Args:
            part: Number of the part, one for all rays or one each.
            x: Ray slopes to the right, broadcastable with `y`.
            y: Ray slopes upwards.

        Returns:
            Depth (inf where the ray misses) and place (0 where it misses), both of the broadcast shape.
        """
        dd = x * x + y * y + np.float32(1.0)
        along = lambda v: x * v[0][part] + y * v[1][part] + v[2][part]  # noqa: E731
        wd, ad, q, k = along(self.axis), along(self.start), self.q[part], self.k[part]
        # A t^2 + 2 B t + C = 0
        a = k * dd - wd * wd
        b = wd * q - k * ad
        h = b * b - a * self.c[part]
        root = np.sqrt(np.maximum(h, 0.0))
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
        depth[beyond | (h < 0.0)] = np.inf
        for centre, constant, place in ((ad, self.inner, 0.0), (ad + wd, self.outer, 1.0)):
            h = centre * centre - dd * constant[part]
            cap = np.where(h >= 0.0, (centre - np.sqrt(np.maximum(h, 0.0))) / dd, np.float32(np.inf))
            nearer = cap < depth
            np.copyto(depth, cap, where=nearer)
            s[nearer] = place
        s[depth == np.inf] = 0.0
        return depth, s

    def spans(self, size: tuple[int, int], focal: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Pixels in which each part may be seen: part, row, column of each, [N] (a part's rows in order).

        Args:
            size: Width and height of the picture in pixels.
            focal: Focal length in pixels.
        """
        width, height = size
        x, y, r = ([], [], [])
        for centre, radius in ((self.start, self.radius), (self.end, self.radius + self.growth)):
            depth = np.maximum(
                centre[2] - radius, 0.05
            )  # a sphere's outline is no larger than it would be at its near side
            x.append(0.5 * width + focal * centre[0] / np.maximum(centre[2], 0.05))
            y.append(0.5 * height - focal * centre[1] / np.maximum(centre[2], 0.05))
            r.append(focal * radius / depth + 1.0 + 0.02 * np.abs(focal * radius / depth))
        close = (np.minimum(self.start[2], self.end[2]) - self.radius - np.maximum(self.growth, 0.0)) < 0.3
        top = np.clip(np.floor(np.minimum(y[0] - r[0], y[1] - r[1])), 0, height).astype(np.intp)
        bottom = np.clip(np.ceil(np.maximum(y[0] + r[0], y[1] + r[1])) + 1, 0, height).astype(np.intp)
        behind = np.maximum(self.start[2] + self.radius, self.end[2] + self.radius + self.growth) <= 0.0
        top[close], bottom[close] = 0, height  # reaches the eye: may be anywhere
        bottom[behind] = top[behind]
        part, row = ranges(top, bottom)
        # The spheres between the ends move and grow evenly: those that reach this row are t0 <= t <= t1.
        at, dy, dr = row + 0.5, (y[1] - y[0])[part], (r[1] - r[0])[part]
        t0, t1 = np.zeros(len(row)), np.ones(len(row))
        for sign in (1.0, -1.0):  # sign (at - y(t)) <= r(t)
            slope, room = dr + sign * dy, sign * (at - y[0][part]) - r[0][part]
            with np.errstate(divide="ignore", invalid="ignore"):
                t = room / slope
            t0 = np.where(slope > 1e-9, np.maximum(t0, t), t0)
            t1 = np.where(slope < -1e-9, np.minimum(t1, t), t1)
        t0, t1 = np.clip(t0, 0.0, 1.0), np.clip(t1, 0.0, 1.0)
        empty = t0 > t1 + 1e-6
        ends = [x[0][part] + t * (x[1] - x[0])[part] for t in (t0, t1)]
        wide = [r[0][part] + t * dr for t in (t0, t1)]
        left = np.minimum(ends[0] - wide[0], ends[1] - wide[1])
        right = np.maximum(ends[0] + wide[0], ends[1] + wide[1])
        left = np.clip(np.floor(left), 0, width).astype(np.intp)
        right = np.clip(np.ceil(right) + 1, 0, width).astype(np.intp)
        left[close[part]], right[close[part]] = 0, width
        right[empty & ~close[part]] = left[empty & ~close[part]]
        line, column = ranges(left, np.maximum(right, left))
        return part[line], row[line], column


def ranges(first: NDArray[np.intp], last: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers first[i] .. last[i] - 1 of all i in a row, and the i of each."""
    counts = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + first[which]
