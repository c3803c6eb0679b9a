"""Filling gaps: patterns, exact kept frames, smooth joins, a network on another body and at another rate."""

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.salsa import salsa_takes
from farandole.data.songs import compose
from farandole.errors import MotionError, RetargetError
from farandole.generation.gap_fill import fill_with, kept_at, windows
from farandole.generation.inbetween import fill_kept, inbetween
from farandole.generation.patterns import kept_frames
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.motion.humanoid import house_skeleton
from farandole.motion.interpolation import hermite_between, without_jumps
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.skeleton import Skeleton
from farandole.music.song import Song


@pytest.fixture(scope="module")
def take() -> Motion:
    """Eight seconds of salsa at 30 fps."""
    return next(t for t in salsa_takes() if t.name == "salsa_61_03").motion.resample(30.0).slice(100, 340)


@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ({"every": 4}, [0, 4, 8, 9]),
        ({"every": 9}, [0, 9]),
        ({"keep": [7, 3, 5]}, [0, 1, 2, 3, 5, 7, 8, 9]),
        ({"gaps": [(2, 3), (6, 8)]}, [0, 1, 4, 5, 9]),
        ({"gaps": [(2, 5), (4, 8)]}, [0, 1, 9]),
    ],
)
def test_patterns(how: dict, kept: list[int]) -> None:
    assert np.flatnonzero(kept_frames(10, **how)).tolist() == kept


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({}, "no pattern given"),
        ({"every": 3, "gaps": [(1, 2)]}, "every and gap given"),
        ({"every": 1}, "every 1: need 2 or more"),
        ({"every": 0}, "every 0"),
        ({"every": 10}, "has only 10 frames"),
        ({"keep": []}, "0 frames to keep"),
        ({"keep": [4, 4]}, "1 frames to keep"),
        ({"keep": [0, 10]}, "cannot keep frame 10: clip has frames 0 to 9"),
        ({"keep": [-1, 5]}, "cannot keep frame -1"),
        ({"keep": [2, 3, 4]}, "nothing to fill"),
        ({"gaps": []}, "no gap given"),
        ({"gaps": [(8, 12)]}, "gap 8:12 lies outside clip"),
        ({"gaps": [(5, 2)]}, "ends before it begins"),
        ({"gaps": [(0, 9)]}, "leave no frame"),
        ({"gaps": [(0, 3)]}, "keep at least its first frame"),
        ({"gaps": [(5, 9)]}, "continue the motion with extend"),
    ],
)
def test_patterns_that_do_not_work_are_told(how: dict, says: str) -> None:
    with pytest.raises(MotionError, match=says):
        kept_frames(10, name="clip", **how)


def test_a_clip_of_two_frames_has_no_middle(take: Motion) -> None:
    with pytest.raises(MotionError, match="2 frames: need at least 3"):
        inbetween(take.slice(0, 2), every=2)
    with pytest.raises(MotionError, match="no method 'magic': there are slerp, hermite, model, dance"):
        inbetween(take, every=10, method="magic")
    with pytest.raises(MotionError, match="uses no model"):
        inbetween(take, every=10, method="slerp", model="inbetween")


def border_jumps(made: Motion, truth: Motion, kept: np.ndarray) -> float:
    """Greatest change of any joint's velocity at a frame where a gap begins or ends, over the 99th percentile in the truth."""
    change = lambda m: np.linalg.norm(np.diff(m.positions, n=2, axis=0), axis=-1).max(axis=1)  # noqa: E731
    border = kept[1:-1] & (~kept[2:] | ~kept[:-2])
    return float(change(made)[border].max() / np.percentile(change(truth), 99))


def test_kept_frames_are_exact_and_joins_are_smooth(take: Motion) -> None:
    for how in ({"every": 15}, {"gaps": [(40, 80), (150, 160)]}, {"keep": [20, 50, 60, 61, 100, 200]}):
        kept = kept_frames(len(take), **how)
        for method in ("slerp", "hermite"):
            (made,) = fill_kept(take, kept, method=method)
            np.testing.assert_array_equal(made.rotations[kept], take.rotations[kept])
            np.testing.assert_array_equal(made.root_positions[kept], take.root_positions[kept])
            assert np.abs(made.positions - take.positions)[~kept].max() > 0.02
        assert border_jumps(made, take, kept) < 1.0


