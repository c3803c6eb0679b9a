"""The shipped dancer: as good as people in figures, livelier where asked, near what it goes on from, on frames it must meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.evaluation.metrics.nearest_window import motion_distance
from farandole.evaluation.quality import measure_dance
from farandole.evaluation.reference_file import starter_reference
from farandole.evaluation.scorecard import score
from farandole.generation.completion import complete, open_model
from farandole.generation.latent_flow.dancer import LatentDancer
from farandole.generation.latent_flow.joint_pins import known_groups, pinned_features
from farandole.generation.latent_flow.meeting import meeting
from farandole.generation.partial import PartialMotion
from farandole.motion.dance_codec import GROUPS, DanceCodec
from farandole.motion.motion import Motion
from farandole.music.song import Song


def song(genre: str, bpm: float, seconds: float = 20.0, seed: int = 3) -> Song:
    made = compose(bpm, seconds, genre=genre, seed=seed)
    return Song.from_samples(made.samples, made.sample_rate, name=genre)


def heard(dancer: LatentDancer, music: Song, **options):
    return dancer.score(music, round(music.seconds * dancer.fps), **options)


@pytest.fixture(scope="module")
def dancer() -> LatentDancer:
    made = open_model("starter")
    assert isinstance(made, LatentDancer)
    return made


@pytest.mark.parametrize(
    ("genre", "bpm", "style"), [("salsa", 184.0, "salsa"), ("pop", 96.0, "modern"), ("house", 124.0, "street")]
)
def test_dances_are_as_good_as_real_ones_in_figures(dancer: LatentDancer, genre: str, bpm: float, style: str) -> None:
    made = [heard(dancer, song(genre, bpm, 60.0), style=style, role=role) for role in (0, 2)]
    card = score(dancer.dance(made, seed=1), [each.count for each in made], starter_reference().of_style(style))
    for figure in ("joint_speed", "jerk", "support_median", "penetration", "hip_rise", "wrong_knees", "holds"):
        assert card[figure].passed, card[figure]


def test_same_seed_same_bytes_another_seed_another_dance(dancer: LatentDancer) -> None:
    asked = heard(dancer, song("pop", 104.0))
    first, again, other = (dancer.dance([asked], seed=s)[0] for s in (5, 5, 6))
    assert first.rotations.tobytes() == again.rotations.tobytes()
    assert first.root_positions.tobytes() == again.root_positions.tobytes()
    assert motion_distance(first, other) > 7.0


def test_energy_makes_dances_livelier(dancer: LatentDancer) -> None:
    music = song("house", 120.0, 40.0)
    calm, lively = (
        measure_dance(dancer.dance([heard(dancer, music, energy=e)], seed=2)[0]).joint_speed for e in (0.4, 1.6)
    )
    assert lively > 1.25 * calm


def test_silence_is_stillness(dancer: LatentDancer) -> None:
    asked = heard(dancer, Song.from_samples(np.zeros(22050 * 10, np.float32), 22050, name="silence"))
    motion = dancer.dance([asked])[0]
    assert len(motion) == 300
    danced = dancer.dance([replace(asked, dynamics=np.ones(300))])[0]
    assert measure_dance(motion).joint_speed < 0.5 * measure_dance(danced).joint_speed


def test_one_seed_dances_otherwise_to_songs_that_ask_for_the_same(dancer: LatentDancer) -> None:
    asked = heard(dancer, song("pop", 104.0))
    first, other = (dancer.dance([replace(asked, chance=chance)], seed=5)[0] for chance in (1, 2))
    assert motion_distance(first, other) > 7.0


def test_a_start_is_taken_up(dancer: LatentDancer, take: Motion) -> None:
    start = take.slice(100, 200)
    asked = heard(dancer, song("house", 110.0), style="groove")
    begun = [dancer.dance([asked], seed=seed, start=start)[0] for seed in range(5)]
    free = dancer.dance([asked], seed=1)[0]
    end = start.slice(-1, None)
    gap = lambda m: motion_distance(m.slice(0, 1), end)  # noqa: E731
    typical = np.median([gap(motion) for motion in begun])
    assert typical < 6.0
    assert typical < 0.5 * gap(free)
    for motion in begun:
        assert np.linalg.norm(motion.root_positions[0] - start.root_positions[-1]) < 0.15


def test_pinned_frames_are_met_on_the_models_own_body(dancer: LatentDancer, take: Motion) -> None:
    known = np.ones(len(take), bool)
    known[60:180] = False
    made = complete(PartialMotion(take, known, seed=2), dancer, feet=False)
    np.testing.assert_array_equal(made.rotations[known], take.rotations[known])
    np.testing.assert_array_equal(made.root_positions[known], take.root_positions[known])
    speed = np.linalg.norm(np.diff(made.positions, axis=0), axis=-1).max(axis=1) * take.fps
    assert speed[55:65].max() < 12.0
    assert speed[175:185].max() < 12.0


def test_a_dance_meets_given_frames_wherever_it_was_danced(take: Motion) -> None:
    known = np.arange(len(take)) % 40 == 0
    known[-1] = True
    elsewhere = replace(take, root_positions=take.root_positions + np.array([3.0, 0.0, 1.0]))
    met = meeting(take, elsewhere, known)
    np.testing.assert_allclose(met.positions, take.positions, atol=1e-6)  # the same dance: nothing to bend
    other = take.slice(0, None)
    other = replace(other, rotations=np.roll(take.rotations, 7, axis=0))
    met = meeting(take, other, known)
    np.testing.assert_array_equal(met.rotations[known], take.rotations[known])
    np.testing.assert_array_equal(met.root_positions[known], take.root_positions[known])


def test_known_joints_stay_and_move_the_others(dancer: LatentDancer, take: Motion) -> None:
    arm = np.zeros(len(take.skeleton), bool)
    arm[[take.skeleton.index(f"{side}{part}") for side in ("Left", "Right") for part in ("Arm", "ForeArm", "Hand")]] = (
        True
    )
    known = np.ones((len(take), len(take.skeleton)), bool)
    known[1:-1, arm] = False
    made = complete(PartialMotion(take, known, seed=2), dancer)
    np.testing.assert_array_equal(made.rotations[:, ~arm], take.rotations[:, ~arm])
    np.testing.assert_array_equal(made.root_positions, take.root_positions)
    assert np.abs(made.positions - take.positions)[30:-30, arm].max() > 0.1
    unlike = complete(
        PartialMotion(replace(take, rotations=np.roll(take.rotations, 50, axis=0)), known, seed=2), dancer
    )
    assert np.abs(made.rotations[:, arm] - unlike.rotations[:, arm])[30:-30].max() > 0.05  # it sees what is known


def test_what_is_pinned_of_groups(take: Motion) -> None:
    joints = np.zeros((len(take), len(take.skeleton)), bool)
    joints[:, [take.skeleton.index(n) for n in ("LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg")]] = True
    joints[[0, -1]] = True
    by = known_groups(PartialMotion(take, joints), tuple(GROUPS), 30.0, len(take))
    assert by[5].tolist() == [group == "left leg" for group in GROUPS]  # of the right leg not all is known
    codec = DanceCodec(30.0)
    whole = np.arange(len(take)) % 100 == 0
    shown = pinned_features(codec, codec.encode(take), whole, tuple(GROUPS), by)
    assert (shown[5, -len(GROUPS) :] == by[5]).all()
    columns = np.flatnonzero(shown[5, : codec.dim])
    assert set(columns) <= set(np.arange(codec.dim)[codec.group_columns["left leg"]])
    np.testing.assert_allclose(shown[100, : codec.dim], codec.encode(take)[100], rtol=1e-5)
