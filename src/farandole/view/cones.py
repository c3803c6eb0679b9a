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
        # What meets the side from outside meets that first; all else may meet the spheres at the ends.
        rest = np.nonzero((depth == np.inf) | narrow)
        part = part if isinstance(part, int) else part[rest]
        dd, ad, wd, best, place = dd[rest], ad[rest], wd[rest], depth[rest], s[rest]
        for centre, constant, end in ((ad, self.inner, 0.0), (ad + wd, self.outer, 1.0)):
            h = centre * centre - dd * constant[part]
            cap = np.where(h >= 0.0, (centre - np.sqrt(np.maximum(h, 0.0))) / dd, np.float32(np.inf))
            nearer = cap < best
            np.copyto(best, cap, where=nearer)
            np.copyto(place, np.float32(end), where=nearer)
        place[best == np.inf] = 0.0
        depth[rest], s[rest] = best, place
        return depth, s
