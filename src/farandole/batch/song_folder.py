"""The songs of a folder, and the names of their dances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from farandole.data.importers import SOUNDS
from farandole.errors import AudioError
from farandole.view.takes import Outputs, named_outputs


@dataclass(frozen=True)
class FolderSong:
    """A song of a folder.

    Attributes:
        name: Its path below the folder, with "/" between.
        path: Its file.
        outputs: The files of its dances.
    """

    name: str
    path: Path
    outputs: Outputs


def find_songs(folder: Path, out: Path, formats: Sequence[str], takes: int) -> list[FolderSong]:
    """Sound files of a folder and of those below it, by name; hidden files and what lies in `out` are left out.

    Args:
        folder: Where the songs are.
        out: Where the dances go, in folders of the same names; a dance is called as its song is, and with the song's suffix, too,
            where two songs have the same name but for that.
        formats: Formats of the dances.
        takes: Dances of each song.

    Raises:
        AudioError: If there are none.
    """
    below = (p.relative_to(folder) for p in folder.rglob("*") if p.suffix.lower() in SOUNDS and _may_be_song(p, out))
    paths = sorted(p for p in below if not any(part.startswith(".") for part in p.parts))
    if not paths:
        raise AudioError(f"{folder}: holds no songs; needed are {', '.join(SOUNDS)}")
    count = Counter(path.with_suffix("") for path in paths)
    songs = []
    for path in paths:
        title = path.stem if count[path.with_suffix("")] == 1 else path.name
        files = named_outputs(out / path.parent, title, formats, takes)
        songs.append(FolderSong(path.as_posix(), folder / path, files))
    return songs


def _may_be_song(path: Path, out: Path) -> bool:
    """Whether a path is a file, and no video that an earlier run wrote."""
    return path.is_file() and out.absolute() not in (path.absolute(), *path.absolute().parents)
