"""Filling gaps: exact kept frames, smooth joins, long gaps danced through."""

from __future__ import annotations

import numpy as np
import pytest
from other_bodies import BODIES

from farandole.data.starter.songs import compose
from farandole.errors import MotionError
from farandole.generation.inbetween import fill_kept, inbetween
from farandole.generation.patterns import kept_frames
from farandole.motion.files import load_motion
from farandole.motion.interpolation import hermite_between
from farandole.motion.motion import Motion
from farandole.music.song import Song


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


@pytest.mark.parametrize("make", BODIES.values(), ids=BODIES.keys())
def test_on_other_makers_bodies(take: Motion, make) -> None:
    assert_gaps_are_joined(make(take))


@pytest.mark.recordings
@pytest.mark.parametrize("clip", CLIPS)
def test_on_recorded_bodies_of_many_makers(shared, clip: str) -> None:
    whole = load_motion(shared / "data" / clip)
    # Frame 0 of some recordings is a rest pose apart from the motion.
    assert_gaps_are_joined(whole.slice(2, min(len(whole), round(8 * whole.fps))))


def assert_gaps_are_joined(motion: Motion) -> None:
    half = round(0.5 * motion.fps)
    for how in ({"every": half}, {"gaps": [(len(motion) // 3, len(motion) // 3 + half)]}):
        kept = kept_frames(len(motion), **how)
        (made,) = fill_kept(motion, kept)
        np.testing.assert_array_equal(made.positions[kept], motion.positions[kept])
        assert border_jumps(made, motion, kept) < 1.0


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
