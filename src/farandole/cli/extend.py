"""`farandole extend`: dance on where a motion ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import AnimationName, Character, CharacterMap, Force, Json, Quiet, Root, load_rig
from farandole.cli.times import Begin, End, cut, moment


def extend(
    motion: Annotated[Path, typer.Argument(metavar="MOTION", help="bvh, glb, npz ...", show_default=False)],
    song: Annotated[
        Path | None,
        typer.Argument(metavar="SONG", help="Music that begins with the motion; without it a steady count."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help=".bvh .glb .npz. [default: MOTION-extended.bvh, here]"),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How much to add, s.")] = 10.0,
    begin: Begin = None,
    end: End = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another continuation.")] = 0,
    style: Annotated[
        str, typer.Option(help="A style of the model (see farandole models starter --styles), a mixture, or auto.")
    ] = "auto",
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Scale of the randomness.")] = 1.0,
    energy: Annotated[float, typer.Option(min=0.25, max=2, help="Below 1 calmer, above livelier.")] = 1.0,
    model: Annotated[str, typer.Option(help="Name of a model or a checkpoint folder.")] = "starter",
    animation_name: AnimationName = None,
    character: Character = None,
    map_file: CharacterMap = None,
    root: Root = "auto",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Continue a motion, on its own skeleton and at its own frame rate.

    With --begin and --end a part of it is continued, and the song is cut with it.

    \b
    farandole extend clip.bvh --seconds 20
    farandole extend clip.bvh song.mp3 --end bar9 --seconds 30
    farandole extend clip.bvh song.mp3 --seconds 20 -o longer.bvh
    """
    from dataclasses import replace

    from farandole import _io
    from farandole.generation.extend import extend as dance_on
    from farandole.generation.song_parts import song_part
    from farandole.motion.files import load_motion, save_motion
    from farandole.music import load_song

    rig = load_rig(character, map_file)
    suffix = ".bvh" if character is None else character.suffix
    target = out or Path(f"{motion.stem}-extended{suffix}")
    _io.check_output(target, force=force)
    sound = None if song is None else load_song(song)
    first, last = moment(begin, sound, "--begin"), moment(end, sound, "--end")
    given = cut(load_motion(motion), first, last, str(motion))
    sound = None if sound is None else song_part(sound, first)
    with console.progress("dancing on", quiet=quiet) as update:
        longer = dance_on(
            given,
            sound,
            seconds=seconds,
            seed=seed,
            style=style,
            temperature=temperature,
            energy=energy,
            model=model,
            progress=update,
        )
    if rig is not None:
        rig.save(target, longer, name=animation_name, root=root, force=force)
    else:
        longer = longer if animation_name is None else replace(longer, name=animation_name)
        save_motion(longer, target, force=force)
    if json:
        console.result_json({"file": target, "seconds": longer.seconds, "frames": len(longer), "seed": seed})
    else:
        console.result(target)
        console.note(f"{given.seconds:.1f} s extended to {longer.seconds:.1f} s", quiet=quiet)
