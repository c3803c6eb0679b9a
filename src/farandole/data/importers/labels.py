"""Labels of recordings: from a table, or from the names of the folders they lie in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from farandole.data.importers.recordings import RecordingList
from farandole.data.sequences import Source
from farandole.data.splits import SPLITS
from farandole.errors import DataError

FOLDERS = "folders"
"""In place of a table: a recording's style is the name of the folder it lies in."""
_NAMES = ("sequence", "name", "file")
_OURS = ("frames", "copy_of", "source")


def with_labels(found: RecordingList, labels: str, root: Path) -> RecordingList:
    """Recordings with what is known of them; names that do not match are among the problems.

    Args:
        found: The recordings.
        labels: Path of a CSV file, see `read_labels`; or "folders".
        root: Folder the recordings lie in.

    Raises:
        DataError: If the table is none, or no recording has a label.
    """
    if labels == FOLDERS:
        return _from_folders(found, root)
    table = read_labels(Path(labels))
    sources, problems = [], list(found.problems)
    for source in found.sources:
        facts = next((table[n] for n in (source.name, source.motion.name, source.motion.stem) if n in table), None)
        if facts is None:
            problems.append({"name": source.name, "problem": f"has no label in {labels}"})
        sources.append(_labelled(source, facts or {}))
    known = {n for s in found.sources for n in (s.name, s.motion.name, s.motion.stem)}
    problems += [
        {"name": n, "problem": f"labelled in {labels}, but there is no recording"} for n in table if n not in known
    ]
    _check_any(sources, labels)
    return RecordingList(sources, problems)


def read_labels(path: Path) -> dict[str, dict[str, str]]:
    """A table of labels: name of the sequence (or of its motion file) -> what is known of it.

    The first line names the columns: `sequence` (or `name`, `file`), `style`, and whatever else is to be kept; a column `split`
    decides between train, val and test. Separated by commas, semicolons or tabs.

    Raises:
        DataError: If it cannot be read, lacks these columns, or names a sequence twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    first = text.partition("\n")[0]
    rows = list(csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count)))
    header = [cell.strip() for cell in rows[0]] if rows else []
    key = next((k for k in _NAMES if k in header), None)
    if key is None or not ({"style", "split"} & set(header)):
        raise DataError(
            f"{path}: the first line must name the columns, sequence and style among them; it is '{first[:60]}'"
        )
    taken = [c for c in header if c in _OURS]
    if taken:
        raise DataError(f"{path}: column {taken[0]}: this name is farandole's own: call it otherwise")
    table: dict[str, dict[str, str]] = {}
    for number, cells in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise DataError(f"{path}, line {number}: {len(cells)} cells, but the first line has {len(header)}")
        facts = {c: cell.strip() for c, cell in zip(header, cells, strict=True)}
        name = facts.pop(key)
        if name in table:
            raise DataError(f"{path}, line {number}: {name} is there already")
        if facts.get("split", "train") not in (*SPLITS, ""):
            raise DataError(f"{path}, line {number}: split {facts['split']}: accepted are train, val and test")
        table[name] = {c: value for c, value in facts.items() if value}
    return table


def _from_folders(found: RecordingList, root: Path) -> RecordingList:
    sources = []
    for source in found.sources:
        parent = source.motion.parent
        sources.append(source if parent == root else _labelled(source, {"style": parent.name}))
    _check_any(sources, f"the folders below {root}")
    return RecordingList(sources, found.problems)


def _labelled(source: Source, facts: dict[str, str]) -> Source:
    more = {k: v for k, v in facts.items() if k != "split"}
    return replace(source, facts={**source.facts, **more}, split=facts.get("split", source.split))


def _check_any(sources: Sequence[Source], labels: str) -> None:
    if not any("style" in s.facts for s in sources):
        raise DataError(f"no recording has a style in {labels}")
