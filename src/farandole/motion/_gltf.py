"""The glTF 2.0 binary container (Khronos specification, chapters 3.6 and 4.4): chunks, buffer views, accessors."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_CODES = {np.dtype(t): code for code, t in _TYPES.items()}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
VERTEX, INDEX = 34962, 34963
"""Targets of buffer views: vertex attributes, triangle indices."""


class Builder:
    """Collects arrays into one buffer and describes them."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: NDArray[Any], kind: str, *, target: int | None = None, bounds: bool = False) -> int:
        """Store an array [N] or [N, width] as accessor of `kind`; returns its index. `bounds` writes its minimum and maximum."""
        values = np.ascontiguousarray(values)
        view = {"buffer": 0, "byteOffset": len(self.buffer), "byteLength": values.nbytes}
        if target is not None:
            view["target"] = target
        self.views.append(view)
        self.buffer += values.tobytes()
        self.buffer += b"\0" * (-len(self.buffer) % 4)
        accessor = {
            "bufferView": len(self.views) - 1,
            "componentType": _CODES[values.dtype],
            "count": len(values),
            "type": kind,
        }
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def pack(self, document: dict[str, Any]) -> bytes:
        """The bytes of a .glb with this document and the collected arrays."""
        document = document | {
            "buffers": [{"byteLength": len(self.buffer)}],
            "bufferViews": self.views,
            "accessors": self.accessors,
        }
        text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self.buffer)
        head = struct.pack("<III", _MAGIC, 2, total) + struct.pack("<II", len(text), _JSON)
        return head + text + struct.pack("<II", len(self.buffer), _BIN) + bytes(self.buffer)


class Container:
    """A .glb file opened for reading: the JSON document and its arrays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
        if len(data) < 20 or struct.unpack_from("<I", data)[0] != _MAGIC:
            raise FileFormatError(f"{path} is not a .glb file (it does not begin with 'glTF')")
        _, version, total = struct.unpack_from("<III", data)
        if version != 2:
            raise FileFormatError(f"{path} is glTF version {version}; version 2 is read")
        if total > len(data):
            raise FileFormatError(f"{path} is cut off: {len(data)} of {total} bytes")
        chunks, at = {}, 12
        while at + 8 <= total:
            size, kind = struct.unpack_from("<II", data, at)
            chunks.setdefault(kind, data[at + 8 : at + 8 + size])
            at += 8 + size
        try:
            self.document: dict[str, Any] = json.loads(chunks.get(_JSON, b""))
        except ValueError as error:
            raise FileFormatError(f"{path}: its JSON part is damaged: {error}") from error
        self._buffers = [self._buffer(b, i, chunks.get(_BIN)) for i, b in enumerate(self.document.get("buffers", []))]

    def _buffer(self, description: dict[str, Any], index: int, binary: bytes | None) -> bytes:
        uri = description.get("uri")
        if uri is None and index == 0 and binary is not None:
            return binary
        if uri is not None and uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        raise FileFormatError(
            f"{self.path}: buffer {index} is outside the file; only self-contained .glb files are read"
        )

    def array(self, accessor: int) -> NDArray[np.float64]:
        """Values of an accessor as floats, [N, width]; normalised integers become their fractions.

        Raises:
            FileFormatError: If it is sparse, or reaches beyond its buffer.
        """
        try:
            a = self.document["accessors"][accessor]
            if "sparse" in a:
                raise FileFormatError(f"{self.path}: accessor {accessor} is sparse, which is not read")
            dtype, width, count = np.dtype(_TYPES[a["componentType"]]), _WIDTHS[a["type"]], a["count"]
            if "bufferView" not in a:
                return np.zeros((count, width))
            view = self.document["bufferViews"][a["bufferView"]]
            data = self._buffers[view["buffer"]]
            start = view.get("byteOffset", 0) + a.get("byteOffset", 0)
            stride = view.get("byteStride", dtype.itemsize * width)
            raw = np.ndarray((count, width), dtype, data, start, (stride, dtype.itemsize))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{self.path}: accessor {accessor} is damaged or of an unknown kind") from error
        values = raw.astype(np.float64)
        if a.get("normalized") and dtype.kind in "iu":
            values = np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values
