"""A folder of short songs, some of which are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from short_songs import write_song

from farandole.cli.app import run


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six songs and three files that are none."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(5):
        write_song(folder / f"song {number}.wav", 100 + 7 * number)
    write_song(folder / "more" / "song 0.flac", 140)
    whole = (folder / "song 1.wav").read_bytes()
    (folder / "cut.flac").write_bytes((folder / "more" / "song 0.flac").read_bytes()[:20_000])
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "noise.ogg").write_bytes(whole[1000:3000])
    (folder / "notes.txt").write_text("no song")
    (folder / ".hidden.wav").write_bytes(whole)
    return folder


@pytest.fixture
def content():
    """All files below a folder, by name."""

    def read(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    return read


@pytest.fixture
def farandole_refused(capfd: pytest.CaptureFixture[str]):
    """The one line with which `farandole ...` refuses; fails if it does not, or prints more."""

    def call(*words: object) -> str:
        capfd.readouterr()
        code = run([*map(str, words), "-q"])
        captured = capfd.readouterr()
        assert (code, captured.out) == (2, ""), captured.err
        (line,) = captured.err.splitlines()
        assert line.startswith("error: ")
        return line

    return call
