"""The dance of the start page: made by farandole itself whenever the documentation is built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PLACE = Path(__file__).resolve().parents[2] / "build" / "docs-dance"
SONG = ["compose", "--bpm", "104", "--seconds", "30", "--seed", "1"]
DANCE = ["--seed", "7", "--formats", "html"]


def on_files(files: Files, config: Any) -> Files:
    """Compose the song, dance to it, and add the page that plays both."""
    PLACE.mkdir(parents=True, exist_ok=True)
    song, page = PLACE / "dance.ogg", PLACE / "dance.html"
    _farandole(*SONG, "-o", song)
    _farandole("dance", song, *DANCE, "-o", page)
    files.append(File.generated(config, "images/dance.html", abs_src_path=str(page)))
    return files


def _farandole(*words: object) -> None:
    command = [sys.executable, "-m", "farandole", *map(str, words), "--force", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
