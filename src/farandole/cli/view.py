"""`farandole view`: a page that plays motion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Character, CharacterMap, Force, Json, Quiet, Root, Song, load_rig
from farandole.cli.times import Begin, End, cut, moment
from farandole.view.takes import first_free


def view(
    motions: Annotated[
        list[Path],
        typer.Argument(metavar="MOTION", help="Motions (.bvh .glb .npz ...), or a character.", show_default=False),
    ],
    song: Song = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PAGE", help="The page, .html. [default: named after MOTION, here]"),
    ] = None,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    begin: Begin = None,
    end: End = None,
    title: Annotated[str | None, typer.Option(help="Title of the page. [default: the motion's name]")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a web page that plays motion.

    One self-contained file; several motions stand side by side, the song plays in time. A .glb, .gltf or .vrm with meshes is shown
    as it looks; one without a motion stands at rest, with the list of joints that were recognised (corrected by --map).

    \b
    farandole view dance.bvh --song song.mp3
    farandole view take-1.bvh take-2.bvh --song song.mp3 -o both.html --open
    farandole view dance.bvh --song song.mp3 --character me.vrm
    farandole view me.glb --map me.yaml
    """
    from farandole import _io
    from farandole.motion.files import load_motion
    from farandole.music import load_song
    from farandole.music.excerpt import Excerpt
    from farandole.view.page import write_page
    from farandole.view.page_character import costumes, own_costume

    target = _io.check_output(out or Path(f"{motions[0].stem}.html"), force=force)
    sound = None if song is None else load_song(song)
    start, stop = moment(begin, sound, "--begin"), moment(end, sound, "--end")
    takes = [cut(load_motion(path), start, stop, str(path)) for path in motions]
    if sound is not None and start:
        sound = Excerpt(sound, start)
    names = first_free([path.stem for path in motions])
    rig = load_rig(character, map_file)
    if rig is not None:
        worn = costumes(rig, takes, root=root)
    else:
        whole = start is None and stop is None  # a part of a file's own animation is not shown on its meshes
        worn = [own_costume(path, mapping=map_file) if whole else None for path in motions]
    write_page(takes, target, song=sound, title=title or names[0], names=names, force=force, characters=worn)
    if json:
        console.result_json({"file": target, "takes": names, "seconds": max(t.seconds for t in takes), "song": song})
    else:
        console.result(target)
        console.note(f"{', '.join(names)}: {max(t.seconds for t in takes):.1f} s", quiet=quiet)
    if show:
        typer.launch(str(target))
