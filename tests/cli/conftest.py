"""Running the command line, in this process and as a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from farandole.cli.app import run
from farandole.data.starter.songs import compose

Run = Callable[..., "Outcome"]


class Outcome:
    """Exit code and what was printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def refused(self) -> str:
        """The one line of an input error; fails if anything else was printed, or the exit code is not 2."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line


@pytest.fixture
def farandole(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `farandole ...` in this process."""
    monkeypatch.delenv("FARANDOLE_DEBUG", raising=False)

    def call(*words: object) -> Outcome:
        capfd.readouterr()
        code = run([str(word) for word in words])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def process() -> Run:
    """Run `farandole ...` as a process of its own."""

    def call(*words: object, cwd: Path | None = None, **environment: str) -> Outcome:
        inherited = {k: v for k, v in os.environ.items() if k != "FARANDOLE_DEBUG"}
        command = [sys.executable, "-m", "farandole", *map(str, words)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, env=inherited | environment, timeout=120
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture(scope="session")
def house_song() -> Callable[[Path, float], Path]:
    """Makes a sound file of so many seconds of house at 120 bpm: bars of two seconds."""

    def make(path: Path, seconds: float) -> Path:
        made = compose(120, seconds, genre="house", seed=1)
        soundfile.write(path, made.samples, made.sample_rate)
        return path

    return make
