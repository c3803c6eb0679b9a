"""The shipped model dances: what a person who types `farandole dance` may count on."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from farandole.data.salsa import salsa_takes
from farandole.data.songs import compose
from farandole.errors import AudioError, MotionError, RetargetError
from farandole.evaluation.nearest import motion_distance
from farandole.evaluation.quality import average, compare_dance, measure_dance
from farandole.generation.dance import TEMPO_RANGES, Dancer, dance
from farandole.generation.extend import extend
from farandole.motion.skeleton import Skeleton
from farandole.music.song import Song


def song(genre, bpm, seconds=20.0, seed=3):
    made = compose(bpm, seconds, genre=genre, seed=seed)
    return Song.from_samples(made.samples, made.sample_rate, name=genre)


@pytest.fixture(scope="module")
def dancer():
    return Dancer("starter")


@pytest.fixture(scope="module")
def real():
    return average([measure_dance(t.motion, t.count) for t in salsa_takes() if t.held_out])


@pytest.mark.parametrize(("genre", "bpm", "family"), [("salsa", 184.0, "salsa"), ("house", 124.0, "groove")])
def test_dances_are_as_good_as_real_ones_in_figures(dancer, real, genre, bpm, family):
    score = dancer.score(song(genre, bpm, 60.0))
    assert score.style.startswith(family)
    quality = measure_dance(dancer.dance([score], seed=1)[0], score.count)
    checks = {c.name: c for c in compare_dance(quality, real)}
    for name in (
        "support_median",
        "support_p90",
        "joint_speed",
        "peak_acceleration",
        "root_drift",
        "penetration",
        "wrong_knees",
    ):
        assert checks[name].passed, str(checks[name])
    assert checks["coherence over chance"].value > 0.05, str(checks["coherence over chance"])


def test_same_seed_same_bytes_another_seed_another_dance(dancer):
    score = dancer.score(song("pop", 104.0))
    first, again, other = (dancer.dance([score], seed=s)[0] for s in (5, 5, 6))
    assert first.rotations.tobytes() == again.rotations.tobytes()
    assert first.root_positions.tobytes() == again.root_positions.tobytes()
    assert motion_distance(first, other) > 7.0


def test_takes_of_one_call_differ_and_are_as_long_as_the_song():
    takes = dance(song("funk", 110.0, 12.0), takes=2, seed=1)
    assert [len(t) for t in takes] == [360, 360]
    assert motion_distance(*takes) > 5.0


def test_length_and_frame_rate_are_what_was_asked():
    (made,) = dance(song("house", 120.0, 8.0), seconds=11.0, fps=60.0)
    assert made.fps == 60.0
    assert made.seconds == pytest.approx(11.0, abs=0.04)
    plain = made.resample(30.0)  # every second frame: as the model made it
    np.testing.assert_allclose(plain.positions, dance(song("house", 120.0, 8.0), seconds=11.0)[0].positions, atol=1e-6)
    roughness = lambda m: np.square(np.diff(m.positions, n=2, axis=0)).mean()  # noqa: E731
    assert roughness(made) < 0.75 * roughness(plain.resample(60.0))


def test_style_decides_how_a_song_is_counted(dancer):
    heard = song("house", 92.0)
    for style, family in (("salsa", "salsa"), ("groove", "groove")):
        tempo = dancer.score(heard, style=style).tempo
        low, high = TEMPO_RANGES[family]
        assert low * 0.97 <= np.median(tempo) <= high * 1.03


def test_energy_makes_dances_livelier(dancer):
    heard = song("house", 120.0, 40.0)
    calm, lively = (
        measure_dance(dancer.dance([dancer.score(heard, energy=e)], seed=2)[0]).joint_speed for e in (0.4, 1.6)
    )
    assert lively > 1.05 * calm


def test_silence_is_danced_calmly_with_a_warning(dancer, caplog):
    quiet = Song.from_samples(np.zeros(22050 * 10, np.float32), 22050, name="silence")
    with caplog.at_level(logging.WARNING):
        score = dancer.score(quiet)
    assert "no clear beat" in caplog.text
    motion = dancer.dance([score])[0]
    assert len(motion) == 300
    lively = dancer.dance([replace(score, energy=np.full(300, 1.5))])[0]
    assert measure_dance(motion).joint_speed < measure_dance(lively).joint_speed


def test_a_start_is_taken_up(dancer):
    take = next(t for t in salsa_takes() if t.name == "salsa_61_03").motion.slice(100, 200)
    score = dancer.score(song("salsa", 170.0), style="salsa-follow")
    begun = [dancer.dance([score], seed=seed, start=take)[0] for seed in range(5)]
    free = dancer.dance([score], seed=1)[0]
    end = take.slice(-1, None)
    gap = lambda m: motion_distance(m.slice(0, 1), end)  # noqa: E731
    typical = np.median([gap(motion) for motion in begun])
    assert typical < 6.0
    assert typical < 0.5 * gap(free)
    for motion in begun:
        assert np.linalg.norm(motion.root_positions[0] - take.root_positions[-1]) < 0.15


def test_extend_goes_on_from_where_a_motion_ends():
    take = next(t for t in salsa_takes() if t.name == "salsa_60_03").motion.slice(0, 150).resample(60.0)
    longer = extend(take, seconds=5.0, seed=1)
    assert longer.fps == 60.0
    assert len(longer) == pytest.approx(len(take) + 300, abs=3)
    np.testing.assert_array_equal(longer.rotations[: len(take)], take.rotations)
    step = np.linalg.norm(np.diff(longer.positions, axis=0), axis=-1).max(axis=1)
    join = slice(len(take) - 3, len(take) + 20)
    assert step[join].max() < 1.5 * np.percentile(step, 99)


def test_what_cannot_be_done_is_said(dancer):
    heard = song("pop", 100.0, 6.0)
    with pytest.raises(MotionError, match="no style 'polka': there are auto, salsa"):
        dancer.score(heard, style="polka")
    with pytest.raises(MotionError, match="positive length"):
        dancer.score(heard, seconds=-1)
    with pytest.raises(MotionError, match="0 takes"):
        dance(heard, takes=0)
    take = next(iter(salsa_takes())).motion
    with pytest.raises(AudioError, match="ends after 6.0 s, before the motion does"):
        extend(take, heard, seconds=2)
    stick = Skeleton(["a", "b"], [-1, 0], np.zeros((2, 3)))
    pole = replace(take, skeleton=stick, rotations=take.rotations[:, :2])
    with pytest.raises(RetargetError):
        extend(pole, seconds=2)
