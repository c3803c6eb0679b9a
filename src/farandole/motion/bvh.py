"""BVH (Biovision hierarchy) files: every layout found in the wild in, clean ones out.

Facts kept to: channels of a joint apply left to right as intrinsic rotations; position channels stand in place of the joint's
OFFSET, not on top of it; a frame is one line. Centimetres and degrees end here.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farandole._io import atomic_path
from farandole.errors import FileFormatError
from farandole.motion import _numbers, units
from farandole.motion import rotations as rot
from farandole.motion._hierarchy import Hierarchy, parse_hierarchy, render_hierarchy
from farandole.motion.layout import POSITION, ROTATION, FileLayout, default_layout, unique_names
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_MOTION_LINE = re.compile(rb"^[ \t]*MOTION[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_FRAMES_LINE = re.compile(rb"\s*Frames[ \t]*:?[ \t]*([^\s]*)[^\n]*(?:\n|$)", re.IGNORECASE)
_TIME_LINE = re.compile(rb"\s*Frame[ \t]*Time[ \t]*:?[ \t]*([^\s]*)[^\n]*(?:\n|$)", re.IGNORECASE)
_CONSTANT = (
    1e-6  # share of the body's size by which a bone's position channels may wander and still count as a fixed offset
)


_CACHED = 3000  # rotations converted at a time


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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    return parse_bvh(data, scale=scale, name=name or path.stem, source=str(path))


def parse_bvh(data: bytes, *, scale: float | str = "auto", name: str = "motion", source: str = "BVH text") -> Motion:
    """Like `read_bvh`, from the bytes of a file; `source` is what messages call it."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    data = data.removeprefix(b"\xef\xbb\xbf")
    tree, start = _read_hierarchy(data, source)
    width = sum(map(len, tree.channels))
    frames, seconds, spelling, start = _read_timing(data, start, source)
    block = _read_block(data, start, frames, width, tree, source)
    fps = _frame_rate(spelling, seconds)

    offsets = np.array(tree.offsets)
    rotations = _rotations(tree, block)
    root_positions, translations, offsets = _translations(tree, block, offsets)
    names = unique_names(tree.names)
    skeleton = Skeleton(names, tree.parents, offsets, {names[j]: tip for j, tip in tree.ends.items()})
    up, rest_up, unit = units.find_axes_and_unit(skeleton, rotations, root_positions, translations)
    if scale != "auto":
        unit = float(scale)
        if not (np.isfinite(unit) and unit > 0):
            raise FileFormatError(f"{source}: scale {scale} is not a positive number of metres per unit")
    layout = FileLayout(tuple(tree.names), tuple(tree.channels), unit, up, rest_up, fps, spelling)
    return _to_house_axes(skeleton, rotations, root_positions, translations, fps, layout, name)


