"""PNG files with nothing but zlib (ISO/IEC 15948): 8-bit RGB or RGBA, no interlace."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_png(pixels: np.ndarray) -> bytes:
    """Bytes of a PNG file.

    Args:
        pixels: sRGB colours, uint8 [H, W, 3], or with opacity [H, W, 4], top row first.

    Raises:
        ValueError: If the array has another shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ValueError(f"a PNG needs uint8 [H, W, 3 or 4], not {pixels.dtype} {list(pixels.shape)}")
    height, width, channels = pixels.shape
    # Filter 2 ("up") stores each row's difference from the one above: smooth backgrounds shrink to almost nothing.
    rows = np.empty((height, 1 + channels * width), np.uint8)
    rows[:, 0] = 2
    flat = pixels.reshape(height, -1)
    rows[0, 1:] = flat[0]
    rows[1:, 1:] = flat[1:] - flat[:-1]
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    return (
        SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
