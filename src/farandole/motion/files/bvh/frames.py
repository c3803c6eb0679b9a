"""The frames of a BVH file: one line of channel values each, and what is wrong with them where they are not."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError
from farandole.motion.files.bvh.decimals import parse_table
from farandole.motion.files.bvh.hierarchy import Hierarchy

log = logging.getLogger(__name__)


def read_block(data: bytes, start: int, frames: int, tree: Hierarchy, source: str) -> NDArray[np.float64]:
    """All channel values, [T, C]: as many rows as there are, if the file promises one more or one fewer, with a warning.

    Args:
        data: The file.
        start: The byte where the frames begin.
        frames: How many the file promises.
        tree: Its hierarchy, which says what the columns are.
        source: What messages call it.

    Raises:
        FileFormatError: One line that names the file, the line and what is wrong there.
    """
    width = sum(map(len, tree.channels))
    if width == 0:
        raise FileFormatError(f"{source}: no joint has channels, so there is no motion")
    if data.find(b",", start) >= 0 and data.find(b".", start) < 0:
        data = data[:start] + data[start:].replace(b",", b".")  # decimal commas
    table = parse_table(data, start, frames * width if frames * width < len(data) else 0)
    counts, first_line = table.counts, data.count(b"\n", 0, start) + 1
    wrong = np.flatnonzero(counts != width)
    last_is_short = len(wrong) == 1 and wrong[0] == len(counts) - 1 and counts[-1] < width
    if len(wrong) and not (last_is_short and len(counts) <= frames):
        row = int(wrong[0])
        raise FileFormatError(
            f"{source}, line {first_line + int(table.lines[row])}: frame {row} has {counts[row]} numbers, "
            f"but the hierarchy has {width} channels"
        )
    if not len(wrong) and len(counts) and abs(len(counts) - frames) == 1:
        log.warning("%s promises %d frames but has %d rows: all rows are read", source, frames, len(counts))
        frames = len(counts)
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
