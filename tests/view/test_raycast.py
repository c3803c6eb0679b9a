import numpy as np
import pytest

from farandole.view.camera import Camera, smooth_path, studio_camera
from farandole.view.cones import Cones
from farandole.view.palette import LIGHTS
from farandole.view.raycast import Capsules, body_layer, render
from farandole.view.shadows import shadow_map
from farandole.view.silhouettes import silhouettes

COLOUR = np.array([[0.2, 0.4, 0.6]])


def capsule(start, end, r0, r1):
    a = lambda v: np.array([v], float)  # noqa: E731
    return Capsules(a(start), a(end), np.array([r0]), np.array([r1]), COLOUR)


def hit_depth(start, end, r0, r1, x, y):
    one = lambda v: np.array([v], float)  # noqa: E731
    return Cones(one(start), one(end), one(r0), one(r1)).hit(0, x.astype(np.float32), y.astype(np.float32))


def nearest_of_spheres(start, end, r0, r1, rays, count=20001):
    """The definition: the first hit on any sphere between the two ends."""
    best = np.full(len(rays), np.inf)
    for s in np.linspace(0, 1, count):
        centre, radius = start + s * (end - start), r0 + s * (r1 - r0)
        dd, cd = (rays**2).sum(1), rays @ centre
        h = cd**2 - dd * (centre @ centre - radius**2)
        best = np.where(h >= 0, np.minimum(best, (cd - np.sqrt(np.maximum(h, 0))) / dd), best)
    return best


def test_a_degenerate_cone_is_the_analytic_sphere():
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 61), np.linspace(-0.3, 0.3, 61))
    centre = np.array([0.2, -0.1, 4.0])
    depth, _ = hit_depth(centre, centre, 0.5, 0.5, x, y)
    rays = np.stack((x, y, np.ones_like(x)), -1)
    closest = np.linalg.norm(np.cross(rays, centre), axis=-1) / np.linalg.norm(rays, axis=-1)
    clear = np.abs(closest - 0.5) > 1e-5  # grazing rays may fall on either side
    assert ((closest < 0.5) == np.isfinite(depth))[clear].all()
    hit = np.isfinite(depth) & clear
    on_surface = np.linalg.norm(rays[hit] * depth[hit, None] - centre, axis=-1)
    np.testing.assert_allclose(on_surface, 0.5, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_a_rounded_cone_is_the_union_of_its_spheres(seed):
    rng = np.random.default_rng(seed)
    start, end = rng.uniform(-0.5, 0.5, (2, 3)) + np.array([0, 0, 3.0])
    if seed % 3 == 0:  # looking almost along the axis, where the quadratic turns over
        start, end = np.array([0.02, 0.01, 2.2]), np.array([-0.03, 0.02, 3.3])
    r0, r1 = rng.uniform(0.05, 0.4, 2)
    x, y = np.meshgrid(np.linspace(-0.4, 0.4, 41), np.linspace(-0.4, 0.4, 41))
    depth, s = hit_depth(start, end, r0, r1, x, y)
    expected = nearest_of_spheres(start, end, r0, r1, np.stack((x, y, np.ones_like(x)), -1).reshape(-1, 3), 2001)
    expected = expected.reshape(depth.shape)
    agree = np.isfinite(depth) == np.isfinite(expected)
    assert agree.mean() > 0.995  # the outline itself
    both = np.isfinite(depth) & np.isfinite(expected)
    assert both.any()
    # Where the surface turns away from the ray, 2001 spheres are a coarse hull: allow that, not more.
    error = np.abs(depth[both] - expected[both])
    assert np.percentile(error, 98) < 1e-4
    assert error.max() < 0.02
    assert ((s >= 0) & (s <= 1)).all()


@pytest.mark.parametrize("seed", range(6))
def test_silhouettes_hold_what_is_seen_and_little_else(seed):
    rng = np.random.default_rng(seed)
    size, focal = (160, 120), 150.0
    starts, ends = rng.uniform(-0.8, 0.8, (2, 8, 3)) + np.array([0, 0, 4.0])
    ends[0] = starts[0]
    radii = rng.uniform(0.02, 0.3, (2, 8))
    cones = Cones(starts, ends, *radii)
    outlines = silhouettes(cones, size, focal, margin=0.5)
    x, y = (np.arange(160) + 0.5 - 80) / focal, (60 - 0.5 - np.arange(120)) / focal
    part, row, column = outlines.pixels()
    for p in range(8):
        depth, _ = cones.hit(p, x[None].astype(np.float32), y[:, None].astype(np.float32))
        inside = np.zeros((120, 160), bool)
        inside[row[part == p], column[part == p]] = True
        seen = np.isfinite(depth)
        assert not (seen & ~inside).any()
        assert inside.sum() < 1.35 * seen.sum() + 60
        rows, columns = np.nonzero(np.ones_like(seen))
        np.testing.assert_array_equal(outlines.contain(np.full(len(rows), p), rows, columns), inside.ravel())


def test_a_body_covers_the_pixels_its_projection_says():
    camera = Camera(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 0.0]), (200, 160), 0.5)
    box, colour, alpha = body_layer(capsule((0.3, 1.2, 0.0), (0.3, 1.2, 0.0), 0.2, 0.2), camera)
    assert box is not None
    rows, columns = np.nonzero(alpha > 0.5)
    middle = np.array([columns.mean() + box[1].start + 0.5, rows.mean() + box[0].start + 0.5])
    np.testing.assert_allclose(middle, camera.project(np.array([0.3, 1.2, 0.0])), atol=0.3)
    radius_pixels = camera.focal * 0.2 / np.sqrt(25 - 0.04)
    assert alpha.sum() == pytest.approx(np.pi * radius_pixels**2, rel=0.02)
    assert colour[alpha > 0.99].min() > 0


