"""Long songs are heard in pieces: the numbers are those of all at once, and memory does not grow with the square of the length."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from sounds import RATE, write_sound

from farandole.data.starter.songs import compose
from farandole.generation.dance import dance
from farandole.music import Song, load_song
from farandole.music import song as songs
from farandole.music.activation import SpectrumRows, load_network, spectrum_input
from farandole.music.beats import confidence, pulse
from farandole.music.growing import GrowingRows
from farandole.music.onsets import RestingFeatures
from farandole.music.sections import form


def test_beats_are_compared_with_their_neighbours_only() -> None:
    random = np.random.default_rng(0)
    a, b = (np.sort(random.choice(2000, 150, replace=False)) for _ in range(2))
    plain = sum((np.abs(x[:, None] - y).min(axis=1) <= 3.0).sum() for x, y in ((a, b), (b, a))) / 300
    assert confidence._agreement(a, b, 3.0) == plain
    assert confidence._agreement(a, b[:0], 3.0) == 0.0
    tracemalloc.start()
    try:
        assert confidence._agreement(np.arange(0, 900_000, 40), np.arange(1, 900_000, 40), 3.0) == 1.0
        assert tracemalloc.get_traced_memory()[1] < 5e6  # two hours of beats
    finally:
        tracemalloc.stop()


def test_sums_of_rows_are_a_running_sum_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(rows, axis=0, dtype=float)])
    monkeypatch.setattr(pulse, "_AT_ONCE", 7)
    first, last = pulse.sums_before(rows, np.array([0, 7, 20]), np.array([13, 14, 50]))
    np.testing.assert_array_equal(first, total[[0, 7, 20]])
    np.testing.assert_array_equal(last, total[[13, 14, 50]])


def test_novelty_of_many_bars_does_not_depend_on_how_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    timbre, harmony = random.normal(size=(70, 44)), random.normal(size=(70, 24))
    whole = form._novelty(timbre, harmony)
    monkeypatch.setattr(form, "_COMPARED", 16)
    np.testing.assert_allclose(form._novelty(timbre, harmony), whole, atol=1e-9)


def test_rows_grow_in_place_and_keep_their_type() -> None:
    pieces = np.array_split(np.arange(300, dtype=np.float32).reshape(100, 3), 9)
    rows = GrowingRows()
    for piece in pieces:
        rows.add(piece)
    assert len(rows) == 100
    joined = rows.joined()
    assert joined.dtype == np.float32
    np.testing.assert_array_equal(joined, np.concatenate(pieces))


@pytest.fixture(scope="module")
def composed() -> Song:
    """Some seconds of house."""
    return Song.from_samples(compose(124.0, 12, genre="house", seed=3, steady=True).samples, RATE)


def test_the_network_hears_pieces_of_a_spectrum_like_the_whole(composed: Song, monkeypatch: pytest.MonkeyPatch) -> None:
    mel, fps = composed.frames.mel[:-1], composed.frames.fps
    rows, whole = SpectrumRows(mel, fps), spectrum_input(mel, fps)
    assert len(rows) == len(whole)
    np.testing.assert_array_equal(rows[1:40], whole[1:40])
    np.testing.assert_array_equal(rows[300:9000], whole[300:])
    once = load_network().whole(whole)
    monkeypatch.setattr("farandole.music.activation.network._PIECE", 256)
    pieces = load_network().whole(rows)
    np.testing.assert_allclose(pieces.marks, once.marks, atol=1e-5)
    np.testing.assert_allclose(pieces.tempo[:], once.tempo[:], atol=1e-5)


def test_a_long_song_lets_go_of_its_spectra_while_it_is_danced_to(
    composed: Song, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sound(tmp_path / "song.wav", composed.samples, RATE)
    before = load_song(path, chroma=True)
    monkeypatch.setattr(songs, "_LONG", 5.0)
    song = load_song(path, chroma=True)
    dance(song, seconds=1)
    assert isinstance(song.frames, RestingFeatures)
    assert "mel" not in song.frames.__dict__
    assert "_tracker" not in song.__dict__
    np.testing.assert_array_equal(song.frames.power, before.frames.power)
    np.testing.assert_array_equal(song.beats.times, before.beats.times)
    assert len(song.frames) == len(before.frames)
    # What was let go is heard again.
    np.testing.assert_array_equal(song.beats_within(60, 120).times, before.beats_within(60, 120).times)
    np.testing.assert_array_equal(song.frames.mel, before.frames.mel)
