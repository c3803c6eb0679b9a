"""Every command shown in the documentation and in --help is one that exists, with options that exist and recipes that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from farandole.cli.app import app
from farandole.training.recipe_files import find_recipe

REPOSITORY = Path(__file__).resolve().parent.parent
PLACES = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "examples/*.*", "recipes/README.md", "src/farandole/cli/*.py")
_LINE = re.compile(r"^\s*(?:\$ )?farandole (?P<words>.*)$")
_INLINE = re.compile(r"`farandole (?P<words>[a-z]+ [^`|]*)`")
PLACEHOLDER = re.compile(r"^\[|\.\.\.|…|^[A-Z]{2,}|[(){}$]")


def shown() -> Iterator[tuple[str, str]]:
    """Where a command is shown, and its words."""
    for pattern in PLACES:
        for path in sorted(REPOSITORY.glob(pattern)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for match in [m for m in (_LINE.match(line), *_INLINE.finditer(line)) if m]:
                    yield f"{path.relative_to(REPOSITORY)}:{number}", match["words"]


def commands() -> list[tuple[str, list[str]]]:
    """Commands to be tried: without comments, without what only stands for something."""
    found = []
    for where, text in shown():
        code = re.split(r"\s{2,}|\s#|\s\||;|`", text)[0].strip()
        try:
            words = shlex.split(code)
        except ValueError:
            continue
        if words and words[0].islower() and not any(PLACEHOLDER.search(w) for w in words):
            found.append((where, words))
    return found


@pytest.fixture(scope="module")
def group() -> Any:
    """The command line with all its commands: it takes as long to build as most of them to start."""
    return typer.main.get_command(app)


@pytest.mark.parametrize(("where", "words"), [pytest.param(w, c, id=f"{w} {' '.join(c)}") for w, c in commands()])
def test_it_is_understood(where: str, words: list[str], group: Any) -> None:
    name, *rest = words
    if name.startswith("-"):
        return
    assert name in group.commands, where
    command = group.commands[name]
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        name, *rest = rest
        command = command.commands[name]
    if name == "train" and rest and not rest[0].startswith("-"):
        find_recipe(rest[0])
    if not rest:
        return  # mentioned by name
    try:
        context = command.make_context(name, list(rest), resilient_parsing=False)
    except Exception as problem:
        if type(problem).__name__ == "MissingParameter" and where.startswith("docs"):
            return  # mentioned within a sentence, without its files
        raise
    free = getattr(command, "ignore_unknown_options", False) or context.ignore_unknown_options
    assert not [w for w in context.args if w.startswith("--") and not free], (where, context.args)


def test_there_are_many() -> None:
    assert len(commands()) > 150
