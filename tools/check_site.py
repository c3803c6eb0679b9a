"""Does a built site load anything from elsewhere, and does every link and every anchor of it lead somewhere?

python tools/check_site.py build/site
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    ("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("video", "src"),
    ("audio", "src"), ("embed", "src"), ("object", "data"), ("use", "href"), ("image", "href"), ("form", "action"),
}  # fmt: skip
"""Attributes whose address a browser fetches by itself (a link that somebody clicks is not among them)."""
_STYLE = re.compile(r"url\(\s*['\"]?(?P<address>[^'\")]+)|@import\s+['\"](?P<imported>[^'\"]+)")
_OUTSIDE = re.compile(r"^(https?:)?//", re.IGNORECASE)
_FETCHED = re.compile(
    r"""(?:fetch|import|importScripts|Worker|EventSource|WebSocket|sendBeacon)\(\s*["'`](?:https?|wss?):"""
)


class _Page(HTMLParser):
    """What a page loads, links to, and can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[k] for k in ("id", "name") if k in values}
        for name, value in values.items():
            if (tag, name) in LOADED and not (tag == "link" and values.get("rel") in {"canonical", "next", "prev"}):
                self.loads.append(value)
            if name == "srcset":
                self.loads += [part.split()[0] for part in value.split(",") if part.strip()]
            if name == "style":
                self.loads += _in_style(value)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self.loads += _in_style(data)


def faults(site: Path) -> list[str]:
    """One line for each thing that is loaded from elsewhere or leads nowhere."""
    pages: dict[Path, _Page] = {}
    found = []
    for path in sorted(site.rglob("*.html")):
        pages[path] = _Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
        pages[path].close()
    for path, page in pages.items():
        where = path.relative_to(site)
        found += [f"{where} loads {a}" for a in page.loads if _OUTSIDE.match(a)]
        for address in [*page.links, *page.loads]:
            fault = _leads_nowhere(path, address, pages)
            if fault:
                found.append(f"{where}: {fault}")
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(site)} loads {a}" for a in _in_style(text) if _OUTSIDE.match(a)]
    for path in [p for p in sorted(site.rglob("*")) if p.suffix in {".js", ".html"}]:
        for match in _FETCHED.finditer(path.read_text(encoding="utf-8")):
            found.append(f"{path.relative_to(site)} fetches {match[0]}...")
    return found


def _in_style(text: str) -> list[str]:
    return [m["address"] or m["imported"] for m in _STYLE.finditer(text)]


def _leads_nowhere(path: Path, address: str, pages: dict[Path, _Page]) -> str:
    """What is wrong with a link of a page; "" if nothing is."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
    target = target / "index.html" if target.is_dir() else target
    if path.name == "404.html" or parts.path.startswith("/"):
        return (
            ""
            if path.name == "404.html"
            else f"{address} is absolute: the site would have to lie at the root of its host"
        )
    if not target.exists():
        return f"{address} leads nowhere"
    known = {p.resolve(): page for p, page in pages.items()}
    if parts.fragment and target in known and unquote(parts.fragment) not in known[target].names | {"__top", ""}:
        return f"{address} names no place of that page"
    return ""


if __name__ == "__main__":
    problems = faults(Path(sys.argv[1]))
    print(*problems, sep="\n", end="\n" if problems else "")
    count = sum(1 for _ in Path(sys.argv[1]).rglob("*.html"))
    print(f"{sys.argv[1]}: {count} pages, {len(problems)} faults")
    sys.exit(bool(problems))
