"""What is evaluated: motion files in a folder, each with its song or its beats where they lie beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import DataError
from farandole.motion import Motion

if TYPE_CHECKING:
    from farandole.music import Beats, Song

MOTION_SUFFIXES = (".bvh", ".glb", ".npz", ".pkl")
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4", ".aac", ".opus")

STYLES_FILE = "styles.json"
"""Beside motion files: {"NAME": "style", ...}."""


@dataclass(frozen=True)
class Clip:
    """One motion to evaluate. Small, so that worker processes can be sent it.

    Attributes:
        name: Name in reports.
        motion: The motion file.
        song: Its sound file, if any.
        beats: Its beat file, if any; preferred to beats tracked in the song.
        group: Clips of one group were made for one song.
        style: Style of the dance, empty if unknown.
    """

    name: str
    motion: Path
    song: Path | None = None
    beats: Path | None = None
    group: str = ""
    style: str = ""

    def load(self) -> tuple[Motion, Beats | None]:
        """Read the motion and its beats (from the beat file, else tracked in the song, else None)."""
        from farandole.motion.files import load_motion

        motion = load_motion(self.motion)
        if self.beats is not None:
            return motion, read_beats(self.beats, motion.seconds)
        return motion, None if self.song is None else load_sound(self.song).beats


def find_clips(source: str | Path) -> list[Clip]:
    """Clips of a folder (or a single motion file), in name order.

    A clip's beats are read from `<name>.beats.json`, else tracked in a sound file of the same name, else in the one whose name
    the clip's begins with (`song-1.bvh`, `song-2.bvh` beside `song.mp3` are two takes of one song).

    A clip's style is what `STYLES_FILE` in the folder says of its name, else the name of the subfolder it lies in, else unknown.

    Raises:
        DataError: If there is no such folder, no motion file in it, or the file of styles is no such file.
    """
    folder = Path(source)
    if folder.is_file():
        files, folder = [folder], folder.parent
    elif folder.is_dir():
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MOTION_SUFFIXES and p.is_file())
        files = [p for p in files if not p.name.startswith(".")]
    else:
        raise DataError(f"{source}: no such folder or motion file")
    if not files:
        raise DataError(f"{source} holds no motion files ({', '.join(MOTION_SUFFIXES)})")
    sounds: dict[Path, dict[str, Path]] = {}
    styles = _read_styles(folder / STYLES_FILE)
    clips = []
    for path in files:
        if path.parent not in sounds:
            sounds[path.parent] = {
                p.stem: p for p in sorted(path.parent.iterdir()) if p.suffix.lower() in SOUND_SUFFIXES and p.is_file()
            }
        song = _song_of(path.stem, sounds[path.parent])
        beats = path.with_name(f"{path.stem}.beats.json")
        name = path.relative_to(folder).with_suffix("").as_posix()
        clips.append(
            Clip(
                name,
                path,
                song,
                beats if beats.is_file() else None,
                name if song is None else song.relative_to(folder).with_suffix("").as_posix(),
                styles.get(name, styles.get(path.stem, name.partition("/")[0] if "/" in name else "")),
            )
        )
    return clips


def _read_styles(path: Path) -> dict[str, str]:
    """Names and styles of a `STYLES_FILE`; nothing if there is none."""
    if not path.is_file():
        return {}
    try:
        styles = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(styles, dict) or not all(isinstance(style, str) for style in styles.values()):
            raise ValueError
    except ValueError as error:
        raise DataError(f'{path}: is no file of styles: {{"NAME": "style", ...}}') from error
    return styles


def _song_of(stem: str, sounds: dict[str, Path]) -> Path | None:
    """The sound of the same name, or the one with the longest name that begins this one and ends at a word."""
    fitting = [s for s in sounds if stem == s or (stem.startswith(s) and not stem[len(s)].isalnum())]
    return sounds[max(fitting, key=len)] if fitting else None


def read_beats(path: Path, seconds: float) -> Beats:
    """Read a beat file.

    {"times": [s, ...]}, with "first_count" (0) and "beats_per_bar" (4) if known; or {"bpm": ..., "count_at_0": ...}.

    Args:
        path: JSON file.
        seconds: Length of the clip, over which a steady tempo is laid out.

    Raises:
        DataError: If it is not JSON of one of these forms, or times do not increase.
    """
    from farandole.music import Beats

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if "times" in data:
            first, bar = int(data.get("first_count", 0)), int(data.get("beats_per_bar", 4))
            return Beats(np.asarray(data["times"], dtype=float), first, beats_per_bar=bar)
        return steady_beats(float(data["bpm"]), float(data.get("count_at_0", 0.0)), seconds)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f'{path}: is no beat file: {{"times": [...]}} in s, increasing, or {{"bpm": ..., "count_at_0": ...}}'
        ) from error


def steady_beats(bpm: float, count_at_0: float, seconds: float) -> Beats:
    """Beats of one tempo over a clip whose first frame has the given (fractional) count. Raises DataError unless bpm > 0."""
    from farandole.music import Beats

    if not bpm > 0:
        raise DataError(f"a tempo of {bpm:g} beats per minute: needs a positive number")
    first = int(np.ceil(count_at_0 - 1e-9))
    last = max(int(np.floor(count_at_0 + seconds * bpm / 60)), first + 1)
    return Beats((np.arange(first, last + 1) - count_at_0) * 60 / bpm, first)


@lru_cache(maxsize=8)
def load_sound(path: Path) -> Song:
    """A song, kept while its takes are measured one after another."""
    from farandole.music import load_song

    return load_song(path)
