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
    sequences: Annotated[bool, typer.Option("--sequences", help="List every sequence of a feature folder.")] = False,
    json: Json = False,
) -> None:
    """Tell what a motion, a song or a feature folder holds.

    Joints, frames, units, axes and channel orders; length, tempo and how clear the pulse is; sequences, hours, features, splits
    and problems of prepared data.

    \b
    farandole info dance.bvh
    farandole info song.mp3 --json

    \b
    farandole info data/mine --sequences
    """
    if file.is_dir():
        _tell_folder(file, json, sequences)
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


def _tell_folder(folder: Path, json: bool, sequences: bool) -> None:
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
    _table(_splits(facts))
    _table(_features(facts["features"]))
    for name, told in facts["features"].items():
        if told["constant"]:
            console.result(f"  constant in {name}: {_some(told['constant'])}")
    if facts["styles"]:
        console.result(f"  styles    {', '.join(f'{n} x {style}' for style, n in sorted(facts['styles'].items()))}")
    if sequences:
        _table(_each(facts["each"]))
    console.result(f"  licence   {facts['licence'].splitlines()[0] if facts['licence'] else 'not told'}")
    console.result(f"  problems  {len(facts['problems']) or 'none'}")
    for problem in facts["problems"]:
        console.result(f"    {problem}")


def _splits(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [("split", "sequences", "of them copies", "time", "share")]
    whole = max(facts["hours"], 1e-9)
    told = {**facts["splits"]}
    rest = facts["sequences"] - sum(t["sequences"] for t in told.values())
    if rest:
        hours = whole - sum(t["hours"] for t in told.values())
        told["(none)"] = {"sequences": rest, "copies": sum("copy_of" in t for t in _unsplit(facts)), "hours": hours}
    for name, t in told.items():
        share = f"{100 * t['hours'] / whole:.0f} %"
        rows.append((name, str(t["sequences"]), str(t["copies"] or "-"), _hours(t["hours"]), share))
    return rows


def _unsplit(facts: dict[str, Any]) -> list[dict[str, Any]]:
    return [told for told in facts["each"].values() if not told["split"]]


def _features(features: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [("feature", "kind", "columns", "constant", "smallest", "largest")]
    for name, told in features.items():
        limits = [f"{told[k]:.3g}" if told[k] is not None else "?" for k in ("smallest", "largest")]
        rows.append((name, told["kind"], str(told["columns"]), str(len(told["constant"]) or "-"), *limits))
    return rows


def _each(sequences: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [("sequence", "split", "seconds", "style", "from")]
    for name, told in sequences.items():
        origin = " + ".join(told["sources"]) or str(told.get("source", "-"))
        rows.append((name, told["split"] or "-", f"{told['seconds']:.1f}", str(told.get("style", "-")), origin))
    empty = {k for k in range(len(rows[0])) if all(row[k] == "-" for row in rows[1:])}
    return [tuple(cell for k, cell in enumerate(row) if k not in empty) for row in rows]


def _table(rows: list[tuple[str, ...]]) -> None:
    """Columns under their headings: numbers to the right, words to the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    right = [all(not cell or cell[0] in "-0123456789?" for cell in column) for column in zip(*rows[1:], strict=True)]
    for row in rows:
        cells = [
            cell.rjust(w) if to_right else cell.ljust(w) for cell, w, to_right in zip(row, widths, right, strict=True)
        ]
        console.result(f"  {'  '.join(cells)}".rstrip())
    console.result("")


def _some(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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
