"""Finding the sound that belongs to a sequence of a feature folder, which keeps features and no sound."""

from __future__ import annotations

import re
from pathlib import Path

from farandole.data.feature_folder import FeatureFolder
from farandole.data.importers import SOUNDS

TEMPO = re.compile(r"_tempo\d+(p\d+)?$")
"""How names of copies at another tempo end; see `data.variants`."""


def find_sound(folder: FeatureFolder, sequence: str, below: Path | None = None) -> Path | None:
    """The sound file a sequence was made from, by the name that corpus.json keeps; else one of the sequence's name.

    Args:
        folder: The corpus.
        sequence: Name of the sequence.
        below: Folder to look in, at any depth; by default the feature folder itself.

    Returns:
        The file, or None if there is none, or the sequence is a copy at another tempo.
    """
    if TEMPO.search(sequence):
        return None
    place = below or folder.folder
    named = [name for name in folder.sources(sequence) if Path(name).suffix.lower() in SOUNDS]
    for name in (*named, *(sequence + suffix for suffix in SOUNDS)):
        if (place / name).is_file():
            return place / name
    wanted = {Path(name).name for name in named} or {Path(sequence).name + suffix for suffix in SOUNDS}
    return next((p for p in sorted(place.rglob("*")) if p.name in wanted and p.is_file()), None)
