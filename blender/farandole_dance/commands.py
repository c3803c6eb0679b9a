"""The installed `farandole` command: finding it, running it beside Blender, hearing how far it is. No Blender, no numpy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PLACES = ("~/.local/bin", "/usr/local/bin", "/opt/homebrew/bin", "~/.local/share/pipx/venvs/farandole/bin")
_PROGRESS = re.compile(r"^\S.*: (\d+) %$")
_STEP = "FARANDOLE_PROGRESS_STEP"


class CommandError(Exception):
    """The command is missing or has refused; the text is one line for a person."""


def find_command(path: str = "") -> str:
    """The command's executable: `path` if it is given, else the one on PATH or where pip and pipx put it.

    A program started from a desktop does not always have the PATH of a terminal.

    Raises:
        CommandError: If there is none; says what to do.
    """
    if path:
        found = shutil.which(os.path.expanduser(path))
        if found is None:
            raise CommandError(f"there is no command at {path}: correct it in the add-on's preferences")
        return found
    found = shutil.which("farandole")
    for place in _PLACES:
        found = found or shutil.which("farandole", path=os.path.expanduser(place))
    if found is None:
        raise CommandError("farandole is not on PATH: pip install it, or name the command in the add-on's preferences")
    return found


class Job:
    """A command that runs beside Blender.

    Args:
        command: Its executable.
        words: What follows.
        label: What a person is told meanwhile.
    """

    def __init__(self, command: str, words: Sequence[str | Path], label: str = "") -> None:
        self.label = label
        self.progress = 0.0
        self._said: list[str] = []
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - read when the command has ended
        environment = {**os.environ, _STEP: "0.02", "PYTHONIOENCODING": "utf-8"}
        try:
            self._process = subprocess.Popen(
                [command, *map(str, words)], stdin=subprocess.DEVNULL, stdout=self._answer, stderr=subprocess.PIPE,
                env=environment, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
        except OSError as error:
            self._answer.close()
            raise CommandError(f"{command} cannot be run: {error.strerror or error}") from error
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text = line.decode("utf-8", "replace").strip()
            match = _PROGRESS.match(text)
            if match:
                self.progress = int(match[1]) / 100.0
            elif text:
                self._said.append(text)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it ends, or for so long; whether it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def cancel(self) -> None:
        """End it; what it had begun to write is removed by itself."""
        if self.running:
            self._process.terminate()
            if not self.wait(5.0):
                self._process.kill()
                self._process.wait()
        self._listener.join(5.0)
        self._answer.close()

    def result(self) -> dict[str, Any]:
        """The object of `--json`.

        Raises:
            CommandError: If it refused, with its own line, or answered something else.
        """
        self._process.wait()
        self._listener.join(5.0)
        self._answer.seek(0)
        answer = self._answer.read()
        self._answer.close()
        if self._process.returncode:
            errors = [s.removeprefix("error: ") for s in self._said if s.startswith("error: ")] or self._said[-1:]
            raise CommandError(errors[-1] if errors else f"farandole ended with code {self._process.returncode}")
        try:
            return json.loads(answer or b"{}")
        except ValueError as error:
            raise CommandError("farandole gave no answer that can be read: is it an old version?") from error

    @property
    def warnings(self) -> list[str]:
        """What it said that a person should know."""
        return [s.removeprefix("warning: ") for s in self._said if s.startswith("warning: ")]


def number(value: float) -> str:
    """A number as the command reads it."""
    return f"{value:.10g}"


def dance_words(song: str, character: Path, out: Path, fps: float, options: dict[str, Any]) -> list[str | Path]:
    """`farandole dance` onto a character.

    Args:
        song: Sound file.
        character: .glb of the body.
        out: .glb to be written.
        fps: The scene's frame rate.
        options: seed, style, energy, temperature, model, seconds (0: the whole song), root, map; what is empty is left out.
    """
    words = ["dance", song, "--character", character, "-o", out, "--fps", number(fps), "--json"]
    return words + _options(options, ("seed", "style", "energy", "temperature", "model", "seconds", "root", "map"))


def extend_words(clip: Path, song: str, out: Path, seconds: float, options: dict[str, Any]) -> list[str | Path]:
    """`farandole extend` of a clip by so many seconds, with the song that begins with it or none ("")."""
    words = ["extend", clip, *([song] if song else []), "-o", out, "--seconds", number(seconds), "--json"]
    return words + _options(options, ("seed", "style", "energy", "temperature", "model"))


def fill_words(
    clip: Path, out: Path, *, keep: Sequence[int] = (), gap: tuple[int, int] | None = None, method: str = "auto",
    song: str = "", seed: int = 0,
) -> list[str | Path]:  # fmt: skip
    """`farandole inbetween`: fill what lies between the frames `keep`, or one gap (both ends included), of a clip."""
    words: list[str | Path] = ["inbetween", clip, "-o", out, "--method", method, "--json"]
    words += ["--keep", ",".join(map(str, keep))] if gap is None else ["--gap", f"{gap[0]}:{gap[1]}"]
    if song and method == "dance":
        words += ["--song", song]
    return words + (["--seed", str(seed)] if method == "dance" else [])


def stand_words(clip: Path, character: Path, out: Path, options: dict[str, Any]) -> list[str | Path]:
    """`farandole convert` of a clip onto the character that it belongs to."""
    words: list[str | Path] = ["convert", clip, out, "--character", character, "--json"]
    return words + _options(options, ("root", "map"))


def beat_words(song: str, out: Path) -> list[str | Path]:
    """`farandole info` that writes a song's beats."""
    return ["info", song, "--beats", out, "--json"]


def read_beats(text: str) -> list[tuple[float, int]]:
    """Times (s) and places in the bar, from 1, of a beats file."""
    result = []
    for line in text.splitlines():
        parts = line.split("#")[0].split()
        if parts:
            result.append((float(parts[0]), int(float(parts[1])) if len(parts) > 1 else 1))
    return result


def _options(options: dict[str, Any], names: Sequence[str]) -> list[str]:
    words = []
    for name in names:
        value = options.get(name)
        if value not in (None, "", 0.0) or (name == "seed" and value is not None):
            words += [f"--{name}", number(value) if isinstance(value, float) else str(value)]
    return words
