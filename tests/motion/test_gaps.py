"""What in-between models are told: the same wherever a body stands and faces; and their answer becomes motion again."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.groove.dancer import steady_groove
from farandole.motion import rotations as rot
from farandole.motion.dance_codec import STILL_JOINTS
from farandole.motion.gaps import FAR, GapCodec, Neighbours, bend, bridge
from farandole.motion.interpolation import REACH
from farandole.motion.kinematics import forward


@pytest.fixture(scope="module")
def motion():
    dance = steady_groove(120.0, 6.0, seed=1).slice(100, 160)
    local = dance.rotations.copy()
    local[:, [dance.skeleton.index(n) for n in STILL_JOINTS]] = rot.identity()
    return replace(dance, rotations=local)


@pytest.fixture(scope="module")
def codec(motion):
    return GapCodec.fit(motion.skeleton, motion.fps, [motion.rotations])


@pytest.fixture(scope="module")
def keep(motion):
    keep = np.zeros((1, len(motion)), bool)
    keep[0, [*range(10), 31, 32, 59]] = True
    return keep


def test_neighbours_and_what_has_none():
    near = Neighbours.of(np.array([[False, True, False, False, True, False]]))
    assert near.before.tolist() == [[1, 1, 1, 1, 4, 4]]
    assert near.after.tolist() == [[1, 1, 4, 4, 4, 4]]
    assert near.to_before.tolist() == [[FAR, 0, 1, 2, 0, 1]]
    assert near.to_after.tolist() == [[1, 0, 2, 1, 0, FAR]]
    np.testing.assert_allclose(near.share, [[0, 0, 1 / 3, 2 / 3, 0, 0]])
    assert (near.window[0, [1, 4]] == 0).all()
    assert (near.window[0, [0, 2, 3, 5]] > 0).all()


def test_the_guess_is_the_benchmarks_interpolation(motion, keep):
    from farandole.evaluation.gaps.benchmark_windows import Clips, interpolate_keyframes

    local, roots = bridge(motion.rotations[None], motion.root_positions[None], Neighbours.of(keep))
    wanted = interpolate_keyframes(Clips(motion.rotations[None], motion.root_positions[None]), keep[0])
    np.testing.assert_allclose(roots, wanted.root_positions, atol=1e-12)
    # The benchmark's arcs are straight where they are short.
    assert rot.angle_between(local, wanted.rotations).max() < 2e-3


@pytest.mark.parametrize("patterns", ["alike", "different"])
def test_the_curved_guess_is_that_of_the_formula(motion, keep, patterns):
    from farandole.motion.interpolation import hermite_between

    other = np.roll(keep, 1, axis=1) if patterns == "different" else keep
    both = np.concatenate((keep, other))
    q, p = (np.stack((x, x)) for x in (motion.rotations, motion.root_positions))
    local, roots = bend(*bridge(q, p, Neighbours.of(both)), both, REACH * motion.fps)
    for n, kept in enumerate(both):
        between = slice(int(kept.argmax()), len(kept) - int(kept[::-1].argmax()))
        wanted = hermite_between(motion, kept)
        np.testing.assert_allclose(roots[n, between], wanted.root_positions[between], atol=1e-9)
        assert rot.angle_between(local[n], wanted.rotations)[between].max() < 1e-6


def test_missing_frames_do_not_matter(motion, codec, keep):
    rng = np.random.default_rng(0)
    q, p = motion.rotations[None].copy(), motion.root_positions[None].copy()
    told = codec.encode(q, p, keep)
    q[~keep], p[~keep] = rot.normalize(rng.normal(size=q[~keep].shape)), rng.normal(size=p[~keep].shape)
    np.testing.assert_array_equal(codec.encode(q, p, keep).features, told.features)


def test_features_know_neither_place_nor_heading(motion, codec, keep):
    turn, way = rot.from_yaw(2.1), np.array([3.0, 0.0, -40.0])
    q = motion.rotations.copy()
    q[:, 0] = rot.multiply(np.broadcast_to(turn, q[:, 0].shape), q[:, 0])
    moved = rot.rotate(turn, motion.root_positions) + way
    told = codec.encode(motion.rotations[None], motion.root_positions[None], keep)
    elsewhere = codec.encode(q[None], moved[None], keep)
    assert told.features.shape == (1, len(motion), codec.dim)
    np.testing.assert_allclose(elsewhere.features, told.features, atol=2e-5)


def test_an_answer_that_is_the_truth_gives_the_truth(motion, codec, keep):
    q, p = motion.rotations[None], motion.root_positions[None]
    told = codec.encode(q, p, keep)
    positions, world = forward(motion.skeleton, q, p)
    back = rot.inverse(told.heading)
    turns = rot.to_6d(rot.multiply(np.broadcast_to(back[..., None, :], world.shape), world))
    local, roots = codec.decode(told, turns * 1.7, rot.rotate(back, p - told.roots))  # 6D need not be of length one
    again, _ = forward(motion.skeleton, local, roots)
    np.testing.assert_allclose(again, positions, atol=1e-6)


def test_still_joints_keep_the_guess(motion, codec, keep):
    rng = np.random.default_rng(1)
    told = codec.encode(motion.rotations[None], motion.root_positions[None], keep)
    assert [motion.skeleton.names[j] for j in codec.still] == [
        "LeftShoulder", "RightShoulder", "LeftToeBase", "RightToeBase",
    ]  # fmt: skip
    local, _ = codec.decode(told, rng.normal(size=(1, len(motion), 21, 6)), np.zeros((1, len(motion), 3)))
    assert rot.angle_between(local, told.local)[..., list(codec.still)].max() < 1e-6
    np.testing.assert_allclose(np.linalg.norm(local, axis=-1), 1.0, atol=1e-9)


def test_settings_come_back(codec):
    again = GapCodec.from_json(codec.to_json(), codec.skeleton, codec.fps)
    assert again.still == codec.still
    assert again.reach == codec.reach
    np.testing.assert_array_equal(again.upright, codec.upright)
