"""`farandole convert`: motion files from one format, rate or skeleton to another."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet, Song, load_rig
from farandole.cli.times import Begin, End, cut, moment

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song as LoadedSong


class Unit(str, Enum):
    """Units of length of a BVH file."""

    m = "m"
    cm = "cm"


class Up(str, Enum):
    """Axes that may point up in a BVH file."""

    y = "y"
    z = "z"


class Order(str, Enum):
    """Orders of rotation channels."""

    xyz = "XYZ"
    xzy = "XZY"
    yxz = "YXZ"
    yzx = "YZX"
    zxy = "ZXY"
    zyx = "ZYX"


_METRES = {Unit.m: 1.0, Unit.cm: 0.01}


def convert(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN OUT",
            help="IN: .bvh .glb .gltf .vrm .vrma .amc .npz .pkl .fbx, or - for standard input. "
            "OUT: .bvh .glb .gltf .vrma .npz .smpl.npz .pkl .fbx.",
            show_default=False,
        ),
    ],
    fps: Annotated[float | None, typer.Option(min=1, max=1000, help="Resample to this rate. [default: as IN]")] = None,
    true_fps: Annotated[
        float | None,
        typer.Option("--true-fps", min=1, max=1000, help="The rate IN was made at, where it declares another."),
    ] = None,
    animation: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which of the animations in a glTF file. [default: the first]")
    ] = None,
    one_file: Annotated[
        bool, typer.Option("--one-file", help="Several IN, all as animations of one .glb or .gltf.")
    ] = False,
    retarget: Annotated[
        str | None,
        typer.Option(
            metavar="SKELETON",
            help="Move another body: a motion file that has it, or 'house' for farandole's own. A BVH comes back as it is written.",
        ),
    ] = None,
    character: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Put it on this character (.glb, .gltf, .vrm, .bvh): OUT is that file, animated."
        ),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="Which joint of the character is which part (YAML or JSON)."),
    ] = None,
    root: Annotated[
        str, typer.Option(help="What carries the character's travel: hips, floor (a root bone), in-place, or auto.")
    ] = "auto",
    animation_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the animation in OUT. [default: the motion's]")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop the animations that the character has.")] = False,
    mirror: Annotated[bool, typer.Option("--mirror", help="Swap left and right.")] = False,
    begin: Begin = None,
    end: End = None,
    song: Song = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="A part that can be repeated without a seam: whole bars, if --song is given.")
    ] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Take out the travel along the floor.")] = False,
    markers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the beats of --song as text: seconds, tab, place in the bar."),
    ] = None,
    unit: Annotated[Unit | None, typer.Option(help="Unit of a BVH. [default: as IN, else cm]")] = None,
    up: Annotated[Up | None, typer.Option(help="Axis that points up in a BVH. [default: as IN, else y]")] = None,
    rotation_order: Annotated[
        Order | None, typer.Option("--rotation-order", help="Rotation channels of a BVH. [default: as IN, else ZXY]")
    ] = None,
    rest_frame: Annotated[
        bool, typer.Option("--rest-frame", help="Put the rest pose before the first frame, as some tools want it.")
    ] = False,
    blender: Annotated[
        Path | None, typer.Option(metavar="PROGRAM", help="Blender, which reads and writes .fbx. [default: on PATH]")
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Convert motion: format, rate, body, side, length.

    \b
    farandole convert dance.bvh dance.glb
    farandole convert mocap.bvh small.bvh --fps 30 --begin 2 --end 10
    farandole convert dance.bvh mine.vrm --character me.vrm
    farandole convert dance.bvh mine.bvh --retarget my_skeleton.bvh
    farandole convert take1.bvh take2.bvh takes.glb --one-file
    farandole convert dance.bvh loop.glb --song song.mp3 --begin bar5 --end bar13 --loop --markers loop.beats.txt
    """
    from dataclasses import replace as with_fields

    from farandole import _io
    from farandole.errors import MotionError
    from farandole.motion.files import load_motion, save_motion
    from farandole.view.song_markers import with_beats

    if len(files) < 2:
        raise typer.BadParameter("needs IN and OUT")
    *sources, target = files
    if len(sources) > 1 and not one_file:
        raise typer.BadParameter(f"{len(sources)} inputs: add --one-file to write them as animations of one .glb")
    if markers is not None and song is None:
        raise typer.BadParameter("--markers writes the beats of a song: add --song")
    for path in (target, markers):
        if path is not None:
            _io.check_output(path, force=force)
    if character is not None and retarget is not None:
        raise MotionError("--character and --retarget both say whose body moves: give one of them")
    rig = load_rig(character, map_file)
    body = None if retarget in (None, "house") else load_motion(retarget, blender=blender)
    sound = _song(song)
    start, stop = moment(begin, sound, "--begin"), moment(end, sound, "--end")
    motions = []
    for source in sources:
        motion = _at_rate(load_motion(source, animation=animation, blender=blender), true_fps)
        motion = cut(with_beats(motion, sound), start, stop, str(source))
        if loop:
            from farandole.motion.loop import loop as looped

            exact = all(text is not None and text.strip().lower().startswith("bar") for text in (begin, end))
            motion = looped(motion, whole=exact)
        if in_place:
            from farandole.motion.loop import in_place as kept_in_place

            motion = kept_in_place(motion)
        if mirror:
            from farandole.motion.edit import mirror as mirrored

            motion = mirrored(motion)
        if retarget is not None:
            motion = _on_body(motion, body)
        if fps is not None:
            from farandole.motion.interpolation import resample_smoothly

            motion = resample_smoothly(motion, fps)
        if unit or up or rotation_order:
            motion = _with_layout(motion, unit, up, rotation_order)
        if rest_frame:
            from farandole.motion.edit import after_rest_pose

            motion = after_rest_pose(motion)
        if animation_name is not None and rig is None:
            motion = with_fields(motion, name=animation_name)
        motions.append(motion)
    if rig is not None:
        rig.save(target, *motions, name=animation_name, root=root, replace=replace, force=force)
    else:
        save_motion(motions if one_file else motions[0], target, force=force, blender=blender)
    motion = max(motions, key=len)
    if markers is not None:
        text = "" if motion.markers is None else motion.markers.text()
        with _io.atomic_path(markers, force=force) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if json:
        facts = {"frames": len(motion), "fps": motion.fps, "seconds": motion.seconds, "joints": len(motion.skeleton)}
        console.result_json({"file": target, **facts})
    else:
        console.result(target)
        takes = f"{len(motions)} animations, the longest of " if len(motions) > 1 else ""
        console.note(
            f"{takes}{len(motion)} frames, {motion.fps:g} fps, {motion.seconds:.2f} s, {len(motion.skeleton)} joints",
            quiet=quiet,
        )


