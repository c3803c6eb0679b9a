"""Many moments of a motion on one PNG, each with its time and the feet that stand: a dance at a glance."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.view import palette
from farandole.view.camera import smooth_path, studio_camera
from farandole.view.digits import text_mask, time_stamp
from farandole.view.feet import foot_contacts
from farandole.view.figure import Figure, facing, figure
from farandole.view.png import encode_png
from farandole.view.raycast import Capsules, render

GUTTER = 3
"""Pixels between tiles."""
INK = np.array([72, 68, 62], np.float32)
"""Colour of writing, sRGB."""


def write_contact_sheet(
    motion: Motion,
    path: str | Path,
    *,
    rows: int = 3,
    columns: int = 8,
    tile: tuple[int, int] = (240, 270),
    turn: float = 0.35,
    strip: int = 0,
    force: bool = False,
) -> Path:
    """Write evenly spaced frames of `motion` as a PNG.

    Every tile looks at the dancer from the same direction and carries its time in seconds (lower left) and a dot for each foot
    that stands on the floor (lower right: coral the dancer's right, teal the left, as on the body).

    Args:
        motion: What to show.
        path: Where the PNG goes.
        rows: Rows of tiles.
        columns: Tiles in a row.
        tile: Width and height of a tile in pixels.
        turn: Camera angle from where the dancer looks on average, towards the dancer's left, rad.
        strip: If positive, a strip of this many poses side by side is added below the tiles.
        force: Replace an existing file.

    Returns:
        The path.

    Raises:
        OutputError: If the file exists and not `force`, or cannot be written.
        ValueError: If rows or columns are not positive.
    """
    from farandole._io import atomic_path

    sheet = contact_sheet(motion, rows=rows, columns=columns, tile=tile, turn=turn, strip=strip)
    with atomic_path(Path(path), force=force) as temporary:
        temporary.write_bytes(encode_png(sheet))
    return Path(path)


def contact_sheet(
    motion: Motion,
    *,
    rows: int = 3,
    columns: int = 8,
    tile: tuple[int, int] = (240, 270),
    turn: float = 0.35,
    strip: int = 0,
) -> np.ndarray:
    """The picture of `write_contact_sheet`, uint8 [H, W, 3]."""
    if rows < 1 or columns < 1:
        raise ValueError(f"a contact sheet needs at least one row and one column, not {rows} x {columns}")
    width, height = tile
    body = figure(motion)
    paths = smooth_path(motion.root_positions, motion.fps, seconds=0.3)
    stands = foot_contacts(motion)
    extent = view_extent(body)
    turn += facing(motion)
    picture = np.full((rows * (height + GUTTER) - GUTTER, columns * (width + GUTTER) - GUTTER, 3), 255, np.uint8)
    for i, t in enumerate(np.linspace(0, len(motion) - 1, rows * columns).round().astype(int)):
        middle = np.array([paths[t, 0], 0.46 * extent, paths[t, 2]])
        camera = studio_camera(middle, tile, extent=extent, turn=turn)
        part = render(body.frame(t), camera)
        stamp_tile(part, t / motion.fps, stands[t])
        y, x = i // columns * (height + GUTTER), i % columns * (width + GUTTER)
        picture[y : y + height, x : x + width] = part
    if strip > 0:
        gap = np.full((GUTTER, picture.shape[1], 3), 255, np.uint8)
        picture = np.concatenate((picture, gap, _strip(body, motion, strip, extent, picture.shape[1])))
    return picture


def view_extent(body: Figure) -> float:
    """Metres that must be visible for the whole body to stay in the picture, arms up and a little air included."""
    top = np.maximum(body.starts[..., 1], body.ends[..., 1]).max(1)
    # The highest reach of almost all frames; one leap may leave the picture rather than shrink all others.
    return float(np.clip(np.percentile(top, 98) * 1.22 + 0.05, 0.2, 50.0))


def stamp_tile(tile: np.ndarray, seconds: float, stands: np.ndarray) -> None:
    """Time at the lower left, a dot per standing foot at the lower right (a faint ring for a foot in the air)."""
    mask = text_mask(time_stamp(seconds), scale=2)
    blend(tile, tile.shape[0] - mask.shape[0] - 9, 10, mask * 0.85, INK)
    for i, (colour, down) in enumerate(((palette.RIGHT, stands[1]), (palette.LEFT, stands[0]))):
        y, x = np.mgrid[:13, :13] - 6.0
        distance = np.hypot(x, y)
        cover = np.clip(5.5 - distance, 0, 1)
        if not down:
            cover = cover * np.clip(distance - 3.7, 0, 1) * 0.35
        blend(tile, tile.shape[0] - 23, tile.shape[1] - 39 + 16 * i, cover, palette.to_srgb(colour).astype(np.float32))


def blend(picture: np.ndarray, y: int, x: int, cover: Array, colour: Array) -> None:
    """Paint `colour` [3] at (y, x) into a picture, as far as `cover` [h, w] within 0..1 says."""
    part = picture[y : y + cover.shape[0], x : x + cover.shape[1]]
    cover = cover[: part.shape[0], : part.shape[1], None]
    part[:] = np.round(part * (1.0 - cover) + cover * colour)


def _strip(body: Figure, motion: Motion, count: int, extent: float, width: int) -> np.ndarray:
    """Poses side by side on one floor, later ones to the right."""
    frames = np.linspace(0, len(motion) - 1, count).round().astype(int)
    step = 0.5 * extent
    turn = facing(motion)
    aside = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    shift = step * (np.arange(count) - 0.5 * (count - 1))[:, None, None] * aside
    shift = shift - motion.root_positions[frames][:, None] * [1.0, 0.0, 1.0]
    row = Capsules(
        (body.starts[frames] + shift).reshape(-1, 3),
        (body.ends[frames] + shift).reshape(-1, 3),
        np.tile(body.start_radii, count),
        np.tile(body.end_radii, count),
        np.tile(body.colours, (count, 1)),
    )
    size = (width, max(40, int(width * 1.15 * extent / (step * (count + 0.6)))))
    middle = np.array([0.0, 0.45 * extent, 0.0])
    return render(row, studio_camera(middle, size, extent=1.15 * extent, turn=turn, view_angle=0.2))
