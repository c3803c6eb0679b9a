"""BVH (Biovision hierarchy) files: every layout found in the wild.

Facts kept to: channels of a joint apply left to right as intrinsic rotations; position channels stand in place of the joint's
OFFSET, not on top of it; a frame is one line. Centimetres and degrees end here.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from farandole.errors import FileFormatError
from farandole.motion import rotations as rot
from farandole.motion import units
from farandole.motion.files.bvh.channels import read_rotations, read_translations
from farandole.motion.files.bvh.encodings import decode_names, to_single_bytes
from farandole.motion.files.bvh.frames import read_block
from farandole.motion.files.bvh.hierarchy import Hierarchy, has_decimal_commas, parse_hierarchy, with_decimal_points
from farandole.motion.files.sources import read_bytes
from farandole.motion.layout import FileLayout, unique_names
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_MOTION_LINE = re.compile(rb"^[ \t]*MOTION[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_FRAMES_LINE = re.compile(rb"\s*Frames[ \t]*:?[ \t]*([^\s]*)[^\n]*(?:\n|$)", re.IGNORECASE)
_TIME_LINE = re.compile(rb"\s*Frame[ \t]*Time[ \t]*:?[ \t]*([^\s]*)[^\n]*(?:\n|$)", re.IGNORECASE)


def read_bvh(path: str | Path, *, scale: float | str = "auto", name: str | None = None) -> Motion:
    """Read a BVH file.

    Args:
        path: The file.
        scale: Metres per file unit, or "auto": found from the body's height (see `units.metres_per_unit`); files that show
            no human are taken to be in centimetres.
        name: Name of the motion; by default the file's.

    Returns:
        The motion in metres, y up, with the file's own unit, axes and channel orders in `layout`.

    Raises:
        FileFormatError: One line that names the file, the line and the token.
    """
    path = Path(path)
    return parse_bvh(read_bytes(path), scale=scale, name=name or path.stem, source=str(path))


def parse_bvh(data: bytes, *, scale: float | str = "auto", name: str = "motion", source: str = "BVH text") -> Motion:
    """Like `read_bvh`, from the bytes of a file; `source` is what messages call it."""
    original = data = to_single_bytes(data, source)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    tree, start, head, encoding = _read_hierarchy(data, source)
    frames, seconds, spelling, start = _read_timing(data, start, source)
    block = read_block(data, start, frames, tree, source)
    fps = _frame_rate(spelling, seconds)

    offsets = np.array(tree.offsets)
    rotations = read_rotations(tree, block)
    root_positions, translations, offsets = read_translations(tree, block, offsets)
    names = unique_names(tree.names)
    skeleton = Skeleton(names, tree.parents, offsets, {names[j]: tip for j, tip in tree.ends.items()})
    up, rest_up, unit = units.find_axes_and_unit(skeleton, rotations, root_positions, translations)
    if scale != "auto":
        unit = float(scale)
        if not (np.isfinite(unit) and unit > 0):
            raise FileFormatError(f"{source}: scale {scale} is not a positive number of metres per unit")
    names_and_channels = tuple(tree.names), tuple(tree.channels)
    layout = FileLayout(*names_and_channels, unit, up, rest_up, fps, spelling, original[: len(head)], encoding)
    return _to_house_axes(skeleton, rotations, root_positions, translations, fps, layout, name)


def _read_hierarchy(data: bytes, source: str) -> tuple[Hierarchy, int, bytes, str]:
    """The joints, the byte after the line MOTION, the bytes before it and their encoding.

    No bytes where they have decimal commas, which few other programs read.
    """
    mark = _MOTION_LINE.search(data)
    head = data[: mark.start()] if mark else data
    if not re.search(rb"HIERARCHY|ROOT", head[:4096], re.IGNORECASE):
        what = "is empty" if not data.strip() else "does not begin with HIERARCHY"
        raise FileFormatError(f"{source} {what}: not a BVH file")
    text, encoding = decode_names(head)
    if has_decimal_commas(text):
        text, head = with_decimal_points(text), b""
    tree = parse_hierarchy(text, source)
    if mark is None:
        raise FileFormatError(
            f"{source} has no MOTION section: it ends after the hierarchy of {len(tree.names)} joints"
        )
    return tree, mark.end(), head, encoding


def _read_timing(data: bytes, start: int, source: str) -> tuple[int, float, str, int]:
    """Number of frames, frame time in s and its spelling, and the byte where the frames begin."""
    line = data.count(b"\n", 0, start) + 2
    found = _FRAMES_LINE.match(data, start)
    if not found:
        raise FileFormatError(f"{source}, line {line}: no 'Frames:' after MOTION")
    token = found[1].decode("latin-1")
    if not token.isdecimal() or len(token) > 18:
        raise FileFormatError(f"{source}, line {line}: 'Frames: {token}' is not a whole number")
    frames = int(token)
    found_time = _TIME_LINE.match(data, found.end())
    if not found_time:
        raise FileFormatError(f"{source}, line {line + 1}: no 'Frame Time:' after 'Frames:'")
    spelling = found_time[1].decode("latin-1")
    if "," in spelling and "." not in spelling:
        spelling = spelling.replace(",", ".")
    try:
        seconds = float(spelling)
    except ValueError:
        raise FileFormatError(f"{source}, line {line + 1}: frame time '{spelling}' is not a number") from None
    if not (np.isfinite(seconds) and seconds > 0):
        raise FileFormatError(f"{source}, line {line + 1}: frame time {spelling} s is not positive")
    if frames == 0:
        raise FileFormatError(f"{source} has no frames (Frames: 0)")
    return frames, seconds, spelling, found_time.end()


def _frame_rate(spelling: str, seconds: float) -> float:
    """Frames per second; whole if the frame time is a whole rate's, rounded or cut to the digits the file shows."""
    rate = 1.0 / seconds
    if abs(rate - round(rate)) < 1e-9 * rate:
        return float(round(rate))
    mantissa, _, exponent = spelling.lower().partition("e")
    step = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    low, high = 1.0 / (seconds + step), 1.0 / max(seconds - 0.5 * step, 1e-12)
    whole = np.arange(np.ceil(low - 1e-9 * low), min(high * (1 + 1e-9), low + 4) + 1e-9)
    return float(whole[0]) if len(whole) == 1 else rate


def _to_house_axes(
    skeleton: Skeleton,
    rotations: Array,
    root_positions: Array,
    translations: Array | None,
    fps: float,
    layout: FileLayout,
    name: str,
) -> Motion:
    """Metres and y up. All joint frames turn with the rest pose, the root in addition with the world."""
    world, rest = layout.world_turn, layout.rest_turn
    if layout.rest_up != "y":
        skeleton = Skeleton(
            skeleton.names,
            skeleton.parents,
            rot.rotate(rest, skeleton.offsets),
            {k: rot.rotate(rest, v) for k, v in skeleton.end_sites.items()},
        )
        translations = None if translations is None else rot.rotate(rest, translations)
        root = rotations[:, 0]
        rotations = rot.multiply(rot.multiply(rest, rotations), rot.inverse(rest))
        rotations[:, 0] = rot.multiply(rot.multiply(world, root), rot.inverse(rest))
    elif layout.up != "y":
        rotations[:, 0] = rot.multiply(world, rotations[:, 0])
    if layout.up != "y":
        root_positions = rot.rotate(world, root_positions)
    return Motion(
        skeleton.scaled(layout.unit),
        rotations,
        root_positions * layout.unit,
        fps,
        None if translations is None else translations * layout.unit,
        layout,
        name,
    )
