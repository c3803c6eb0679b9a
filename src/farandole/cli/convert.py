"""`farandole convert`: motion files from one format, rate or skeleton to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help=".bvh, .glb, .npz; SMPL .npz or .pkl.", show_default=False)
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help=".bvh, .glb or .npz.", show_default=False)],
    fps: Annotated[float | None, typer.Option(min=1, max=1000, help="Resample to this rate. [default: as IN]")] = None,
    retarget: Annotated[
        str | None,
        typer.Option(
            metavar="SKELETON", help="Move another body: a motion file that has it, or 'house' for farandole's own."
        ),
    ] = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Swap left and right.")] = False,
    begin: Annotated[float, typer.Option(min=0, metavar="S", help="Drop what is before this time, s.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, metavar="S", help="Drop what is after this time, s.")] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Convert motion: format, rate, body, side, length.

    \b
    farandole convert dance.bvh dance.glb
    farandole convert mocap.bvh small.bvh --fps 30 --begin 2 --end 10
    farandole convert dance.bvh mine.bvh --retarget my_character.bvh
    """
    from farandole import _io
    from farandole.errors import MotionError
    from farandole.motion.files import load_motion, save_motion

    _io.check_output(target, force=force)
    motion = load_motion(source)
    if begin or end is not None:
        first, last = round(begin * motion.fps), None if end is None else round(end * motion.fps)
        if first >= (len(motion) if last is None else min(last, len(motion))):
            raise MotionError(
                f"{source} lasts {motion.seconds:.2f} s: nothing is left between --begin {begin:g} and --end"
            )
        motion = motion.slice(first, last)
    if mirror:
        from farandole.motion.edit import mirror as mirrored

        motion = mirrored(motion)
    if retarget is not None:
        from farandole.motion.humanoid import house_skeleton
        from farandole.motion.retarget import retarget as retargeted

        motion = retargeted(motion, house_skeleton() if retarget == "house" else load_motion(retarget).skeleton)
    if fps is not None:
        motion = motion.resample(fps)
    save_motion(motion, target, force=force)
    if json:
        facts = {"frames": len(motion), "fps": motion.fps, "seconds": motion.seconds, "joints": len(motion.skeleton)}
        console.result_json({"file": target, **facts})
    else:
        console.result(target)
        console.note(
            f"{len(motion)} frames, {motion.fps:g} fps, {motion.seconds:.2f} s, {len(motion.skeleton)} joints",
            quiet=quiet,
        )
