"""What the headers of uncompressed sound files declare, for FFmpeg takes them to be as long as what is there."""

from __future__ import annotations

from pathlib import Path
from typing import IO

_UNKNOWN = 0x7FFF0000
"""Sizes from here on are written by programs that do not know the length yet: 0x7FFFF000, 0xFFFFFFFF."""
_CHUNKS = 1000
_KINDS = {b"RIFF": (b"data", "little"), b"RF64": (b"data", "little"), b"FORM": (b"SSND", "big")}


def share_there(path: Path) -> float:
    """How much of the sound that a WAV or AIFF file declares is in it, 0 to 1; 1 for other files, and where nothing is declared."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in _KINDS or head[8:] not in (b"WAVE", b"AIFF", b"AIFC"):
            return 1.0
        name, order = _KINDS[head[:4]]
        declared, begin = _chunk(file, name, order)
    there = path.stat().st_size - begin
    return min(1.0, there / declared) if declared else 1.0


def _chunk(file: IO[bytes], wanted: bytes, order: str) -> tuple[int, int]:
    """Declared bytes of a chunk and where they begin; 0 bytes if there is no such chunk or nothing is declared."""
    long = 0
    for _ in range(_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        size = int.from_bytes(head[4:], "little" if order == "little" else "big")
        if head[:4] == b"ds64":  # of RF64: sizes of 64 bits
            long = int.from_bytes(file.read(16)[8:], "little")
            file.seek(size - 16, 1)
        elif head[:4] == wanted:
            return (size if size < _UNKNOWN else long), file.tell()
        else:
            file.seek(size + size % 2, 1)
    return 0, 0
