"""What the network says of the tempo: it is said of every frame, and decides the level where the beats alone leave it open."""

from __future__ import annotations

import numpy as np
import pytest
from sounds import RATE

from farandole.data.starter.songs import compose
from farandole.music import Song
from farandole.music.activation import TEMPI
from farandole.music.beats.confidence import tempo_share
from farandole.music.beats.level import best_level
from farandole.music.beats.level_signs import LevelEvidence
from farandole.music.beats.tracking import votes_around
from farandole.music.live.beat_filter import BeatFilter
from farandole.music.live.live_frames import FPS


def shares_at(bpm: float, count: int = 1) -> np.ndarray:
    """All of the share at one tempo, [count, N]."""
    row = np.zeros(len(TEMPI), np.float32)
    row[np.abs(np.log2(TEMPI / bpm)).argmin()] = 1.0
    return np.tile(row, (count, 1))


@pytest.mark.parametrize("bpm", [96.0, 128.0])
def test_the_network_hears_the_tempo_of_a_composed_song(bpm: float) -> None:
    said = Song.from_samples(compose(bpm, 20, genre="house", seed=2, steady=True).samples, RATE).frames.activation
    np.testing.assert_allclose(said.tempo[:].sum(axis=1), 1, atol=1e-4)
    assert len(said.tempo) == len(said.marks)
    most = TEMPI[said.tempo[300:-300].mean(axis=0).argmax()]
    assert min(abs(np.log2(most / bpm) - octave) for octave in (-1, 0, 1)) < 0.06


def test_votes_are_means_over_windows_and_have_a_floor() -> None:
    tempo = np.concatenate([shares_at(80, 1000), shares_at(160, 1000)])
    rows = votes_around(tempo, np.array([1.0, 22.0]), FPS)
    assert TEMPI[rows[0].argmax()] == pytest.approx(80, rel=0.03)
    assert TEMPI[rows[1].argmax()] == pytest.approx(160, rel=0.03)
    rows = rows + np.log2(TEMPI / 100)  # less the liking for slow tempi
    assert rows.max() == pytest.approx(np.log(len(TEMPI)))
    assert rows.min() == pytest.approx(np.median(rows))


@pytest.mark.parametrize(("factor", "share"), [(1.0, 1.0), (2.0, 0.0), (0.5, 0.0)])
def test_tempo_share_of_beats(factor: float, share: float) -> None:
    beats = np.round(np.arange(20) * 60 * FPS / 100).astype(int)
    assert tempo_share(shares_at(100, beats[-1]), beats, FPS, factor) == pytest.approx(share)


@pytest.mark.parametrize("bpm", [85.0, 170.0])
def test_the_filter_takes_the_level_that_the_network_names(bpm: float) -> None:
    """Every second pulse is a little weaker: beats at 170, or at 85."""
    beats, period = BeatFilter(FPS), round(60 * FPS / 170)
    shares = shares_at(bpm)[0]
    for t in range(30 * period):
        strength = (0.5, 0.3)[t // period % 2] if t % period == 0 else 0.01
        beats.step(strength, shares)
    assert 60 * FPS / beats.estimate().period == pytest.approx(bpm, rel=0.04)


@pytest.mark.parametrize("bpm", [60.0, 120.0])
def test_the_level_is_the_one_that_network_and_onsets_hear(bpm: float) -> None:
    """A path at 60 bpm stays, or is doubled where there is as much on its halves and the network names 120."""
    path = np.round(np.arange(1, 40) * FPS).astype(int)
    halves = (path[1:] + path[:-1]) // 2
    count = path[-1] + 10
    marks = {
        "gain": np.full(count, -5.0), "pulse": np.full(count, -0.3), "beat": np.full(count, 0.01), "down": np.full(count, 0.01),
    }  # fmt: skip
    attacks = np.full((count, 4), -0.3)
    for frames, is_beat in ((path, True), (halves, bpm == 120)):
        for name, value in (("gain", 5.0), ("pulse", 2.0), ("beat", 0.8)):
            marks[name][frames] = value if is_beat else marks[name][0]
        attacks[frames] = 2.0 if is_beat else 0.1
    marks["down"][path[::4] if bpm == 60 else path[::2]] = 0.7
    evidence = LevelEvidence(marks, attacks, shares_at(bpm, count), FPS)
    found, share = best_level(path, evidence, 50, 215)
    assert 60 * FPS / np.median(np.diff(found)) == pytest.approx(bpm, rel=0.03)
    assert 0.5 < share <= 1
