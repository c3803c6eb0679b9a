"""`farandole render`: video and contact sheet."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Character, CharacterMap, Force, Json, MotionFile, Quiet, Root, Song, load_rig
from farandole.cli.times import Begin, End, cut, moment


class CameraMode(str, Enum):
    """Where the camera stands."""

    front = "front"
    follow = "follow"
    orbit = "orbit"
    close_up = "close-up"
    fixed = "fixed"


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (64 <= width <= 7680 and 64 <= height <= 7680) or width % 2 or height % 2:
        raise typer.BadParameter(
            f"'{text}' is no size of a video: give even numbers like 1280x720 or 1080x1920, at least 64x64"
        )
    return width, height


def render(
    motion: MotionFile,
    song: Song = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="CLIP", help="The video: .mp4 .webm .mov .gif, or a folder for PNG pictures."
        ),
    ] = None,
    contact_sheet: Annotated[
        Path | None, typer.Option(metavar="SHEET", help="A picture of the motion at even times, .png.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="Pixels of the video.")] = "1280x720",
    fps: Annotated[float, typer.Option(min=1, max=120, help="Frames per second of the video.")] = 30.0,
    camera: Annotated[
        CameraMode, typer.Option(help="front and follow glide along, orbit goes round, fixed stays.")
    ] = CameraMode.front,
    cuts: Annotated[bool, typer.Option("--cuts", help="Change the camera on bars of the song.")] = False,
    background: Annotated[
        str, typer.Option(metavar="WHAT", help="studio, transparent, a colour (#rrggbb, green ...) or a picture.")
    ] = "studio",
    colour: Annotated[str | None, typer.Option(metavar="COLOUR", help="Of the mannequin, #rrggbb.")] = None,
    title: Annotated[str | None, typer.Option(help="Written at the lower left.")] = None,
    song_offset: Annotated[
        float,
        typer.Option(metavar="S", help="Second of the song at which MOTION begins; negative: the song begins later."),
    ] = 0.0,
    begin: Begin = None,
    end: End = None,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Render MOTION to a video, a contact sheet, or both.

    With neither named: a video, here. --character shows the meshes of a .glb, .gltf or .vrm.

    \b
    farandole render dance.bvh --song song.mp3 -o clip.mp4
    farandole render dance.bvh --song song.mp3 -o reel.mp4 --size 1080x1920 --cuts --character me.vrm
    farandole render dance.bvh -o overlay.mov --background transparent
    farandole render dance.bvh --contact-sheet sheet.png
    """
    from farandole import _io
    from farandole.errors import OutputError
    from farandole.motion.files import load_motion
    from farandole.music import load_song
    from farandole.view.contact_sheet import write_contact_sheet
    from farandole.view.video import check_video, write_video

    pixels = _size(size)
    if out is None and contact_sheet is None:
        out = Path(f"{motion.stem}.mp4")
    if contact_sheet is not None:
        if contact_sheet.suffix.lower() != ".png":
            raise OutputError(f"{contact_sheet}: cannot write '{contact_sheet.suffix}', only .png")
        _io.check_output(contact_sheet, force=force)
    if out is not None:
        check_video(out, size=pixels, fps=fps, background=background)
        if out.suffix:
            _io.check_output(out, force=force)
    rig = load_rig(character, map_file)
    sound = None if song is None else load_song(song)
    start, stop = moment(begin, sound, "--begin"), moment(end, sound, "--end")
    body = cut(load_motion(motion), start, stop, str(motion))
    if contact_sheet is not None:
        with _io.atomic_path(contact_sheet, force=force) as temporary:
            write_contact_sheet(body, temporary)
    if out is not None:
        with console.progress("rendering", quiet=quiet) as update:
            write_video(
                body, out, song=sound, size=pixels, fps=fps, camera=camera.value, cuts=cuts, background=background,
                colour=colour, title=title, character=rig, root=root, song_offset=song_offset + (start or 0.0),
                progress=update, force=force,
            )  # fmt: skip
    written = [path for path in (contact_sheet, out) if path is not None]
    if json:
        console.result_json({"files": written, "seconds": body.seconds})
    else:
        for path in written:
            console.result(path)
