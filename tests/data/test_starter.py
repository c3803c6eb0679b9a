"""The starter corpus: clean recordings, honest splits, songs that follow the dancer."""

from dataclasses import replace

import numpy as np
import pytest
from recordings import cmu_salsa, dancer

from farandole.cli.app import run
from farandole.data.feature_folder import FeatureFolder
from farandole.data.starter import clips as clips_of
from farandole.data.starter import groove_clips, salsa_clips, starter_corpus
from farandole.data.starter.beat_fit import BeatFit, fit_beat, retimed
from farandole.data.starter.groove.dancer import steady_groove
from farandole.data.starter.recordings import (
    find_recordings,
    read_take,
    unknown_joints,
    valid_columns,
    without_standing,
)
from farandole.data.starter.salsa import ACKNOWLEDGEMENT, HELD_OUT_TAKES, find_salsa, floor_height, salsa_takes
from farandole.errors import DataError
from farandole.evaluation.quality import measure_dance
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.files import load_motion
from farandole.music import dance_features


@pytest.fixture(scope="module")
def salsa(tmp_path_factory):
    """A folder as of the recordings, with dances of our own: two takes of two partners, one held out."""
    return cmu_salsa(tmp_path_factory.mktemp("salsa"), ("60_01", "61_01", "60_03", "61_03", "61_05"))


@pytest.fixture(scope="module")
def clips(salsa):
    return {c.name: c for c in salsa_clips.salsa_clips(salsa, scales=(0.88, 1.0, 1.14))}


def test_takes_are_read_from_a_folder_and_stand_on_the_floor(salsa):
    takes = {t.name: t for t in salsa_takes(salsa)}
    assert list(takes) == ["salsa_60_01", "salsa_60_03", "salsa_61_01", "salsa_61_03", "salsa_61_05"]
    assert takes["salsa_60_01"].bpm == 162.4
    assert takes["salsa_60_01"].count_at_0 == pytest.approx(0.79 + 0.1 * 162.4 / 60)
    assert [t.held_out for t in takes.values()] == [False, True, False, True, False]
    for take in takes.values():
        assert (take.motion.fps, take.motion.skeleton.height) == (30, pytest.approx(1.7, abs=0.05))
        assert abs(floor_height(take.motion)) < 0.005  # the files float 4 cm above it
        assert measure_dance(take.motion).peak_acceleration < 120.0  # one frame of each file is torn away


def test_a_folder_without_salsa_is_told(tmp_path):
    assert find_salsa(tmp_path) == []
    with pytest.raises(DataError, match=r"holds no salsa: needed are salsa_60_01\.bvh .* or, from CMU, 60_01\.amc"):
        list(salsa_takes(tmp_path))


@pytest.mark.recordings
def test_the_real_takes_are_as_they_were_when_the_weights_were_trained(shared):
    takes = list(salsa_takes(shared / "data/cmu-salsa"))
    assert len(takes) == 24
    assert 12.5 < sum(t.motion.seconds for t in takes) / 60 < 14
    for take in takes:
        assert measure_dance(take.motion).peak_acceleration < 120.0, take.name  # up to 1000 in the recordings
    coherent = [measure_dance(t.motion, t.count) for t in takes]
    over_chance = np.array([q.coherence - q.coherence_chance for q in coherent])
    assert over_chance.mean() > 0.08
    assert (over_chance > 0.03).mean() > 0.85


def test_held_out_takes_are_held_out_whole(clips):
    for clip in clips.values():
        assert (clip.split == "test") == any(f"_{take}_" in f"{clip.name}_" for take in HELD_OUT_TAKES), clip.name
    assert sum(c.split == "test" for c in clips.values()) == 2
    assert sum(c.split == "train" for c in clips.values()) == 3 * 3 * 2


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
    energy = clips_of.body_energy(clip.motion)
    music = clips_of.song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, energy)
    assert music.shape == (len(clip.motion), len(dance_features.COLUMNS))
    np.testing.assert_allclose(music[:, 0], np.sin(2 * np.pi * clip.count), atol=1e-5)
    assert np.corrcoef(music[:, dance_features.ENERGY], energy)[0, 1] > 0.5
    again = clips_of.song_features(clip.count, clip.bpm, clip.genre, clip.seed, clip.precision, energy)
    np.testing.assert_array_equal(music, again)


