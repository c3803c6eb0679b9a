"""Motions as BVH text, in the layout of the file they came from or in the package's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farandole._io import atomic_path
from farandole.motion import rotations as rot
from farandole.motion.files.bvh import decimals
from farandole.motion.files.bvh.channels import to_block, writable_channels
from farandole.motion.files.bvh.encodings import decode_names
from farandole.motion.files.bvh.hierarchy import Hierarchy, parse_hierarchy, render_hierarchy
from farandole.motion.layout import POSITION, FileLayout, default_layout
from farandole.motion.motion import Motion
from farandole.motion.t_pose import in_t_pose

_AT_ONCE = 1 << 15  # frames whose channels are worked out at a time: those of 18 minutes


def write_bvh(motion: Motion, path: str | Path, *, layout: FileLayout | None = None, force: bool = False) -> Path:
    """Write a BVH file, whole or not at all.

    Args:
        layout: How to write it; by default as the file it was read from, or, if made here, in centimetres with Z X Y rotations,
            over an exact T-pose where the body rests nearly so, with the root's OFFSET 0 0 0.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    path = Path(path)
    pieces = _pieces(motion, layout)
    with atomic_path(path, force=force) as temporary, temporary.open("wb") as file:
        file.writelines(pieces)
    return path


def render_bvh(motion: Motion, *, layout: FileLayout | None = None) -> bytes:
    """The bytes of a BVH file, see `write_bvh`."""
    return b"".join(_pieces(motion, layout))


def _pieces(motion: Motion, layout: FileLayout | None) -> Iterator[bytes]:
    layout = layout or motion.layout
    if layout is None or not layout.fits(motion.skeleton):
        layout = default_layout(motion.skeleton)
    made_here = layout.fps == 0.0
    # The channels of a file's own layout may depend on all frames; those of ours do not.
    step = _AT_ONCE if made_here and motion.translations is None else len(motion)
    last = None
    for at in range(0, len(motion), step):
        part = motion.slice(at, at + step)
        head, newline, block = _numbers(in_t_pose(part) if made_here else part, layout, last)
        if not at:
            same_rate = layout.frame_time and np.isclose(layout.fps, motion.fps, rtol=1e-9)
            time = layout.frame_time if same_rate else f"{1.0 / motion.fps:.10g}"
            head += f"MOTION\nFrames: {len(motion)}\nFrame Time: {time}\n".encode().replace(b"\n", newline)
            yield head
        last = block[-1]
        del part
        for rows in decimals.render(block):
            yield rows if newline == b"\n" else rows.replace(b"\n", newline)


def _numbers(
    motion: Motion, layout: FileLayout, before: NDArray[np.float64] | None
) -> tuple[bytes, bytes, NDArray[np.float64]]:
    """The hierarchy as text, the file's newline, and the channels of all frames, [T, C], which follow the row `before`."""
    made_here = layout.fps == 0.0
    skeleton = motion.skeleton
    back, rest_back = rot.inverse(layout.world_turn), rot.inverse(layout.rest_turn)
    turned = lambda q, v: v if q[0] == 1.0 else rot.rotate(q, v).round(12)  # noqa: E731
    offsets = turned(rest_back, skeleton.offsets) / layout.unit
    root = turned(back, motion.root_positions) / layout.unit
    local = motion.rotations
    if rest_back[0] != 1.0:
        local = rot.multiply(rot.multiply(rest_back, local), layout.rest_turn)
    if not np.array_equal(layout.up, layout.rest_up):
        local = local.copy()
        local[:, 0] = rot.multiply(rot.multiply(back, motion.rotations[:, 0]), layout.rest_turn)
    translations = None if motion.translations is None else turned(rest_back, motion.translations) / layout.unit

    channels = writable_channels(layout.channels, local, root, offsets, translations)
    ends = {skeleton.index(n): tuple(turned(rest_back, tip) / layout.unit) for n, tip in skeleton.end_sites.items()}
    if made_here:
        # Some programs add the root's OFFSET to its position channels, others do not; and most want a tip on every leaf.
        offsets = offsets.copy()
        offsets[0] = 0.0
        ends |= {j: (0.0, 0.0, 0.0) for j, c in enumerate(skeleton.children) if not c and j not in ends}
    tree = Hierarchy(list(layout.names), skeleton.parents.tolist(), [tuple(o) for o in offsets], channels, ends)
    block = to_block(tree, offsets, local, root, translations, before)
    head = layout.hierarchy if _describes(layout, tree) else render_hierarchy(tree).encode(layout.encoding, "replace")
    return head, _newline(layout.hierarchy), block


def _describes(layout: FileLayout, tree: Hierarchy) -> bool:
    """Whether the file's own bytes tell the same joints, rest pose and channels."""
    if not layout.hierarchy:
        return False
    own = parse_hierarchy(decode_names(layout.hierarchy.replace(b"\r", b"\n"))[0], "the file's own hierarchy")
    if own.parents != tree.parents or own.channels != tree.channels or set(own.ends) - set(tree.ends):
        return False
    # A joint without OFFSET that moves by its position channels got its rest pose from them.
    unplaced = [j for j, c in enumerate(own.channels) if j and not any(own.offsets[j]) and POSITION.keys() & set(c)]
    mine, theirs = np.array(tree.offsets), np.array(own.offsets)
    theirs[unplaced] = mine[unplaced]
    tips = np.array([[tree.ends[j], own.ends[j]] for j in own.ends]).reshape(-1, 2, 3)
    near = 1e-6 * max(float(np.abs(theirs).max()), 1e-9)
    return bool(np.abs(mine - theirs).max() <= near and np.abs(tips[:, 0] - tips[:, 1]).max(initial=0.0) <= near)


def _newline(text: bytes) -> bytes:
    if b"\r\n" in text:
        return b"\r\n"
    return b"\r" if b"\r" in text and b"\n" not in text else b"\n"