def write_bvh(motion: Motion, path: str | Path, *, layout: FileLayout | None = None, force: bool = False) -> Path:
    """Write a BVH file, whole or not at all.

    Args:
        layout: How to write it; by default as the file it was read from, or, if made here, in centimetres with Z X Y rotations.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    path = Path(path)
    data = render_bvh(motion, layout=layout)
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(data)
    return path


def render_bvh(motion: Motion, *, layout: FileLayout | None = None) -> bytes:
    """The bytes of a BVH file, see `write_bvh`."""
    layout = layout or motion.layout
    if layout is None or not layout.fits(motion.skeleton):
        layout = default_layout(motion.skeleton)
    skeleton = motion.skeleton
    back, rest_back = rot.inverse(layout.world_turn), rot.inverse(layout.rest_turn)
    turned = lambda q, v: v if q[0] == 1.0 else rot.rotate(q, v)  # noqa: E731
    offsets = turned(rest_back, skeleton.offsets) / layout.unit
    root = turned(back, motion.root_positions) / layout.unit
    local = motion.rotations
    if rest_back[0] != 1.0:
        local = rot.multiply(rot.multiply(rest_back, local), layout.rest_turn)
    if not np.array_equal(layout.up, layout.rest_up):
        local = local.copy()
        local[:, 0] = rot.multiply(rot.multiply(back, motion.rotations[:, 0]), layout.rest_turn)
    translations = None if motion.translations is None else turned(rest_back, motion.translations) / layout.unit

    channels = _writable_channels(layout.channels, local, root, offsets, translations)
    ends = {skeleton.index(n): tuple(turned(rest_back, tip) / layout.unit) for n, tip in skeleton.end_sites.items()}
    if motion.layout is None:  # most tools want a tip on every leaf
        ends |= {j: (0.0, 0.0, 0.0) for j, c in enumerate(skeleton.children) if not c and j not in ends}
    tree = Hierarchy(list(layout.names), skeleton.parents.tolist(), [tuple(o) for o in offsets], channels, ends)
    block = _to_block(tree, offsets, local, root, translations)
    same_rate = layout.frame_time and np.isclose(layout.fps, motion.fps, rtol=1e-9)
    time = layout.frame_time if same_rate else f"{1.0 / motion.fps:.10g}"
    head = f"{render_hierarchy(tree)}MOTION\nFrames: {len(motion)}\nFrame Time: {time}\n"
    return head.encode() + _numbers.render(block)


# Reading -------------------------------------------------------------------------------------------------------------------


def _read_hierarchy(data: bytes, source: str) -> tuple[Hierarchy, int]:
    """The joints, and the byte after the line MOTION."""
    mark = _MOTION_LINE.search(data)
    head = data[: mark.start()] if mark else data
    if not re.search(rb"HIERARCHY|ROOT", head[:4096], re.IGNORECASE):
        what = "is empty" if not data.strip() else "does not begin with HIERARCHY"
        raise FileFormatError(f"{source} {what}: not a BVH file")
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")
    tree = parse_hierarchy(text, source)
    if mark is None:
        raise FileFormatError(
            f"{source} has no MOTION section: it ends after the hierarchy of {len(tree.names)} joints"
        )
    return tree, mark.end()


def _read_timing(data: bytes, start: int, source: str) -> tuple[int, float, str, int]:
    """Number of frames, frame time in s and its spelling, and the byte where the frames begin."""
    line = data.count(b"\n", 0, start) + 2
    found = _FRAMES_LINE.match(data, start)
    if not found:
        raise FileFormatError(f"{source}, line {line}: no 'Frames:' after MOTION")
    token = found[1].decode("latin-1")
    if not token.isdigit():
        raise FileFormatError(f"{source}, line {line}: 'Frames: {token}' is not a whole number")
    frames = int(token)
    found_time = _TIME_LINE.match(data, found.end())
    if not found_time:
        raise FileFormatError(f"{source}, line {line + 1}: no 'Frame Time:' after 'Frames:'")
    spelling = found_time[1].decode("latin-1")
    try:
        seconds = float(spelling)
    except ValueError:
        raise FileFormatError(f"{source}, line {line + 1}: frame time '{spelling}' is not a number") from None
    if not (np.isfinite(seconds) and seconds > 0):
        raise FileFormatError(f"{source}, line {line + 1}: frame time {spelling} s is not positive")
    if frames == 0:
        raise FileFormatError(f"{source} has no frames (Frames: 0)")
    return frames, seconds, spelling, found_time.end()


def _read_block(data: bytes, start: int, frames: int, width: int, tree: Hierarchy, source: str) -> NDArray[np.float64]:
    """All channel values, [T, C]."""
    table = _numbers.parse_table(data, start, frames * width if frames * width < len(data) else 0)
    counts, first_line = table.counts, data.count(b"\n", 0, start) + 1
    if width == 0:
        raise FileFormatError(f"{source}: no joint has channels, so there is no motion")
    wrong = np.flatnonzero(counts != width)
    last_is_short = len(wrong) == 1 and wrong[0] == len(counts) - 1 and counts[-1] < width
    if len(wrong) and not (last_is_short and len(counts) <= frames):
        row = int(wrong[0])
        raise FileFormatError(
            f"{source}, line {first_line + int(table.lines[row])}: frame {row} has {counts[row]} numbers, "
            f"but the hierarchy has {width} channels"
        )
    if len(counts) != frames or len(wrong):
        have = f"{len(counts)} rows" if not len(wrong) else f"{len(counts) - 1} whole rows and a part of one"
        cut = ": the file is cut off" if len(counts) <= frames else ""
        raise FileFormatError(f"{source} promises {frames} frames but has {have}{cut}")
    if table.bad is not None:
        at, token = table.bad
        row, column = divmod(at, width)
        owner, channel = [(n, c) for n, names in zip(tree.names, tree.channels, strict=True) for c in names][column]
        raise FileFormatError(
            f"{source}, line {first_line + int(table.lines[row])}: frame {row}, column {column + 1} "
            f"({owner} {channel}) is '{token}', not a finite number"
        )
    return table.values.reshape(frames, width)


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


def _columns(tree: Hierarchy) -> tuple[list[tuple[str, list[int]]], list[list[tuple[int, int]]]]:
    """Per joint: rotation order with its columns, and (axis, column) of its position channels."""
    turns: list[tuple[str, list[int]]] = []
    moves: list[list[tuple[int, int]]] = []
    column = 0
    for names in tree.channels:
        pairs = list(enumerate(names, column))
        turns.append(("".join(ROTATION[c] for _, c in pairs if c in ROTATION), [i for i, c in pairs if c in ROTATION]))
        moves.append([(POSITION[c], i) for i, c in pairs if c in POSITION])
        column += len(names)
    return turns, moves


def _rotations(tree: Hierarchy, block: NDArray[np.float64]) -> Array:
    """Local quaternions [T, J, 4] of all joints, one vectorised step per Euler order and some thousand rotations at a time.

    So many stay in the processor's cache, which is twice as fast as a whole clip at once.
    """
    turns, _ = _columns(tree)
    result = np.empty((len(block), len(turns), 4))
    for order in dict.fromkeys(order for order, _ in turns):
        joints = [j for j, (o, _) in enumerate(turns) if o == order]
        columns = np.array([turns[j][1] for j in joints], dtype=np.int64)
        where = slice(None) if len(joints) == len(turns) else joints
        step = max(1, _CACHED // len(joints))
        for start in range(0, len(block), step):
            part = _take_columns(block[start : start + step], columns)
            result[start : start + step, where] = rot.from_euler(np.deg2rad(part), order)
    return result


def _take_columns(block: NDArray[np.float64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Columns [A, B] of a block [T, C] as [T, A, B]; a view where they are neighbours."""
    flat = columns.ravel()
    if len(flat) and flat[-1] - flat[0] == len(flat) - 1 and (np.diff(flat) == 1).all():
        return block[:, flat[0] : flat[-1] + 1].reshape(len(block), *columns.shape)
    return block[:, columns]


