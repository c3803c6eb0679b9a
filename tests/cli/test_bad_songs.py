"""Sound files that cannot be danced to: exit 2, one line that names the file, nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile


def _mp3(path: Path, seconds: float) -> Path:
    sound = (0.3 * np.sin(2 * np.pi * 220 * np.arange(round(22050 * seconds)) / 22050)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=22050)
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate = 22050
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _missing(path: Path) -> None:
    assert not path.exists()


def _text(path: Path) -> None:
    path.write_text("These are the words of a song.\n" * 100)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    whole = _mp3(path, 12.0).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def _folder(path: Path) -> None:
    path.mkdir()


def _short(path: Path) -> None:
    soundfile.write(path, np.zeros(4410), 22050, format="WAV")


def _not_finite(path: Path) -> None:
    soundfile.write(path, np.full(44100, np.nan), 22050, format="WAV", subtype="FLOAT")


FAULTS = [_missing, _text, _empty, _truncated, _folder, _short, _not_finite]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize("command", ["info", "dance"])
def test_a_song_that_cannot_be_used(farandole, command: str, fault: Callable[[Path], None], tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    fault(song)
    before = sorted(tmp_path.rglob("*"))
    words = [command, song] + (["-o", tmp_path / "out", "--quiet"] if command == "dance" else [])
    assert "song.mp3" in farandole(*words).refused()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_whole_mp3_is_fine_so_the_truncated_one_is_refused_for_the_right_reason(farandole, tmp_path: Path) -> None:
    outcome = farandole("info", _mp3(tmp_path / "song.mp3", 12.0))
    assert outcome.code == 0
    assert re.search(r"kind +song", outcome.out)


def test_a_real_process_exits_2_too(process, tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    _truncated(song)
    assert "truncated" in process("info", song).refused()


def test_dance_refuses_existing_outputs_before_it_works(farandole, tmp_path: Path) -> None:
    (tmp_path / "song.html").write_text("precious")
    assert "song.html exists already" in farandole("dance", tmp_path / "song.mp3", "-o", tmp_path).refused()
    assert "no format 'fbx'" in farandole("dance", tmp_path / "song.mp3", "-o", tmp_path / "x.fbx").refused()
    assert (tmp_path / "song.html").read_text() == "precious"