def test_precision_is_high_where_steps_fall_on_the_count(salsa):
    takes = [t for t in salsa_takes(salsa) if not t.held_out]
    pattern = salsa_clips.StepPattern.of(takes)
    right = np.concatenate([pattern.precision(t.motion, t.count) for t in takes])
    assert right.mean() == pytest.approx(0.0, abs=1e-9)
    assert right.std() == pytest.approx(1.0, abs=1e-9)
    wrong = np.concatenate([pattern.precision(t.motion, t.count + 1.0) for t in takes])
    assert wrong.mean() < -0.8


def test_groove_clips_are_danced_to_their_song():
    clip = groove_clips.groove_clip(7)
    assert clip.style == "groove"
    assert clip.split == "train"
    assert len(clip.motion) == len(clip.count) == 900
    assert groove_clips.groove_clip(0).split == "test"


def test_the_acknowledgement_is_carried():
    assert "mocap.cs.cmu.edu" in ACKNOWLEDGEMENT
    assert "EIA-0196217" in ACKNOWLEDGEMENT


@pytest.mark.parametrize(("bpm", "seed"), [(84.0, 1), (118.0, 3)])
def test_a_beat_is_found_in_a_dance_that_has_one(bpm, seed):
    fit = fit_beat(steady_groove(bpm, 16.0, seed=seed))
    assert fit.bpm == pytest.approx(bpm, rel=0.01)
    phase = np.exp(2j * np.pi * fit.times * bpm / 60)
    assert abs(phase.mean()) > 0.9
    assert abs(np.angle(phase.mean())) / (2 * np.pi) < 0.1
    assert fit.good


def test_no_beat_is_found_in_a_walk_at_random():
    random = np.random.default_rng(0)
    motion = steady_groove(100.0, 16.0, seed=2)
    speed = np.repeat(random.uniform(0.3, 1.7, 40), 12)[: len(motion)]  # the same dance, its time torn about
    place = np.clip(np.cumsum(speed), 0, len(motion) - 1).astype(int)
    torn = replace(motion, rotations=motion.rotations[place], root_positions=motion.root_positions[place])
    assert fit_beat(torn).fit < 0.5 * fit_beat(motion).fit


def test_retiming_puts_beats_at_equal_distances_and_changes_no_speed_by_more_than_six_percent():
    motion = steady_groove(100.0, 12.0, seed=2)
    random = np.random.default_rng(1)
    intervals = 0.6 * (1 + random.uniform(-0.055, 0.055, 18))
    fit = BeatFit(60 / float(intervals.mean()), 0.4 + np.concatenate(([0.0], np.cumsum(intervals))), 9.0)
    even = retimed(motion, fit)
    assert len(even) == pytest.approx(len(motion), abs=2)
    first = fit.count_at(np.zeros(1))[0]
    for beat, time in enumerate(fit.times[:-1]):
        frame = (beat - first) * 60 / fit.bpm * 30
        before = motion.resample(300.0).root_positions[round(time * 300)]
        np.testing.assert_allclose(even.resample(300.0).root_positions[round(frame * 10)], before, atol=0.01)
    count = fit.count_at(np.arange(0, 12, 0.01))
    speed = np.diff(count) / 0.01 * 60 / fit.bpm
    assert np.abs(1 / speed - 1).max() < 0.0625


def without_joints(motion, *stems):
    """The motion on a body without some joints, as a robot has it."""
    gone = {j for j, n in enumerate(motion.skeleton.names) if n in stems}
    return motion if not gone else replace(motion, rotations=frozen(motion.rotations, gone))


def frozen(rotations, joints):
    local = rotations.copy()
    local[:, list(joints)] = rot.identity()
    return local


