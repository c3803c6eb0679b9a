"""What is known of a feature folder that is being made: `<folder>/.prepare` with the key of its settings and a record of every
finished recording. A run may be killed at any moment; the next one takes up what is there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farandole._io import read_json
from farandole.errors import OutputError
from farandole.parallel.records import Records

FOLDER = ".prepare"


@dataclass(frozen=True)
class EarlierWork:
    """What is there of a feature folder.

    Attributes:
        records: What was made, by recording.
        corpus: corpus.json of an earlier run that came to its end; empty if there was none.
    """

    records: dict[str, dict[str, Any]]
    corpus: dict[str, Any]


def take_up(folder: Path, key: str, *, force: bool) -> EarlierWork:
    """Set up the journal of a feature folder; returns what is there already.

    Args:
        folder: Feature folder, finished or not, or none yet.
        key: Tells the settings apart.
        force: Begin anew, whatever the folder holds.

    Raises:
        OutputError: If the folder holds something else or was made with other settings, and not `force`.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file: give the name of a folder")
    ours = _key(folder)
    begun = folder.is_dir() and any(p.name != FOLDER for p in folder.iterdir())
    if (begun or ours) and (force or ours != key):
        if not force:
            what = "was prepared with other settings" if ours else "exists already"
            raise OutputError(f"{folder} {what}: choose another folder or add --force")
        shutil.rmtree(folder)
    journal = Records(folder / FOLDER)
    journal.begin(key)
    finished, aside = folder / "corpus.json", journal.folder / "corpus.json"
    if finished.is_file():
        finished.replace(aside)  # until everything is in place again, this is no feature folder
    sweep(folder)
    corpus = read_json(aside) if aside.is_file() else {}
    return EarlierWork(corpus.get("records", {}) | journal.read(), corpus)


def record(folder: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Note that a recording is finished."""
    Records(folder / FOLDER).add(name, entry)


def sweep(folder: Path) -> None:
    """Remove what killed runs and workers were writing."""
    for part in folder.rglob(".*.part*"):
        part.unlink(missing_ok=True)


def _key(folder: Path) -> str | None:
    """Key of the settings a folder was or is being made with; None if it is none of ours."""
    key = Records(folder / FOLDER).key
    if key is not None:
        return key
    try:
        return json.loads((folder / "corpus.json").read_text(encoding="utf-8")).get("recipe")
    except (OSError, json.JSONDecodeError, AttributeError):
        return None
