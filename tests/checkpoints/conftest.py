"""Copies of the shipped models to damage, something to dance to, something to fill, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.cli.app import run
from farandole.data.starter.groove.dancer import groove
from farandole.data.starter.songs import compose

Refused = Callable[..., str]


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of house."""
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    made = compose(120, 3.0, genre="house", seed=1)
    soundfile.write(path, made.samples, made.sample_rate)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of dance at 30 fps."""
    return groove(np.arange(60) / 15, seed=2).save(tmp_path_factory.mktemp("clips") / "clip.npz")


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with the files of a shipped model; those that a test writes to become its own."""

    def copy(name: str) -> Path:
        folder = tmp_path / f"my-{name}"
        folder.mkdir()
        for file in find_checkpoint(name).folder.iterdir():
            (folder / file.name).symlink_to(file)
        return folder

    return copy


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Run `farandole ...`: exit code 2 and one line of error, which is returned; and that is no bug."""
    monkeypatch.delenv("FARANDOLE_DEBUG", raising=False)

    def call(*words: object) -> str:
        capfd.readouterr()
        code = run([str(word) for word in words])
        captured = capfd.readouterr()
        assert (code, captured.out) == (2, ""), (code, captured)
        (line,) = captured.err.splitlines()
        assert line.startswith("error: ")
        assert "bug" not in line
        return line

    return call
