"""Options that several commands share, each with one wording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console

if TYPE_CHECKING:
    from farandole.motion.characters import BvhCharacter
    from farandole.motion.characters import Character as CharacterFile

Force = Annotated[bool, typer.Option("--force", help="Overwrite outputs that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results, warnings and errors.")]
Song = Annotated[
    Path | None,
    typer.Option("--song", metavar="SONG", help="Sound file that plays with it (wav, flac, ogg, mp3, m4a, mp4 ...)."),
]
MotionFile = Annotated[Path, typer.Argument(metavar="MOTION", help="A .bvh, .glb or .npz file.", show_default=False)]
Outputs = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR or FILE", help="A folder, or a file: .bvh .glb .html .mp4 .npz. [default: here]"
    ),
]
Formats = Annotated[str | None, typer.Option(help="Comma-separated: bvh,glb,html,mp4,npz. [default: bvh,html]")]
Feet = Annotated[bool, typer.Option(help="Keep feet that bear weight from sliding.")]
AnimationName = Annotated[
    str | None,
    typer.Option("--animation-name", metavar="NAME", help="Name of the animation in the file. [default: the motion's]"),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes. [default: one per core]", show_default=False)]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Run on a Ray cluster: local, auto, HOST:PORT or ray://HOST:PORT.", show_default=False
    ),
]
Character = Annotated[
    Path | None,
    typer.Option(
        "--character",
        metavar="FILE",
        help="Put it on this character (.glb, .gltf, .vrm, .bvh): OUT is that file, animated.",
    ),
]
CharacterMap = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", help="Which joint of the character is which part (YAML or JSON)."),
]
Root = Annotated[
    str,
    typer.Option("--root", help="What carries the character's travel: hips, floor (a root bone), in-place, or auto."),
]


def load_rig(character: Path | None, map_file: Path | None) -> CharacterFile | BvhCharacter | None:
    """The character of --character and --map, if one was given."""
    if character is None:
        return None
    from farandole.motion.characters import BvhCharacter, load_character

    rig = load_character(character, mapping=map_file)
    if not isinstance(rig, BvhCharacter) and rig.apart:
        console.warning(
            f"{character}: {len(rig.apart)} characters, and all dance; a --map with a line 'Hips: {rig.apart[-1]}' "
            f"makes one dance (hips: {', '.join(rig.apart)})"
        )
    return rig


def style_changes(given: Sequence[str] | None) -> list[tuple[float, str]]:
    """Times (s) and styles of options like 0:30=modern or 30=modern.

    Raises:
        typer.BadParameter: If one is written otherwise.
    """
    changes = []
    for text in given or ():
        time, equals, style = text.partition("=")
        parts = time.strip().split(":")
        try:
            if not equals or not style.strip() or len(parts) > 3:
                raise ValueError
            seconds = 0.0
            for part in parts:
                seconds = 60.0 * seconds + float(part)
        except ValueError:
            raise typer.BadParameter(f"'{text}': write a time and a style, like 0:30=modern") from None
        changes.append((seconds, style.strip()))
    return changes
