"""A character's file as bytes: what is in it, and the same file with animations added (glTF 2.0, sections 3.6 and 4.4).

Everything of the file stays; arrays are appended to its first buffer (.glb, .vrm) or come in a buffer of their own (.gltf).
"""

from __future__ import annotations

import base64
import copy
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from farandole.errors import FileFormatError

_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MOST = 4_000_000  # numbers in an accessor that has no bytes in the file
_LISTS = ("nodes", "buffers", "bufferViews", "accessors", "animations", "skins", "meshes", "images")
_NOT_DECODED = ("EXT_meshopt_compression", "KHR_meshopt_compression")


class CompressedError(FileFormatError):
    """An array is stored in a compression that is kept as it is and not looked into."""


class Container:
    """A .glb, .vrm or .gltf file opened for reading.

    Attributes:
        path: Where it lies.
        document: The JSON part; not to be changed.
        binary: Whether it is a .glb (or .vrm).

    Raises:
        FileFormatError: If it is no such file or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
        self.binary = data[:4] == b"glTF"
        self.chunks: list[tuple[int, bytes]] = self._chunks(data) if self.binary else [(_JSON, data)]
        text = next((c for kind, c in self.chunks if kind == _JSON), b"")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            what = "its JSON part is damaged" if self.binary else "neither binary glTF nor glTF JSON"
            raise FileFormatError(f"{path}: {what} ({error})") from error
        if not isinstance(document, dict) or "asset" not in document:
            raise FileFormatError(f"{path} is no glTF 2.0 document")
        for key in _LISTS:
            entries = document.get(key, [])
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise FileFormatError(f"{path}: its '{key}' are damaged")
        version = str(document["asset"].get("version", "")) if isinstance(document["asset"], dict) else ""
        if not version.startswith("2"):
            raise FileFormatError(f"{path} is glTF version {version or 'unknown'}; version 2 is read")
        self.document: dict[str, Any] = document
        self._buffers: dict[int, bytes] = {}

    def _chunks(self, data: bytes) -> list[tuple[int, bytes]]:
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

    @property
    def bin_chunk(self) -> bytes | None:
        """The binary chunk of a .glb, None if there is none."""
        return next((c for kind, c in self.chunks if kind == _BIN), None) if self.binary else None

    def buffer(self, index: int) -> bytes:
        """Bytes of a buffer, wherever it lies. Raises FileFormatError if it cannot be had."""
        if index not in self._buffers:
            try:
                uri = self.document["buffers"][index].get("uri")
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                raise FileFormatError(f"{self.path}: there is no buffer {index}") from error
            if uri is None:
                if index or self.bin_chunk is None:
                    raise FileFormatError(f"{self.path}: buffer {index} is not in the file")
                self._buffers[index] = self.bin_chunk
            else:
                self._buffers[index] = self.resource(uri)
        return self._buffers[index]

    def resource(self, uri: str) -> bytes:
        """What a URI of the document points to: data within it, or a file beside it."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except ValueError as error:
                raise FileFormatError(f"{self.path}: embedded data are damaged ({error})") from error
        file = self.path.parent / unquote(uri)
        try:
            return file.read_bytes()
        except (OSError, ValueError) as error:
            raise FileFormatError(f"{self.path} needs {unquote(uri)} beside it, which cannot be read") from error

    def array(self, accessor: int) -> NDArray[Any]:
        """Values of an accessor, [N, width]; normalised integers become their fractions, other integers stay.

        Raises:
            CompressedError: If its bytes are compressed.
            FileFormatError: If it reaches beyond its buffer or is otherwise damaged.
        """
        try:
            a = self.document["accessors"][accessor]
            dtype, width, count = np.dtype(_TYPES[a["componentType"]]), _WIDTHS[a["type"]], int(a["count"])
            if count < 0 or ("bufferView" not in a and count * width > _MOST):
                raise FileFormatError(f"{self.path}: accessor {accessor} claims {count} elements")
            if "bufferView" in a:
                values = self._view(a["bufferView"], a.get("byteOffset", 0), dtype, count, width)
            else:
                values = np.zeros((count, width), dtype)
            if "sparse" in a:
                s = a["sparse"]
                i, v, number = s["indices"], s["values"], int(s["count"])
                where = self._view(
                    i["bufferView"], i.get("byteOffset", 0), np.dtype(_TYPES[i["componentType"]]), number, 1
                )
                values = values.copy()
                values[where[:, 0]] = self._view(v["bufferView"], v.get("byteOffset", 0), dtype, number, width)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{self.path}: accessor {accessor} is damaged or of an unknown kind") from error
        if a.get("normalized") and dtype.kind in "iu":
            return np.maximum(values.astype(np.float64) / np.iinfo(dtype).max, -1.0)
        return values.astype(np.float64) if dtype.kind == "f" else values

    def _view(self, index: int, offset: int, dtype: np.dtype[Any], count: int, width: int) -> NDArray[Any]:
        view = self.document["bufferViews"][index]
        if any(name in view.get("extensions", {}) for name in _NOT_DECODED):
            raise CompressedError(f"{self.path}: buffer view {index} is compressed")
        stride = view.get("byteStride", dtype.itemsize * width)
        if stride < dtype.itemsize * width or view.get("byteOffset", 0) < 0 or offset < 0:
            raise FileFormatError(f"{self.path}: buffer view {index} is damaged")
        data = self.buffer(view["buffer"])
        return np.ndarray((count, width), dtype, data, view.get("byteOffset", 0) + offset, (stride, dtype.itemsize))