def _translations(tree: Hierarchy, block: NDArray[np.float64], offsets: Array) -> tuple[Array, Array | None, Array]:
    """Root positions [T, 3], bone translations [T, J, 3] or None, and offsets with constant position channels taken in, [J, 3]."""
    _, moves = _columns(tree)
    root = np.repeat(offsets[None, 0], len(block), axis=0)
    for axis, column in moves[0]:
        root[:, axis] = block[:, column]
    moving = [(joint, axis, column) for joint, pairs in enumerate(moves) if joint for axis, column in pairs]
    if not moving:
        return root, None, offsets
    joints, axes, columns = (np.array(v) for v in zip(*moving, strict=True))
    values = block[:, columns]
    low, high = values.min(axis=0), values.max(axis=0)
    offsets = offsets.copy()
    # A joint above the hips (a still "scene root") carries the travel on its child: that is no constant offset, and stays exact.
    offsets[joints, axes] = 0.5 * (low + high)
    size = max(float(np.abs(offsets[1:]).max()), 1e-9)
    if (high - low).max() <= _CONSTANT * size:
        return root, None, offsets
    offsets[joints, axes] = values[0]
    translations = np.repeat(offsets[None], len(block), axis=0)
    translations[:, joints, axes] = values
    translations[:, 0] = offsets[0]
    return root, translations, offsets


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


# Writing -------------------------------------------------------------------------------------------------------------------


