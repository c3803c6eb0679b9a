"""Arrays out of .npz archives and plain pickles, without running anything and within memory that the file's size justifies."""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
import zlib
from typing import Any

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


class _PlainUnpickler(pickle.Unpickler):
    """Builds arrays, scalars and built-in containers; refuses to look up anything else, so nothing can be executed."""

    _ALLOWED = frozenset(
        {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}
        | {(f"numpy.{core}.multiarray", f) for core in ("core", "_core") for f in ("_reconstruct", "scalar")}
        | {(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")}
    )

    def find_class(self, module: str, name: str) -> Any:
        """The few constructors of NumPy arrays; raises UnpicklingError for all else."""
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        try:
            return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
        except ModuleNotFoundError:  # NumPy 1
            return super().find_class(module.replace("numpy._core.", "numpy.core."), name)


def load_plain_pickle(data: bytes, source: str) -> Any:
    """What a pickle of arrays, numbers, strings and containers of them holds.

    Raises:
        FileFormatError: If it holds anything else, is damaged, or claims arrays larger than itself.
    """
    try:
        # latin1: NumPy arrays pickled by Python 2.
        value = _PlainUnpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a damaged pickle may raise almost anything
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise FileFormatError(f"{source} is not a pickle of plain arrays: {reason}") from error
    arrays = [v for v in value.values() if isinstance(v, np.ndarray)] if isinstance(value, dict) else []
    if any(array.nbytes > len(data) for array in arrays):
        raise FileFormatError(f"{source} is a damaged pickle: it claims arrays larger than itself")
    return value
