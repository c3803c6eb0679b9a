"""Row t of every feature is the instant t / fps, at the end of ten minutes as at their beginning, at any frame rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from sounds import clicks

from farandole.data.starter.songs import compose
from farandole.music import Song, load_song
from farandole.music.decode import resample
from farandole.music.features import feature, features

Where = Callable[[np.ndarray, float, np.ndarray], np.ndarray]
RATES = (20.0, 23.976, 25.0, 29.97, 30.0, 60.0, 100.0, 120.0)
SECONDS = 600.0
ENERGY = 0.004
"""Seconds from the beginning of a click to the middle of its energy."""
NEAR = 0.0055
"""Seconds between what sounds and the peak of onset strength, whatever the frame rate: a bare click leads, a thick chord lags."""


def click_times(seconds: float = SECONDS) -> np.ndarray:
    """A steady pulse, but no click on the same part of a frame as the one before."""
    times = np.arange(1.0, seconds - 1.0, 0.5)
    return times + np.random.default_rng(0).uniform(-0.01, 0.01, len(times))


@pytest.fixture(scope="module")
def ten_minutes(tmp_path_factory: pytest.TempPathFactory) -> Song:
    """A file at 44.1 kHz, whose rate none of the others divides."""
    path = tmp_path_factory.mktemp("song") / "clicks.wav"
    soundfile.write(path, clicks(click_times(), SECONDS, 44100, hz=3000.0), 44100)
    return load_song(path)


def offsets(values: np.ndarray, fps: float, times: np.ndarray) -> np.ndarray:
    """Seconds from each click to the middle of what the feature shows within a fifth of a second of it."""
    strength = np.abs(values - np.median(values, axis=0)).sum(axis=1)
    middles = []
    for time in times:
        frames = np.arange(int(np.ceil((time - 0.2) * fps)), int(np.floor((time + 0.2) * fps)) + 1)
        weight = strength[frames]
        if weight.sum() > 0:
            middles.append((weight * frames).sum() / weight.sum() / fps - time)
    return np.array(middles)


def peaks(values: np.ndarray, fps: float, times: np.ndarray) -> np.ndarray:
    """Seconds from each click to the peak (of a parabola through three rows) of a strength, which rises faster than it falls."""
    strength = values.sum(axis=1)
    places = []
    for time in times:
        frames = np.arange(int(np.ceil((time - 0.08) * fps)), int((time + 0.1) * fps) + 1)
        top = frames[np.argmax(strength[frames])]
        left, middle, right = strength[top - 1 : top + 2]
        curve = left - 2 * middle + right
        places.append((top + (0.5 * (left - right) / curve if curve < 0 else 0.0)) / fps - time)
    return np.array(places)


def check(values: np.ndarray, fps: float, times: np.ndarray, near: float = 0.0, where: Where = offsets) -> None:
    """No drift (a twentieth of a frame, or 2 ms: four standard errors of the means), and in step to half a frame or `near`."""
    start, end = (where(values, fps, part) for part in (times[1:200], times[-200:-1]))
    assert len(start) > 150
    assert len(end) > 150
    assert abs(start.mean() - end.mean()) < max(0.05 / fps, 0.002)
    assert max(abs(start.mean()), abs(end.mean())) <= max(0.5 / fps, near)


def columns(values: np.ndarray, name: str, *wanted: str) -> np.ndarray:
    """The columns whose names begin with one of some words."""
    return values[:, [k for k, c in enumerate(feature(name).columns) if c.startswith(wanted)]]


@pytest.mark.parametrize("fps", RATES)
def test_own_features_keep_time(ten_minutes: Song, fps: float) -> None:
    times = click_times()
    told = {name: features(ten_minutes, name, fps) for name in ("mel", "bands", "onsets", "beats", "transflower_beats")}
    assert {len(values) for values in told.values()} == {round(SECONDS * fps)}
    check(10 ** (told["mel"] / 10), fps, times)
    for name in ("bands", "onsets"):
        check(told[name], fps, times, NEAR, peaks)
    for name, wanted in (("beats", "on_beat"), ("transflower_beats", "beat")):
        check(columns(told[name], name, wanted), fps, times, NEAR)


@pytest.mark.parametrize(("genre", "bpm"), [("salsa", 190.0), ("reggaeton", 117.3), ("hiphop", 92.0), ("rock", 141.0)])
def test_own_features_keep_time_with_whole_songs(genre: str, bpm: float) -> None:
    """Drums, bass and chords on known beats: the middle one of the distances, at a rate of 8 ms a frame."""
    composed = compose(bpm, 30, genre=genre, seed=5, first_count=0.4)
    song = Song.from_samples(composed.samples, composed.sample_rate)
    times = composed.beat_times[(composed.beat_times > 1) & (composed.beat_times < 28)]
    for name in ("bands", "onsets"):
        found = peaks(features(song, name, 120.0), 120.0, times)
        assert abs(np.median(found[np.abs(found) < 0.03])) < NEAR
    beats = song.beats_within(bpm / 1.4, bpm * 1.4)
    assert abs(np.median(beats.time_of(np.round(beats.count_at(times))) - times)) < NEAR


@pytest.mark.parametrize("rate", [round(512 * fps) for fps in RATES] + [96000])
def test_resampling_to_any_rate_does_not_drift(rate: int) -> None:
    """aistpp35 listens at 512 samples a frame: at 23.976 fps these are 12 276 Hz."""
    sound = np.zeros(44100 * 600, np.float32)
    places = np.array([441, 44100 * 300, 44100 * 600 - 441])
    sound[places] = 1.0
    there = resample(sound, 44100, rate)
    assert len(there) == round(600 * rate)
    for at in places / 44100 * rate:
        near = np.arange(round(at) - 40, min(round(at) + 41, len(there)))
        weight = there[near].astype(float) ** 2
        assert abs((weight * (near - at)).sum() / weight.sum()) < 0.5  # samples


@pytest.mark.slow
@pytest.mark.parametrize("fps", RATES)
def test_published_features_keep_time(ten_minutes: Song, fps: float) -> None:
    pytest.importorskip("librosa", reason="published music features need the [train] extra")
    times = click_times()
    told = {name: features(ten_minutes, name, fps) for name in ("transflower_mel", "transflower_envelope", "aistpp35")}
    assert {len(values) for values in told.values()} == {round(SECONDS * fps)}
    check(10 ** (told["transflower_mel"] / 10), fps, times + ENERGY)
    check(columns(told["aistpp35"], "aistpp35", "mfcc_0"), fps, times + ENERGY)
    check(told["transflower_envelope"], fps, times, 1.0 / fps if fps > 60 else 0.0, peaks)
    # Onset strength is the rise from the frame before, as published: its middle comes a frame or more after an attack.
    check(columns(told["aistpp35"], "aistpp35", "envelope"), fps, times, 1.6 / fps)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [20.0, 29.97, 30.0, 60.0, 100.0, 120.0])
@pytest.mark.parametrize(("name", "first"), [("aistpp35", "chroma_0"), ("transflower_chroma", "harmonic_0")])
def test_chroma_keeps_time(name: str, first: str, fps: float) -> None:
    """Two notes in turn: where one column outgrows the other, the note changes."""
    pytest.importorskip("librosa", reason="published music features need the [train] extra")
    rate, turn, seconds = 22050, 1.5137, 60.0
    t = np.arange(round(seconds * rate)) / rate
    second = (t // turn).astype(int) % 2 == 1
    sound = 0.3 * np.sin(2 * np.pi * np.where(second, 369.99, 261.63) * t)
    values = features(Song.from_samples(sound.astype(np.float32), rate), name, fps)
    low = feature(name).columns.index(first)
    sign = values[:, low + 6] - values[:, low] + 1e-9  # CENS is quantised: both may be the same
    change = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    places = (change + sign[change] / (sign[change] - sign[change + 1])) / fps
    wanted = turn * np.arange(1, int(seconds / turn))
    lag = np.array([places[np.argmin(np.abs(places - w))] - w for w in wanted])
    # One of the notes is heard a little longer than the other: the mean over turns to it and from it is the feature's lag.
    start, end = lag[:8].mean(), lag[-8:].mean()
    assert max(abs(start), abs(end)) <= 0.5 / fps
    assert abs(start - end) < max(0.1 / fps, 0.003)