def test_nothing_in_view_leaves_the_empty_room():
    camera = studio_camera(np.array([0.0, 1.0, 0.0]), (80, 60))
    behind = capsule((0.0, 1.0, 30.0), (0.0, 1.2, 30.0), 0.1, 0.1)
    box, _, _ = body_layer(behind, camera)
    assert box is None
    assert render(behind, camera).shape == (60, 80, 3)


def test_the_nearer_part_hides_the_farther():
    camera = Camera(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 0.0]), (60, 60), 0.5)
    red, blue = [0.9, 0.0, 0.0], [0.0, 0.0, 0.9]
    a, b = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0]]), np.array([[0.0, 1.1, 1.0], [0.0, 1.1, -1.0]])
    for colours, strong in (([red, blue], 0), ([blue, red], 2)):
        picture = render(Capsules(a, b, np.full(2, 0.2), np.full(2, 0.2), np.array(colours)), camera)
        assert picture[28, 30].argmax() == strong


def test_shadows_lie_beneath_low_parts_and_thin_out_with_height():
    light = LIGHTS.key_direction(np.array([0.0, 0.0, -1.0]))

    def darkness(height, x, z):
        a, b = np.array([[-0.2, height, 0.0]]), np.array([[0.2, height, 0.0]])
        shadow = shadow_map(a, b, np.array([0.1]), np.array([0.1]), light)
        return float(shadow.at(np.array(x), np.array(z)))

    assert darkness(0.1, 0.0, 0.0) > 0.5
    assert darkness(1.5, 0.0, 0.0) < 0.05  # the key light is to the side: nothing straight below
    lean = -light / light[1]
    assert 0.05 < darkness(1.5, 1.5 * lean[0], 1.5 * lean[2]) < darkness(0.5, 0.5 * lean[0], 0.5 * lean[2])
    assert darkness(0.1, 0.0, 0.6) == 0.0


def test_smooth_path_keeps_a_still_target_and_calms_a_shaking_one():
    still = np.tile([1.0, 2.0, 3.0], (50, 1))
    np.testing.assert_allclose(smooth_path(still, 30), still)
    shaking = np.random.default_rng(0).standard_normal((300, 3))
    assert smooth_path(shaking, 30).std() < 0.2
    assert smooth_path(still[:1], 30).shape == (1, 3)
