"""OSC 1.0 packets: just what a sender of numbers and names needs (opensoundcontrol.org/spec-1_0)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

LARGEST = 1500
"""Bytes of a bundle at most: VMC's limit, and what one Ethernet frame holds."""
_HEADER = b"#bundle\0" + struct.pack(">q", 1)  # time tag: immediately


def text(value: str) -> bytes:
    """A padded OSC string."""
    data = value.encode()
    return data + b"\0" * (4 - len(data) % 4)


def message(address: str, *arguments: float | int | str) -> bytes:
    """A message; whole numbers go as int32, others as float32."""
    tags, data = ",", b""
    for value in arguments:
        if isinstance(value, str):
            tags, data = tags + "s", data + text(value)
        elif isinstance(value, int):
            tags, data = tags + "i", data + struct.pack(">i", value)
        else:
            tags, data = tags + "f", data + struct.pack(">f", value)
    return text(address) + text(tags) + data


def bundles(messages: Iterable[bytes], largest: int = LARGEST) -> Iterator[bytes]:
    """As few bundles as hold the messages in their order, none above `largest` bytes."""
    parts, size = [_HEADER], len(_HEADER)
    for item in messages:
        if size + 4 + len(item) > largest and len(parts) > 1:
            yield b"".join(parts)
            parts, size = [_HEADER], len(_HEADER)
        parts += [struct.pack(">i", len(item)), item]
        size += 4 + len(item)
    if len(parts) > 1:
        yield b"".join(parts)
