"""A character's file with animations added (glTF 2.0, sections 3.6 and 4.4).

Everything of the file stays; arrays are appended to its first buffer (.glb, .vrm) or come in a buffer of their own (.gltf).
"""

from __future__ import annotations

import base64
import copy
import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.motion.files.gltf.container import BIN_CHUNK, COMPRESSIONS, JSON_CHUNK, MAGIC, Container


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
        chunks = [(kind, text if kind == JSON_CHUNK else c) for kind, c in self.container.chunks]
        if self._inside:
            whole = (BIN_CHUNK, (self.container.bin_chunk or b"") + bytes(self._data))
            chunks = [whole if kind == BIN_CHUNK else (kind, c) for kind, c in chunks]
            if self.container.bin_chunk is None:
                chunks.insert(1, whole)
        return _glb(chunks)


def _glb(chunks: list[tuple[int, bytes]]) -> bytes:
    body = b""
    for kind, content in chunks:
        padded = content + (b" " if kind == JSON_CHUNK else b"\0") * (-len(content) % 4)
        body += struct.pack("<II", len(padded), kind) + padded
    return struct.pack("<III", MAGIC, 2, 12 + len(body)) + body


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
        for part in (view, *(view["extensions"][n] for n in COMPRESSIONS if n in view.get("extensions", {}))):
            part["byteOffset"] = part.get("byteOffset", 0) + starts[part["buffer"]]
            part["buffer"] = 0
    for image in document.get("images", []):
        uri = image.pop("uri", None)
        if uri is not None:
            content = container.resource(uri, "image")
            whole += b"\0" * (-len(whole) % 4)
            document.setdefault("bufferViews", []).append(
                {"buffer": 0, "byteOffset": len(whole), "byteLength": len(content)}
            )
            whole += content
            image["bufferView"] = len(document["bufferViews"]) - 1
            image.setdefault("mimeType", "image/png" if content[:4] == b"\x89PNG" else "image/jpeg")
    document["buffers"] = [{"byteLength": len(whole)}]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return _glb([(JSON_CHUNK, text), (BIN_CHUNK, bytes(whole))])
