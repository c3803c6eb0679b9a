"""Beats: found on known grids, in known places; laws of the count; nothing invented where nothing beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sounds import RATE, clicks, f_measure

from farandole.data.starter.songs import compose, compose_on_grid
from farandole.errors import AudioError
from farandole.music import Beats, Song
from farandole.music.beats.bars import find_bars


def song_of(samples: np.ndarray) -> Song:
    return Song.from_samples(samples, RATE)


@pytest.mark.parametrize("bpm", [60.0, 83.3, 120.0, 161.0, 200.0])
def test_clicks_are_found_to_a_few_milliseconds(bpm: float) -> None:
    true = np.arange(0.3, 20.0, 60.0 / bpm)
    found = song_of(clicks(true, 20.0)).beats_within(bpm / 1.4, bpm * 1.4)
    assert f_measure(found.times, true) > 0.97
    nearest = found.times[np.abs(found.times[:, None] - true).argmin(axis=0)]
    assert np.abs(nearest - true)[1:-1].max() < 0.012
    assert found.clarity > 0.8
    assert found.tempo == pytest.approx(bpm, rel=0.005)


@pytest.mark.parametrize(
    ("genre", "bpm"),
    [
        ("salsa", 190.0),
        ("latin", 117.3),
        ("house", 123.0),
        ("hiphop", 92.0),
        ("pop", 104.0),
        ("rock", 141.0),
        ("disco", 116.0),
    ],
)
def test_composed_songs_are_tracked(genre: str, bpm: float) -> None:
    composed = compose(bpm, 25, genre=genre, seed=5, first_count=0.4)
    song = song_of(composed.samples)
    hinted = song.beats_within(bpm / 1.4, bpm * 1.4)
    assert f_measure(hinted.times, composed.beat_times) >= 0.95
    error = composed.beat_times - hinted.time_of(np.round(hinted.count_at(composed.beat_times)))
    assert abs(np.median(error)) < 0.008
    assert hinted.clarity > 0.5
    folded = song.beats.folded(bpm / 1.4, bpm * 1.4)  # without a hint an octave may be missed, never the pulse
    assert folded.tempo == pytest.approx(bpm, rel=0.01)


def test_downbeats_of_a_song_with_chords_and_sections_are_found() -> None:
    right = 0
    for seed in range(6):
        composed = compose(98, 40, genre="hiphop", seed=seed)
        frames = song_of(composed.samples).frames
        bar, counts = find_bars(frames, composed.beat_times, frames.activation.marks)
        right += bar == 4 and bool(((counts - composed.counts) % 4 == 0).all())
    assert right >= 5


def _oompah(beats_per_bar: int) -> tuple[np.ndarray, np.ndarray]:
    """Bass on one, chords on the other beats, another chord every bar: 40 s at 100 bpm, and the beat times."""
    from farandole.data.starter.songs.instruments import tone

    times = np.arange(0.05, 38.0, 0.6)
    out = np.zeros(40 * RATE, np.float32)
    for k, time in enumerate(times):
        bar, beat = divmod(k, beats_per_bar)
        root = 60 + (0, 5, 7, 0, 9, 2, 7, 0)[bar % 8]
        notes = [("sub", root - 24, 0.5)] if beat == 0 else [("piano", root + step, 0.12) for step in (0, 4, 7)]
        for timbre, midi, gain in notes:
            sound = gain * tone(timbre, midi, 500, RATE)
            out[round(time * RATE) : round(time * RATE) + len(sound)] += sound
    return out, times


@pytest.mark.parametrize("beats_per_bar", [3, 4])
def test_three_beats_in_a_bar_are_told_from_four(beats_per_bar: int) -> None:
    samples, times = _oompah(beats_per_bar)
    beats = song_of(samples).beats_within(80, 120)
    assert f_measure(beats.times, times) > 0.95
    assert beats.beats_per_bar == beats_per_bar
    assert f_measure(beats.times[beats.downbeats], times[::beats_per_bar]) > 0.9


def test_tempo_that_jumps_and_tempo_that_drifts_are_followed() -> None:
    jump = np.concatenate([np.arange(0, 15, 0.6), np.arange(15.0, 30, 0.48)])
    drift = np.cumsum(60.0 / np.linspace(100, 125, 60))
    for grid in (jump, drift):
        composed = compose_on_grid(grid, float(min(grid[-1], 30)), genre="pop", seed=3, steady=True)
        found = song_of(composed.samples).beats_within(80, 150)
        assert f_measure(found.times, composed.beat_times) > 0.93
    assert found.tempo_at(3.0) == pytest.approx(101.5, rel=0.03)
    assert found.tempo_at(26.0) == pytest.approx(121, rel=0.03)


def test_silence_gives_a_steady_guess_without_clarity() -> None:
    beats = song_of(np.zeros(10 * RATE)).beats
    assert beats.clarity == 0
    assert beats.tempo == pytest.approx(120)
    assert beats.times[0] == 0
    assert beats.times[-1] >= 9.5


@pytest.mark.parametrize("kind", ["noise", "tone", "random clicks", "babble"])
def test_sound_without_a_pulse_has_little_clarity(kind: str) -> None:
    rng = np.random.default_rng(1)
    count = 20 * RATE
    t = np.arange(count) / RATE
    if kind == "noise":
        sound = 0.1 * rng.standard_normal(count)
    elif kind == "tone":
        sound = 0.3 * np.sin(2 * np.pi * 220 * t)
    elif kind == "random clicks":
        sound = clicks(np.sort(rng.uniform(0, 20, 100)), 20.0)
    else:  # syllables of uneven length and pitch
        sound, at = np.zeros(count), 0.0
        while at < 19:
            length = rng.uniform(0.06, 0.35)
            part = slice(round(at * RATE), round(at * RATE) + round(length * RATE))
            size = part.stop - part.start
            voice = (
                np.sign(np.sin(2 * np.pi * rng.uniform(90, 200) * t[:size]))
                if rng.random() < 0.7
                else rng.standard_normal(size)
            )
            sound[part] += rng.uniform(0.1, 0.4) * voice * np.hanning(size)
            at += length + rng.exponential(0.08)
    assert song_of(sound).beats.clarity < 0.25


@pytest.mark.parametrize("seconds", [1.0, 1.9, 2.5, 3.0])
def test_short_clips_have_beats(seconds: float) -> None:
    beats = song_of(compose(120, seconds, genre="house", seed=1, steady=True).samples).beats
    assert len(beats) >= 2
    assert np.isfinite(beats.count_at([0.0, seconds, 100.0])).all()


def test_music_after_silence_keeps_its_beats() -> None:
    composed = compose(120, 15, genre="house", seed=4, steady=True)
    beats = song_of(np.concatenate([np.zeros(8 * RATE, np.float32), composed.samples])).beats_within(90, 160)
    true = composed.beat_times + 8
    assert f_measure(beats.times[beats.times > 7.9], true) > 0.95
    assert beats.clarity > 0.5


def test_cutting_into_other_blocks_changes_nothing() -> None:
    from farandole.music.onsets import analyse

    samples = clicks(np.arange(0.2, 5, 0.31), 5.0)
    whole = analyse([samples], RATE)
    cut = analyse(np.split(samples, [1, 100, 5000, 5001, 70000]), RATE)
    np.testing.assert_allclose(whole.mel, cut.mel, rtol=1e-5, atol=1e-12)
    assert len(whole) == len(samples) // 256 + 1


gaps = st.lists(st.floats(0.25, 1.2), min_size=1, max_size=40)


@given(gaps=gaps, start=st.floats(-1, 5), first=st.integers(-8, 8), bar=st.sampled_from([3, 4]))
def test_count_at_is_whole_on_beats_ascends_and_inverts(gaps: list[float], start: float, first: int, bar: int) -> None:
    beats = Beats(start + np.concatenate([[0], np.cumsum(gaps)]), first, 1.0, None, bar)
    np.testing.assert_allclose(beats.count_at(beats.times), first + np.arange(len(beats)), atol=1e-9)
    t = np.linspace(beats.times[0] - 10, beats.times[-1] + 10, 400)
    count = beats.count_at(t)
    assert (np.diff(count) > 0).all()
    np.testing.assert_allclose(beats.time_of(count), t, atol=1e-6)
    assert (beats.count_at(beats.times[beats.downbeats]).round() % bar == 0).all()
    assert (beats.tempo_at(t) > 0).all()


@given(bpm=st.floats(40, 220), low=st.floats(50, 150), first=st.integers(-5, 5))
def test_folding_moves_by_octaves_into_the_range_and_keeps_places(bpm: float, low: float, first: int) -> None:
    beats = Beats(0.2 + np.arange(65) * 60 / bpm, first)
    folded = beats.folded(low, 2 * low)
    assert low * 0.999 <= folded.tempo <= 2 * low * 1.001
    octave = np.log2(folded.tempo / bpm)
    assert octave == pytest.approx(round(octave), abs=1e-6)
    ratio = beats.count_at(folded.times) * 2.0 ** round(octave)
    np.testing.assert_allclose(ratio - ratio[0], np.arange(len(folded)), atol=1e-6)
    inside = beats.folded(bpm * 0.9, bpm * 1.1)
    np.testing.assert_array_equal(inside.times, beats.times)


def test_halving_keeps_the_better_supported_beats() -> None:
    support = np.tile([0.2, 1.5], 16)
    halved = Beats(np.arange(32) * 0.3, 0, 1.0, support).folded(70, 130)
    np.testing.assert_allclose(halved.times, np.arange(1, 32, 2) * 0.3)
    halved = Beats(np.arange(32) * 0.3, 0, 1.0, support[::-1]).folded(70, 130)
    np.testing.assert_allclose(halved.times, np.arange(0, 32, 2) * 0.3)


@pytest.mark.parametrize("low_high", [(0, 100), (120, 100), (10, 500)])
def test_impossible_ranges_are_refused(low_high: tuple[float, float]) -> None:
    song = song_of(clicks(np.arange(0, 3, 0.5), 3.0))
    with pytest.raises(AudioError, match="tempo range"):
        song.beats_within(*low_high)


def test_beats_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(AudioError, match="ascending"):
        Beats(np.array([1.0, 0.5]))
