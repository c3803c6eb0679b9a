"""The documentation's own machinery: pages made from the code, the check of the built site, what the navigation leaves out."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from farandole.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent


def module(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"site_{Path(path).stem}", REPOSITORY / path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def options(command: object) -> set[str]:
    found = {o for p in command.params if not getattr(p, "hidden", False) for o in p.opts if o.startswith("--")}  # type: ignore[attr-defined]
    for inner in getattr(command, "commands", {}).values():
        found |= options(inner)
    return found


def test_every_command_has_a_page_with_every_option() -> None:
    pages = dict(module("docs/_hooks/generated.py").command_pages())
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        page = pages.pop(f"reference/cli/{name}.md")
        assert {o for o in options(command) if f"{o}" not in page} == set(), name
        assert "`farandole " in page
        assert f"({name}.md)" in pages["reference/cli/index.md"]
    assert set(pages) == {"reference/cli/index.md"}


def test_every_example_and_the_recipes_have_pages() -> None:
    pages = dict(module("docs/_hooks/generated.py").pages())
    scripts = sorted((REPOSITORY / "examples").glob("[0-9]*"))
    assert [a for a in pages if a.startswith("examples/")] == [f"examples/{p.stem}.md" for p in scripts]
    assert all(text.startswith("# ") for text in pages.values())
    assert "dance/starter" in pages["reference/recipes.md"]
    assert "](docs/" not in pages["contributing.md"] + pages["changelog.md"]


def test_places_for_pages_that_do_not_exist_are_left_out() -> None:
    hooks = module("docs/_hooks/generated.py")

    class Config:
        def __init__(self) -> None:
            self.nav = [{"A": "index.md"}, {"B": ["howto/index.md", "howto/never-written.md"]}, {"C": "nowhere.md"}]

    assert hooks.on_config(Config()).nav == [{"A": "index.md"}, {"B": ["howto/index.md"]}]


def referenced() -> dict[str, Path]:
    """What the Python reference names, and the file it is in."""
    pages = sorted((REPOSITORY / "docs/reference/python").glob("*.md"))
    named = [n for p in pages for n in re.findall(r"^::: (\S+)$", p.read_text(encoding="utf-8"), re.MULTILINE)]
    found = {}
    for name in named:
        whole = REPOSITORY / "src" / Path(*name.split("."))
        places = [p for f in (whole, whole.parent) for p in (f.with_suffix(".py"), f / "__init__.py")]
        found[name] = next(p for p in places if p.is_file())
    return found


def test_the_python_reference_names_what_there_is() -> None:
    assert len(referenced()) > 50
    for name, path in referenced().items():
        last = name.rpartition(".")[2]
        assert last in (path.stem, path.parent.name) or re.search(rf"\b{last}\b", path.read_text(encoding="utf-8")), (
            name
        )


def test_docstrings_of_the_reference_name_one_thing_a_line() -> None:
    """Two names before one colon are no parameter to the reference, and its strict build would fail."""
    double = re.compile(r"^ +(?!self\b)\w+(?:, \w+)+: [A-Z]", re.MULTILINE)
    found = {p.name: double.findall(p.read_text(encoding="utf-8")) for p in referenced().values()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_pages_are_short_and_their_lines_readable() -> None:
    written = [
        p for f in ("tutorials", "howto", "explanation", "reference") for p in (REPOSITORY / "docs" / f).rglob("*.md")
    ]
    assert len(written) > 25
    for path in written:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 130, path
        assert max(map(len, lines)) < 160, path


FAULTY = {
    "index.html": '<html><head><script src="https://cdn.example/x.js"></script><style>a{background:url(//cdn.example/a.png)}</style>'
    '</head><body id="top"><a href="other.html#there">ok</a><a href="other.html#nowhere">no</a><a href="gone.html">no</a>'
    '<a href="https://example.org/">a link that nobody follows</a><img src="/root.png"></body></html>',
    "other.html": '<html><body><h2 id="there">There</h2></body></html>',
    "look.css": '@import "https://fonts.example/css"; a { background: url("data:image/png;base64,AA") }',
    "work.js": 'x = "https://example.org/docs"; fetch("https://example.org/data")',
}


def test_a_site_that_loads_from_elsewhere_or_leads_nowhere_is_told(tmp_path: Path) -> None:
    for name, text in FAULTY.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert sorted(module("tools/check_site.py").faults(tmp_path)) == [
        "index.html loads //cdn.example/a.png",
        "index.html loads https://cdn.example/x.js",
        "index.html: /root.png is absolute: the site would have to lie at the root of its host",
        "index.html: gone.html leads nowhere",
        "index.html: other.html#nowhere names no place of that page",
        "look.css loads https://fonts.example/css",
        'work.js fetches fetch("https:...',
    ]


@pytest.mark.parametrize(("tex", "shown"), [(r"\(a_1 &lt; b\)", "<math"), (r"\(\theta\)", "θ")])
def test_equations_need_no_script(tex: str, shown: str) -> None:
    converter = pytest.importorskip(
        "latex2mathml.converter", reason="building the documentation needs the [docs] extra"
    )
    assert converter
    page = f'<p>with <span class="arithmatex">{tex}</span></p>'
    made = module("docs/_hooks/equations.py").on_page_content(page)
    assert re.search(r"<math.*</math>", made, re.DOTALL)
    assert shown in made.replace("&#x003B8;", "θ")
    assert "arithmatex" not in made
