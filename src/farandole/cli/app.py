"""The application: which commands exist, and how errors become one line and an exit code.

Exit codes: 0 done, 2 the user's input is wrong, 1 a bug or a broken machine, 130 interrupted.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Annotated, cast

import typer

from farandole._version import __version__
from farandole.cli import commands, console, shell_completion
from farandole.errors import FarandoleError

ISSUES = "with the command, the input if you can share it, and what it prints with --debug"

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

_NAMES = (
    errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS
)  # fmt: skip
"""What the system says where a name is wrong, or not allowed: the user's to mend."""

_ClickError = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""The base class of usage errors, wherever this release of typer keeps click."""


def _print_version(wanted: bool) -> None:
    if wanted:
        console.result(f"farandole {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of errors; anywhere in the line (or set FARANDOLE_DEBUG=1)."),
    ] = False,
    install_completion: shell_completion.InstallCompletion = None,
    show_completion: shell_completion.ShowCompletion = None,
) -> None:
    """Give it a song, get a dance."""


def _application(modules: Sequence[ModuleType]) -> typer.Typer:
    """The command line with these commands."""
    made = typer.Typer(
        name="farandole",
        help="Give it a song, get a dance.",
        epilog="farandole COMMAND --help tells more and has examples. "
        "farandole COMMAND ... --debug shows where an error came from.",
        add_completion=False,  # typer's own looks for the shell that called, and fails where none did
        rich_markup_mode=None,  # plain help is instant and reads the same everywhere
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    made.callback()(_root)
    commands.register(made, modules)
    return made


app = _application(commands.COMMANDS)

# Looking for plugins of pydantic reads the description of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    console.print_whatever_comes()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that half-written files are removed
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: Words after `farandole`.
    """
    with warnings.catch_warnings(), _log_to_console():
        warnings.showwarning = _show_warning
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
        words, debug = _without_debug(arguments)
        shell_completion.prepare()
        try:
            # Typer works out the options of every command that it has, which takes longer than most commands' own start.
            one = () if shell_completion.asked() else commands.named(words[0] if words else "")
            called = _application(one) if one else app
            code = called(words or ["--help"], standalone_mode=False, prog_name="farandole")
            if code == INTERRUPTED:  # newer releases of typer turn Ctrl-C into an exit code, older ones into Abort
                raise KeyboardInterrupt
        except (Exception, KeyboardInterrupt) as problem:
            if (debug or os.environ.get("FARANDOLE_DEBUG", "0") not in ("", "0")) and not isinstance(
                problem, (KeyboardInterrupt, typer.Abort, _ClickError)
            ):
                raise
            return _explain(problem)
        return code if isinstance(code, int) else 0


class _ToConsole(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        console.warning(record.getMessage())


@contextmanager
def _log_to_console() -> Iterator[None]:
    """Show what the library logs, from warnings upwards."""
    handler = _ToConsole(logging.WARNING)
    logger = logging.getLogger("farandole")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """The words without --debug, which may stand before or after the command; and whether it was there."""
    options = arguments.index("--") if "--" in arguments else len(arguments)
    words = [word for word in arguments[:options] if word != "--debug"]
    return words + arguments[options:], len(words) < options


def _explain(problem: BaseException) -> int:
    """Say in one line what went wrong; returns the exit code."""
    if isinstance(problem, (KeyboardInterrupt, typer.Abort)):
        console.note("interrupted")
        return INTERRUPTED
    if isinstance(problem, BrokenPipeError):  # `farandole info x | head -1`: nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    if isinstance(problem, _ClickError):
        context = getattr(problem, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        console.error(f"{cast('typer.BadParameter', problem).format_message().rstrip('.')}{hint}")
        return 2
    if isinstance(problem, FarandoleError):
        console.error(str(problem))
        return 2
    if isinstance(problem, OSError) and problem.errno in _NAMES:
        console.error(f"{problem.filename or problem}: {problem.strerror or 'cannot be opened'}")
        return 2
    if isinstance(problem, OSError) and problem.strerror:
        console.error(f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror)
        return 1
    if isinstance(problem, (OSError, MemoryError)):
        console.error(str(problem) or "out of memory")
        return 1
    console.error(f"{type(problem).__name__}: {problem} - this is a bug in farandole: please report it {ISSUES}")
    return 1


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    console.warning(str(message))
