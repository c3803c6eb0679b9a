"""Which files a command that makes motion will write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from farandole.errors import OutputError

FORMATS = ("bvh", "glb", "html", "mp4", "npz")
"""Suffixes motion can be written with: three motion files, a page, a video."""


@dataclass(frozen=True)
class Outputs:
    """The files of some takes.

    Attributes:
        takes: For each take, its own files by format (all but the page).
        page: The web page with all takes side by side, if wanted.
    """

    takes: tuple[dict[str, Path], ...]
    page: Path | None

    @property
    def all(self) -> list[Path]:
        """Every file: page first, then take by take."""
        return [*([self.page] if self.page else []), *(path for take in self.takes for path in take.values())]


def parse_formats(text: str) -> tuple[str, ...]:
    """'bvh,html' -> ('bvh', 'html'), in order, without repeats.

    Raises:
        OutputError: If a format is unknown or none is named.
    """
    formats = tuple(dict.fromkeys(part.strip().lower().lstrip(".") for part in text.split(",") if part.strip()))
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise OutputError(f"no format '{unknown[0] if unknown else text}'; there are: {', '.join(FORMATS)}")
    return formats


def plan_outputs(
    source: Path, out: Path | None, formats: str | None, takes: int, *, default: str = "bvh,html"
) -> Outputs:
    """Name the files that will be written.

    Args:
        source: The input; its name without suffix names the outputs in a folder.
        out: A file with one of `FORMATS` as suffix (that format is then written, and those of `formats` beside it), or a
            folder; None is the current folder.
        formats: Comma-separated formats; None means the suffix of `out`, or `default` for a folder.
        takes: Number of takes; with several, files are called name-1, name-2 ...; the page is one for all.

    Raises:
        OutputError: If a format is unknown or `out` has a suffix that is none.
    """
    stem, folder, wanted = source.stem, Path(), parse_formats(formats) if formats is not None else None
    if out is not None and _is_folder(out):
        folder = out
    elif out is not None:
        own = parse_formats(out.suffix)
        folder, stem, wanted = out.parent, out.stem, tuple(dict.fromkeys(own + (wanted or ())))
    wanted = wanted or parse_formats(default)
    names = [stem] if takes == 1 else [f"{stem}-{k + 1}" for k in range(takes)]
    files = tuple({f: folder / f"{name}.{f}" for f in wanted if f != "html"} for name in names)
    return Outputs(files, folder / f"{stem}.html" if "html" in wanted else None)


def _is_folder(out: Path) -> bool:
    """An existing folder, or a name without a suffix that looks like a format ("dances", "dances/", "v1.2 takes")."""
    return out.is_dir() or not out.suffix or " " in out.suffix or out.suffix[1:].isdigit() or str(out).endswith(os.sep)


def first_free(names: Sequence[str]) -> list[str]:
    """Names made unique by numbering repeats: a, a -> a, a (2)."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
