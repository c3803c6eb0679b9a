"""`farandole info`: what is in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Json

if TYPE_CHECKING:
    from farandole.motion import Motion


def info(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A motion, a song, or a feature folder.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Tell what a motion, a song or a feature folder holds.

    Joints, frames, units, axes and channel orders; length, tempo and how clear the pulse is; sequences, hours, features, splits
    and problems of prepared data.

    \b
    farandole info dance.bvh
    farandole info song.mp3 --json

    \b
    farandole info data/mine
    """
    if file.is_dir():
        _tell_folder(file, json)
        return
    from farandole.motion.files import READABLE

    facts = _motion_facts(file) if file.suffix.lower() in READABLE else _song_facts(file)
    if json:
        console.result_json({"file": file, **facts})
        return
    width = max(len(name) for name in facts)
    console.result(file)
    for name, value in facts.items():
        console.result(f"  {name.replace('_', ' '):{width}}  {_readable(value)}")


def _tell_folder(folder: Path, json: bool) -> None:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.report import describe

    facts = describe(FeatureFolder(folder))
    if json:
        console.result_json({"folder": folder, **facts})
        return
    console.result(folder)
    console.result(
        f"  {facts['sequences']} sequences, {_hours(facts['hours'])}, {facts['shortest_s']:.1f} to {facts['longest_s']:.1f} s "
        f"each, {facts['fps']:g} fps, {facts['joints']} joints, {facts['height_m']:.2f} m"
    )
    if facts["styles"]:
        console.result(f"  styles    {', '.join(f'{n} x {style}' for style, n in sorted(facts['styles'].items()))}")
    for name, told in facts["splits"].items():
        console.result(f"  {name:8}  {told['sequences']:6} sequences  {_hours(told['hours']):>9}")
    for name, told in facts["features"].items():
        constant = f", {told['constant']} of them constant" if told["constant"] else ""
        console.result(f"  feature   {name}: {told['columns']} columns{constant}")
    console.result(f"  licence   {facts['licence'].splitlines()[0] if facts['licence'] else 'not told'}")
    console.result(f"  problems  {len(facts['problems']) or 'none'}")
    for problem in facts["problems"]:
        console.result(f"    {problem}")


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


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
    }
    layout = motion.layout
    if layout is not None:
        up = layout.up if layout.up == layout.rest_up else f"{layout.up} (at rest {layout.rest_up})"
        facts |= {"unit_m": layout.unit, "up_axis": up, "channels": _channel_orders(layout.channels)}
    return facts | {"naming": _naming(motion), "joint_names": list(skeleton.names)}


def _channel_orders(channels: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """How many joints have which channels: {"XYZ position, ZXY rotation": 1, "ZXY rotation": 20}."""
    orders: Counter[str] = Counter()
    for names in channels:
        parts = {kind: "".join(n[0] for n in names if n.endswith(kind)) for kind in ("position", "rotation")}
        orders[", ".join(f"{order} {kind}" for kind, order in parts.items() if order) or "none"] += 1
    return dict(orders.most_common())


def _naming(motion: Motion) -> str:
    """Whether the joints are recognised as a humanoid's, so that it can be retargeted."""
    from farandole.errors import FarandoleError
    from farandole.motion.names import humanoid_roles

    try:
        return f"humanoid, {len(humanoid_roles(motion.skeleton))} joints recognised"
    except FarandoleError:
        return "not recognised as a humanoid"


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
        return ", ".join(f"{_readable(v)} x {name}" for name, v in value.items())
    return str(value)
