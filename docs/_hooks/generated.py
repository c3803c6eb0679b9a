"""Pages that are made from the code and from files outside docs/: commands, recipes, examples, changelog."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[2]


def on_config(config: Any) -> Any:
    """Fill the places of the navigation that begin with `generated:`; drop pages that are still to be written."""
    config.nav = [item for item in (_filled(entry) for entry in config.nav) if item is not None]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages, and put pages that the navigation does not name at the end of it."""
    from mkdocs.structure.files import File

    for address, text in pages():
        files.append(File.generated(config, address, content=text))
    named = set(_leaves(config.nav))
    rest = [f.src_uri for f in files.documentation_pages() if f.src_uri not in named]
    if rest:
        config.nav.append({"More": sorted(rest)})
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Address and Markdown of every generated page."""
    yield from command_pages()
    yield from example_pages()
    recipes = (ROOT / "recipes/README.md").read_text(encoding="utf-8")
    yield "reference/recipes.md", recipes.replace("](../docs/", "](../")
    for name in ("CHANGELOG", "CONTRIBUTING"):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        yield f"{name.lower()}.md", re.sub(r"\]\(docs/", "](", text)


def _filled(entry: Any) -> Any:
    """One entry of the navigation, or None for a page that does not exist yet."""
    if isinstance(entry, str):
        missing = not (ROOT / "docs" / entry).exists() and entry not in _addresses()
        return None if missing else entry
    ((title, value),) = entry.items()
    if value == "generated:commands":
        return {title: [a for a in _addresses() if a.startswith("reference/cli/")]}
    if value == "generated:examples":
        return {title: [a for a in _addresses() if a.startswith("examples/")]}
    if isinstance(value, list):
        return {title: [item for item in (_filled(e) for e in value) if item is not None]}
    return {title: value} if _filled(value) else None


def _leaves(nav: Any) -> Iterator[str]:
    for entry in nav:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(value, list):
            yield from _leaves(value)
        else:
            yield value


def _addresses() -> list[str]:
    return [address for address, _ in pages()]


# Commands


def command_pages() -> Iterator[tuple[str, str]]:
    """A page for every command, and a list of all of them."""
    import typer

    from farandole.cli.app import app

    top = typer.main.get_command(app)
    context = top.make_context("farandole", [], resilient_parsing=True)
    rows = [f"| [`{n}`]({n}.md) | {c.get_short_help_str(200)} |" for n, c in top.commands.items()]
    about = (
        "# Commands\n\nEvery command tells the same with `--help`. None overwrites without `--force`. "
        "Exit codes: 0 done, 2 the input is wrong, 1 a bug or a broken machine, 130 interrupted.\n\n"
        "| command | does |\n|---|---|\n"
    )
    yield "reference/cli/index.md", about + "\n".join(rows) + "\n\n" + _tables(top, context)
    for name, command in top.commands.items():
        yield f"reference/cli/{name}.md", "\n".join(_command(command, f"farandole {name}", 1))


def _command(command: Any, name: str, level: int) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"{'#' * level} {name}\n"
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        lines = [line.rstrip() for line in paragraph.replace("\b", "").splitlines() if line.strip()]
        if all(line.split()[0] in {"farandole", "ffmpeg"} for line in lines):
            examples = [_example(line) for line in lines]
            apart = "\n\n" if any("\n" in example for example in examples) else "\n"
            yield "```\n" + apart.join(examples) + "\n```\n"
        else:
            yield " ".join(line.strip() for line in lines) + "\n"
    yield f"Usage: `{context.command_path} {' '.join(command.collect_usage_pieces(context))}`\n"
    yield _tables(command, context)
    for inner, part in getattr(command, "commands", {}).items():
        yield from _command(part, f"{name} {inner}", level + 1)


def _example(line: str) -> str:
    """A command under what it is an example of: side by side the two are wider than a page."""
    command, *about = re.split(r"\s{2,}", line.strip(), maxsplit=1)
    return "\n".join([*(f"# {text}" for text in about), command])


def _tables(command: Any, context: Any) -> str:
    """Arguments and options as `--help` tells them."""
    text = []
    for title, kind in (("argument", "argument"), ("option", "option")):
        records = [p.get_help_record(context) for p in command.params if p.param_type_name == kind]
        rows = [f"| {_code(r[0])} | {_cell(r[1])} |" for r in records if r]
        if rows:
            text += [f"| {title} | |", "|---|---|", *rows, ""]
    return "\n".join(text)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return re.sub(r"([|*\[\]_`])", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


# Examples


def example_pages() -> Iterator[tuple[str, str]]:
    """Every script of examples/ as a page: its docstring is the text. Notebooks: their cells, one after another."""
    folder = ROOT / "examples"
    for path in sorted(folder.glob("[0-9]*")):
        if path.suffix == ".py":
            code = path.read_text(encoding="utf-8")
            title, _, text = (ast.get_docstring(ast.parse(code)) or path.stem).partition("\n")
            body = code.split('"""', 2)[2].strip()
            yield (
                f"examples/{path.stem}.md",
                f'# {title.rstrip(".")}\n\n{text.strip()}\n\n```python title="examples/{path.name}"\n{body}\n```\n',
            )
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            parts = ["".join(c["source"]) for c in cells]
            shown = [
                p if c["cell_type"] == "markdown" else f"```python\n{p}\n```" for c, p in zip(cells, parts, strict=True)
            ]
            yield f"examples/{path.stem}.md", "\n\n".join(shown) + f"\n\nThe notebook: `examples/{path.name}`.\n"
