"""Landing feet, and the same movement at other times."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.groove_clips import groove_clip
from farandole.motion import rotations as rot
from farandole.motion.footfalls import foot_speeds, landings
from farandole.motion.time_warp import monotone_cubic, turns_at, values_at, warped


def test_a_foot_lands_where_it_comes_to_rest_and_is_as_strong_as_it_was_fast():
    fps, times = 120.0, np.arange(0, 4, 1 / 120.0)
    step = np.clip(np.sin(np.pi * times), 0, None)  # fast in every other second: 0-1 s and 2-3 s
    feet = np.stack((step, np.zeros_like(step)), axis=1)
    at, strength = landings(feet, fps)
    limit = 0.3 * np.percentile(step, 90)
    np.testing.assert_allclose(at, 1 - np.arcsin(limit) / np.pi + np.array([0.0, 2.0]), atol=2e-3)
    np.testing.assert_allclose(strength, np.sin(np.pi * (at % 1 - 0.3)).clip(0.5), atol=0.05)
    assert not len(landings(np.zeros((30, 2)), fps)[0])


def test_groove_lands_on_its_beats():
    clip = groove_clip(2)
    times, _ = landings(foot_speeds(clip.motion), clip.motion.fps)
    count = np.interp(times, np.arange(len(clip.motion)) / clip.motion.fps, clip.count)
    assert abs(np.exp(2j * np.pi * count).mean()) > 0.9


def test_warping_shows_frames_at_other_times():
    motion = groove_clip(0).motion.slice(0, 60)
    same = warped(motion, np.arange(60))
    np.testing.assert_allclose(same.rotations, motion.rotations, atol=1e-12)
    np.testing.assert_array_equal(same.root_positions, motion.root_positions)
    backwards = warped(motion, np.arange(59, -1, -1))
    np.testing.assert_allclose(backwards.positions, motion.positions[::-1], atol=1e-9)
    beyond = warped(motion, np.array([-30.0, 2970.0]))
    np.testing.assert_allclose(beyond.root_positions, motion.root_positions[[0, -1]], atol=1e-12)


def test_the_curve_meets_its_points_is_smooth_and_does_not_overshoot():
    scipy = pytest.importorskip("scipy.interpolate")
    random = np.random.default_rng(0)
    x, y = np.sort(random.uniform(0, 9, 12)), random.normal(size=12)
    at = np.linspace(x[0], x[-1], 2000)
    curve = monotone_cubic(at, x, y)
    np.testing.assert_allclose(monotone_cubic(x, x, y), y, atol=1e-12)
    inner = (at > x[1]) & (at < x[-2])  # the ends have other tangents there
    np.testing.assert_allclose(curve[inner], scipy.PchipInterpolator(x, y)(at)[inner], atol=1e-9)
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, 10)
    assert (curve <= np.maximum(y[k], y[k + 1]) + 1e-9).all()
    assert (curve >= np.minimum(y[k], y[k + 1]) - 1e-9).all()


def test_between_frames_values_go_smoothly_and_turns_by_the_short_way_whatever_their_signs():
    values = np.random.default_rng(0).normal(size=(80, 3))
    np.testing.assert_array_equal(values_at(values, np.arange(80)), values)
    np.testing.assert_allclose(values_at(values, np.arange(80) + 3.0)[:-4], values[3:-1])
    turns = rot.from_rotvec(np.linspace(0, 2, 80)[:, None, None] * np.array([0.0, 1.0, 0.0]))
    turns[::3] *= -1.0
    half = turns_at(turns, np.arange(80) + 0.5)[:-1]
    np.testing.assert_allclose(np.linalg.norm(half, axis=-1), 1.0)
    angles = np.linalg.norm(rot.to_rotvec(half), axis=-1)[:, 0]
    np.testing.assert_allclose(angles[1:-1], (np.arange(1, 78) + 0.5) * 2 / 79, atol=1e-3)


def test_long_motions_are_warped_in_parts_that_are_not_seen():
    frames = 9000  # more than two parts
    turns = rot.from_rotvec(np.random.default_rng(0).normal(size=(frames, 2, 3)))
    place = np.sort(np.random.default_rng(1).uniform(0, frames - 1, frames))
    whole = turns_at(turns, place)
    assert whole.shape == turns.shape
    assert np.array_equal(whole[4000:4200], turns_at(turns, place[4000:4200]))
    assert np.array_equal(whole[-100:], turns_at(turns, place[-100:]))
