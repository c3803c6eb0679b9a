"""Composed songs: the same arguments give the same bytes, attacks are on the grid, every genre plays."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose, compose_on_grid, genres
from farandole.data.starter.songs.genres import GENRES
from farandole.data.starter.songs.instruments import DRUMS, TIMBRES, drum, tone
from farandole.errors import DataError


def test_same_arguments_same_bytes_other_seed_other_song() -> None:
    first, again, other = (compose(123, 6, genre="house", seed=seed) for seed in (7, 7, 8))
    assert first.samples.tobytes() == again.samples.tobytes()
    assert first.beat_times.tobytes() == again.beat_times.tobytes()
    assert first.samples.tobytes() != other.samples.tobytes()


@pytest.mark.parametrize("genre", genres())
def test_every_genre_makes_sound_on_its_grid(genre: str) -> None:
    bpm = float(np.mean(GENRES[genre].bpm))
    song = compose(bpm, 12, genre=genre, seed=3, steady=True)
    assert song.samples.dtype == np.float32
    assert len(song.samples) == 12 * 22050
    assert np.isfinite(song.samples).all()
    assert 0.2 < np.abs(song.samples).max() <= 1
    np.testing.assert_allclose(np.diff(song.beat_times), 60 / bpm, rtol=1e-9)
    assert song.beat_times[0] == 0
    assert song.beat_times[-1] < 12 <= song.beat_times[-1] + 60 / bpm + 1e-9
    assert (song.downbeats == (np.arange(len(song.beat_times)) % 4 == 0)).all()
    assert song.energy.shape == song.beat_times.shape
    assert song.energy.min() >= 0
    assert song.energy.max() <= 1
    # sound rises within a few milliseconds after beats far more than before them
    power = np.convolve(song.samples**2, np.ones(220) / 220, "same")
    at = np.round(song.beat_times[1:] * 22050).astype(int)
    after, before = power[np.minimum(at + 330, len(power) - 1)].mean(), power[at - 330].mean()
    assert after > 1.5 * before


def test_first_count_puts_a_song_on_a_given_grid() -> None:
    song = compose(190, 10, genre="salsa", seed=1, first_count=1.25)
    np.testing.assert_allclose(song.beat_times, (song.counts - 1.25) * 60 / 190, atol=1e-9)
    assert song.counts[0] == 2
    np.testing.assert_array_equal(song.downbeats, song.counts % 4 == 0)


def test_a_grid_may_change_tempo() -> None:
    grid = np.concatenate([np.arange(0, 5, 0.5), np.arange(5, 10, 0.625)])
    song = compose_on_grid(grid, 10, genre="pop", seed=2)
    np.testing.assert_allclose(song.beat_times, grid[grid < 10])
    assert len(song.samples) == 10 * 22050


def test_form_changes_loudness_as_planned() -> None:
    song = compose(120, 90, genre="pop", seed=5)
    beat = np.add.reduceat(song.samples.astype(float) ** 2, np.round(song.beat_times * 22050).astype(int))
    loudness = np.log(np.convolve(beat, np.ones(8), "valid"))
    plan = np.convolve(song.energy, np.ones(8) / 8, "valid")
    assert song.energy.std() > 0.1
    assert np.corrcoef(loudness, plan)[0, 1] > 0.6
    steady = compose(120, 30, genre="pop", seed=5, steady=True)
    assert np.ptp(steady.energy) == 0


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
def test_instruments_start_at_once_and_stay_in_range(rate: int) -> None:
    for name in DRUMS:
        hit = drum(name, np.random.default_rng(1), rate)
        assert np.abs(hit).max() == pytest.approx(1, abs=1e-3), name
        assert np.argmax(np.abs(hit) > 0.3) < 0.02 * rate, name
    for timbre in TIMBRES:
        note = tone(timbre, 57, 400, rate)
        assert len(note) == round(0.4 * rate)
        assert np.abs(note).max() == pytest.approx(1, abs=1e-3), timbre
        spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note))))
        strongest = np.fft.rfftfreq(len(note), 1 / rate)[spectrum.argmax()]
        assert min(abs(strongest - 220 * h) for h in (1, 2, 3)) < 8, timbre


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bpm": 120, "seconds": 5, "genre": "polka"}, "unknown genre 'polka': known are .*salsa"),
        ({"bpm": 10, "seconds": 5}, "bpm 10"),
        ({"bpm": 120, "seconds": 0.2}, "0.2 s: at least 1 s"),
    ],
)
def test_impossible_songs_are_refused(arguments: dict, words: str) -> None:
    with pytest.raises(DataError, match=words):
        compose(**arguments)
    with pytest.raises(DataError, match="ascending"):
        compose_on_grid([1.0, 0.5], 5)
