"""The files of some takes: which will be written, and writing them, all or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole import _io
from farandole.errors import OutputError

if TYPE_CHECKING:
    from farandole.motion.characters import BvhCharacter, Character
    from farandole.motion.motion import Motion
    from farandole.music.song import Song

ProgressOf = Callable[[str], AbstractContextManager[Any]]
"""A label to something that shows progress under it while its block runs."""

FORMATS = ("bvh", "glb", "gltf", "html", "mp4", "npz", "vrm", "vrma")
"""Suffixes motion can be written with: motion files, a page, a video; vrm on a character that is one."""


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
        own = _format_of(out)
        folder, stem, wanted = out.parent, out.stem, tuple(dict.fromkeys(own + (wanted or ())))
    wanted = wanted or parse_formats(default)
    outputs = named_outputs(folder, stem, wanted, takes)
    return outputs if out is None or _is_folder(out) else _as_written(outputs, out.suffix)


def _format_of(out: Path) -> tuple[str, ...]:
    """The format that a file's suffix names."""
    try:
        return parse_formats(out.suffix)
    except OutputError as error:
        raise OutputError(f"{out}: {error}; if it is to be a folder, make it first") from None


def _as_written(outputs: Outputs, suffix: str) -> Outputs:
    """The same with a suffix as the user has it: out.BVH, not out.bvh."""
    own = suffix.lower().lstrip(".")
    takes = tuple({k: p.with_suffix(suffix) if k == own else p for k, p in take.items()} for take in outputs.takes)
    return Outputs(takes, outputs.page and (outputs.page.with_suffix(suffix) if own == "html" else outputs.page))


def named_outputs(folder: Path, name: str, formats: Sequence[str], takes: int = 1) -> Outputs:
    """The files of some takes in a folder. Names may hold dots, which are no suffixes here."""
    names = [name] if takes == 1 else [f"{name}-{k + 1}" for k in range(takes)]
    files = tuple({kind: folder / f"{one}.{kind}" for kind in formats if kind != "html"} for one in names)
    return Outputs(files, folder / f"{name}.html" if "html" in formats else None)


def write_takes(
    outputs: Outputs,
    motions: Sequence[Motion],
    song: Song | None,
    *,
    title: str,
    force: bool = False,
    ghosts: Sequence[Motion] = (),
    marks: Sequence[int] = (),
    character: Character | BvhCharacter | None = None,
    root: str = "auto",
    animation: str | None = None,
    progress: ProgressOf | None = None,
) -> None:
    """Write all files of all takes: all of them appear, or none.

    Args:
        outputs: The files.
        motions: One per take.
        song: The music of page and videos.
        title: Of the page.
        force: Replace files that exist.
        ghosts, marks: Motions and frames that the page shows beside the takes, see `page.write_page`.
        character: Whose file the motions are put into, where that kind of file is written.
        root: What carries the character's travel, see `characters.Character.animate`.
        animation: Name of the animations in files that name them, with the number of the take where there are several; None: the
            title in a character's file, the motion's name elsewhere.
        progress: Shows how far a video is.

    Raises:
        OutputError: If a file exists and not `force`, or cannot be written.
        RetargetError: If the character cannot be moved like this.
    """
    from farandole.motion.files import save_motion
    from farandole.view.page import write_page
    from farandole.view.page_character import costumes
    from farandole.view.song_markers import with_beats

    shown = progress or (lambda _: nullcontext())
    with _io.atomic_paths(outputs.all, force=force) as temporaries:
        name_now = dict(zip(outputs.all, temporaries, strict=True))
        danced = [with_beats(motion, song) for motion in motions]
        for number, (files, motion) in enumerate(zip(outputs.takes, danced, strict=True), 1):
            name = animation if animation is None or len(danced) == 1 else f"{animation} {number}"
            for kind, path in files.items():
                if kind == "mp4":
                    from farandole.view.video import write_video

                    with shown(f"rendering {path.name}") as update:
                        write_video(motion, name_now[path], song=song, progress=update)
                elif character is not None and kind in character_formats(character.path):
                    character.save(name_now[path], motion, name=name or title, root=root, force=True)
                else:
                    save_motion(motion if name is None else replace(motion, name=name), name_now[path])
        if outputs.page:
            names = [f"{title}-{k + 1}" for k in range(len(motions))] if len(motions) > 1 else [title]
            worn = [] if character is None else costumes(character, danced, root=root)
            write_page(
                danced, name_now[outputs.page], song=song, title=title, names=names, ghosts=ghosts, marks=marks,
                characters=worn,
            )  # fmt: skip


def character_formats(path: Path) -> tuple[str, ...]:
    """Formats that a character of this file is written in, its own first."""
    own = path.suffix.lower().lstrip(".")
    return (own, *{"glb": ("vrm",), "vrm": ("glb",), "gltf": ("glb",)}.get(own, ()))


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
