"""Laws of rotations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farandole.motion import rotations as rot

ORDERS = ["".join(p) for p in permutations("XYZ")]
seeds = st.integers(0, 2**31 - 1)


def some(seed: int, count: int = 20) -> np.ndarray:
    return rot.normalize(np.random.default_rng(seed).normal(size=(count, 4)))


def close(a: np.ndarray, b: np.ndarray, within: float = 1e-7) -> bool:
    return bool(rot.angle_between(a, b).max() < within)


@given(seeds)
def test_product_is_composition(seed: int) -> None:
    a, b = some(seed), some(seed + 1)
    v = np.random.default_rng(seed).normal(size=(20, 3))
    np.testing.assert_allclose(rot.rotate(rot.multiply(a, b), v), rot.rotate(a, rot.rotate(b, v)), atol=1e-12)
    assert close(rot.multiply(a, rot.inverse(a)), rot.identity(20))


@given(seeds)
def test_representations_round_trip(seed: int) -> None:
    q = some(seed)
    assert close(rot.from_matrix(rot.to_matrix(q)), q)
    assert close(rot.from_rotvec(rot.to_rotvec(q)), q)
    assert close(rot.from_6d(rot.to_6d(q)), q)
    v = np.random.default_rng(seed).normal(size=(20, 3))
    np.testing.assert_allclose(np.einsum("nij,nj->ni", rot.to_matrix(q), v), rot.rotate(q, v), atol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
@given(seed=seeds)
def test_euler_angles_round_trip(order: str, seed: int) -> None:
    q = some(seed)
    assert close(rot.from_euler(rot.to_euler(q, order), order), q)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle", [0.5 * np.pi, -0.5 * np.pi, 0.5 * np.pi - 1e-10])
def test_euler_angles_at_gimbal_lock(order: str, middle: float) -> None:
    q = rot.from_euler([0.4, middle, -1.1], order)
    assert close(rot.from_euler(rot.to_euler(q, order), order), q)


@pytest.mark.parametrize("order", [*ORDERS, "X", "YZ", "ZXZ", "XYX"])
def test_euler_order_is_intrinsic(order: str) -> None:
    angles = np.random.default_rng(0).normal(size=(9, len(order)))
    expected = rot.identity(9)
    for n, letter in enumerate(order):
        expected = rot.multiply(expected, rot.from_axis_angle(np.eye(3)["XYZ".index(letter)], angles[:, n]))
    np.testing.assert_allclose(rot.from_euler(angles, order), expected, atol=1e-14)


@given(seeds)
def test_between_takes_one_direction_to_the_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    u, v = rot.normalize(random.normal(size=(2, 20, 3)))
    v[0] = -u[0]
    np.testing.assert_allclose(rot.rotate(rot.between(u, v), u), v, atol=1e-7)


def test_small_rotation_vectors_keep_their_digits() -> None:
    v = np.array([[1e-9, -2e-9, 3e-9], [0.0, 0.0, 0.0], [1e-5, 0.0, 0.0]])
    np.testing.assert_allclose(rot.to_rotvec(rot.from_rotvec(v)), v, rtol=1e-9, atol=1e-24)


def test_slerp_is_even_and_unroll_keeps_the_rotation() -> None:
    a, b = rot.identity(1), rot.from_axis_angle([0.0, 1.0, 0.0], [2.0])
    np.testing.assert_allclose(rot.angle_between(a, rot.slerp(a, -b, np.array([0.25]))), 0.5, atol=1e-12)
    q = some(3, 50) * np.random.default_rng(0).choice([-1.0, 1.0], (50, 1))
    smooth = rot.unroll(q)
    assert close(smooth, q)
    assert ((smooth[1:] * smooth[:-1]).sum(-1) >= 0).all()
