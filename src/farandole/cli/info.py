"""`farandole info`: what is in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Json

MOTION_SUFFIXES = (".bvh", ".glb", ".npz", ".pkl")


def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A motion or a song.", show_default=False)],
    json: Json = False,
) -> None:
    """Tell what FILE holds: joints, frames and units of a motion; length, tempo and pulse of a song.

    \b
    farandole info dance.bvh
    farandole info song.mp3 --json
    """
    facts = _motion_facts(file) if file.suffix.lower() in MOTION_SUFFIXES else _song_facts(file)
    if json:
        console.result_json({"file": file, **facts})
        return
    width = max(len(name) for name in facts)
    console.result(file)
    for name, value in facts.items():
        console.result(f"  {name.replace('_', ' '):{width}}  {_readable(value)}")


def _motion_facts(file: Path) -> dict[str, Any]:
    from farandole.motion.files import load_motion

    motion = load_motion(file)
    skeleton = motion.skeleton
    facts: dict[str, Any] = {
        "kind": "motion",
        "joints": len(skeleton),
        "frames": len(motion),
        "fps": motion.fps,
        "seconds": motion.seconds,
        "height_m": skeleton.height,
        "root": skeleton.names[0],
        "joint_names": list(skeleton.names),
    }
    return facts


def _song_facts(file: Path) -> dict[str, Any]:
    from farandole.music import load_song

    song = load_song(file)
    return {
        "kind": "song",
        "seconds": song.seconds,
        "sample_rate": song.sample_rate,
        "tempo": song.beats.tempo,
        "beats": len(song.beats.times),
        "downbeats": int(song.beats.downbeats.sum()),
        "clarity": song.beats.clarity,
    }


def _readable(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(v)}" for name, v in value.items())
    return str(value)
