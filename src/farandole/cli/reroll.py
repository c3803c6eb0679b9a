"""`farandole reroll`: dance a part of a motion anew."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import (
    AnimationName,
    Character,
    CharacterMap,
    Feet,
    Force,
    Formats,
    Json,
    Outputs,
    Quiet,
    Root,
    load_rig,
)


def reroll(
    motion: Annotated[Path, typer.Argument(metavar="MOTION", help="bvh, glb, npz ...", show_default=False)],
    song: Annotated[
        Path, typer.Argument(metavar="SONG", help="Music that begins with the motion.", show_default=False)
    ],
    bars: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Bars of the song, counted from 1, both included.", show_default=False),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Or a stretch of time: 10s:20s, or frames 300:600.", show_default=False),
    ] = None,
    joints: Annotated[
        str | None,
        typer.Option(
            metavar="JOINTS", help="Dance with these alone, all others stay: arms, RightArm+ ...", show_default=False
        ),
    ] = None,
    keep_joints: Annotated[
        str | None, typer.Option(metavar="JOINTS", help="Keep these as they are: legs, torso ...", show_default=False)
    ] = None,
    out: Outputs = None,
    formats: Formats = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another dance.")] = 0,
    takes: Annotated[int, typer.Option(min=1, max=16, help="How many; one page shows them side by side.")] = 1,
    style: Annotated[str, typer.Option(help="A style of the model, or auto: what suits the song.")] = "auto",
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Scale of the randomness.")] = 1.0,
    energy: Annotated[float, typer.Option(min=0.25, max=2, help="Below 1 calmer, above livelier.")] = 1.0,
    model: Annotated[
        str | None, typer.Option(help="Name of a dance model or a checkpoint folder.", show_default=False)
    ] = None,
    feet: Feet = True,
    animation_name: AnimationName = None,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Dance some bars of a motion anew; what lies around them, and joints that are kept, stay exactly as they are.

    Without --bars or --span it is the whole motion but for its first and last frame. The page shows the original as a ghost.

    \b
    farandole reroll dance.bvh song.mp3 --bars 9:16 --seed 3
    farandole reroll dance.bvh song.mp3 --span 10s:20s --takes 4 -o takes/
    farandole reroll dance.bvh song.mp3 --keep-joints legs
    """
    from farandole import _io
    from farandole.generation.inbetween import FillOptions, fill
    from farandole.generation.reroll import kept_around
    from farandole.motion.files import load_motion
    from farandole.music import load_song
    from farandole.view.takes import character_formats, plan_outputs, write_takes

    rig = load_rig(character, map_file)
    default = "bvh,html" if character is None else f"{character_formats(character)[0]},html"
    outputs = plan_outputs(Path(f"{motion.stem}-rerolled"), out, formats, takes, default=default)
    for path in outputs.all:
        _io.check_output(path, force=force)
    given, sound = load_motion(motion), load_song(song, chroma=True)
    kept = kept_around(given, sound, bars=bars, span=span)
    options = FillOptions(
        method="dance", model=model, seed=seed, takes=takes, style=style, energy=energy, temperature=temperature,
        joints=joints, keep_joints=keep_joints, feet=feet,
    )  # fmt: skip
    with console.progress("dancing", quiet=quiet) as update:
        made = fill(given, kept, options, song=sound, progress=update)
    written = {
        "character": rig,
        "root": root,
        "animation": animation_name,
        "ghosts": [given] * takes,
        "marks": [int(kept.argmin()), int(len(kept) - 1 - kept[::-1].argmin())],
        "progress": partial(console.progress, quiet=quiet),
    }
    write_takes(outputs, made, sound, title=motion.stem, force=force, **written)
    new = int((~kept).sum())
    if json:
        console.result_json({"files": outputs.all, "frames": len(kept), "fps": given.fps, "new": new, "seed": seed})
        return
    for path in outputs.all:
        console.result(path)
    console.note(f"{new} of {len(kept)} frames danced anew ({new / given.fps:.1f} s)", quiet=quiet)
