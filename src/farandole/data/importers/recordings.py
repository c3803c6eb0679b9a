"""Lists of recordings with their splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from farandole.data.sequences import Source
from farandole.errors import DataError

SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".mp4")
"""Suffixes of sound files, in order of preference."""


@dataclass(frozen=True)
class RecordingList:
    """The recordings of a corpus and what is wrong with others: {"name", "problem"} each."""

    sources: list[Source]
    problems: list[dict[str, str]]


def with_splits(
    sources: Sequence[Source], lists: Mapping[str, Sequence[str]], *, strict: str = ""
) -> tuple[list[Source], list[dict[str, str]]]:
    """Sources with their splits from lists of names, and the names that have no source.

    Args:
        sources: Recordings.
        lists: Split -> names.
        strict: What the lists are called, if a name without a recording is an error.

    Raises:
        DataError: If `strict` and a listed sequence does not exist.
    """
    of = {name: split for split, names in lists.items() for name in names}
    there = {s.name for s in sources}
    missing = [n for n in of if n not in there]
    if missing and strict:
        raise DataError(f"{strict} names sequence '{missing[0]}', for which there is no recording")
    problems = [{"name": n, "problem": f"listed in split {of[n]}, but there is no recording"} for n in missing]
    return [replace(s, split=of.get(s.name, "")) for s in sources], problems


def hold_out(sources: Sequence[Source], *, val: float = 0.05, test: float = 0.1) -> list[Source]:
    """Sources with splits drawn by name, the same ones every time; small corpora give at least one to test."""
    order = sorted(sources, key=lambda s: hashlib.sha256(s.name.encode("utf-8", "surrogateescape")).hexdigest())
    tests = max(round(test * len(order)), int(len(order) >= 4))
    vals = max(round(val * len(order)), int(len(order) >= 10))
    of = {s.name: "test" for s in order[:tests]} | {s.name: "val" for s in order[tests : tests + vals]}
    return [replace(s, split=of.get(s.name, "train")) for s in sources]
