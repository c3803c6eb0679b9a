"""`farandole dance`: the main job."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import (
    AnimationName,
    Character,
    CharacterMap,
    Cluster,
    Force,
    Formats,
    Json,
    Outputs,
    Quiet,
    Root,
    Workers,
    load_rig,
    style_changes,
)
from farandole.cli.times import Begin, End, moment

_LARGE = 30_000_000
"""Bytes of a sound file from which on networks are opened when the song has been heard: both take much memory."""


def dance(
    song: Annotated[
        Path,
        typer.Argument(
            metavar="SONG", help="wav, flac, ogg, mp3, m4a, mp4 ..., or a folder of songs.", show_default=False
        ),
    ],
    out: Outputs = None,
    formats: Formats = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Another number, another dance; the same number, the same bytes.")
    ] = 0,
    takes: Annotated[int, typer.Option(min=1, max=16, help="How many dances; one page shows them side by side.")] = 1,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Dance this long only, s. [default: the whole song]")
    ] = None,
    style: Annotated[
        str,
        typer.Option(
            help="A style (see farandole models starter --styles), several (salsa:0.7,modern:0.3), or auto: what suits the song."
        ),
    ] = "auto",
    style_at: Annotated[
        list[str] | None,
        typer.Option(metavar="TIME=STYLE", help="From this time (0:30 or 30) on another style; may be given again."),
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="0 the most typical moves, above 1 bolder ones.")
    ] = 1.0,
    energy: Annotated[float, typer.Option(min=0.25, max=2, help="How big the dance is; 1 is how people dance.")] = 1.0,
    start: Annotated[Path | None, typer.Option(metavar="MOTION", help="Go on from the end of this motion.")] = None,
    keep_joints: Annotated[
        str | None,
        typer.Option(
            metavar="JOINTS", help="Keep these of --start, frame by frame, and dance with the others: legs, torso ..."
        ),
    ] = None,
    begin: Begin = None,
    end: End = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Whole bars that can be repeated without a seam; the song is cut with them.")
    ] = False,
    stage: Annotated[
        str,
        typer.Option(
            metavar="WxD", help="Width and depth of the stage that it stays on, m, or free: goes and turns anywhere."
        ),
    ] = "4x4",
    fps: Annotated[float, typer.Option(min=5, max=240, help="Frames per second of the files.")] = 30.0,
    model: Annotated[
        str, typer.Option(help="Name of a model (see farandole models) or a checkpoint folder.")
    ] = "starter",
    engine: Annotated[str, typer.Option(help="onnx, torch (needs farandole[train]), or auto.")] = "auto",
    animation_name: AnimationName = None,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    workers: Workers = None,
    cluster: Cluster = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Make a dance for SONG, and a web page that plays it.

    Writes a BVH file and a page with the music in it unless --out or --formats say otherwise.

    \b
    farandole dance song.mp3                                  song.bvh and song.html, here
    farandole dance song.mp3 -o song.glb                      for Blender, Unity, Unreal, Godot
    farandole dance song.mp3 --character me.vrm -o me-dancing.vrm   your own character
    farandole dance song.mp3 --style modern --style-at 0:30=street   another style from half a minute on
    farandole dance song.mp3 --loop --begin bar9 --seconds 16 -o loop.glb   a loop of whole bars
    farandole dance song.mp3 --start walk.bvh --keep-joints legs   its legs, other arms
    farandole dance song.mp3 -o takes/ --takes 4              four dances, one page to choose from
    farandole dance song.mp3 --seed 7 --energy 1.2 --formats bvh,html,mp4
    farandole dance music/ -o dances/ --workers 4             every song of a folder; go on where it was interrupted
    """
    from farandole import _io
    from farandole.cli.dance_folder import FolderRun, run_folder
    from farandole.evaluation.metrics.landings_on_beat import song_landings
    from farandole.generation.completion import open_model
    from farandole.generation.dance import dances
    from farandole.generation.latent_flow.suited_style import chosen_style
    from farandole.generation.song_parts import song_part, whole_bars
    from farandole.generation.stages import stage_of
    from farandole.models.abilities import LatentFlow
    from farandole.music import load_song
    from farandole.view.takes import character_formats, plan_outputs, write_takes

    options = {
        "seed": seed,
        "seconds": seconds,
        "style": style,
        "style_changes": style_changes(style_at),
        "temperature": temperature,
        "energy": energy,
        "start": start,
        "stage": stage_of(stage),
        "keep_joints": keep_joints,
        "fps": fps,
    }
    if loop and (start is not None or keep_joints is not None):
        raise typer.BadParameter("--loop goes on from its own end: leave --start and --keep-joints out")
    if keep_joints is not None and start is None:
        raise typer.BadParameter("--keep-joints says what stays of a motion: add --start MOTION")
    if song.is_dir():
        for option, value in {"begin": begin, "end": end, "loop": loop, "animation-name": animation_name}.items():
            if value:
                raise typer.BadParameter(f"--{option} is for one song, and {song} is a folder")
        folder = FolderRun(song, out, formats, takes, model, engine, character, map_file, root, workers, cluster)
        return run_folder(folder, options, force=force, json=json, quiet=quiet)
    if workers is not None or cluster is not None:
        raise typer.BadParameter(f"--workers and --cluster are for a folder of songs, and {song} is none")
    rig = load_rig(character, map_file)
    default = "bvh,html" if character is None else f"{character_formats(character)[0]},html"
    outputs = plan_outputs(song, out, formats, takes, default=default)
    for path in outputs.all:
        _io.check_output(path, force=force)
    completer = open_model(model, engine=engine)
    if song.is_file() and song.stat().st_size < _LARGE:
        completer.get_ready()
    whole = load_song(song, chroma=True)
    sound = song_part(whole, moment(begin, whole, "--begin"), moment(end, whole, "--end"))
    if loop:
        sound = whole_bars(sound, seconds)
        options |= {"seconds": None, "loop": True}
    chosen = None
    if "auto" in style and isinstance(completer.facts, LatentFlow):
        chosen = chosen_style(completer.facts, sound)
    begun = time.perf_counter()
    with console.progress("dancing", quiet=quiet) as update:
        motions = dances(sound, model=completer, takes=takes, progress=update, **options)
    took = time.perf_counter() - begun
    rendering = partial(console.progress, quiet=quiet)
    rigged = {"character": rig, "root": root, "progress": rendering, "animation": animation_name}
    write_takes(outputs, motions, sound, title=song.stem, force=force, **rigged)
    speed = sum(m.seconds for m in motions) / took
    alignments = [song_landings(m, sound.beats) for m in motions]
    if json:
        takes_made = [
            {
                "files": files,
                "seconds": m.seconds,
                "frames": len(m),
                "landings_on_beat": a[0],
                "landings_between_beats": a[1],
            }
            for files, m, a in zip(outputs.takes, motions, alignments, strict=True)
        ]
        facts: dict[str, Any] = {"page": outputs.page, "takes": takes_made, "seed": seed, "fps": fps}
        if chosen:
            facts["auto_style"] = chosen
        console.result_json({"song": song, "tempo": sound.beats.tempo, **facts, "times_real_time": speed})
        return 0
    for path in outputs.all:
        console.result(path)
    if chosen:
        later = "".join(f", from {when:.0f} s on {name}" for when, name in chosen["changes"])
        console.note(f"danced as {chosen['style']}{later} ({chosen['because']})", quiet=quiet)
    for files, motion, (aligned, chance) in zip(outputs.takes, motions, alignments, strict=True):
        name = next(iter(files.values())).stem if files and takes > 1 else song.stem
        console.note(
            f"{name}: {motion.seconds:.1f} s at {sound.beats.tempo:.0f} bpm, {aligned:.0%} of steps land on the beat "
            f"({chance:.0%} between beats)",
            quiet=quiet,
        )
    console.note(f"made {speed:.0f} times faster than it plays", quiet=quiet)
    return 0
