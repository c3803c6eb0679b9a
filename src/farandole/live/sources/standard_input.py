"""PCM on standard input: `ffmpeg ... -f s16le - | farandole live -`."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from farandole.errors import AudioError
from farandole.live.sources.source import Block

if TYPE_CHECKING:
    from farandole.motion.rotations import Array

FORMATS = {"s16le": ("<i2", 1 / 32768), "f32le": ("<f4", 1.0)}
"""Sample formats by FFmpeg's names: type, and factor to -1..1."""
_BLOCK_SECONDS = 0.02
_LATE = 0.3  # s by which the stream must fall behind to count as interrupted
_QUEUE = 64


class PcmStream:
    """Interleaved samples from a byte stream, read by a thread of its own.

    A stream that is faster than real time is held back; one that pauses is taken up again.

    Args:
        stream: Where bytes come from.
        sample_rate: Hz.
        channels: Per frame.
        format: One of FORMATS.

    Raises:
        AudioError: If an argument is out of range.
    """

    name = "standard input"

    def __init__(self, stream: BinaryIO, sample_rate: int, channels: int = 2, format: str = "s16le") -> None:
        if format not in FORMATS:
            raise AudioError(f"no PCM format '{format}': there are {', '.join(FORMATS)}")
        if not 1 <= channels <= 32:
            raise AudioError(f"{channels} channels: accepted is 1 to 32")
        self.sample_rate, self._channels = sample_rate, channels
        self._type, self._scale = FORMATS[format]
        self._stream, self.ended = stream, False
        self._queue: queue.Queue[np.ndarray | None] = queue.Queue(_QUEUE)
        self._held: np.ndarray | None = None
        self._origin: float | None = None
        self._samples = 0

    def start(self, now: float) -> None:
        """See `Source`."""
        threading.Thread(target=self._read, name="farandole-pcm", daemon=True).start()

    def blocks(self) -> Iterator[Array]:
        """All blocks, in order, as fast as they come."""
        while (block := self._one()) is not None:
            yield block

    def available(self, now: float) -> list[Block]:
        """See `Source`."""
        result = []
        while not self.ended:
            if self._held is None:
                try:
                    self._held = self._queue.get_nowait()
                except queue.Empty:
                    break
                if self._held is None:
                    self.ended = True
                    break
            if self._origin is None:
                self._origin = now - len(self._held) / self.sample_rate
            at = self._origin + self._samples / self.sample_rate
            if now - at > _LATE + len(self._held) / self.sample_rate and self._queue.empty():
                self._origin += now - at - len(self._held) / self.sample_rate
                at = self._origin + self._samples / self.sample_rate
            if at + len(self._held) / self.sample_rate > now + 0.005:
                break
            result.append(Block(self._held, at))
            self._samples += len(self._held)
            self._held = None
        return result

    def close(self) -> None:
        """See `Source`."""
        self.ended = True

    def _one(self) -> np.ndarray | None:
        size = max(1, round(_BLOCK_SECONDS * self.sample_rate)) * self._channels * np.dtype(self._type).itemsize
        data = self._stream.read(size)
        frame = self._channels * np.dtype(self._type).itemsize
        data = data[: len(data) - len(data) % frame]
        if not data:
            return None
        samples = np.frombuffer(data, self._type).astype(np.float32) * np.float32(self._scale)
        return samples.reshape(-1, self._channels)

    def _read(self) -> None:
        while not self.ended:
            try:
                block = self._one()
            except (OSError, ValueError):  # closed meanwhile
                block = None
            while not self.ended:
                try:
                    self._queue.put(block, timeout=0.2)
                    break
                except queue.Full:
                    time.sleep(0)
            if block is None:
                return