def _writable_channels(
    channels: tuple[tuple[str, ...], ...], local: Array, root: Array, offsets: Array, translations: Array | None
) -> list[tuple[str, ...]]:
    """The layout's channels, widened where they cannot hold the motion: a turn about a missing axis, a move along one."""
    result: list[tuple[str, ...]] = []
    for joint, names in enumerate(channels):
        positions = [c for c in names if c in POSITION]
        turns = [c for c in names if c in ROTATION]
        order = "".join(ROTATION[c] for c in turns)
        if len(set(order)) < len(order) or (len(order) < 3 and not _holds(local[:, joint], order)):
            turns = ["Zrotation", "Xrotation", "Yrotation"]
        path = root if joint == 0 else None if translations is None else translations[:, joint]
        absent = [axis for channel, axis in POSITION.items() if channel not in positions]
        if path is not None and absent and np.abs(path[:, absent] - offsets[joint, absent]).max() > 1e-6:
            positions = list(POSITION)
        same = len(turns) + len(positions) == len(names) and set(turns) | set(positions) == set(names)
        result.append(names if same else (*positions, *turns))
    return result


def _holds(q: Array, order: str) -> bool:
    """Whether rotations [T, 4] about these axes alone can be written with them (to 1e-6 rad)."""
    return bool(np.abs(_few_angles(q, order)[:, len(order) :]).max() < 1e-6)


def _few_angles(q: Array, order: str) -> Array:
    """Euler angles [..., 3] in rad, of the two equal sets that which turns less about the axes that `order` lacks."""
    angles = rot.to_euler(q, _full_order(order))
    other = _other_angles(angles)
    wrap = lambda d: (d + np.pi) % (2.0 * np.pi) - np.pi  # noqa: E731
    angles[..., len(order) :], other[..., len(order) :] = (
        wrap(angles[..., len(order) :]),
        wrap(other[..., len(order) :]),
    )
    size = lambda a: np.abs(a[..., len(order) :]).sum(-1, keepdims=True)  # noqa: E731
    return np.where(size(other) < size(angles), other, angles)


def _full_order(order: str) -> str:
    return order + "".join(a for a in "ZXY" if a not in order)


def _to_block(
    tree: Hierarchy, offsets: Array, local: Array, root: Array, translations: Array | None
) -> NDArray[np.float64]:
    """All channel values, [T, C]: the inverse of `_rotations` and `_translations`."""
    turns, moves = _columns(tree)
    block = np.empty((len(local), sum(map(len, tree.channels))))
    for order in dict.fromkeys(order for order, _ in turns if order):
        joints = [j for j, (o, _) in enumerate(turns) if o == order]
        columns = np.array([turns[j][1] for j in joints], dtype=np.int64)
        step = max(1, _CACHED // len(block))
        for start in range(0, len(joints), step):
            some = local[:, joints[start : start + step]]
            angles = (
                _continuous(rot.to_euler(some, order))
                if len(order) == 3
                else np.unwrap(_few_angles(some, order), axis=0)
            )
            block[:, columns[start : start + step]] = np.rad2deg(angles[..., : len(order)])
    for joint, pairs in enumerate(moves):
        for axis, column in pairs:
            if joint == 0:
                block[:, column] = root[:, axis]
            else:
                block[:, column] = offsets[joint, axis] if translations is None else translations[:, joint, axis]
    return block


def _continuous(angles: Array) -> Array:
    """Euler angles [T, J, 3] in rad of the same rotations without jumps over time.

    (a, b, c) and (a + pi, pi - b, c + pi) are one rotation. The distance between neighbouring frames is the same when both change
    sides, so each frame's side is the running count of the frames where changing sides is nearer.
    """
    other = _other_angles(angles)
    wrap = lambda d: np.abs((d + np.pi) % (2.0 * np.pi) - np.pi).sum(-1)  # noqa: E731
    change = wrap(other[1:] - angles[:-1]) < wrap(angles[1:] - angles[:-1]) - 1e-9
    side = np.zeros(angles.shape[:-1], dtype=bool)
    side[1:] = np.cumsum(change, axis=0) % 2 == 1
    return np.unwrap(np.where(side[..., None], other, angles), axis=0)


def _other_angles(angles: Array) -> Array:
    """The other three Euler angles about the same axes that make the same rotation."""
    other = angles + np.pi
    other[..., 1] = np.pi - angles[..., 1]
    return other
