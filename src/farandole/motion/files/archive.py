"""Arrays out of .npz archives, without running anything and within memory that the file's size justifies."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib

import numpy as np

from farandole.errors import FileFormatError

_ALWAYS = 1 << 28
"""Bytes that an archive may always unfold to."""
_RATIO = 60
"""Otherwise it may by this factor: motion packs to a half, stillness to a hundredth."""


def load_arrays(data: bytes, source: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz; pickled objects, as AMASS keeps beside its poses, are left out unread.

    Args:
        data: The bytes of the archive.
        source: What messages call it.

    Raises:
        FileFormatError: If it is no such archive, is damaged, would unfold to far more than its size, or holds only
            pickled objects.
    """
    if data[:6] == b"\x93NUMPY":
        raise FileFormatError(f"{source} is one NumPy array, not an archive of named ones")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
            whole = sum(entry.file_size for entry in entries)
            if whole > max(_ALWAYS, _RATIO * len(data)):
                raise FileFormatError(f"{source} would unfold from {len(data)} to {whole} bytes: it is damaged")
            arrays = {entry.filename[:-4]: _array(archive.read(entry)) for entry in entries}
    except FileFormatError:
        raise
    except (
        OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, struct.error, OverflowError, RecursionError,
        NotImplementedError, RuntimeError, SyntaxError, TypeError, MemoryError,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise FileFormatError(f"{source} is not a readable .npz archive: {reason}") from error
    plain = {key: array for key, array in arrays.items() if array is not None}
    if arrays and not plain:
        raise FileFormatError(f"{source} holds pickled Python objects, which are not read: they could run code")
    return plain


def _array(data: bytes) -> np.ndarray | None:
    """One array out of the bytes of an .npy; None for a pickled object."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        return None
    if math.prod(shape) * dtype.itemsize > len(data) or any(side < 0 for side in shape):
        raise ValueError(f"an array of shape {shape} is larger than its file")
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
