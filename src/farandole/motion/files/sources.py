"""The bytes of an input: a file, a pipe, or what comes on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from farandole.errors import FileFormatError

STDIN = "-"
"""Name that stands for standard input."""


def read_bytes(path: str | Path) -> bytes:
    """All bytes of a file or pipe; of standard input for "-".

    Raises:
        FileFormatError: If there is no such file, it is a folder, or it cannot be read.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    path = Path(path)
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder, not a motion file")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileFormatError(f"{path}: no such file") from None
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error


def guess_suffix(data: bytes) -> str | None:
    """The suffix that fits the first bytes of a motion file; None for anything else."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if data[:4] == b"glTF":
        return ".glb"
    if data[:4] == b"PK\x03\x04":
        return ".npz"
    if data[:1] == b"\x80":
        return ".pkl"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:9].upper() == b"HIERARCHY":
        return ".bvh"
    return ".gltf" if start[:1] == b"{" else None


def is_stream(path: str | Path) -> bool:
    """Whether this is standard input or a pipe, whose name says nothing about its format."""
    path = Path(path)
    return str(path) == STDIN or path.is_fifo() or (path.exists() and not path.is_file() and not path.is_dir())
