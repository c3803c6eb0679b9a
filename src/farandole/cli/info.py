"""`farandole info`: what is in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json
from farandole.errors import AudioError

if TYPE_CHECKING:
    from farandole.motion import Motion
    from farandole.music import Song


def info(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A motion, a song, or a feature folder.", show_default=False)
    ],
    sequences: Annotated[bool, typer.Option("--sequences", help="List every sequence of a feature folder.")] = False,
    beats: Annotated[
        Path | None,
        typer.Option("--beats", metavar="FILE", help="Write a song's beats as text: seconds, tab, place in the bar."),
    ] = None,
    as_map: Annotated[
        bool,
        typer.Option(
            "--map", help="Print which joint of a character plays which part, to be corrected and given to --map."
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the map to a file. [default: print it]")
    ] = None,
    force: Force = False,
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

    \b
    farandole info song.mp3 --beats song.beats.txt

    \b
    farandole info me.glb --map -o me.yaml
    """
    if as_map:
        _tell_map(file, out, json, force)
        return
    if file.is_dir():
        _tell_folder(file, json, sequences)
        return
    from farandole.motion.files import READABLE
    from farandole.motion.files.sources import is_stream

    if file.suffix.lower() in READABLE or is_stream(file):
        if beats is not None:
            raise AudioError(f"{file} is a motion: --beats writes the beats of a song")
        facts = _motion_facts(file)
    else:
        facts = _song_facts(file, beats, force)
    if json:
        console.result_json({"file": file, **facts})
        return
    width = max(len(name) for name in facts)
    console.result(file)
    for name, value in facts.items():
        console.result(f"  {name.replace('_', ' '):{width}}  {_readable(value)}")


def _tell_map(file: Path, out: Path | None, json: bool, force: bool) -> None:
    from farandole._io import atomic_path
    from farandole.motion.characters import load_character
    from farandole.motion.humanoid.map_file import map_text
    from farandole.motion.names import MissingPartsError

    try:
        character = load_character(file)
        skeleton, roles = character.skeleton, character.roles
    except MissingPartsError as error:
        skeleton, roles = error.skeleton, error.roles
        console.warning(str(error))
    text = map_text(skeleton, roles)
    if out is not None:
        with atomic_path(out, force=force) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if json:
        facts = {"file": file, "map": {role: skeleton.names[joint] for role, joint in roles.items()}, "out": out}
        console.result_json(facts)
    else:
        console.result(text.rstrip("\n") if out is None else out)


def _tell_folder(folder: Path, json: bool, sequences: bool) -> None:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.data.report import describe

    facts = describe(FeatureFolder(folder))
    if json:
        console.result_json({"folder": folder, **facts})
        return
    console.result(folder)
    console.result(f"  {facts['sequences']} sequences, {_lengths(facts)}, {_body(facts)}")
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


def _lengths(facts: dict[str, Any]) -> str:
    if facts["fps"] is None:
        return f"{facts['shortest_s']:.0f} to {facts['longest_s']:.0f} frames each, frame rate unknown"
    return (
        f"{_hours(facts['hours'])}, {facts['shortest_s']:.1f} to {facts['longest_s']:.1f} s each, {facts['fps']:g} fps"
    )


def _body(facts: dict[str, Any]) -> str:
    return "no body" if facts["joints"] is None else f"{facts['joints']} joints, {facts['height_m']:.2f} m"


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
    rows: list[tuple[str, ...]] = [("feature", "kind", "columns", "constant", "smallest", "largest")]
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
        "height_m": _height(motion),
    }
    animations = _animations(file)
    if animations:
        facts["animations"] = animations
    layout = motion.layout
    if layout is not None:
        up = layout.up if layout.up == layout.rest_up else f"{layout.up} (at rest {layout.rest_up})"
        facts |= {"unit_m": layout.unit, "up_axis": up, "channels": _channel_orders(layout.channels)}
    return facts | {"naming": _naming(motion), "joint_names": list(skeleton.names)}


def _height(motion: Motion) -> float:
    """Standing height of a human, also where its rest pose lies down; else the extent of the rest pose, m."""
    from farandole.motion import names, units

    skeleton = motion.skeleton
    if not names.is_humanoid(skeleton):
        return skeleton.height
    return units.body_height(skeleton, names.find_roles(skeleton), 1)


def _animations(file: Path) -> list[str]:
    """Names of the animations in a glTF file."""
    if file.suffix.lower() not in (".glb", ".gltf", ".vrm", ".vrma"):
        return []
    from farandole.motion.files.gltf.container import Container
    from farandole.motion.files.gltf.takes import animation_names

    return animation_names(Container(file.read_bytes(), file))


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


def _song_facts(file: Path, beats_file: Path | None, force: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from farandole._io import check_output
    from farandole.music import load_song
    from farandole.music.beats.text import write_beats
    from farandole.music.sections import find_sections

    if beats_file is not None:
        check_output(beats_file, force=force)
    song = load_song(file, chroma=True)
    beats = song.beats
    if beats_file is not None:
        write_beats(beats_file, beats, force=force)
    return {
        "kind": "song",
        "seconds": song.seconds,
        "sample_rate": song.sample_rate,
        "tempo": beats.tempo,
        "beats_per_bar": beats.beats_per_bar,
        "beats": len(beats),
        "downbeats": int(beats.downbeats.sum()),
        "clarity": beats.clarity,
        "confidence": beats.confidence,
        "dance_style": _dance_style(song),
        "sections": [asdict(section) for section in find_sections(song)],
    }


def _dance_style(song: Song) -> str:
    """What `dance --style auto` begins with, and why."""
    from farandole.checkpoints.checkpoint import find_checkpoint
    from farandole.generation.completion import DANCER
    from farandole.generation.latent_flow.suited_style import chosen_style
    from farandole.models.abilities import LatentFlow

    facts = find_checkpoint(DANCER).completion
    assert isinstance(facts, LatentFlow)
    chosen = chosen_style(facts, song)
    return f"{chosen['style']} ({chosen['because']})"


def _readable(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return " ".join(map(_readable, value))
    if isinstance(value, dict) and "label" in value:
        return f"{value['label']} {_clock(value['begin'])}"
    if isinstance(value, dict):
        return ", ".join(f"{_readable(v)} x {name}" for name, v in value.items())
    return str(value)


def _clock(seconds: float) -> str:
    """Minutes and seconds: 1:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