def test_what_a_body_does_not_tell_is_unknown():
    motion = steady_groove(110.0, 5.0, seed=4)
    assert unknown_joints(motion) == ()
    robot = without_joints(motion, "Neck", "Head", "LeftShoulder", "RightShoulder", "LeftToeBase", "RightToeBase")
    unknown = unknown_joints(robot)
    assert unknown == ("Neck", "Head", "LeftShoulder", "RightShoulder", "LeftToeBase", "RightToeBase")
    codec = codecs.codec("dance129", motion)
    known = dict(zip(codec.columns, valid_columns(codec, unknown), strict=True))
    assert {c for c, ok in known.items() if not ok} == {
        *(f"{joint} 6d {k}" for joint in ("Neck", "Head") for k in range(6)),
        *(f"Head {axis} m" for axis in "xyz"),
        *(f"{side}Hand {axis} m" for side in ("Left", "Right") for axis in "xyz"),  # below the collars
    }
    assert known["LeftToeBase x m"]  # the foot tells where it is
    assert not valid_columns(codecs.codec("expmap_cr", motion), ["Head"])[
        list(codecs.codec("expmap_cr", motion).columns).index("Head_beta")
    ]


def test_standing_at_the_ends_is_cut():
    dance = steady_groove(110.0, 5.0, seed=5)
    hold = lambda frame: np.full(90, frame)  # noqa: E731
    place = np.concatenate((hold(0), np.arange(150), hold(149)))
    waiting = replace(dance, rotations=dance.rotations[place], root_positions=dance.root_positions[place])
    assert without_standing(waiting).seconds == pytest.approx(5.6, abs=0.4)
    still = replace(dance, rotations=dance.rotations[hold(0)], root_positions=dance.root_positions[hold(0)])
    assert len(without_standing(still)) == 90


def test_recordings_are_known_by_their_names_and_what_is_left_out_is_told(tmp_path):
    for name in ("cmu/05_01", "cmu/05_05", "g1/J_Dance5_Hype", "g1/J_ShortDance13_SingleLadies", "mine/wedding"):
        steady_groove(110.0, 5.0).save(tmp_path / f"{name}.bvh")
    found, left_out = find_recordings(tmp_path)
    assert [(r.path.stem, r.style, r.split) for r in found] == [
        ("05_01", "modern", "train"),
        ("05_05", "modern", "test"),
        ("J_Dance5_Hype", "street", "train"),
        ("wedding", "mine", "train"),
    ]
    assert ["CC BY 4.0" in r.licence for r in found] == [False, False, True, False]
    assert [p["name"] for p in left_out] == ["J_ShortDance13_SingleLadies"]


def test_copies_at_a_wrong_rate_are_read_at_the_real_one(tmp_path):
    motion = steady_groove(110.0, 6.0).resample(60.0)
    replace(motion, fps=120.0).save(tmp_path / "61_16.bvh")
    (recording,), _ = find_recordings(tmp_path)
    assert read_take(recording).motion.seconds == pytest.approx(6.0, abs=0.1)


def test_prepare_starter_takes_folders_and_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(starter_corpus, "GROOVE_CLIPS", 1)
    words = ["prepare", "starter", "-o", str(tmp_path / "data"), "--workers", "1"]
    assert run(words) == 2
    assert "the recordings do not come with farandole: give their folders" in capsys.readouterr().err
    assert run([*words, str(tmp_path / "nowhere")]) == 2
    mine = tmp_path / "mine"
    dancer(5.0).save(mine / "sway.bvh")
    dancer(1.0).save(mine / "short.bvh")
    (mine / "broken.bvh").write_text("HIERARCHY\n")
    assert run([*words, str(mine)]) == 0
    told = capsys.readouterr().err
    for part in ("the salsa of the shipped weights is not there", "short: ", "broken: ", "styles groove, mine"):
        assert part in told
    folder = FeatureFolder(tmp_path / "data")
    facts = folder.sequences["sway_x100_mirrored"]
    assert facts["style"] == "mine"
    assert isinstance(facts["on_beat"], bool)
    assert facts["unknown_joints"] == []
    assert len(folder.split("train")) == 6
    assert {p["name"] for p in folder.problems} == {"short", "broken"}
    assert "terms unknown" in folder.licence
    assert load_motion(mine / "sway.bvh").fps == 30
