"""One song of many to its files: what a worker process of `dance FOLDER` does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole import __version__
from farandole.batch.song_folder import FolderSong
from farandole.data.sequences import file_hash

if TYPE_CHECKING:
    from farandole.generation.completer import Completer
    from farandole.motion.characters import BvhCharacter, Character
    from farandole.motion.motion import Motion
    from farandole.music.song import Song

_TRIAL = 4.0  # s of sound that settings are tried with


@dataclass(frozen=True)
class DanceSettings:
    """What is wanted of every song.

    Attributes:
        formats: Of the files, as for `takes.named_outputs`.
        takes: Dances of each song.
        model, engine: As for `dances`.
        options: More arguments of `dances`: seed, seconds, style, style_changes, temperature, energy, start, fps.
        character, map_file, root: As for `takes.write_takes`: whose file the motions are put into.
    """

    formats: tuple[str, ...] = ("bvh", "html")
    takes: int = 1
    model: str = "starter"
    engine: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    character: Path | None = None
    map_file: Path | None = None
    root: str = "auto"

    def absolute(self) -> DanceSettings:
        """The same for a process with another working folder."""
        from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models

        model = self.model if self.model in shipped_models() else str(find_checkpoint(self.model).folder.absolute())
        options = {k: v.absolute() if isinstance(v, Path) else v for k, v in self.options.items()}
        files = (path and path.absolute() for path in (self.character, self.map_file))
        return replace(self, model=model, options=options, **dict(zip(("character", "map_file"), files, strict=True)))

    def key(self) -> str:
        """Changes with everything that may change all dances, the content of files included."""
        from farandole.checkpoints.checkpoint import find_checkpoint

        used = [self.character, self.map_file, *self.options.values()]
        hashes = [file_hash(path) for path in used if isinstance(path, Path)]
        model = find_checkpoint(self.model)
        hashes += [file_hash(path) for path in sorted(model.folder.iterdir()) if path.is_file()]
        plain = {k: v for k, v in self.options.items() if not isinstance(v, Path)}
        parts = [__version__, self.formats, self.takes, model.name, self.engine, plain, self.root, hashes]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class DanceTask:
    """A song to dance to.

    Attributes:
        song: The song.
        target: Folder that paths of outputs are relative to.
        settings: What is wanted, with absolute paths.
        known: The record that an earlier run made of it.
    """

    song: FolderSong
    target: Path
    settings: DanceSettings
    known: Mapping[str, Any] | None = None


def try_settings(settings: DanceSettings) -> None:
    """Dance a moment with these settings. Raises FarandoleError if no song could be danced to with them."""
    import numpy as np

    from farandole.generation.dance import dances
    from farandole.music.song import Song

    rate = 22050
    clicks = np.random.default_rng(0).normal(scale=0.1, size=round(_TRIAL * rate)) * (
        np.arange(_TRIAL * rate) % 11025 < 500
    )
    song = Song.from_samples(clicks.astype(np.float32), rate, name="a moment of clicks")
    _rig(settings.character, settings.map_file)
    options = {**settings.options, "seconds": 2.0}
    dances(song, model=_model(settings.model, settings.engine), takes=settings.takes, **options)


def dance_song(task: DanceTask) -> tuple[dict[str, Any], bool]:
    """Write the dances of a song, unless they are there already.

    Returns:
        The record: hash of the song, hashes of the outputs, length, tempo, figures of each take; and whether anything was made.

    Raises:
        FarandoleError: If the song cannot be danced to, or an output cannot be written.
    """
    from farandole.generation.dance import dances
    from farandole.music.song import load_song
    from farandole.view.takes import write_takes

    song, settings = task.song, task.settings
    digest = file_hash(song.path)
    if task.known and task.known["song"] == digest and _are_whole(task.target, task.known["outputs"]):
        return dict(task.known), False
    sound = load_song(song.path, chroma=True)
    model = _model(settings.model, settings.engine)
    motions = dances(sound, model=model, takes=settings.takes, **settings.options)
    rig = _rig(settings.character, settings.map_file)
    write_takes(song.outputs, motions, sound, title=song.path.stem, force=True, character=rig, root=settings.root)
    outputs = {path.relative_to(task.target).as_posix(): file_hash(path) for path in song.outputs.all}
    facts = {"seconds": round(sound.seconds, 3), "tempo": round(float(sound.beats.tempo), 2)}
    return {"song": digest, "outputs": outputs, **facts, "takes": [_figures(m, sound) for m in motions]}, True


@lru_cache(maxsize=1)
def _model(name: str, engine: str) -> Completer:
    """The model, opened once in every worker, with one thread: the others have songs of their own."""
    from farandole.generation.completion import open_model

    return open_model(name, engine=engine, threads=1)


@lru_cache(maxsize=1)
def _rig(character: Path | None, map_file: Path | None) -> Character | BvhCharacter | None:
    if character is None:
        return None
    from farandole.motion.characters import load_character

    return load_character(character, mapping=map_file)


def _are_whole(target: Path, outputs: Mapping[str, str]) -> bool:
    return all((target / name).is_file() and file_hash(target / name) == digest for name, digest in outputs.items())


def _figures(motion: Motion, song: Song) -> dict[str, float]:
    from farandole.evaluation.metrics.landings_on_beat import song_landings

    aligned, chance = song_landings(motion, song.beats)
    return {
        "seconds": round(motion.seconds, 3),
        "landings_on_beat": round(aligned, 4),
        "landings_between_beats": round(chance, 4),
    }
