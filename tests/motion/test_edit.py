"""Mirror, join, ground, place, smooth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from other_bodies import bones_in_a_row

from farandole.errors import FrameRateError, MotionError
from farandole.motion import edit
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import read_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget

HOUSE = house_skeleton()


@pytest.fixture(scope="module")
def dance() -> Motion:
    return retarget(read_bvh(Path(__file__).parent / "data" / "synthetic_dancer.bvh"), HOUSE)


def swapped(motion: Motion) -> np.ndarray:
    names = [n.replace("Left", "*").replace("Right", "Left").replace("*", "Right") for n in HOUSE.names]
    return motion.positions[:, [HOUSE.index(n) for n in names]]


def test_mirror_swaps_sides_and_is_its_own_inverse(dance: Motion) -> None:
    other = edit.mirror(dance)
    np.testing.assert_allclose(other.positions, swapped(dance) * [-1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(edit.mirror(other).positions, dance.positions, atol=1e-12)


@pytest.mark.recordings
def test_mirror_of_a_recorded_body_with_bones_in_a_row(shared: Path) -> None:
    motion = read_bvh(shared / "data" / "bvh-zoo" / "bandai_unrounded_respond.bvh")
    other = edit.mirror(motion)
    for a, b in (("Hand_L", "Hand_R"), ("Foot_R", "Foot_L"), ("Head", "Head"), ("Hips", "Hips")):
        left, right = motion.skeleton.index(a), motion.skeleton.index(b)
        np.testing.assert_allclose(other.positions[:, left], motion.positions[:, right] * [-1, 1, 1], atol=0.04)


def test_mirror_of_bodies_with_bones_in_a_row(dance: Motion) -> None:
    row = bones_in_a_row(dance)
    np.testing.assert_allclose(row.positions, dance.positions, atol=1e-9)
    apart = np.linalg.norm(edit.mirror(row).positions - swapped(dance) * [-1, 1, 1], axis=-1)
    assert apart.max() < 0.06  # shoulders have no frame of their own: they follow the chest
    assert apart.mean() < 0.02


def jolt(motion: Motion) -> np.ndarray:
    return np.linalg.norm(np.diff(motion.positions, 2, axis=0), axis=-1).max(axis=1) * motion.fps**2


def test_joined_motions_go_on_without_a_jump(dance: Motion) -> None:
    a, b = dance.slice(0, 100), edit.move(edit.turn(dance.slice(130, 230), 2.0), [3.0, 0.0, -1.0])
    joined = edit.concatenate([a, b], blend=0.4)
    assert len(joined) == 200
    np.testing.assert_allclose(joined.positions[:100], a.positions)
    assert jolt(joined).max() < 2.0 * max(jolt(a).max(), jolt(b).max())
    assert jolt(joined).max() < 0.2 * jolt(edit.concatenate([a, b], blend=0.0)).max()
    # After the blend it is the second motion again, turned and moved.
    turned = edit.turn(b, float(edit.heading(joined)[-1] - edit.heading(b)[-1]))
    shift = joined.positions[-1, 0] - turned.positions[-1, 0]
    np.testing.assert_allclose(joined.positions[125:], turned.positions[25:] + shift, atol=1e-6)
    assert abs(shift[1]) < 1e-9


def test_joining_needs_the_same_body_and_rate(dance: Motion) -> None:
    with pytest.raises(MotionError, match="at least one"):
        edit.concatenate([])
    with pytest.raises(FrameRateError):
        edit.concatenate([dance, dance.resample(20.0)])
    with pytest.raises(MotionError, match="another skeleton"):
        edit.concatenate([dance, retarget(dance, HOUSE.scaled(1.1))])
    assert edit.concatenate([dance]) is dance


def test_ground_finds_the_floor_under_jumps_and_outliers() -> None:
    height = np.zeros(300)
    height[100:120] = 0.3 * np.sin(np.linspace(0, np.pi, 20))  # a jump
    height[200] = -0.5  # one broken frame
    root = np.zeros((300, 3))
    root[:, 1] = HOUSE.offsets[0, 1] + 0.37 + height
    standing = Motion(HOUSE, rot.identity(300, 21), root, 30.0)
    lowest = edit.sole_heights(edit.ground(standing)).min(axis=1)
    assert abs(np.median(lowest)) < 1e-9
    assert edit.ground(standing).positions[:, :, 1].min() == pytest.approx(-0.5 + 0.0137, abs=0.01)


def test_place_starts_over_the_origin_facing_forward(dance: Motion) -> None:
    placed = edit.place(edit.move(edit.turn(dance, 1.3), [5.0, 0.0, 2.0]))
    np.testing.assert_allclose(placed.positions[0, 0, [0, 2]], 0.0, atol=1e-9)
    assert edit.heading(placed)[0] == pytest.approx(0.0, abs=1e-9)


def test_smooth_calms_and_keeps_the_length(dance: Motion) -> None:
    noise = rot.from_rotvec(np.random.default_rng(0).normal(size=(len(dance), 21, 3)) * 0.05)
    shaky = Motion(HOUSE, rot.multiply(dance.rotations, noise), dance.root_positions, dance.fps)
    calm = edit.smooth(shaky, 0.05)
    assert len(calm) == len(dance)
    assert jolt(calm).mean() < 0.2 * jolt(shaky).mean()
    assert edit.smooth(dance, 0.0) is dance
    with pytest.raises(MotionError):
        edit.smooth(dance, -1.0)