def _at_rate(motion: Motion, fps: float | None) -> Motion:
    from dataclasses import replace

    return motion if fps is None else replace(motion, fps=fps)


def _song(path: Path | None) -> LoadedSong | None:
    if path is None:
        return None
    from farandole.music import load_song

    return load_song(path)


def _on_body(motion: Motion, body: Motion | None) -> Motion:
    """On another body, in the layout of its file; on farandole's own by default."""
    from dataclasses import replace

    from farandole.motion.humanoid import house_skeleton
    from farandole.motion.retarget import retarget
    from farandole.motion.root_travel import carried_by_root, travelling_like

    if body is None:
        return replace(retarget(motion, house_skeleton()), markers=motion.markers)
    moved = replace(retarget(motion, body), layout=body.layout, markers=motion.markers)
    return moved if body.translations is None else travelling_like(carried_by_root(moved), body)


def _with_layout(motion: Motion, unit: Unit | None, up: Up | None, order: Order | None) -> Motion:
    from dataclasses import replace

    from farandole.motion.layout import default_layout

    layout = motion.layout if motion.layout and motion.layout.fits(motion.skeleton) else None
    layout = layout or default_layout(motion.skeleton)
    changed = layout.changed(
        unit=_METRES[unit] if unit else None,
        up=up.value if up else None,
        rotation_order=order.value if order else None,
    )
    return replace(motion, layout=changed)
