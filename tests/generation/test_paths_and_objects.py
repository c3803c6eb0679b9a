"""Songs and motions are given as objects or as paths of files, text or Path: the result is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import farandole as fa
from farandole.data.starter.songs import compose
from farandole.motion.motion import Motion


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "song.flac"
    made = compose(110, 12.0, genre="house", seed=1)
    soundfile.write(path, made.samples, made.sample_rate)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from farandole.data.starter.groove.dancer import groove

    return groove(np.arange(120) / 15, seed=3).save(tmp_path_factory.mktemp("clips") / "clip.bvh")


def same(one: Motion, other: Motion) -> None:
    assert one.fps == other.fps
    assert one.rotations.tobytes() == other.rotations.tobytes()
    assert one.root_positions.tobytes() == other.root_positions.tobytes()


def test_dance(song: Path, clip: Path) -> None:
    by_object = fa.dance(fa.load_song(song), seconds=2.0, start=fa.load_motion(clip))
    same(by_object, fa.dance(str(song), seconds=2.0, start=str(clip)))
    same(by_object, fa.dance(song, seconds=2.0, start=clip))


def test_extend(song: Path, clip: Path) -> None:
    by_object = fa.extend(fa.load_motion(clip), fa.load_song(song), seconds=2.0)
    same(by_object, fa.extend(str(clip), str(song), seconds=2.0))
    same(by_object, fa.extend(clip, song, seconds=2.0))


def test_inbetween(song: Path, clip: Path) -> None:
    options = {"gaps": [(30, 70)], "method": "dance", "seed": 1}
    by_object = fa.inbetween(fa.load_motion(clip), song=fa.load_song(song), **options)
    same(by_object, fa.inbetween(str(clip), song=str(song), **options))
    same(by_object, fa.inbetween(clip, song=song, **options))
    same(fa.inbetween(fa.load_motion(clip), every=10), fa.inbetween(clip, every=10))


def test_a_name_a_folder_and_an_opened_model(clip: Path) -> None:
    from farandole.checkpoints.checkpoint import find_checkpoint
    from farandole.generation.completion import open_model

    partial = fa.PartialMotion(fa.load_motion(clip), np.arange(120) % 7 == 0)
    by_name, folder = fa.complete(partial, "inbetween"), find_checkpoint("inbetween").folder
    for model in (folder, str(folder), open_model("inbetween"), None):
        same(by_name, fa.complete(partial, model))


def test_files_that_are_not_there_are_told_by_name(song: Path, clip: Path) -> None:
    for call in (
        lambda: fa.dance("nowhere.mp3"),
        lambda: fa.extend("nowhere.bvh", seconds=1.0),
        lambda: fa.extend(clip, "nowhere.mp3", seconds=1.0),
        lambda: fa.inbetween("nowhere.bvh", every=5),
        lambda: fa.inbetween(clip, every=5, song="nowhere.mp3"),
    ):
        with pytest.raises(fa.FarandoleError, match=r"nowhere\.(mp3|bvh)"):
            call()
