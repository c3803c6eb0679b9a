"""`farandole inbetween`: fill the frames between kept ones."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.goal_words import parse_goals, parse_times
from farandole.cli.options import Character, CharacterMap, Feet, Force, Formats, Json, Quiet, Root, Song, load_rig
from farandole.cli.times import Begin, End, cut, moment
from farandole.errors import AudioError, MotionError

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song as Sound


def inbetween(
    motion: Annotated[Path, typer.Argument(metavar="MOTION", help="bvh, glb, npz ...", show_default=False)],
    every: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Keep frames 0, N, 2N ... and the last one; or every 0.5s, 2beats, 1bar.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES",
            help="Keep these, e.g. 0,30,75 or 0:10,1.2s,3bar; what lies before the first and after the last stays too.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A:B",
            help="Fill frames A to B, both included, and keep the rest; 1.2s:2s and 9:16bars too; may be repeated.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIMES",
            help="Take the frames for poses, each at a time in seconds: 0,0.6,1.2; held from 0.6 to 1: 0,0.6:1,1.6.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=5, max=240, help="Of --at: frames per second. [default: 30]", show_default=False)
    ] = None,
    begin: Begin = None,
    end: End = None,
    joints: Annotated[
        str | None,
        typer.Option(
            metavar="JOINTS",
            help="Fill these alone, all others stay bit for bit: RightArm (a joint), RightArm+ (and all below it), arms, legs, "
            "head, torso; commas between.",
            show_default=False,
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JOINT@A:B",
            help="In filled frames A to B this hand or foot is where MOTION has it; may be repeated.",
            show_default=False,
        ),
    ] = None,
    goal: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JOINT@A:B=X,Y,Z",
            help="In filled frames A to B (or A alone) this hand or foot is there, in metres; may be repeated.",
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
    formats: Formats = None,
    song: Song = None,
    method: Annotated[
        str,
        typer.Option(
            help="model, hermite (smooth curves), slerp (straight lines), dance (the dance model, to the song), or auto: the "
            "model if one is shipped, else hermite; dance for several takes."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Of dance: another number, another fill.")] = 0,
    takes: Annotated[
        int, typer.Option(min=1, max=16, help="Of dance: how many; one page shows them side by side.")
    ] = 1,
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="How much of what a model adds to plain curves is kept.")
    ] = 1.0,
    blend: Annotated[
        float, typer.Option(min=0, max=10, metavar="S", help="Seconds within which that grows at the edges of a gap.")
    ] = 0.0,
    model: Annotated[
        str | None, typer.Option(help="Name of an in-between model or a checkpoint folder.", show_default=False)
    ] = None,
    feet: Feet = True,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fill the frames between kept ones, on the motion's own skeleton and at its own frame rate.

    Kept frames come out exactly as they went in. Writes a BVH file and a page that shows the original as a ghost, with the kept
    frames marked, unless --out or --formats say otherwise. Frames count from 0, beats and bars of the song from 1; after --begin,
    from there.

    \b
    farandole inbetween clip.bvh --every 15
    farandole inbetween clip.bvh --keep 0,1.5s,75 -o filled.bvh
    farandole inbetween clip.bvh --gap 40:80 --joints RightArm+
    farandole inbetween clip.bvh --begin 12.5 --end 20 --every 0.5s
    farandole inbetween clip.bvh --gap 270:330 --pin LeftFoot@280:320 --goal RightHand@300=0.3,1.4,0.4
    farandole inbetween poses.bvh --at 0,0.6,1.2:1.6,2
    farandole inbetween clip.bvh --gap 9:10bars --song song.mp3 --takes 3
    """
    from farandole import _io
    from farandole.generation.frame_times import FrameTimes
    from farandole.generation.inbetween import FillOptions, choose_method, fill, pattern_of
    from farandole.generation.song_parts import song_part
    from farandole.motion.files import load_motion
    from farandole.view.takes import character_formats, plan_outputs, write_takes

    ways = (("--every", every), ("--keep", keep), ("--gap", gap or None), ("--at", at))
    named = [n for n, value in ways if value is not None]
    if len(named) != 1:
        raise MotionError(
            f"{' and '.join(named) or 'no frames given'}: say with one of --every, --keep, --gap and --at what is kept"
        )
    if at is not None and not (begin is None and end is None):
        raise MotionError("--at takes all frames of MOTION as poses: leave out --begin and --end")
    rig = load_rig(character, map_file)
    default = "bvh,html" if character is None else f"{character_formats(character)[0]},html"
    outputs = plan_outputs(Path(f"{motion.stem}-inbetween"), out, formats, takes, default=default)
    for path in outputs.all:
        _io.check_output(path, force=force)
    given = load_motion(motion)
    times = None if at is None else parse_times(at)
    sound = None if song is None else _song_for(given, song, laid_out=at is not None)
    first, last = moment(begin, sound, "--begin"), moment(end, sound, "--end")
    given = cut(given, first, last, str(motion))
    sound = None if sound is None else song_part(sound, first)
    given, kept = pattern_of(
        given, sound, keep=keep, every=every, gaps=gap or None, at=times, fps=fps, name=motion.name
    )
    goals = parse_goals(pin or [], goal or [], FrameTimes(len(given), given.fps, sound, given.name))
    options = FillOptions(
        method=choose_method(method, model, takes=takes), model=model, seed=seed, takes=takes, strength=strength, blend=blend,
        feet=feet, joints=joints, goals=goals,
    )  # fmt: skip
    begun = time.perf_counter()
    with console.progress("filling", quiet=quiet) as update:
        made = fill(given, kept, options, song=sound, progress=update)
    took = time.perf_counter() - begun
    marks = kept.nonzero()[0].tolist()
    rendering = partial(console.progress, quiet=quiet)
    ghosts = [given] * takes
    written = {"character": rig, "root": root, "ghosts": ghosts, "marks": marks, "progress": rendering}
    write_takes(outputs, made, sound, title=motion.stem, force=force, **written)
    filled = int(len(kept) - kept.sum())
    if json:
        facts = {
            "frames": len(kept),
            "fps": given.fps,
            "kept": len(kept) - filled,
            "filled": filled,
            "method": options.method,
        }
        speed = takes * given.seconds / took
        console.result_json({"files": outputs.all, **facts, "times_real_time": speed})
        return
    for path in outputs.all:
        console.result(path)
    console.note(
        f"{filled} of {len(kept)} frames filled between {len(kept) - filled} kept ones ({options.method})", quiet=quiet
    )


def _song_for(motion: Motion, path: Path, *, laid_out: bool) -> Sound:
    from farandole.music import load_song

    song = load_song(path)
    # A frame's tolerance: sounds cut to a motion are rounded.
    if not laid_out and song.seconds < motion.seconds - 1.0 / motion.fps:
        raise AudioError(
            f"{path} ends after {song.seconds:.1f} s, before the motion does ({motion.seconds:.1f} s): give a longer song"
        )
    return song
