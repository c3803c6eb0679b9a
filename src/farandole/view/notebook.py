"""What a notebook shows and saves of a motion: pictures, pages, videos, every kind of file."""

from __future__ import annotations

import base64
import html
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole.errors import OutputError
from farandole.motion.characters import BvhCharacter, Character, load_character
from farandole.motion.files import WRITABLE, save_motion
from farandole.motion.motion import Motion
from farandole.view.song_markers import with_beats

if TYPE_CHECKING:
    from farandole.music import Song

CharacterLike = Character | BvhCharacter | str | Path | None
_PICTURES = (".mp4", ".webm", ".mov", ".gif")


@dataclass(frozen=True)
class Page:
    """A page that plays motion; notebooks show it in place.

    Attributes:
        text: Its HTML.
        height: Of its frame in a notebook, CSS pixels.
    """

    text: str
    height: int = 520

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it; whole or not at all. Raises OutputError if the file exists and not `overwrite`."""
        from farandole._io import atomic_path

        with atomic_path(path, force=overwrite) as temporary:
            temporary.write_text(self.text, encoding="utf-8")
        return Path(path)

    def open(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it and open it in the browser."""
        path = self.save(path, overwrite=overwrite)
        webbrowser.open(path.resolve().as_uri())
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" style="width:100%;height:{self.height}px;border:0" '
            'allow="fullscreen"></iframe>'
        )


def view(
    motion: Motion, song: Any = None, *, character: CharacterLike = None, title: str | None = None, height: int = 520
) -> Page:
    """A page that plays the motion, see `Motion.view`."""
    from farandole.view.page import page_html
    from farandole.view.page_character import costumes

    figure = _character(character)
    worn = [] if figure is None else costumes(figure, [motion])
    return Page(page_html([motion], song=_song(song), title=title, characters=worn), height)


def render(
    motion: Motion, path: str | Path, *, song: Any = None, character: CharacterLike = None, **options: Any
) -> Path:
    """Write a video, see `Motion.render`."""
    from farandole.view.video import write_video

    overwrite = options.pop("overwrite", False)
    force = options.pop("force", False) or overwrite
    return write_video(motion, path, song=_song(song), character=_character(character), force=force, **options)


def save(
    motion: Motion,
    path: str | Path,
    *,
    song: Any = None,
    character: CharacterLike = None,
    force: bool = False,
    **options: Any,
) -> Path:
    """Write a motion in the format of the suffix, see `Motion.save`."""
    from farandole._io import atomic_path

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".html":
        return view(motion, song, character=character, **options).save(path, overwrite=force)
    if suffix in _PICTURES:
        return render(motion, path, song=song, character=character, force=force, **options)
    if suffix == ".png":
        from farandole.view.contact_sheet import write_contact_sheet

        with atomic_path(path, force=force) as temporary:
            write_contact_sheet(motion, temporary, **options)
        return path
    if song is not None:
        motion = with_beats(motion, _song(song))
    figure = _character(character)
    if figure is not None and suffix in figure.suffixes:
        return figure.save(path, motion, force=force, **options)
    known = any(str(path).lower().endswith(ending) for ending in WRITABLE)
    if not known or (suffix == ".vrm"):
        kinds = ", ".join((*WRITABLE, ".html", *_PICTURES, ".png"))
        need = " (.vrm needs character=)" if suffix == ".vrm" else ""
        raise OutputError(f"{path}: '{suffix}' is no file of a motion{need} (can write {kinds})")
    return save_motion(motion, path, force=force, **options)


def preview(motion: Motion) -> str:
    """A few moments of a motion as a picture, HTML."""
    from farandole.view.contact_sheet import contact_sheet
    from farandole.view.png import encode_png

    picture = encode_png(contact_sheet(motion, columns=6, rows=1, tile=(150, 200), strip=0))
    facts = f"{len(motion)} frames, {motion.fps:g} fps, {motion.seconds:.2f} s, {len(motion.skeleton)} joints"
    data = base64.b64encode(picture).decode()
    image = f'<img alt="moments of the motion" src="data:image/png;base64,{data}">'
    caption = f"<figcaption>{html.escape(motion.name)}: {facts}</figcaption>"
    return f'<figure style="margin:0">{image}{caption}</figure>'


def _song(song: Any) -> Song | None:
    from farandole.music import load_song

    return load_song(song) if isinstance(song, (str, Path)) else song


def _character(character: CharacterLike) -> Character | BvhCharacter | None:
    return load_character(character) if isinstance(character, (str, Path)) else character
