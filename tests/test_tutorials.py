"""What the tutorials and explanations show is run, block after block, in a folder that begins empty."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from farandole.cli.app import run

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {
    "tutorials/song.md": 7,
    "tutorials/character.md": 7,
    "tutorials/live.md": 2,
    "tutorials/evaluate.md": 5,
    "explanation/idea.md": 0,
    "explanation/feet.md": 0,
}
"""Pages, and how many commands of each are run."""
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
_NEEDS_MORE = re.compile(r"mocap/|--devices|--page|loopback|data/mine")
"""Recordings, sound devices, a browser, a trained run."""
MOST_SECONDS = 8.0
"""Songs are made this long at most: the same commands, sooner done."""


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Kind and code of every block, in order."""
    for found in _BLOCK.finditer((DOCS / page).read_text(encoding="utf-8")):
        yield found["language"], found["code"]


def commands(code: str) -> Iterator[list[str]]:
    """Commands of a block that need nothing but what came before, shortened."""
    for line in code.splitlines():
        text = re.split(r"\s+#", line)[0].strip()
        if text.startswith("farandole ") and not _NEEDS_MORE.search(text):
            shorter = re.sub(
                r"--seconds (\S+)", lambda m: f"--seconds {min(float(m[1]), MOST_SECONDS):g}", text.partition(" ")[2]
            )
            yield shlex.split(shorter)


@pytest.mark.parametrize("page", PAGES)
def test_it_runs_as_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page.startswith("explanation"):
        assert run(["compose", "-o", "song.flac", "--seconds", "8", "-q"]) == 0
    names: dict[str, object] = {}
    count = 0
    for language, code in blocks(page):
        if language == "python":
            exec(compile(code, page, "exec"), names)
            continue
        for words in commands(code):
            for folder in (Path(w).parent for w in words if w.endswith(".flac")):
                folder.mkdir(exist_ok=True)
            assert run([*words]) == 0, words
            count += 1
    assert count == PAGES[page]


def python_blocks() -> Iterator[tuple[str, str]]:
    """Page and code of every Python block of the documentation."""
    for path in sorted(DOCS.rglob("*.md")):
        page = path.relative_to(DOCS).as_posix()
        yield from ((page, code) for language, code in blocks(page) if language == "python")


def test_python_that_is_shown_can_be_read_and_imports_what_there_is() -> None:
    pytest.importorskip("torch", reason="some of it needs the [train] extra")
    count = 0
    for page, code in python_blocks():
        for node in ast.walk(ast.parse(code, page)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("farandole"):
                module = importlib.import_module(str(node.module))
                missing = [a.name for a in node.names if not hasattr(module, a.name)]
                assert missing == [], (page, node.module)
                count += 1
    assert count > 10
