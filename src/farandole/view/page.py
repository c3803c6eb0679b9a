"""One self-contained web page that plays dances with their song: viewer, motion and sound in a single HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.errors import MotionError, OutputError
from farandole.motion.body import body_shapes
from farandole.motion.motion import Motion
from farandole.motion.t_pose import in_t_pose
from farandole.view.feet import foot_joints
from farandole.view.figure import facing, part
from farandole.view.html_templates import pieces
from farandole.view.packing import Base64, packed_floats, packed_rotations
from farandole.view.page_character import Costume, characters_data, humanoid_data
from farandole.view.palette import PARTS

if TYPE_CHECKING:
    from farandole.motion.skeleton import Skeleton
    from farandole.music.song import Song

VERSION = 2
"""Version of the data in the page; `web/src/data.ts` reads the same."""

_AT_ONCE = 1 << 15  # frames whose rotations are packed at a time: those of 18 minutes
_ENERGY_RATE = 12.0
_AFTER = 60.0  # s: what is told of a song that goes on after the dance


def write_page(
    takes: Sequence[Motion],
    path: str | Path,
    *,
    song: Song | None = None,
    title: str | None = None,
    names: Sequence[str] | None = None,
    force: bool = False,
    ghosts: Sequence[Motion | None] = (),
    marks: Sequence[int] = (),
    characters: Sequence[Costume | None] = (),
) -> Path:
    """Write an HTML file that shows `takes` side by side and plays the song with them. It loads nothing from anywhere.

    Args:
        takes: Motions, shown next to one another.
        path: Where the page goes.
        song: Played with the dance, both from their beginnings; its beats and loudness are drawn on the time line.
        title: Heading; by default the song's or the first take's name.
        names: Names of the takes; by default the motions' own.
        force: Replace an existing file.
        ghosts: For each take a motion to show through it, e.g. the one it was made from; None or a missing one for none.
        marks: Frames of the first take to mark on the time line, e.g. kept keyframes.
        characters: For each take the character that is shown instead of the mannequin; None or a missing one for none.

    Returns:
        The path.

    Raises:
        MotionError: If there is no take, or the numbers of names or ghosts do not fit.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    from farandole._io import atomic_path, check_output

    check_output(path, force=force)
    text = page_pieces(takes, song=song, title=title, names=names, ghosts=ghosts, marks=marks, characters=characters)
    with atomic_path(Path(path), force=force) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(text)
    return Path(path)


def page_html(
    takes: Sequence[Motion],
    *,
    song: Song | None = None,
    title: str | None = None,
    names: Sequence[str] | None = None,
    ghosts: Sequence[Motion | None] = (),
    marks: Sequence[int] = (),
    characters: Sequence[Costume | None] = (),
) -> str:
    """The text of the page that `write_page` writes."""
    return "".join(
        page_pieces(takes, song=song, title=title, names=names, ghosts=ghosts, marks=marks, characters=characters)
    )


def page_pieces(
    takes: Sequence[Motion],
    *,
    song: Song | None = None,
    title: str | None = None,
    names: Sequence[str] | None = None,
    ghosts: Sequence[Motion | None] = (),
    marks: Sequence[int] = (),
    characters: Sequence[Costume | None] = (),
) -> Iterator[str]:
    """The same piece by piece: a long song and its dance are not held several times over."""
    if not takes:
        raise MotionError("a page needs at least one motion to show")
    labels = list(names) if names is not None else [take.name for take in takes]
    if len(labels) != len(takes):
        raise MotionError(f"{len(labels)} names for {len(takes)} motions: need one each")
    if len(ghosts) > len(takes):
        raise MotionError(f"{len(ghosts)} ghosts for {len(takes)} motions: at most one each")
    if len(characters) > len(takes):
        raise MotionError(f"{len(characters)} characters for {len(takes)} motions: at most one each")
    wrong = next((m for m in marks if not 0 <= m < len(takes[0])), None)
    if wrong is not None:
        raise MotionError(f"{takes[0].name}: cannot mark frame {wrong}, it has frames 0 to {len(takes[0]) - 1}")
    heading = title or (song.name if song is not None else labels[0])
    seconds = max(take.seconds for take in takes)
    files, uses = characters_data(characters)
    uses += [None] * (len(takes) - len(uses))
    payload = {
        "version": VERSION,
        "title": heading,
        "colours": list(PARTS.values()),
        "takes": [_take(take, name) | {"character": use} for take, name, use in zip(takes, labels, uses, strict=True)],
        "characters": files,
        "ghosts": [None if ghost is None else _take(ghost, ghost.name) for ghost in ghosts],
        "marks": [round(int(m) / takes[0].fps, 4) for m in marks],
        "song": None if song is None else _song(song, seconds),
        "energy": None if song is None else _energy(song, seconds),
    }
    script, digest = page_script("viewer")
    return pieces("viewer.html", title=_text(heading), data=_json(payload), script=[script], script_digest=digest)