CLIPS = (
    "bandai/dataset-1_dance-short_normal_001.bvh",
    "bandai/dataset-2_run_normal_027.bvh",
    "bandai/dataset-1_walk_giant_002.bvh",
    "cmu-salsa/salsa_60_03.bvh",
    "bvh-zoo/dme_example.bvh",
    "bvh-zoo/fairmotion_cmu_01_01.bvh",
    "bvh-zoo/mocapnet_cmu_05_01.bvh",
    "bvh-zoo/pymo_walk_meredith.bvh",
    "bvh-zoo/xia_angry_13_000.bvh",
)


@pytest.mark.parametrize("clip", CLIPS)
def test_on_bodies_of_many_makers(shared, clip: str) -> None:
    whole = load_motion(shared / "data" / clip)
    # Frame 0 of some recordings is a rest pose apart from the motion.
    motion = whole.slice(2, min(len(whole), round(8 * whole.fps)))
    half = round(0.5 * motion.fps)
    for how in ({"every": half}, {"gaps": [(len(motion) // 3, len(motion) // 3 + half)]}):
        kept = kept_frames(len(motion), **how)
        (made,) = fill_kept(motion, kept)
        np.testing.assert_array_equal(made.positions[kept], motion.positions[kept])
        assert border_jumps(made, motion, kept) < 1.0


class Lively:
    """A network that knows nothing: it adds to whatever it gets, with a kink at every kept frame."""

    def __init__(self, window: int = 64, fps: float = 30.0) -> None:
        self.skeleton, self.fps, self.window = house_skeleton(), fps, window
        self.seen: list[int] = []

    def fill(self, rotations, root_positions, keep):
        self.seen.append(len(keep))
        assert keep[0]
        assert keep[-1]
        known = np.flatnonzero(keep)
        near = np.abs(np.arange(len(keep))[:, None] - known).min(axis=1)
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

    def fill(self, rotations, root_positions, keep):
        """Finds its place by the first pose: the first kept frame is the truth's."""
        away = np.abs(self.truth.rotations - rotations[0]).sum(axis=(1, 2))
        start = int(np.argmin(away))
        part = self.truth.slice(start, start + len(keep))
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


def test_windows_cover_every_gap_and_fit() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        frames, longest = int(rng.integers(3, 300)), int(rng.integers(12, 80))
        kept = rng.random(frames) < rng.uniform(0.2, 0.9)
        kept[[0, -1]] = True
        if kept.all() or np.diff(np.flatnonzero(kept)).max() + 1 > longest:
            continue
        covered = kept.copy()
        pieces = windows(kept, longest, 30.0)
        for first, last in pieces:
            assert kept[first]
            assert kept[last]
            assert 0 < last - first < longest
            covered[first : last + 1] = True
        assert covered.all()
        assert len({start for start, _ in pieces}) == len(pieces)
    with pytest.raises(MotionError, match=r"gap of 2.0 s is longer than the 1.0 s the model can fill"):
        windows(kept_frames(100, gaps=[(20, 79)]), 32, 30.0)


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


def test_dances_through_a_long_gap_differ_by_seed_and_begin_and_end_where_they_must(take: Motion) -> None:
    made_song = compose(120.0, 12.0, genre="house", seed=1)
    song = Song.from_samples(made_song.samples, made_song.sample_rate, name="house")
    kept = kept_frames(len(take), gaps=[(60, 190)])
    fills = fill_kept(take, kept, method="dance", song=song, seed=4, takes=2)
    (again,) = fill_kept(take, kept, method="dance", song=song, seed=4)
    np.testing.assert_allclose(again.positions, fills[0].positions, atol=1e-4)  # alone or beside others
    pace = lambda m: np.linalg.norm(m.velocities, axis=-1)[70:180].mean()  # noqa: E731
    curves = hermite_between(take, kept)
    for made in fills:
        np.testing.assert_array_equal(made.rotations[kept], take.rotations[kept])
        assert border_jumps(made, take, kept) < 1.0
        assert pace(made) > 1.4 * pace(curves)
        assert np.linalg.norm(np.diff(made.positions, axis=0), axis=-1).max() * 30 < 12.0
    apart = np.linalg.norm(fills[0].positions - fills[1].positions, axis=-1)
    assert apart[70:180].mean() > 0.05


def test_what_has_no_choice_has_no_takes(take: Motion) -> None:
    kept = kept_frames(len(take), every=10)
    with pytest.raises(
        MotionError, match="hermite gives the same motion every time: several takes need the method dance"
    ):
        fill_kept(take, kept, method="hermite", takes=2)
