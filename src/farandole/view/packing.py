"""Numbers and files as text of a page, piece by piece: what a page holds of a long song and its dance is never held at once."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from farandole.motion.rotations import Array

_SCALE = 32767
_PIECE = 1 << 20  # bytes that are packed at a time


class Base64:
    """Bytes that come piece by piece as one text in base64, which is worked out while it is read, once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        held = b""
        for piece in self._pieces:
            held += piece
            whole = len(held) - len(held) % 3
            yield base64.b64encode(held[:whole]).decode()
            held = held[whole:]
        yield base64.b64encode(held).decode()


def packed_floats(values: Array) -> Base64:
    """Base64 of zlib of float32 numbers."""
    return Base64(_deflated([np.ascontiguousarray(values, dtype="<f4").tobytes()]))


def packed_rotations(parts: Iterable[Array], frames: int) -> Base64:
    """Quaternions [T, J, 4] -> base64 of zlib of 16-bit frame differences (low bytes first, then high bytes).

    The largest error is 1/65534 per component, some 0.005 degrees. Signs are made continuous in time first, so that
    differences stay small and the viewer's interpolation never takes the long way round.

    Args:
        parts: The quaternions in parts that follow each other.
        frames: T.
    """
    steps = np.empty(0, np.uint16)
    before = sign = last = np.empty(0)
    done = 0
    for part in parts:
        q = np.asarray(part, float)
        if not done:
            steps = np.empty((frames, *q.shape[1:]), np.uint16)
            before, sign, last = q[0], np.ones(q.shape[1:2]), np.zeros_like(q[:1], np.int16)
        sign = np.where((q[0] * before).sum(-1) < 0, -sign, sign)
        flips = np.where((q[1:] * q[:-1]).sum(-1) < 0, -1.0, 1.0)
        signs = np.cumprod(np.concatenate((sign[None], flips)), axis=0)
        whole = np.rint(q * signs[..., None] * _SCALE).astype(np.int16)
        steps[done : done + len(q)] = np.diff(whole, axis=0, prepend=last).view(np.uint16)
        before, sign, last, done = q[-1], signs[-1], whole[-1:], done + len(q)
    return Base64(_deflated(_planes(steps.ravel())))


def unpack_rotations(text: str, frames: int) -> Array:
    """What `packed_rotations` tells, as the viewer reads it: unit quaternions [T, J, 4]."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).astype(np.uint16)
    low, high = planes.reshape(2, frames, -1, 4)
    whole = np.cumsum(low | (high << 8), axis=0, dtype=np.uint16).view(np.int16).astype(float)
    return whole / np.linalg.norm(whole, axis=-1, keepdims=True)


def _planes(steps: np.ndarray) -> Iterator[bytes]:
    """Low bytes of 16-bit numbers [N], then their high bytes."""
    for shift in (0, 8):
        for at in range(0, len(steps), _PIECE):
            yield ((steps[at : at + _PIECE] >> shift) & 0xFF).astype(np.uint8).tobytes()


def _deflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Differences of motion hardly repeat themselves: Huffman codes with runs (of what holds still) are as short as zlib's
    # longest search for repetitions, within 2 %, at a fiftieth of its time.
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