def _json(value: Any) -> Iterator[str]:
    """Plain values as JSON, in which `Base64` is a text that is worked out while it is written."""
    if isinstance(value, Base64):
        yield '"'
        yield from value
        yield '"'
    elif isinstance(value, dict):
        for number, (key, one) in enumerate(value.items()):
            yield ("," if number else "{") + json.dumps(key) + ":"
            yield from _json(one)
        yield "}" if value else "{}"
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, one in enumerate(value):
            yield "," if number else "["
            yield from _json(one)
        yield "]"
    else:
        # "<" would let data close the script element; JSON may write it as an escape anywhere.
        for piece in json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).iterencode(value):
            yield _text(piece).replace("<", "\\u003c")


def _text(text: str) -> str:
    """Names of files that are no UTF-8 as text, with a question mark for what is none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def page_script(name: str) -> tuple[str, str]:
    """A bundled script (three.js inside), built from web/ when the package is installed, and its SHA-256 for a content policy.

    Args:
        name: Of the bundle: "viewer" or "live".

    Raises:
        OutputError: If it has not been built, which happens only in a source tree that was never installed.
    """
    bundle = resources.files("farandole.view") / "assets" / f"{name}.js"
    if not bundle.is_file():
        raise OutputError(
            f"the script of the {name} page is not built in this source tree: run `pip install .` or `python hatch_build.py`"
        )
    script = bundle.read_text(encoding="utf-8")
    if "</script" in script.lower():
        raise OutputError(f"{bundle}: holds a closing script tag, which no page can carry; build it again")
    return script, base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def body_description(skeleton: Skeleton) -> dict[str, Any]:
    """What a page draws a body from: joints, surface and colours."""
    metres = lambda v: [round(float(x), 5) for x in np.ravel(v)]  # noqa: E731
    colours = list(PARTS)
    return {
        "joints": list(skeleton.names),
        "parents": skeleton.parents.tolist(),
        "offsets": metres(skeleton.offsets),
        "tips": {str(skeleton.index(joint)): metres(tip) for joint, tip in skeleton.end_sites.items()},
        "parts": [
            [
                int(shape.joint),
                *metres((*shape.start, *shape.end, shape.start_radius, shape.end_radius)),
                colours.index(part(skeleton, shape)),
            ]
            for shape in body_shapes(skeleton)
        ],
        "feet": [joint for joints in foot_joints(skeleton).values() for joint in joints],
        "colours": list(PARTS.values()),
    }


def _take(motion: Motion, name: str) -> dict[str, Any]:
    layout = motion.layout
    made_here = layout is None or not layout.fits(motion.skeleton) or layout.fps == 0.0

    def parts() -> Iterator[Motion]:
        for at in range(0, len(motion), _AT_ONCE):
            part = motion.slice(at, at + _AT_ONCE)
            yield in_t_pose(part) if made_here else part  # as a .bvh of it is written

    first = next(parts())
    body = body_description(first.skeleton)
    del body["colours"]  # the page has them once
    take = {
        "name": name,
        "fps": motion.fps,
        "frames": len(motion),
        **body,
        "facing": round(facing(motion), 4),
        "rotations": packed_rotations((part.rotations for part in parts()), len(motion)),
        "root": packed_floats(motion.root_positions),
        "humanoid": humanoid_data(first),
    }
    if motion.translations is not None:
        moved = [part.translations for part in parts() if part.translations is not None]
        take["translations"] = packed_floats(np.concatenate(moved))
    return take


def _song(song: Song, seconds: float) -> dict[str, Any]:
    from farandole.view.sound import for_browser

    data, kind = for_browser(song, seconds=seconds)
    silent = song.frames.silent
    times = np.zeros(0) if silent else song.beats.times
    end = min(song.seconds, seconds + _AFTER)
    inside = (times > -0.05) & (times <= end)  # one that begins the song may lie a hair before it
    downbeats = np.zeros(0, bool) if silent else song.beats.downbeats
    return {
        "name": song.name,
        "type": kind,
        "data": Base64(data),
        "seconds": round(song.seconds, 3),
        "tempo": 0 if silent else round(float(song.beats.tempo), 2),
        "beats": [round(max(float(t), 0.0), 4) for t in times[inside]],
        "downbeats": np.flatnonzero(downbeats[inside]).tolist(),
    }


def _energy(song: Song, seconds: float) -> dict[str, Any]:
    """Loudness along what is danced to: the greatest root mean square of each twelfth of a second, 255 at the song's loud level."""
    frames = song.frames
    level = np.sqrt(np.maximum(frames.power, 0.0))
    count = max(1, int(np.ceil(frames.seconds * _ENERGY_RATE)))
    slot = np.minimum((np.arange(len(level)) / frames.fps * _ENERGY_RATE).astype(int), count - 1)
    loudest = np.zeros(count)
    np.maximum.at(loudest, slot, level)
    top = float(np.percentile(loudest, 98)) if not frames.silent else 0.0
    scaled = np.clip(loudest / top, 0, 1) if top > 0 else loudest * 0
    scaled = scaled[: int(np.ceil((seconds + _AFTER) * _ENERGY_RATE))]
    return {"rate": _ENERGY_RATE, "data": base64.b64encode((255 * scaled).astype(np.uint8).tobytes()).decode()}
