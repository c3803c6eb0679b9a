"""`farandole render`: video and contact sheet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, MotionFile, Quiet, Song


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (64 <= width <= 7680 and 64 <= height <= 4320) or width % 2 or height % 2:
        raise typer.BadParameter(f"'{text}' is no size of a video: give even numbers like 1280x720, at least 64x64")
    return width, height


def render(
    motion: MotionFile,
    song: Song = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="CLIP", help="The video, .mp4.")] = None,
    contact_sheet: Annotated[
        Path | None, typer.Option(metavar="SHEET", help="A picture of the motion at even times, .png.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="Pixels of the video.")] = "1280x720",
    fps: Annotated[int, typer.Option(min=1, max=120, help="Frames per second of the video.")] = 30,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Render MOTION to a video, a contact sheet, or both.

    With neither named: a video, here.

    \b
    farandole render dance.bvh --song song.mp3 -o clip.mp4
    farandole render dance.bvh --contact-sheet sheet.png
    """
    from farandole import _io
    from farandole.errors import OutputError
    from farandole.motion.files import load_motion
    from farandole.music import load_song
    from farandole.view.contact_sheet import write_contact_sheet
    from farandole.view.video import write_video

    pixels = _size(size)
    if out is None and contact_sheet is None:
        out = Path(f"{motion.stem}.mp4")
    for path, suffix in ((out, ".mp4"), (contact_sheet, ".png")):
        if path is not None and path.suffix.lower() != suffix:
            raise OutputError(f"{path}: cannot write '{path.suffix}', only {suffix}")
    wanted = [_io.check_output(path, force=force) for path in (contact_sheet, out) if path is not None]
    body = load_motion(motion)
    sound = None if song is None else load_song(song)
    with _io.atomic_paths(wanted, force=force) as temporaries:
        for path, temporary in zip(wanted, temporaries, strict=True):
            if path.suffix.lower() == ".mp4":
                with console.progress("rendering", quiet=quiet) as update:
                    write_video(body, temporary, song=sound, size=pixels, fps=fps, progress=update)
            else:
                write_contact_sheet(body, temporary)
    if json:
        console.result_json({"files": wanted, "seconds": body.seconds})
    else:
        for path in wanted:
            console.result(path)
