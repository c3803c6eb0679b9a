"""Filters over time give scipy's numbers, bit for bit."""

import numpy as np
import pytest
from scipy import ndimage

from farandole.motion.filters import gaussian_filter1d, maximum_filter1d, minimum_filter1d


@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize(("shape", "axis"), [((1800,), 0), ((300, 21, 3), 0), ((2,), 0), ((1, 4), 0), ((3, 40), -1)])
@pytest.mark.parametrize(("sigma", "truncate"), [(6.0, 4.0), (1.7, 3.0), (0.4, 4.0), (11.3, 4.0)])
def test_gaussian(mode, shape, axis, sigma, truncate) -> None:
    x = np.random.default_rng(3).standard_normal(shape)
    expected = ndimage.gaussian_filter1d(x, sigma, axis=axis, mode=mode, truncate=truncate)
    np.testing.assert_array_equal(gaussian_filter1d(x, sigma, axis, mode=mode, truncate=truncate), expected)


@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 31])
@pytest.mark.parametrize("count", [1, 5, 200])
def test_smallest_and_largest(mode, size, count) -> None:
    x = np.random.default_rng(4).standard_normal(count)
    np.testing.assert_array_equal(minimum_filter1d(x, size, mode=mode), ndimage.minimum_filter1d(x, size, mode=mode))
    np.testing.assert_array_equal(maximum_filter1d(x, size, mode=mode), ndimage.maximum_filter1d(x, size, mode=mode))
