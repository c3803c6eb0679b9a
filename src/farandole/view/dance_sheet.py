"""Several dances on one PNG, a row each, say real takes above and a model's dances below: what figures cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from farandole.motion.motion import Motion
from farandole.view.camera import smooth_path, studio_camera
from farandole.view.contact_sheet import GUTTER, INK, blend, stamp_tile, view_extent
from farandole.view.digits import label_mask
from farandole.view.feet import foot_contacts
from farandole.view.figure import Figure, facing, figure
from farandole.view.png import encode_png
from farandole.view.raycast import render

LABEL = 22
"""Height of the line over a row that names the dance, pixels."""

_PAPER = 255


def write_dance_sheet(
    dances: Mapping[str, Motion],
    path: str | Path,
    *,
    columns: int = 10,
    seconds: float | None = None,
    tile: tuple[int, int] = (150, 180),
    force: bool = False,
) -> Path:
    """Write the picture of `dance_sheet` as a PNG; returns its path.

    Args:
        dances: Name -> dance, from the top.
        path: Where the PNG goes.
        columns: Moments of each dance.
        seconds: How much of each dance is shown, s; None for all of it.
        tile: Width and height of a moment in pixels.
        force: Replace an existing file.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
        ValueError: If there are no dances or no columns.
    """
    from farandole._io import atomic_path

    sheet = dance_sheet(dances, columns=columns, seconds=seconds, tile=tile)
    with atomic_path(Path(path), force=force) as temporary:
        temporary.write_bytes(encode_png(sheet))
    return Path(path)


def dance_sheet(
    dances: Mapping[str, Motion],
    *,
    columns: int = 10,
    seconds: float | None = None,
    tile: tuple[int, int] = (150, 180),
) -> np.ndarray:
    """Evenly spaced moments of several dances, a row for each under its name, uint8 [H, W, 3].

    All rows are drawn to one scale on one floor, and the camera follows a dancer over the floor but not into the air: a body that
    lies or flies is seen to do so. Every tile carries its time and the feet that stand, as in `contact_sheet`.

    Args:
        dances: Name -> dance, from the top.
        columns: Moments of each dance.
        seconds: How much of each dance is shown, s; None for all of it.
        tile: Width and height of a moment in pixels.

    Raises:
        ValueError: If there are no dances or no columns.
    """
    if not dances or columns < 1:
        raise ValueError(f"a sheet needs at least one dance and one column, not {len(dances)} and {columns}")
    shown = {
        name: motion if seconds is None else motion.slice(0, max(1, round(seconds * motion.fps)))
        for name, motion in dances.items()
    }
    bodies = {name: figure(motion) for name, motion in shown.items()}
    # The usual size of these bodies: one that flies away must not shrink the others.
    extent = float(np.clip(np.median([view_extent(body) for body in bodies.values()]), 0.2, 3.0))
    rows = [_row(name, shown[name], bodies[name], extent, columns, tile) for name in shown]
    return np.concatenate(rows)


def _row(name: str, motion: Motion, body: Figure, extent: float, columns: int, tile: tuple[int, int]) -> np.ndarray:
    """One dance under its name, uint8 [LABEL + height + GUTTER, W, 3]."""
    width, height = tile
    row = np.full((LABEL + height + GUTTER, columns * (width + GUTTER) - GUTTER, 3), _PAPER, np.uint8)
    blend(row, 5, 6, label_mask(name)[:, : row.shape[1] - 12], INK)
    path = smooth_path(motion.root_positions, motion.fps, seconds=0.3)
    stands, turn = foot_contacts(motion), 0.35 + facing(motion)
    for i, t in enumerate(np.linspace(0, len(motion) - 1, columns).round().astype(int)):
        middle = np.array([path[t, 0], 0.46 * extent, path[t, 2]])
        part = render(body.frame(t), studio_camera(middle, tile, extent=extent, turn=turn))
        stamp_tile(part, t / motion.fps, stands[t])
        x = i * (width + GUTTER)
        row[LABEL : LABEL + height, x : x + width] = part
    return row