class Addition:
    """Arrays and JSON that are added to a file."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.document = copy.deepcopy(container.document)
        self._buffers: list[dict[str, Any]] = self.document.setdefault("buffers", [])
        self._inside = container.binary and (container.bin_chunk is not None or not self._buffers)
        self._start = len(container.bin_chunk or b"") if self._inside else 0
        if not self._inside or not self._buffers:
            self._buffers.append({"byteLength": 0})
        self._index = 0 if self._inside else len(self._buffers) - 1
        self._data = bytearray(b"\0" * (-self._start % 4))

    def add(self, values: NDArray[np.floating], kind: str, *, bounds: bool = False) -> int:
        """Store an array as accessor of `kind`, in 32 bits; returns its index. `bounds` writes its minimum and maximum."""
        values = np.ascontiguousarray(values, dtype="<f4")
        views, accessors = self.document.setdefault("bufferViews", []), self.document.setdefault("accessors", [])
        views.append({"buffer": self._index, "byteOffset": self._start + len(self._data), "byteLength": values.nbytes})
        self._data += values.tobytes()
        accessor = {"bufferView": len(views) - 1, "componentType": 5126, "count": len(values), "type": kind}
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        accessors.append(accessor)
        return len(accessors) - 1

    def pack(self) -> bytes:
        """The bytes of the whole file: the old chunks in their order, with what was added."""
        buffer = self._buffers[self._index]
        if not self._data:  # nothing was added
            return _glb(self.container.chunks) if self.container.binary else self.container.chunks[0][1]
        buffer["byteLength"] = self._start + len(self._data)
        if not self._inside:
            buffer["uri"] = "data:application/octet-stream;base64," + base64.b64encode(bytes(self._data)).decode()
        text = json.dumps(self.document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        if not self.container.binary:
            return text
        chunks = [(kind, text if kind == _JSON else c) for kind, c in self.container.chunks]
        if self._inside:
            whole = (_BIN, (self.container.bin_chunk or b"") + bytes(self._data))
            chunks = [whole if kind == _BIN else (kind, c) for kind, c in chunks]
            if self.container.bin_chunk is None:
                chunks.insert(1, whole)
        return _glb(chunks)


def _glb(chunks: list[tuple[int, bytes]]) -> bytes:
    body = b""
    for kind, content in chunks:
        padded = content + (b" " if kind == _JSON else b"\0") * (-len(content) % 4)
        body += struct.pack("<II", len(padded), kind) + padded
    return struct.pack("<III", _MAGIC, 2, 12 + len(body)) + body


def packed(container: Container, data: bytes) -> bytes:
    """A .gltf (its JSON `data`, buffers and images beside it) as one .glb."""
    document = json.loads(data)
    whole, starts = bytearray(), []
    for index, buffer in enumerate(document.get("buffers", [])):
        whole += b"\0" * (-len(whole) % 8)
        starts.append(len(whole))
        if index < len(container.document.get("buffers", [])):
            whole += container.buffer(index)
        else:
            whole += container.resource(buffer["uri"])
    for view in document.get("bufferViews", []):
        for part in (view, *(view["extensions"][n] for n in _NOT_DECODED if n in view.get("extensions", {}))):
            part["byteOffset"] = part.get("byteOffset", 0) + starts[part["buffer"]]
            part["buffer"] = 0
    for image in document.get("images", []):
        uri = image.pop("uri", None)
        if uri is not None:
            content = container.resource(uri)
            whole += b"\0" * (-len(whole) % 4)
            document.setdefault("bufferViews", []).append(
                {"buffer": 0, "byteOffset": len(whole), "byteLength": len(content)}
            )
            whole += content
            image["bufferView"] = len(document["bufferViews"]) - 1
            image.setdefault("mimeType", "image/png" if content[:4] == b"\x89PNG" else "image/jpeg")
    document["buffers"] = [{"byteLength": len(whole)}]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return _glb([(_JSON, text), (_BIN, bytes(whole))])
