"""What commands say: results on stdout; progress, notes, warnings and errors on stderr."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

Progress = Callable[..., None]
"""`progress(done, total)` in any unit, or `progress(share)` with a share from 0 to 1; what follows is ignored."""

PLAIN_STEP = 0.25
"""Where stderr is no terminal, a line is printed each time this share of the work is done."""

STEP_VARIABLE = "FARANDOLE_PROGRESS_STEP"
"""Environment variable with another such share, for programs that read these lines and draw a bar of their own."""


def print_whatever_comes() -> None:
    """Let stdout and stderr take every text: file names that are no UTF-8 as they are, what the terminal lacks as escapes."""
    codecs.register_error("as-it-is", _as_it_is)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="as-it-is")


def _as_it_is(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    told = b""
    for letter in error.object[error.start : error.end]:
        byte = ord(letter) - 0xDC00  # how Python keeps bytes of file names that are no text
        told += bytes([byte]) if 0x80 <= byte <= 0xFF else letter.encode("ascii", "backslashreplace")
    return told, error.end


def note(message: str, *, quiet: bool = False) -> None:
    """A line about the work for a person, on stderr."""
    if not quiet:
        typer.echo(message, err=True)


def warning(message: str) -> None:
    """One line on stderr, yellow on a terminal."""
    typer.secho(f"warning: {_one_line(message)}", fg=typer.colors.YELLOW, err=True)


def error(message: str) -> None:
    """One line on stderr, red on a terminal."""
    typer.secho(f"error: {_one_line(message)}", fg=typer.colors.RED, err=True)


def result(text: object) -> None:
    """A line of what was asked for, on stdout."""
    typer.echo(str(text))


def result_json(value: object) -> None:
    """The one machine-readable object of `--json`, on stdout. NaN and infinite numbers become null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    typer.echo(
        text.encode("utf-8", "backslashreplace").decode("utf-8")
    )  # of a name that is no UTF-8: \\udcff, as JSON has it


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on a terminal, plain lines elsewhere, nothing if quiet; it vanishes when the work is done."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar(label) as update:
            yield update
    else:
        yield _plain_lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=1.0)
        yield lambda done, total=1.0, *_: bars.update(task, completed=done, total=total)


def _plain_step() -> float:
    try:
        return min(max(float(os.environ.get(STEP_VARIABLE, PLAIN_STEP)), 0.01), 1.0)
    except ValueError:
        return PLAIN_STEP


def _plain_lines(label: str) -> Progress:
    said, step = 0.0, _plain_step()

    def update(done: float, total: float = 1.0, *_: object) -> None:
        nonlocal said
        share = done / total if total else 1.0
        if share >= said + step - 1e-9:
            said = step * int(share / step + 1e-9)
            typer.echo(f"{label}: {100 * share:.0f} %", err=True)

    return update


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _plain(value: Any) -> Any:
    """Arrays, numpy numbers, paths and dataclass-like values as JSON knows them."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
