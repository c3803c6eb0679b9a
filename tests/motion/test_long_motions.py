"""Long motions are worked on and written in pieces: what comes out is that of all at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.generation.partial import PartialMotion
from farandole.motion import dance_codec, filters, kinematics, time_warp
from farandole.motion import rotations as rot
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.files.bvh import bvh_writer
from farandole.motion.files.bvh.bvh_writer import render_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.view import page


@pytest.fixture
def tumbling() -> Motion:
    """A body that turns all around in every joint: angles wrap, signs flip."""
    body, random = house_skeleton(), np.random.default_rng(0)
    turns = np.cumsum(0.2 * random.standard_normal((130, len(body), 3)), axis=0)
    flips = np.where(random.random((130, len(body), 1)) < 0.1, -1.0, 1.0)
    root = np.cumsum(0.02 * random.standard_normal((130, 3)), axis=0) + np.array([0.0, 1.0, 0.0])
    return Motion(body, flips * rot.from_rotvec(turns), root, 30.0)


def test_bvh_is_the_same_text_however_it_is_cut(tumbling: Motion, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = render_bvh(tumbling)
    monkeypatch.setattr(bvh_writer, "_AT_ONCE", 37)
    assert render_bvh(tumbling) == whole


def test_pages_are_the_same_text_however_they_are_cut(tumbling: Motion, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = page.page_html([tumbling])
    monkeypatch.setattr(page, "_AT_ONCE", 37)
    assert page.page_html([tumbling]) == whole


def test_a_dance_that_is_not_made_yet_takes_no_memory() -> None:
    still = PartialMotion.unknown(7200.0, 30.0).motion
    assert len(still) == 216_000
    assert still.rotations.strides[0] == 0


def test_filters_are_the_same_numbers_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).normal(size=(101, 3))
    for mode in ("nearest", "reflect"):
        whole = filters.gaussian_filter1d(x, 4.0, axis=0, mode=mode)
        with monkeypatch.context() as patch:
            patch.setattr(filters, "_AT_ONCE", 20)
            np.testing.assert_array_equal(filters.gaussian_filter1d(x, 4.0, axis=0, mode=mode), whole)


def test_speeds_and_turns_are_the_same_in_parts(tumbling: Motion, monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = np.linalg.norm(tumbling.velocities, axis=-1)
    place = np.random.default_rng(2).uniform(-3, 140, 90)
    turns = time_warp.turns_at(tumbling.rotations, place)
    monkeypatch.setattr(kinematics, "PART", 40)
    fresh = replace(tumbling)  # remembers no world poses
    np.testing.assert_array_equal(fresh.speeds, speeds)
    np.testing.assert_array_equal(time_warp.turns_at(tumbling.rotations, place), turns)


def test_a_long_dance_is_held_in_single_precision_and_hardly_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = DanceCodec()
    features = np.random.default_rng(3).normal(size=(60, codec.dim)).astype(np.float32)
    whole = codec.decode(features, heading=0.3)
    monkeypatch.setattr(dance_codec, "LONG", 59)
    long = codec.decode(features, heading=0.3)
    assert whole.rotations.dtype == np.float64
    assert long.rotations.dtype == np.float32
    np.testing.assert_allclose(long.rotations, whole.rotations, atol=1e-7)
    np.testing.assert_array_equal(long.root_positions, whole.root_positions)
