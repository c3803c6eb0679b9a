"""Arrays and a JSON document packed into a glTF file: buffer, buffer views, accessors (Khronos specification, chapter 3.6)."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farandole.motion.files.gltf.container import BIN_CHUNK, COMPONENTS, JSON_CHUNK, MAGIC

_CODES = {np.dtype(t): code for code, t in COMPONENTS.items()}
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
        text = self._text(document, {"byteLength": len(self.buffer)})
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self.buffer)
        head = struct.pack("<III", MAGIC, 2, total) + struct.pack("<II", len(text), JSON_CHUNK)
        return head + text + struct.pack("<II", len(self.buffer), BIN_CHUNK) + bytes(self.buffer)

    def pack_text(self, document: dict[str, Any]) -> bytes:
        """The bytes of a .gltf with the arrays inside, as base64."""
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.buffer).decode()
        return self._text(document, {"byteLength": len(self.buffer), "uri": uri})

    def _text(self, document: dict[str, Any], buffer: dict[str, Any]) -> bytes:
        document = document | {"buffers": [buffer], "bufferViews": self.views, "accessors": self.accessors}
        return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
