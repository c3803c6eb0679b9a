"""`farandole inbetween`: fill the frames between kept ones."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Character, CharacterMap, Force, Json, Quiet, Root, Song, load_rig
from farandole.errors import AudioError, MotionError

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song as Sound


def inbetween(
    motion: Annotated[Path, typer.Argument(metavar="MOTION", help="bvh, glb, npz ...", show_default=False)],
    every: Annotated[
        int | None, typer.Option(metavar="N", help="Keep frames 0, N, 2N ... and the last one.", show_default=False)
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES",
            help="Keep these, e.g. 0,30,75 or 0:10,40,90:99; what lies before the first and after the last stays too.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A:B",
            help="Fill frames A to B, both included, and keep the rest; may be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR or FILE",
            help="A folder, or a file: .bvh .glb .html .mp4 .npz. [default: MOTION-inbetween, here]",
        ),
    ] = None,
    formats: Annotated[
        str | None, typer.Option(help="Comma-separated: bvh,glb,html,mp4,npz. [default: bvh,html]")
    ] = None,
    song: Song = None,
    method: Annotated[
        str,
        typer.Option(
            help="model, hermite (smooth curves), slerp (straight lines), dance (the dance model, to the song), or auto: the "
            "model if one is shipped, else hermite."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of dance: another number, another fill.")] = 0,
    takes: Annotated[
        int, typer.Option(min=1, max=16, help="Of dance: how many; one page shows them side by side.")
    ] = 1,
    model: Annotated[
        str | None, typer.Option(help="Name of an in-between model or a checkpoint folder.", show_default=False)
    ] = None,
    feet: Annotated[bool, typer.Option(help="Keep feet that bear weight from sliding.")] = True,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fill the frames between kept ones, on the motion's own skeleton and at its own frame rate.

    Kept frames come out exactly as they went in. Writes a BVH file and a page that shows the original as a ghost, with the kept
    frames marked, unless --out or --formats say otherwise. Frames count from 0.

    \b
    farandole inbetween clip.bvh --every 15
    farandole inbetween clip.bvh --keep 0,30,75 -o filled.bvh
    farandole inbetween clip.bvh --gap 40:80 --gap 200:230 --song song.mp3 --formats bvh,html,mp4
    farandole inbetween clip.bvh --gap 100:400 --song song.mp3 --method dance --takes 3
    """
    from farandole import _io
    from farandole.generation.inbetween import choose_method, fill_kept
    from farandole.generation.patterns import kept_frames
    from farandole.motion.files import load_motion
    from farandole.view.takes import character_formats, plan_outputs, write_takes

    named = [n for n, value in (("--every", every), ("--keep", keep), ("--gap", gap or None)) if value is not None]
    if len(named) != 1:
        raise MotionError(
            f"{' and '.join(named) or 'no frames given'}: say with one of --every, --keep and --gap what is kept"
        )
    listed = None if keep is None else parse_frames(keep)
    ranges = [parse_gap(text) for text in gap] if gap else None
    rig = load_rig(character, map_file)
    default = "bvh,html" if character is None else f"{character_formats(character)[0]},html"
    outputs = plan_outputs(Path(f"{motion.stem}-inbetween"), out, formats, takes, default=default)
    for path in outputs.all:
        _io.check_output(path, force=force)
    given = load_motion(motion)
    kept = kept_frames(len(given), every=every, keep=listed, gaps=ranges, name=motion.name)
    method = choose_method(method, model)
    sound = None if song is None else _song_for(given, song)
    begun = time.perf_counter()
    with console.progress("filling", quiet=quiet) as update:
        made = fill_kept(
            given, kept, method=method, song=sound, seed=seed, takes=takes, feet=feet, model=model, progress=update
        )
    took = time.perf_counter() - begun
    marks = kept.nonzero()[0].tolist()
    rendering = partial(console.progress, quiet=quiet)
    ghosts = [given] * takes
    options = {"character": rig, "root": root, "ghosts": ghosts, "marks": marks, "progress": rendering}
    write_takes(outputs, made, sound, title=motion.stem, force=force, **options)
    filled = int(len(kept) - kept.sum())
    if json:
        facts = {"frames": len(kept), "fps": given.fps, "kept": len(kept) - filled, "filled": filled, "method": method}
        speed = takes * given.seconds / took
        console.result_json({"files": outputs.all, **facts, "times_real_time": speed})
        return
    for path in outputs.all:
        console.result(path)
    console.note(
        f"{filled} of {len(kept)} frames filled between {len(kept) - filled} kept ones ({method})", quiet=quiet
    )


def parse_frames(text: str) -> list[int]:
    """'0,30,75:80' -> [0, 30, 75, 76, ..., 80]. Raises MotionError naming the part that is no frame."""
    frames: list[int] = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        try:
            ends = int(first), int(last if colon else first)
        except ValueError:
            raise MotionError(f"--keep {text}: '{part.strip()}' is not a frame; write 0,30,75 or 0:10,40") from None
        if ends[0] > ends[1]:
            raise MotionError(f"--keep {text}: {part.strip()} ends before it begins")
        frames += range(ends[0], ends[1] + 1)
    return frames


def parse_gap(text: str) -> tuple[int, int]:
    """'40:80' -> (40, 80). Raises MotionError for anything else."""
    first, _, last = text.partition(":")
    try:
        return int(first), int(last)
    except ValueError:
        raise MotionError(f"--gap {text}: write first and last missing frame, like 40:80") from None


def _song_for(motion: Motion, path: Path) -> Sound:
    from farandole.music import load_song

    song = load_song(path)
    # A frame's tolerance: sounds cut to a motion are rounded.
    if song.seconds < motion.seconds - 1.0 / motion.fps:
        raise AudioError(
            f"{path} ends after {song.seconds:.1f} s, before the motion does ({motion.seconds:.1f} s): give a longer song"
        )
    return song
