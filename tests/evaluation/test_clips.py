"""Which files make a clip: motion, song, beats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from dancers import still

from farandole.errors import DataError
from farandole.evaluation.dance_clips import Clip, find_clips, read_beats, steady_beats


def test_songs_and_beats_are_found_by_name(tmp_path: Path) -> None:
    for name in (
        "song.npz",
        "song-1.bvh",
        "song_2.bvh",
        "songbird.bvh",
        "deep/other.glb",
        ".hidden.bvh",
        "notes.txt",
        "song.mp3",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "songbird.beats.json").touch()
    clips = {clip.name: clip for clip in find_clips(tmp_path)}
    assert set(clips) == {"song", "song-1", "song_2", "songbird", "deep/other"}
    song = tmp_path / "song.mp3"
    assert [clips[n].song for n in ("song", "song-1", "song_2", "songbird", "deep/other")] == [
        song,
        song,
        song,
        None,
        None,
    ]
    assert clips["song-1"].group == clips["song_2"].group != clips["songbird"].group
    assert clips["songbird"].beats == tmp_path / "songbird.beats.json"


def test_the_longest_matching_song_wins(tmp_path: Path) -> None:
    for name in ("la.ogg", "la-la.ogg", "la-la-3.npz"):
        (tmp_path / name).touch()
    (clip,) = find_clips(tmp_path)
    assert clip.song == tmp_path / "la-la.ogg"


def test_one_file_is_a_set_of_one(tmp_path: Path) -> None:
    still().save(tmp_path / "a.npz")
    still().save(tmp_path / "b.npz")
    assert [c.name for c in find_clips(tmp_path / "a.npz")] == ["a"]


def test_styles_are_folders_or_a_file(tmp_path: Path) -> None:
    for name in ("waltz/a.bvh", "waltz/fast/b.bvh", "c.bvh", "d.bvh"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "styles.json").write_text(json.dumps({"c": "salsa", "waltz/fast/b": "polka"}))
    styles = {clip.name: clip.style for clip in find_clips(tmp_path)}
    assert styles == {"waltz/a": "waltz", "waltz/fast/b": "polka", "c": "salsa", "d": ""}
    (tmp_path / "styles.json").write_text("[1]")
    with pytest.raises(DataError, match=r"styles\.json: is no file of styles"):
        find_clips(tmp_path)


def test_what_holds_no_motion_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.bvh"):
        find_clips(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_clips(tmp_path / "nowhere")


def test_beat_files(tmp_path: Path) -> None:
    path = tmp_path / "a.beats.json"
    path.write_text(json.dumps({"bpm": 120, "count_at_0": -0.5}))
    steady = read_beats(path, 3.0)
    np.testing.assert_allclose(steady.times, [0.25, 0.75, 1.25, 1.75, 2.25, 2.75])
    assert steady.count_at(np.array([0.0, 1.0])) == pytest.approx([-0.5, 1.5])
    path.write_text(json.dumps({"times": [0.1, 0.5, 1.0], "first_count": 3}))
    assert read_beats(path, 3.0).count_at(np.array([0.1, 0.75])) == pytest.approx([3, 4.5])
    for broken in ('{"times": [1]}', '{"times": [2, 1]}', '{"bpm": "fast"}', '{"bpm": 0}', "[]", "no json"):
        path.write_text(broken)
        with pytest.raises(DataError, match=r"a\.beats\.json"):
            read_beats(path, 3.0)


def test_a_clip_without_music_has_no_beats(tmp_path: Path) -> None:
    still().save(tmp_path / "a.npz")
    motion, beats = Clip("a", tmp_path / "a.npz").load()
    assert beats is None
    assert len(motion) == len(still())


def test_steady_beats_have_two_beats_however_short_the_clip() -> None:
    assert len(steady_beats(60, 0.0, 0.1)) == 2
