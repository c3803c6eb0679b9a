"""What a model of one body, rate and window adds to motions of others: it reaches them, and fades out at known frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.errors import RetargetError
from farandole.generation.bodies import end_of, fill_with, joined, kept_at
from farandole.generation.inbetween import fill_kept
from farandole.generation.patterns import kept_frames
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.interpolation import hermite_between, without_jumps
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton


class Lively:
    """A network that knows nothing: it adds to whatever it gets, with a kink at every kept frame."""

    def __init__(self, window: int = 64, fps: float = 30.0) -> None:
        self.skeleton, self.fps, self.window = house_skeleton(), fps, window
        self.seen: list[int] = []

    def fill_gaps(self, rotations, root_positions, known, *, first=0):
        self.seen.append(len(known))
        assert known[0]
        assert known[-1]
        near = np.abs(np.arange(len(known))[:, None] - np.flatnonzero(known)).min(axis=1)
        swing = rot.from_rotvec(0.1 * np.minimum(near, 5)[:, None, None] * np.array([0.0, 0.0, 0.5]))
        q = rotations.copy()
        arm = self.skeleton.index("LeftArm")
        q[:, arm] = rot.multiply(q[:, arm], swing[:, 0])
        return q, root_positions + 0.01 * np.minimum(near, 5)[:, None]


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 120.0])
def test_what_a_network_adds_reaches_another_body_at_its_own_rate(take: Motion, fps: float) -> None:
    tall = retarget(take, house_skeleton().scaled(1.2)).resample(fps)
    kept = kept_frames(len(tall), every=round(fps * 0.7))
    base = hermite_between(tall, kept)
    filler = Lively()
    made = fill_with(filler, base, kept)
    assert len(made) == len(tall)
    assert made.fps == fps
    np.testing.assert_array_equal(made.rotations[kept], tall.rotations[kept])
    np.testing.assert_allclose(made.root_positions[kept], tall.root_positions[kept], atol=1e-12)
    assert max(filler.seen) <= filler.window
    arm = tall.skeleton.index("LeftArm")
    turned = rot.angle_between(base.rotations[:, arm], made.rotations[:, arm])
    assert turned.max() == pytest.approx(0.25, abs=0.05)
    others = rot.angle_between(base.rotations, made.rotations)
    others[:, arm] = 0
    assert others.max() < 1e-3
    assert np.linalg.norm(made.root_positions - base.root_positions, axis=1).max() > 0.04


class Oracle:
    """A network that knows the truth, on the house skeleton."""

    def __init__(self, truth: Motion, window: int = 80) -> None:
        self.truth, self.window = truth, window
        self.skeleton, self.fps = truth.skeleton, truth.fps

    def fill_gaps(self, rotations, root_positions, known, *, first=0):
        """It is told where the window begins; the pose there is the truth's."""
        away = np.abs(self.truth.rotations - rotations[0]).sum(axis=(1, 2))
        assert int(np.argmin(away)) == first
        part = self.truth.slice(first, first + len(known))
        return part.rotations, part.root_positions


def test_a_network_that_knows_the_truth_gives_the_truth(take: Motion) -> None:
    body = Skeleton(  # other proportions, an extra joint, other names
        [f"mixamorig:{n}" for n in take.skeleton.names] + ["tail"],
        [*take.skeleton.parents, 0],
        np.concatenate((take.skeleton.offsets * [1.1, 0.9, 1.1], [[0.0, 0.0, -0.1]])),
    )
    truth = retarget(take, body)
    kept = kept_frames(len(truth), every=20)
    base = hermite_between(truth, kept)
    made = fill_with(Oracle(retarget(truth, take.skeleton)), base, kept)
    error = lambda m: np.linalg.norm(m.positions - truth.positions, axis=-1)[~kept].mean()  # noqa: E731
    assert error(made) < 0.15 * error(base)


def test_jumps_of_speed_at_kept_frames_are_taken_out() -> None:
    kept = kept_frames(60, keep=[0, 20, 21, 22, 40, 59])
    known = np.flatnonzero(kept)
    near = np.abs(np.arange(60)[:, None] - known).min(axis=1).astype(float)
    smooth = without_jumps(near[:, None].copy(), kept, 6.0)[:, 0]
    np.testing.assert_array_equal(smooth[kept], 0)
    np.testing.assert_allclose(smooth[[19, 23]], 0, atol=1e-12)  # beside kept neighbours: no speed
    assert abs(smooth[41] + smooth[39]) < 1e-12  # a lone key frame: the same speed on both sides
    assert smooth[1] == 1.0  # nothing comes before the first frame
    np.testing.assert_allclose(smooth[7:14], near[7:14])


def test_patterns_at_another_rate() -> None:
    kept = kept_frames(61, keep=[0, 30, 31, 32, 60])
    assert np.flatnonzero(kept_at(kept, 60, 30, 31)).tolist() == [0, 15, 16, 30]
    dense = np.ones(31, bool)
    dense[11:20] = False
    assert np.flatnonzero(~kept_at(dense, 25, 30, 37)).tolist() == list(range(13, 24))


def test_a_network_needs_a_human(take: Motion) -> None:
    pole = Skeleton(["a", "b"], [-1, 0], np.ones((2, 3)))
    stick = replace(take, skeleton=pole, rotations=take.rotations[:, :2])
    kept = kept_frames(len(stick), every=10)
    assert len(fill_kept(stick, kept, method="hermite")[0]) == len(stick)
    with pytest.raises(RetargetError, match="no joint found for"):
        fill_with(Lively(), hermite_between(stick, kept), kept)


def test_the_end_of_a_motion_on_another_body_at_another_rate(take: Motion) -> None:
    tall = retarget(take, house_skeleton().scaled(1.2)).resample(60.0)
    end = end_of(tall, take.skeleton, 30.0, 12)
    assert (len(end), end.fps) == (12, 30.0)
    np.testing.assert_allclose(end.rotations, take.resample(30.0).rotations[-12:], atol=0.02)
    short = end_of(take.slice(0, 3), take.skeleton, 30.0, 7)
    np.testing.assert_array_equal(short.rotations[:5], np.repeat(take.rotations[:1], 5, axis=0))
    np.testing.assert_array_equal(short.rotations[4:], take.rotations[:3])


def test_what_was_made_elsewhere_goes_on_where_the_past_ends(take: Motion) -> None:
    past = take.slice(0, 100)
    turn = rot.from_yaw(np.asarray(2.0))
    elsewhere = take.slice(88, 160)
    rotations = elsewhere.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    roots = rot.rotate(np.broadcast_to(turn, (72, 4)), elsewhere.root_positions) + np.array([5.0, 0.0, -3.0])
    whole = replace(elsewhere, rotations=rotations, root_positions=roots)
    np.testing.assert_allclose(joined(past, whole, 12).positions, take.slice(100, 160).positions, atol=1e-6)
