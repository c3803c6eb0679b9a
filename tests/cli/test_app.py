"""What every command shares: help, versions, exit codes, one line of error."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import farandole as package
from farandole.cli import app as application
from farandole.cli import commands
from farandole.errors import FileFormatError

HEAVY = ("numpy", "scipy", "torch", "onnxruntime", "av", "soundfile", "rich")


def _names() -> list[str]:
    return [module.__name__.rpartition(".")[2] for module in commands.COMMANDS]


def _only(monkeypatch: pytest.MonkeyPatch, body: Callable[[], None]) -> None:
    """Let the application consist of one command that does `body`."""
    app = typer.Typer()
    app.callback()(application._root)
    app.command("try")(body)
    monkeypatch.setattr(application, "app", app)


def test_version(farandole) -> None:
    assert farandole("--version").out == f"farandole {package.__version__}\n"


def test_no_words_show_the_help(farandole) -> None:
    outcome = farandole()
    assert outcome.code == 0
    assert all(name in outcome.out for name in _names())


@pytest.mark.parametrize("name", _names())
def test_every_command_explains_itself_with_examples(farandole, name: str) -> None:
    outcome = farandole(name, "--help")
    assert outcome.code == 0
    assert f"\n  farandole {name} " in outcome.out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from farandole.cli.app import run; run(['dance', '--help']);"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("dance",),
        ("compose", "-o", "x.flac", "--bpm", "fast"),
        ("compose", "-o", "x.flac", "--no-such-option"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(process, words: tuple[str, ...], tmp_path: Path) -> None:
    assert "--help" in process(*words, cwd=tmp_path).refused()
    assert list(tmp_path.iterdir()) == []


def test_an_input_error_is_one_line_however_long_its_message(farandole, monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        raise FileFormatError("x.bvh: line 3\n  has no\tsense")

    _only(monkeypatch, body)
    assert farandole("try").refused() == "error: x.bvh: line 3 has no sense"


@pytest.mark.parametrize(
    ("problem", "code", "says"),
    [
        (KeyError("joint"), 1, "KeyError: 'joint' - this is a bug"),
        (FileNotFoundError(2, "No such file or directory", "a.mp3"), 2, "a.mp3: No such file"),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (MemoryError(), 1, "out of memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes(farandole, monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int, says: str) -> None:
    def body() -> None:
        raise problem

    _only(monkeypatch, body)
    outcome = farandole("try")
    assert (outcome.code, len(outcome.err.splitlines())) == (code, 1)
    assert says in outcome.err


def test_the_class_of_usage_errors_is_found_by_its_name() -> None:
    found = application._ClickError
    assert found.__name__ == "ClickException"
    assert issubclass(typer.BadParameter, found)
    assert "click" in found.__module__


def test_debug_shows_the_traceback(process, tmp_path: Path) -> None:
    for outcome in (
        process("--debug", "info", "missing.bvh", cwd=tmp_path),
        process("info", "missing.bvh", cwd=tmp_path, FARANDOLE_DEBUG="1"),
    ):
        assert outcome.code not in (0, 2)
        assert "Traceback" in outcome.err


def test_warnings_of_the_library_are_one_line(farandole, monkeypatch: pytest.MonkeyPatch) -> None:
    def body() -> None:
        warnings.warn("the song is silent", stacklevel=1)
        warnings.warn("for programmers", DeprecationWarning, stacklevel=1)
        logging.getLogger("farandole.music").warning("no clear %s", "beat")
        logging.getLogger("farandole.music").info("for programmers")

    _only(monkeypatch, body)
    outcome = farandole("try")
    assert (outcome.code, outcome.err) == (0, "warning: the song is silent\nwarning: no clear beat\n")


def test_commands_and_modules_agree() -> None:
    folder = Path(commands.__file__).parent
    helpers = {"__init__", "app", "commands", "console", "dance_folder", "evaluate_runs", "goal_words"} | {
        "options",
        "prepare_options",
        "shell_completion",
        "times",
    }
    assert {p.stem for p in folder.glob("*.py")} - helpers == set(_names())


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, number: int, code: int) -> None:
    script = (
        "import sys, time, typer\n"
        "from farandole._io import atomic_path\n"
        "from farandole.cli import app\n"
        "@app.app.command('hang')\n"
        "def hang() -> None:\n"
        "    with atomic_path('new/out.bvh') as temporary:\n"
        "        temporary.write_text('half')\n"
        "        print('written', flush=True)\n"
        "        time.sleep(60)\n"
        "app.main(['hang'])\n"
    )
    # Where the tests themselves run in the background, children begin with SIGINT ignored, as at no terminal.
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "written\n"
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == code
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    command = f"'{sys.executable}' -m farandole --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines()[0].startswith("Usage")


def test_compose_writes_a_song_once_and_the_same_each_time(farandole, tmp_path: Path) -> None:
    first, second = tmp_path / "a.flac", tmp_path / "b.flac"
    assert farandole("compose", "-o", first, "--seconds", 3, "--seed", 5).out == f"{first}\n"
    assert "exists already" in farandole("compose", "-o", first, "--seconds", 3).refused()
    facts = json.loads(farandole("compose", "-o", second, "--seconds", 3, "--seed", 5, "--json").out)
    assert facts["bpm"] == pytest.approx(110)
    assert facts["beat_times"][1] - facts["beat_times"][0] == pytest.approx(60 / 110, abs=1e-6)
    assert first.read_bytes() == second.read_bytes()
    assert "house" in farandole("compose", "-o", tmp_path / "c.flac", "--genre", "polka").refused()
    assert ".flac" in farandole("compose", "-o", tmp_path / "c.mp3").refused()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("farandole da", {"dance"}),
        ("farandole pre", {"prepare"}),
        ("farandole prepare sta", {"starter"}),
        ("farandole dance --st", {"--stage", "--style", "--style-at", "--start"}),
    ],
)
def test_bash_completes_commands_and_options(process, words: str, offered: set[str]) -> None:
    asked = {"_FARANDOLE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "from farandole.cli.app import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked)
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize(
    ("shell", "word"),
    [
        ("bash", "complete -o default"),
        ("zsh", "#compdef farandole"),
        ("fish", "complete --command"),
        ("pwsh", "Register-ArgumentCompleter"),
    ],
)
def test_a_completion_script_can_be_had_for_every_shell(process, shell: str, word: str) -> None:
    outcome = process("--show-completion", shell)
    assert outcome.code == 0
    assert word in outcome.out


def test_completion_is_installed_for_the_shell_that_is_named(process, tmp_path: Path) -> None:
    outcome = process("--install-completion", "bash", HOME=str(tmp_path))
    assert outcome.code == 0
    (script,) = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != ".bashrc"]
    assert "_FARANDOLE_COMPLETE" in script.read_text()
    assert process("--install-completion", "tcsh", HOME=str(tmp_path)).refused()
