"""The starter corpus: clean recordings, honest splits, songs that follow the dancer."""

import numpy as np
import pytest

from farandole.data import starter
from farandole.data.salsa import ACKNOWLEDGEMENT, HELD_OUT_TAKES, salsa_takes
from farandole.evaluation.quality import measure_dance
from farandole.music import dance_features


@pytest.fixture(scope="module")
def clips():
    return {c.name: c for c in starter.salsa_clips(scales=(0.88, 1.0, 1.14))}


def test_all_takes_are_there_and_stand_on_the_floor():
    takes = list(salsa_takes())
    assert len(takes) == 24
    assert 12.5 < sum(t.motion.seconds for t in takes) / 60 < 14
    for take in takes:
        toes = take.motion.positions[:, [take.motion.skeleton.index(f"{s}ToeBase") for s in ("Left", "Right")], 1]
        assert -0.03 < np.percentile(toes.min(axis=1), 20) < 0.05, take.name  # the captured floor is that uneven


def test_no_tracking_error_is_left():
    for take in salsa_takes():
        assert measure_dance(take.motion).peak_acceleration < 120.0, take.name  # up to 1000 in the recordings


def test_takes_keep_time_with_their_counts():
    coherent = [measure_dance(t.motion, t.count) for t in salsa_takes()]
    over_chance = np.array([q.coherence - q.coherence_chance for q in coherent])
    assert over_chance.mean() > 0.08
    assert (over_chance > 0.03).mean() > 0.85


def test_held_out_takes_are_held_out_whole(clips):
    for clip in clips.values():
        assert (clip.split == "test") == any(f"_{take}_" in f"{clip.name}_" for take in HELD_OUT_TAKES), clip.name
    assert sum(c.split == "test" for c in clips.values()) == 4
    assert sum(c.split == "train" for c in clips.values()) == 20 * 3 * 2


def test_tempo_changes_motion_and_count_together(clips):
    slow, fast = clips["salsa_60_01_x088"], clips["salsa_60_01_x114"]
    assert slow.motion.seconds / fast.motion.seconds == pytest.approx(1.14 / 0.88, rel=0.01)
    assert slow.count[-1] == pytest.approx(fast.count[-1], abs=0.2)


def test_mirrored_clips_step_on_the_other_foot(clips):
    plain, mirrored = clips["salsa_61_01_x100"], clips["salsa_61_01_x100_mirrored"]
    left, right = (plain.motion.skeleton.index(n) for n in ("LeftFoot", "RightFoot"))
    np.testing.assert_allclose(
        plain.motion.positions[:, left] * np.array([-1, 1, 1]), mirrored.motion.positions[:, right], atol=1e-9
    )
    assert mirrored.count[0] == plain.count[0] + 4


def test_song_features_follow_grid_and_dancer(clips):
    clip = clips["salsa_61_05_x100"]
    energy = starter.body_energy(clip.motion)
    music = starter._song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, energy)
    assert music.shape == (len(clip.motion), len(dance_features.COLUMNS))
    np.testing.assert_allclose(music[:, 0], np.sin(2 * np.pi * clip.count), atol=1e-5)
    assert np.corrcoef(music[:, dance_features.ENERGY], energy)[0, 1] > 0.5
    again = starter._song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, energy)
    np.testing.assert_array_equal(music, again)


def test_precision_is_high_where_steps_fall_on_the_count():
    takes = [t for t in salsa_takes() if not t.held_out]
    pattern = starter.StepPattern.of(takes)
    right = np.concatenate([pattern.precision(t.motion, t.count) for t in takes])
    assert right.mean() == pytest.approx(0.0, abs=1e-9)
    assert right.std() == pytest.approx(1.0, abs=1e-9)
    wrong = np.concatenate([pattern.precision(t.motion, t.count + 1.5) for t in takes])
    assert wrong.mean() < -0.8


def test_groove_clips_are_danced_to_their_song():
    clip = starter.groove_clip(7)
    assert clip.style == "groove"
    assert clip.split == "train"
    assert len(clip.motion) == len(clip.count) == 900
    assert starter.groove_clip(0).split == "test"


def test_the_acknowledgement_is_carried():
    assert "mocap.cs.cmu.edu" in ACKNOWLEDGEMENT
    assert "EIA-0196217" in ACKNOWLEDGEMENT
