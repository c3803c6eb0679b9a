"""Conditions and features: exact times at any rate, known ranges, calm in silence."""

from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE, clicks

from farandole.data.starter.songs import compose
from farandole.errors import AudioError
from farandole.music import Beats, Song
from farandole.music.conditioning import conditions
from farandole.music.features import feature, features, names


@pytest.fixture(scope="module")
def song() -> Song:
    return Song.from_samples(compose(124, 40, genre="house", seed=2).samples, RATE)


@pytest.mark.parametrize("fps", [20.0, 25.0, 30.0, 59.94, 60.0, 120.0])
def test_frames_are_at_their_times_whatever_the_rate(song: Song, fps: float) -> None:
    told = conditions(song, fps)
    assert len(told) == round(song.seconds * fps)
    times = np.arange(len(told)) / fps
    np.testing.assert_allclose(told.count, song.beats.count_at(times), atol=1e-9)
    for values in (told.count, told.tempo, told.energy, told.accents, told.bands):
        assert len(values) == len(told)
        assert np.isfinite(values).all()
    assert np.abs(told.energy).max() <= 2.5
    assert told.bands.min() >= 0
    assert told.bands.max() <= 3


@pytest.fixture(scope="module")
def ten_minutes() -> Song:
    return Song.from_samples(clicks(np.arange(0.5, 599.1, 0.5), 600.0), RATE)


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
def test_no_drift_in_ten_minutes(ten_minutes: Song, fps: float) -> None:
    told = conditions(ten_minutes, fps)
    for click in (0.5, 300.0, 599.0):
        near = np.arange(round((click - 0.2) * fps), round((click + 0.2) * fps))
        assert abs(near[told.accents[near].argmax()] / fps - click) <= 0.5 / fps + 0.010
        count = np.interp(click, np.arange(len(told)) / fps, told.count)
        assert abs(count - round(count)) < 0.02
    assert told.count[round(599 * fps)] - told.count[round(0.5 * fps)] == pytest.approx(1197, abs=0.05)


def test_accents_mark_the_beats_of_a_song_with_a_kick(song: Song) -> None:
    told = conditions(song, 60)
    on = told.accents[np.round(song.beats.times[1:-1] * 60).astype(int)]
    off = told.accents[np.round((song.beats.times[1:-1] + 0.125) * 60).astype(int)]  # a quarter of a beat later
    assert on.mean() > 3 * off.mean()


def test_energy_follows_loudness_and_has_unit_spread() -> None:
    composed = compose(120, 60, genre="pop", seed=1, steady=True)
    shape = np.repeat([0.1, 0.4, 1.0, 0.25, 1.0, 0.15], RATE * 10)
    told = conditions(Song.from_samples(composed.samples * shape, RATE), 30)
    assert abs(told.energy.mean()) < 0.4
    assert 0.7 < told.energy.std() < 1.4
    parts = told.energy.reshape(6, -1)[:, 60:-60].mean(axis=1)
    assert list(np.argsort(parts)) == [0, 5, 3, 1, *np.argsort(parts)[4:]]
    assert abs(parts[2] - parts[4]) < 0.4


def test_energy_does_not_depend_on_the_recording_level() -> None:
    samples = compose(110, 20, genre="funk", seed=6).samples
    loud, soft = (conditions(Song.from_samples(gain * samples, RATE), 30) for gain in (1.0, 0.05))
    np.testing.assert_allclose(loud.energy, soft.energy, atol=0.02)
    np.testing.assert_allclose(loud.bands, soft.bands, atol=0.02)
    np.testing.assert_allclose(loud.count, soft.count, atol=0.02)


def test_even_loudness_is_not_stretched_and_silence_is_calm() -> None:
    even = Song.from_samples(compose(120, 30, genre="disco", seed=3, steady=True).samples, RATE)
    assert conditions(even, 30).energy[60:-60].std() < 0.6
    silent = conditions(Song.from_samples(np.zeros(5 * RATE), RATE), 30)
    np.testing.assert_array_equal(silent.energy, -2)
    np.testing.assert_array_equal(silent.bands, 0)
    assert silent.clarity == 0
    np.testing.assert_array_equal(silent.sounding, 0)


