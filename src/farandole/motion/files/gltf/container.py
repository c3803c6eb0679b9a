"""The glTF 2.0 containers, .glb and .gltf, opened for reading (Khronos specification, chapters 3.6 and 4.4).

Nothing a file says of itself is believed: every count, offset, stride and size must lie within the bytes that are there.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError

MAGIC, JSON_CHUNK, BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
COMPONENTS = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
"""Component types of accessors."""
BOM = b"\xef\xbb\xbf"
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
COMPRESSIONS = ("EXT_meshopt_compression", "KHR_meshopt_compression")


class CompressedError(FileFormatError):
    """An array is stored in a compression that is not looked into."""


class Container:
    """A .glb or .gltf file: the JSON document and its arrays, which are looked at when they are asked for.

    Attributes:
        path: What messages call it.
        document: The JSON part; not to be changed.
        binary: Whether it is a .glb (or .vrm).
        chunks: Kind and content of each chunk, in the file's order; of a .gltf the whole file as the one of JSON.

    Args:
        data: The bytes of the file.
        path: What messages call it, and the folder in which a .gltf has its buffers.

    Raises:
        FileFormatError: If it is no such file, another version, or cut off.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        self.path = path
        self._size = len(data)
        self.binary = data.removeprefix(BOM).lstrip()[:1] != b"{"
        self.chunks = self._chunks(data) if self.binary else [(JSON_CHUNK, data)]
        try:
            document = json.loads((self._chunk(JSON_CHUNK) or b"").removeprefix(BOM))
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{path}: its JSON part is damaged: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("asset", {}), dict):
            raise FileFormatError(f"{path} is JSON but not a glTF document")
        self.document: dict[str, Any] = document
        version = document.get("asset", {}).get("version", "2.0")
        if not str(version).startswith("2"):
            raise FileFormatError(f"{path} is glTF version {version}; version 2 is read")
        self._buffers: dict[int, bytes] = {}

    @classmethod
    def open(cls, path: Path) -> Container:
        """A file by its path. Raises FileFormatError if it cannot be read or is damaged."""
        try:
            return cls(path.read_bytes(), path)
        except OSError as error:
            raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error

    def _chunks(self, data: bytes) -> list[tuple[int, bytes]]:
        if data[:4] != b"glTF":
            raise FileFormatError(f"{self.path} is neither binary glTF nor glTF JSON (it does not begin with 'glTF')")
        if len(data) < 20:
            raise FileFormatError(f"{self.path} is cut off: {len(data)} bytes")
        _, version, total = struct.unpack_from("<III", data)
        if version != 2:
            raise FileFormatError(f"{self.path} is glTF version {version}; version 2 is read")
        if total > len(data):
            raise FileFormatError(f"{self.path} is cut off: {len(data)} of {total} bytes")
        chunks, at = [], 12
        while at + 8 <= total:
            size, kind = struct.unpack_from("<II", data, at)
            if at + 8 + size > total:
                raise FileFormatError(f"{self.path} is damaged: a chunk reaches beyond the file")
            chunks.append((kind, data[at + 8 : at + 8 + size]))
            at += 8 + size
        return chunks

    def _chunk(self, kind: int) -> bytes | None:
        """The first chunk of a kind."""
        return next((content for own, content in self.chunks if own == kind), None)

    @property
    def bin_chunk(self) -> bytes | None:
        """The binary chunk of a .glb, None if there is none."""
        return self._chunk(BIN_CHUNK)

    def items(self, key: str) -> list[dict[str, Any]]:
        """A list of objects of the document ("nodes", "skins", "animations" ...); empty where there is none.

        Raises:
            FileFormatError: If it is something else.
        """
        value = self.document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise FileFormatError(f"{self.path}: '{key}' is damaged: not a list of objects")
        return value

    def extension(self, name: str) -> dict[str, Any] | None:
        """An extension of the document, None where it lacks it."""
        extensions = self.document.get("extensions")
        value = extensions.get(name) if isinstance(extensions, dict) else None
        return value if isinstance(value, dict) else None

    def array(self, accessor: int) -> NDArray[np.float64]:
        """Values of an accessor as floats, [N, width]; normalised integers become their fractions, sparse values are put in.

        Raises:
            CompressedError: If its bytes are compressed.
            FileFormatError: If it is damaged or reaches beyond its buffer.
        """
        try:
            a = _pick(self.items("accessors"), accessor)
            dtype, width, count = np.dtype(COMPONENTS[a["componentType"]]), _WIDTHS[a["type"]], _whole(a["count"])
            if "bufferView" in a:
                values = self._view(a["bufferView"], a.get("byteOffset", 0), count, width, dtype).astype(np.float64)
            elif count * width <= self._size:
                values = np.zeros((count, width))
            else:
                raise ValueError(f"{count} values without a buffer")
            if "sparse" in a:
                self._put_sparse(a["sparse"], values, dtype)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{self.path}: accessor {accessor} is damaged or of an unknown kind") from error
        if a.get("normalized") and dtype.kind in "iu":
            values = np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values

    def _put_sparse(self, sparse: dict[str, Any], values: NDArray[np.float64], dtype: np.dtype[Any]) -> None:
        count, where, what = _whole(sparse["count"]), sparse["indices"], sparse["values"]
        kind = np.dtype(COMPONENTS[where["componentType"]])
        at = self._view(where["bufferView"], where.get("byteOffset", 0), count, 1, kind)[:, 0].astype(np.int64)
        if count and not 0 <= at.min() <= at.max() < len(values):
            raise IndexError("sparse index")
        values[at] = self._view(what["bufferView"], what.get("byteOffset", 0), count, values.shape[1], dtype)

    def _view(self, view: int, offset: int, count: int, width: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Values [count, width] at a byte of a buffer view."""
        v = _pick(self.items("bufferViews"), view)
        compression = next((c for c in COMPRESSIONS if c in v.get("extensions", {})), None)
        if compression:
            raise CompressedError(
                f"{self.path}: its animation is compressed with {compression}, which is not read; save it uncompressed"
            )
        data = self.buffer(_whole(v["buffer"]))
        step, start = dtype.itemsize * width, _whole(v.get("byteOffset", 0))
        stop = start + _whole(v["byteLength"])
        at, stride = start + _whole(offset), _whole(v.get("byteStride", step))
        if stop > len(data) or stride < step or (count and at + stride * (count - 1) + step > stop):
            raise ValueError("beyond its buffer")
        return np.ndarray((count, width), dtype.newbyteorder("<"), data, at, (stride, dtype.itemsize))

    def buffer(self, index: int) -> bytes:
        """Bytes of a buffer, wherever it lies. Raises FileFormatError if it cannot be had."""
        if index not in self._buffers:
            buffers = self.items("buffers")
            uri = buffers[index].get("uri") if 0 <= index < len(buffers) else None
            if uri is None and index == 0 and self.bin_chunk is not None:
                self._buffers[index] = self.bin_chunk
            elif isinstance(uri, str):
                self._buffers[index] = self.resource(uri)
            else:
                raise FileFormatError(f"{self.path}: buffer {index} is not in the file")
        return self._buffers[index]

    def resource(self, uri: str, what: str = "buffer") -> bytes:
        """What a URI of the document points to: data within it, or a file beside or below it.

        Raises:
            FileFormatError: If it points elsewhere, or cannot be read: a document must not reach other files of the machine.
        """
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2])
            except binascii.Error as error:
                raise FileFormatError(f"{self.path}: its {what} is damaged base64: {error}") from error
        name = Path(unquote(uri))
        if "://" in uri or name.is_absolute() or ".." in name.parts:
            raise FileFormatError(f"{self.path}: its {what} is at '{uri}', outside the folder of the file")
        try:
            return (self.path.parent / name).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileFormatError(f"{self.path}: cannot read its {what} '{uri}': {reason}") from error


def _whole(value: Any) -> int:
    """A count, offset or index. Raises TypeError for what is no whole number, ValueError for negative ones."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    if value < 0:
        raise ValueError(f"{value} is negative")
    return value


def _pick(values: list[dict[str, Any]], index: Any) -> dict[str, Any]:
    return values[_whole(index)]
