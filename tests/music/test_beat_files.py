"""Beat files: what people, farandole and Audacity write is read; damaged lines are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sounds import RATE, clicks

from farandole.errors import AudioError, OutputError
from farandole.music import Beats, Song
from farandole.music.beats.overrides import told_beats
from farandole.music.beats.text import read_beats, write_beats


def written(folder: Path, text: str) -> Path:
    path = folder / "song.beats.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize("bar", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("first", [0, 1, -3, 6])
def test_what_is_written_is_read_again(tmp_path: Path, bar: int, first: int) -> None:
    beats = Beats(0.31 + np.cumsum(np.random.default_rng(bar).uniform(0.4, 0.6, 23)), first, beats_per_bar=bar)
    write_beats(tmp_path / "b.txt", beats)
    again = read_beats(tmp_path / "b.txt")
    np.testing.assert_allclose(again.times, beats.times, atol=1e-4)
    np.testing.assert_array_equal(again.downbeats, beats.downbeats)
    assert again.beats_per_bar == bar
    with pytest.raises(OutputError, match="exists"):
        write_beats(tmp_path / "b.txt", beats)


@pytest.mark.parametrize(
    "text",
    [
        "0.5\t1\n1.0\t2\n1.5\t3\n2.0\t1\n2.5\t2\n",  # farandole
        "0.500000\t0.500000\t1\n1.0\t1.0\t2\n1.5\t1.5\t3\n2.0\t2.0\t1\n2.5\t2.5\t2\n",  # Audacity
        "# mine\n0.5,1\n\n1.0,2\n1.5,3\n2.0,1\n2.5,2\n",
        "0.5 0.5 bar 1.1\n1.0 1.0 1.2\n1.5 1.5 1.3\n2.0 2.0 2.1\n2.5 2.5 2.2\n",  # bar.place
    ],
)
def test_all_kinds_of_files_say_the_same(tmp_path: Path, text: str) -> None:
    beats = read_beats(written(tmp_path, text))
    np.testing.assert_allclose(beats.times, [0.5, 1.0, 1.5, 2.0, 2.5])
    np.testing.assert_array_equal(beats.downbeats, [True, False, False, True, False])
    assert beats.beats_per_bar == 3


def test_times_alone_are_bars_of_four_or_as_told(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(f"{0.5 * k}\n" for k in range(9)))
    assert read_beats(path).downbeats.tolist() == [k % 4 == 0 for k in range(9)]
    assert read_beats(path, beats_per_bar=3).downbeats.tolist() == [k % 3 == 0 for k in range(9)]


def test_a_bar_of_another_length_moves_the_bars_after_it(tmp_path: Path) -> None:
    places = [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4]
    beats = read_beats(written(tmp_path, "".join(f"{0.5 * k}\t{p}\n" for k, p in enumerate(places))))
    assert beats.beats_per_bar == 4
    np.testing.assert_array_equal(beats.downbeats, np.array(places) == 1)
    count = beats.count_at(np.linspace(-1, 10, 500))
    assert (np.diff(count) > 0).all()
    assert beats.tempo_at(5.0) == pytest.approx(120)
    assert (beats.folded(200, 300).counts[1::2] == 2 * beats.counts).all()


def test_an_upbeat_is_kept(tmp_path: Path) -> None:
    beats = read_beats(written(tmp_path, "0\t3\n0.5\t4\n1\t1\n1.5\t2\n2\t3\n2.5\t4\n3\t1\n"))
    assert beats.downbeats.tolist() == [False, False, True, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5\t1\nx\t2\n", "line 2: 'x"),
        ("0.5\t1\n0.4\t2\n", "line 2: 0.4 s does not come after 0.5 s"),
        ("1\t0\n2\t1\n", "line 1"),
        ("nan\t1\n2\t1\n", "line 1"),
        ("0.5\t1\n", "holds 1 beats"),
        ("", "holds 0 beats"),
    ],
)
def test_what_is_no_beat_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        read_beats(written(tmp_path, text))


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(AudioError, match="cannot be read"):
        read_beats(path)
    with pytest.raises(AudioError, match="cannot be read"):
        read_beats(tmp_path / "none.txt")


def test_a_told_tempo_is_a_grid_over_the_song() -> None:
    beats = Beats.told(100, 30.0, offset=0.75, beats_per_bar=3)
    assert beats.times[0] == pytest.approx(0.15)
    assert beats.times[-1] == pytest.approx(29.55)
    assert beats.tempo == pytest.approx(100)
    assert beats.times[beats.downbeats][0] == pytest.approx(0.75)
    for wrong in ({"bpm": 5}, {"bpm": 500}, {"bpm": float("nan")}, {"offset": float("nan")}, {"beats_per_bar": 1}):
        with pytest.raises(AudioError):
            Beats.told(**{"bpm": 100.0, "seconds": 30.0, **wrong})


def test_what_is_told_takes_the_place_of_what_is_found(tmp_path: Path) -> None:
    true = np.arange(0.3, 15.0, 0.5)
    song = Song.from_samples(clicks(true, 15.0), RATE)
    assert told_beats(song).times is song.beats.times
    waltz = told_beats(song, meter=3)
    assert waltz.beats_per_bar == 3
    np.testing.assert_array_equal(waltz.times, song.beats.times)
    half = told_beats(song, bpm=60)
    assert half.tempo == pytest.approx(60, rel=0.01)
    grid = told_beats(song, bpm=96, offset=1.0, meter=5)
    assert grid.beats_per_bar == 5
    assert grid.tempo == pytest.approx(96)
    assert np.abs(grid.times[grid.downbeats] - 1.0).min() < 1e-9
    moved = told_beats(song, offset=2.8)
    assert np.abs(moved.times[moved.downbeats] - 2.8).min() < 1e-9
    write_beats(tmp_path / "b.txt", grid)
    assert told_beats(song, file=tmp_path / "b.txt").beats_per_bar == 5
    for wrong in ({"bpm": 1}, {"meter": 99}, {"offset": 99.0}, {"file": tmp_path / "b.txt", "bpm": 100}):
        with pytest.raises(AudioError):
            told_beats(song, **wrong)


def test_a_song_with_told_beats_keeps_them_in_every_range() -> None:
    song = Song.from_samples(clicks(np.arange(0.3, 15.0, 0.5), 15.0), RATE)
    told = song.with_beats(Beats.told(100, song.seconds, offset=0.25))
    assert told.beats.tempo == pytest.approx(100)
    assert told.beats_for(150, 230).tempo == pytest.approx(200)
    assert told.beats_within(45, 60).tempo == pytest.approx(50)
    assert told.frames is song.frames
