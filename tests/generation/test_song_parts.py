"""Parts of songs that are danced to."""

from __future__ import annotations

import numpy as np
import pytest

from farandole.data.starter.songs import compose
from farandole.errors import AudioError, MotionError
from farandole.generation.song_parts import song_part, whole_bars
from farandole.music.song import Song


@pytest.fixture(scope="module")
def song() -> Song:
    made = compose(120.0, 17.0, genre="house", seed=2)
    return Song.from_samples(made.samples, made.sample_rate, name="house")


def test_a_part_is_that_stretch_of_sound(song: Song) -> None:
    assert song_part(song) is song
    part = song_part(song, 2.0, 6.0)
    assert part.seconds == pytest.approx(4.0, abs=1e-3)
    first = round(2.0 * song.sample_rate)
    np.testing.assert_array_equal(part.samples, song.samples[first : first + len(part.samples)])
    assert song_part(song, 5.0, 99.0).seconds == pytest.approx(song.seconds - 5.0, abs=1e-3)
    with pytest.raises(MotionError, match=r"nothing is left between 6\.00 and 2\.00 s"):
        song_part(song, 6.0, 2.0)
    with pytest.raises(AudioError, match="needs 1 s of sound"):
        song_part(song, song.seconds - 0.5)


@pytest.mark.parametrize(("seconds", "bars"), [(4.3, 2), (7.4, 4), (0.1, 1)])
def test_whole_bars_begin_with_a_bar_and_are_as_many_as_come_nearest(song: Song, seconds: float, bars: int) -> None:
    part = whole_bars(song, seconds)
    assert part.seconds == pytest.approx(2.0 * bars, abs=0.05)
    downbeats = part.beats.times[np.flatnonzero(part.beats.downbeats)]
    assert np.abs(downbeats).min() < 0.03


def test_by_default_all_whole_bars_and_once_cut_nothing_is_cut_again(song: Song) -> None:
    part = whole_bars(song)
    assert part.seconds / 2.0 == pytest.approx(round(part.seconds / 2.0), abs=0.03)
    assert part.seconds > song.seconds - 4.0
    assert whole_bars(part) is part
    quiet = Song.from_samples(np.zeros(22050 * 5, np.float32), 22050, name="silence")
    with pytest.raises(MotionError, match="silence holds no whole bar"):
        whole_bars(quiet)