def test_music_after_silence_is_quiet_first() -> None:
    samples = np.concatenate([np.zeros(6 * RATE, np.float32), compose(120, 20, genre="house", seed=4).samples])
    told = conditions(Song.from_samples(samples, RATE), 30)
    np.testing.assert_allclose(told.energy[: 4 * 30], -2, atol=0.05)
    assert told.energy[10 * 30 :].mean() > -1
    np.testing.assert_allclose(told.sounding[: 4 * 30], 0, atol=0.05)
    assert told.sounding[8 * 30 : -60].min() == 1


def test_soft_music_sounds_whatever_its_energy() -> None:
    samples = compose(120, 30, genre="house", seed=4, steady=True).samples.copy()
    samples[: 4 * RATE] *= 10 ** (-30 / 20)
    told = conditions(Song.from_samples(samples, RATE), 30)
    assert told.energy[30:75].max() < -1.9
    assert told.sounding[30:75].min() == 1


def test_a_tempo_range_chooses_the_octave(song: Song) -> None:
    plain, fast, slow = (conditions(song, 30, tempo_range=r) for r in (None, (170, 300), (50, 70)))
    middle = slice(60, -60)
    np.testing.assert_allclose(fast.tempo[middle], 2 * plain.tempo[middle], rtol=0.01)
    np.testing.assert_allclose(slow.tempo[middle], plain.tempo[middle] / 2, rtol=0.01)
    shift = fast.count[middle] - 2 * plain.count[middle]
    np.testing.assert_allclose(shift, np.round(shift.mean()), atol=0.06)
    own = Beats.steady(100, song.seconds)
    given = conditions(song, 30, beats=own, tempo_range=(170, 300))
    np.testing.assert_allclose(given.count, np.arange(len(given)) / 30 * 200 / 60, atol=1e-9)
    with pytest.raises(AudioError, match="tempo range"):
        conditions(song, 30, tempo_range=(200, 100))


@pytest.mark.parametrize("name", ["onsets", "bands", "beats", "mel"])
def test_features_have_their_columns_at_any_rate(song: Song, name: str) -> None:
    assert name in names()
    for fps in (20, 60, 100):
        table = features(song, name, fps)
        assert table.dtype == np.float32
        assert table.shape == (round(song.seconds * fps), len(feature(name).columns))
        assert np.isfinite(table).all()


def test_beats_feature_marks_each_beat_once(song: Song) -> None:
    table = features(song, "beats", 60)
    marks = np.flatnonzero(table[:, feature("beats").columns.index("on_beat")]) / 60
    inside = song.beats.times[(song.beats.times >= 0) & (song.beats.times < song.seconds - 0.02)]
    np.testing.assert_allclose(marks, inside, atol=0.5 / 60 + 1e-9)
    at_beats = table[np.round(marks * 60).astype(int)]
    assert at_beats[:, 1].min() > 0.8  # the beat's cosine is near 1 there


def test_mel_of_a_tone_peaks_at_its_band() -> None:
    t = np.arange(3 * RATE) / RATE
    table = features(Song.from_samples(0.5 * np.sin(2 * np.pi * 1000 * t), RATE), "mel", 30)
    from farandole.music.onsets import MEL_BANDS, WINDOW, mel_filters

    _, centres = mel_filters(RATE, WINDOW, MEL_BANDS)
    assert abs(centres[table[30].argmax()] - 1000) < 80
    assert table[30].max() == pytest.approx(0, abs=1)
    assert np.median(table[30]) < -40


def test_unknown_names_and_rates_are_refused(song: Song) -> None:
    with pytest.raises(AudioError, match=r"unknown music feature 'chords': known are .*bands"):
        features(song, "chords", 30)
    with pytest.raises(AudioError, match="frames per second"):
        conditions(song, 0)
